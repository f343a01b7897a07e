from __future__ import annotations

import ipaddress
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.bindings import Bindings, canonical_network
from storage.devices import Devices
from storage.errors import AlreadyExistsError, InvalidValueError, NotFoundError
from storage.records import DeviceRecord, UserRecord


@pytest.fixture
async def device(devices: Devices, anna: UserRecord) -> DeviceRecord:
    return await devices.add(user_id=anna.id, name="konyha", area=None, language=None)


@pytest.mark.parametrize(
    ("network", "canonical"),
    [
        ("192.168.1.7", "192.168.1.7/32"),
        (" 192.168.1.0/24 ", "192.168.1.0/24"),
        ("192.168.1.0/255.255.255.0", "192.168.1.0/24"),
        ("FD00:0::/8", "fd00::/8"),
        ("::1", "::1/128"),
        ("::ffff:192.168.1.7", "192.168.1.7/32"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
    ],
)
def test_a_network_is_written_in_one_way(network: str, canonical: str) -> None:
    assert canonical_network(network) == canonical


@pytest.mark.parametrize(
    "network", ["", "konyha", "192.168.1.7/24", "1.2.3", "10.0.0.0/33", "::g", "fe80::1%eth0/64"]
)
def test_what_is_no_network_is_refused(network: str) -> None:
    with pytest.raises(InvalidValueError):
        canonical_network(network)


def test_an_address_with_the_prefix_of_its_network_is_told_both_ways_to_write_it() -> None:
    with pytest.raises(InvalidValueError) as caught:
        canonical_network("192.168.1.5/24")
    assert caught.value.remedy == "write 192.168.1.5 for the address, or 192.168.1.0/24 for the network"


@given(st.ip_addresses(), st.integers(0, 128))
def test_the_canonical_form_is_its_own(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, prefix: int
) -> None:
    network = ipaddress.ip_network((address, min(prefix, address.max_prefixlen)), strict=False)
    canonical = canonical_network(str(network))
    assert canonical_network(canonical) == canonical


@given(st.text())
def test_any_text_is_a_network_or_refused(text: str) -> None:
    with suppress(InvalidValueError):
        ipaddress.ip_network(canonical_network(text))


async def test_a_binding_knows_whose_its_device_is(
    bindings: Bindings, device: DeviceRecord, anna: UserRecord, bela: UserRecord
) -> None:
    added = await bindings.add(device_id=device.id, listener="default", network="10.0.0.1", write_only=True)
    assert (added.user_id, added.network, added.write_only) == (anna.id, "10.0.0.1/32", True)
    assert await bindings.list() == await bindings.list(anna.id) == (added,)
    assert await bindings.list(bela.id) == ()


async def test_one_network_on_one_listener_is_one_device(
    bindings: Bindings, devices: Devices, device: DeviceRecord, bela: UserRecord
) -> None:
    other = await devices.add(user_id=bela.id, name="x", area=None, language=None)
    await bindings.add(device_id=device.id, listener="default", network="10.0.0.1", write_only=False)
    for device_id in (device.id, other.id):
        with pytest.raises(AlreadyExistsError):
            await bindings.add(
                device_id=device_id, listener="default", network="::ffff:10.0.0.1/128", write_only=False
            )
    await bindings.add(device_id=other.id, listener="second", network="10.0.0.1", write_only=False)


@pytest.mark.parametrize("network", ["10.0.0.0/24", "10.0.0.7/32", "0.0.0.0/0"])
async def test_networks_of_two_users_share_no_address_on_a_listener(
    bindings: Bindings, devices: Devices, device: DeviceRecord, bela: UserRecord, network: str
) -> None:
    """Else the end of one's binding would make their satellite the other's."""
    other = await devices.add(user_id=bela.id, name="x", area=None, language=None)
    await bindings.add(device_id=device.id, listener="default", network="10.0.0.0/28", write_only=False)
    with pytest.raises(AlreadyExistsError, match="of another user"):
        await bindings.add(device_id=other.id, listener="default", network=network, write_only=False)
    await bindings.add(device_id=other.id, listener="second", network=network, write_only=False)
    await bindings.add(device_id=other.id, listener="default", network="10.0.1.0/24", write_only=False)
    await bindings.add(device_id=other.id, listener="default", network="::/0", write_only=False)


async def test_networks_of_one_user_may_contain_one_another(bindings: Bindings, device: DeviceRecord) -> None:
    for network in ("10.0.0.1", "10.0.0.0/24", "0.0.0.0/0"):
        await bindings.add(device_id=device.id, listener="default", network=network, write_only=False)
    assert len(await bindings.list()) == 3


async def test_a_removed_binding_is_free_again(bindings: Bindings, device: DeviceRecord) -> None:
    added = await bindings.add(device_id=device.id, listener="default", network="10.0.0.1", write_only=False)
    await bindings.remove(added.id)
    assert await bindings.list() == ()
    with pytest.raises(NotFoundError):
        await bindings.remove(added.id)
    await bindings.add(device_id=device.id, listener="default", network="10.0.0.1", write_only=False)


@pytest.mark.parametrize("listener", ["", "x" * 65, "a\nb"])
async def test_a_listener_has_a_name(bindings: Bindings, device: DeviceRecord, listener: str) -> None:
    with pytest.raises(InvalidValueError):
        await bindings.add(device_id=device.id, listener=listener, network="10.0.0.1", write_only=False)


async def test_only_a_device_that_is_there_is_bound(bindings: Bindings) -> None:
    with pytest.raises(NotFoundError):
        await bindings.add(device_id="nothing", listener="default", network="10.0.0.1", write_only=False)
