from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from zeroconf import IPVersion, ServiceStateChange
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from config.errors import SettingsError
from config.listen import parse_listen
from wyoming_central import discovery
from wyoming_central.discovery import (
    SERVICE_TYPE,
    Advertisement,
    Interface,
    Mode,
    Plan,
    interfaces_up,
    plan,
    server_id,
)


def _interface(name: str, *addresses: str) -> Interface:
    return Interface(name, tuple(map(ip_address, addresses)))


LO = _interface("lo", "127.0.0.1", "::1")
LAN = _interface("eth0", "192.168.1.5", "fd00::5", "fe80::5")
WIFI = _interface("wlan0", "10.7.0.5")
DOCKER = _interface("docker0", "172.17.0.1")
BRIDGE = _interface("br-0123456789ab", "10.213.0.1")
ALL = (LO, DOCKER, BRIDGE, LAN, WIFI)


def _plan(
    listen: str, *, mode: Mode = "auto", chosen: Sequence[str] = (), interfaces: Sequence[Interface] = ALL
) -> Plan:
    return plan(parse_listen(listen), interfaces, mode=mode, chosen=chosen, name="Hub", identifier="abcd1234")


def _addresses(found: Plan) -> list[list[str]]:
    return [[str(address) for address in service.addresses] for service in found.services]


class TestPlan:
    def test_a_listener_on_every_interface_is_announced_with_the_addresses_others_can_use(self) -> None:
        assert _addresses(_plan("tcp://0.0.0.0:1")) == [["10.7.0.5", "192.168.1.5"]]

    def test_ipv6_is_announced_without_link_local_addresses(self) -> None:
        assert _addresses(_plan("tcp://[::]:1")) == [["fd00::5"]]

    def test_a_name_and_port_on_both_families_is_one_service_with_ipv4_first(self) -> None:
        assert _addresses(_plan("tcp://[::]:1,tcp://0.0.0.0:1")) == [["10.7.0.5", "192.168.1.5", "fd00::5"]]

    def test_a_listener_on_one_address_is_announced_with_that_alone(self) -> None:
        found = _plan("tcp://192.168.1.5:1")
        assert _addresses(found) == [["192.168.1.5"]]
        assert [str(address) for address in found.carriers] == ["192.168.1.5", "fd00::5"]

    def test_an_address_that_no_interface_has_is_not_announced(self) -> None:
        assert _plan("tcp://192.168.1.99:1").services == ()

    @pytest.mark.parametrize("listen", ["tcp://127.0.0.1:1", "tcp://[::1]:1"])
    def test_loopback_is_announced_only_when_forced(self, listen: str) -> None:
        assert _plan(listen).services == ()
        assert len(_plan(listen, mode="on").services) == 1

    def test_loopback_multicast_is_ipv4_alone(self) -> None:
        assert [str(address) for address in _plan("tcp://127.0.0.1:1", mode="on").carriers] == ["127.0.0.1"]

    def test_loopback_is_not_offered_beside_what_others_can_reach(self) -> None:
        assert "127.0.0.1" not in _addresses(_plan("tcp://0.0.0.0:1", mode="on"))[0]
        assert _addresses(_plan("tcp://0.0.0.0:1", mode="on", interfaces=[LO])) == [["127.0.0.1"]]

    def test_off_announces_nothing(self) -> None:
        assert _plan("tcp://0.0.0.0:1", mode="off") == Plan()

    def test_bridges_of_container_engines_are_left_out_unless_chosen(self) -> None:
        assert _addresses(_plan("tcp://0.0.0.0:1", chosen=["docker0"])) == [["172.17.0.1"]]

    @pytest.mark.parametrize("chosen", ["wlan0", "10.7.0.5"])
    def test_an_interface_is_chosen_by_name_or_address(self, chosen: str) -> None:
        assert _addresses(_plan("tcp://0.0.0.0:1", chosen=[chosen])) == [["10.7.0.5"]]

    def test_an_interface_that_is_not_there_leaves_nothing(self) -> None:
        assert _plan("tcp://0.0.0.0:1", chosen=["eth7"]) == Plan()

    def test_listeners_of_other_names_are_services_of_their_own(self) -> None:
        found = _plan("tcp://0.0.0.0:1,kitchen=tcp://0.0.0.0:2,tcp://0.0.0.0:3")
        assert [(service.label, service.port, service.listener) for service in found.services] == [
            ("Hub abcd1234", 1, "default"),
            ("Hub abcd1234 kitchen", 2, "kitchen"),
            ("Hub abcd1234 3", 3, "default"),
        ]

    @given(st.text(min_size=1, max_size=48), st.sampled_from(["default", "a" * 32]))
    def test_any_name_makes_a_service_name_that_dns_takes(self, name: str, listener: str) -> None:
        (service, *_) = plan(
            parse_listen(f"{listener}=tcp://0.0.0.0:1"), ALL, mode="auto", name=name, identifier="abcd1234"
        ).services
        assert 0 < len(service.label.encode()) <= 60
        assert "." not in service.label
        AsyncServiceInfo(SERVICE_TYPE, f"{service.label}-9.{SERVICE_TYPE}")


class TestServerId:
    def test_it_is_made_once(self, tmp_path: Path) -> None:
        identifier = server_id(tmp_path)
        assert len(identifier) == 8
        assert server_id(tmp_path) == identifier

    def test_a_file_that_holds_something_else_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "server-id").write_text("../../etc", encoding="utf-8")
        with pytest.raises(SettingsError, match="holds no identifier"):
            server_id(tmp_path)


def test_this_machine_has_loopback() -> None:
    assert any(ip_address("127.0.0.1") in interface.addresses for interface in interfaces_up())


# Of this run alone: others may announce themselves on the same machine meanwhile.
IDENTIFIER = secrets.token_hex(4)
LABEL = f"Hub {IDENTIFIER}"


def _advertisement(listen: str = "tcp://127.0.0.1:10599", **options: Any) -> Advertisement:
    given_options: dict[str, Any] = {
        "name": "Hub",
        "identifier": IDENTIFIER,
        "version": "1.2.3",
        "mode": "on",
        "interfaces": lambda: [LO],
    }
    return Advertisement(parse_listen(listen), **{**given_options, **options})


class Neighbour:
    """Somebody else on the loopback network who looks around."""

    def __init__(self, zeroconf: AsyncZeroconf) -> None:
        self.zeroconf = zeroconf
        self.seen: asyncio.Queue[tuple[ServiceStateChange, str]] = asyncio.Queue()
        self.browser = AsyncServiceBrowser(zeroconf.zeroconf, SERVICE_TYPE, handlers=[self._on_change])

    def _on_change(
        self, zeroconf: Any, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        if IDENTIFIER in name:
            self.seen.put_nowait((state_change, name.removesuffix(f".{SERVICE_TYPE}")))

    async def next(self) -> tuple[ServiceStateChange, str]:
        async with asyncio.timeout(15):
            return await self.seen.get()

    async def look_at(self, label: str) -> AsyncServiceInfo:
        info = await self.zeroconf.async_get_service_info(SERVICE_TYPE, f"{label}.{SERVICE_TYPE}")
        assert info is not None
        return info


@pytest.fixture
async def neighbour() -> AsyncIterator[Neighbour]:
    async with AsyncZeroconf(interfaces=["127.0.0.1"], ip_version=IPVersion.V4Only) as zeroconf:
        someone = Neighbour(zeroconf)
        yield someone
        await someone.browser.async_cancel()


ADDED, REMOVED = ServiceStateChange.Added, ServiceStateChange.Removed


@pytest.mark.slow
async def test_a_neighbour_finds_the_server_and_sees_it_go(neighbour: Neighbour) -> None:
    async with _advertisement() as advertisement:
        assert await neighbour.next() == (ADDED, LABEL)
        assert await advertisement.announced() == (f"{LABEL}.{SERVICE_TYPE}",)
        info = await neighbour.look_at(LABEL)
        assert (info.parsed_addresses(), info.port) == (["127.0.0.1"], 10599)
        assert info.server == f"wyoming-central-{IDENTIFIER}.local."
        assert info.decoded_properties == {"id": IDENTIFIER, "version": "1.2.3", "listener": "default"}
    assert await neighbour.next() == (REMOVED, LABEL)


@pytest.mark.slow
async def test_a_server_of_the_same_name_gets_a_number_and_a_warning(neighbour: Neighbour) -> None:
    with structlog.testing.capture_logs() as logs:
        async with _advertisement() as first:
            await first.announced()
            # On an address of its own, as on another machine: of sockets that share address and port, the
            # system picks one for what is meant for another, and a name that is taken is not heard of.
            elsewhere = [_interface("lo", "127.0.0.2")]
            async with _advertisement("tcp://127.0.0.2:10600", interfaces=lambda: elsewhere) as second:
                assert await second.announced() == (f"{LABEL}-2.{SERVICE_TYPE}",)
                assert await neighbour.next() == (ADDED, LABEL)
                assert await neighbour.next() == (ADDED, f"{LABEL}-2")
                assert (await neighbour.look_at(LABEL)).port == 10599
                info = await neighbour.look_at(f"{LABEL}-2")
                # A host name of its own, too: else each would be found at the addresses of both.
                assert (info.port, info.server) == (10600, f"wyoming-central-{IDENTIFIER}-2.local.")
            assert await neighbour.next() == (REMOVED, f"{LABEL}-2")
    assert [line["event"] for line in logs if line["log_level"] == "warning"] == [
        "another server in this network has the same name"
    ]


@pytest.mark.slow
async def test_addresses_that_change_are_announced_anew(neighbour: Neighbour) -> None:
    current = [_interface("lo", "127.0.0.1")]
    async with _advertisement(
        "tcp://127.0.0.1:1", interfaces=lambda: list(current), refresh_seconds=0.05
    ) as advertisement:
        assert await neighbour.next() == (ADDED, LABEL)
        await advertisement.announced()
        current.clear()
        assert await neighbour.next() == (REMOVED, LABEL)
        current.append(LO)
        assert await neighbour.next() == (ADDED, LABEL)


class TestWithoutNetwork:
    async def test_off_starts_nothing(self) -> None:
        async with _advertisement(mode="off") as advertisement:
            assert await advertisement.announced() == ()

    async def test_only_loopback_is_no_warning(self) -> None:
        with structlog.testing.capture_logs() as logs:
            async with _advertisement(mode="auto") as advertisement:
                assert await advertisement.announced() == ()
        assert [line["log_level"] for line in logs] == ["info"]

    async def test_no_interface_is_one_warning_however_often_it_is_looked_for(self) -> None:
        looks: asyncio.Queue[None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def none() -> list[Interface]:
            loop.call_soon_threadsafe(looks.put_nowait, None)
            return []

        with structlog.testing.capture_logs() as logs:
            async with _advertisement(
                "tcp://0.0.0.0:1", interfaces=none, refresh_seconds=0.001
            ) as advertisement:
                assert await advertisement.announced() == ()
                for _ in range(3):
                    await looks.get()
        assert [line["log_level"] for line in logs] == ["warning"]

    async def test_interfaces_that_cannot_be_listed_are_a_warning(self) -> None:
        def fail() -> list[Interface]:
            raise OSError("no such machine")

        with structlog.testing.capture_logs() as logs:
            async with _advertisement(interfaces=fail) as advertisement:
                assert await advertisement.announced() == ()
        assert [(line["log_level"], line["reason"]) for line in logs] == [("warning", "no such machine")]

    @pytest.mark.parametrize(
        "error", [OSError(101, "Network is unreachable"), RuntimeError("No adapter found")]
    )
    async def test_a_network_that_refuses_is_a_warning_and_tried_again(
        self, monkeypatch: pytest.MonkeyPatch, error: Exception
    ) -> None:
        tries: asyncio.Queue[None] = asyncio.Queue()

        def refuse(**_: Any) -> AsyncZeroconf:
            tries.put_nowait(None)
            raise error

        monkeypatch.setattr(discovery, "AsyncZeroconf", refuse)
        with structlog.testing.capture_logs() as logs:
            async with _advertisement(refresh_seconds=0.001) as advertisement:
                assert await advertisement.announced() == ()
                for _ in range(3):
                    await tries.get()
        assert [line["log_level"] for line in logs] == ["warning"]

    # zeroconf leaves the socket it had opened by then to the garbage collector.
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
    async def test_an_address_that_is_not_ours_is_a_warning(self) -> None:
        # TEST-NET-3: an interface that was there when we looked, and is gone when we bind to it.
        gone = _interface("eth9", "203.0.113.9")
        with structlog.testing.capture_logs() as logs:
            async with _advertisement("tcp://203.0.113.9:1", interfaces=lambda: [gone]) as advertisement:
                await advertisement.announced()
        assert [line["log_level"] for line in logs] == ["warning"]

    async def test_it_can_be_stopped_before_it_has_looked_around(self) -> None:
        advertisement = _advertisement()
        advertisement.start()
        waiting = asyncio.create_task(advertisement.announced())
        async with asyncio.timeout(5):
            await advertisement.stop()
            assert await waiting == ()

    @pytest.mark.parametrize("moment", ["__init__", "async_register_service"])
    async def test_stopped_while_it_is_announcing_it_leaves_no_socket(
        self, monkeypatch: pytest.MonkeyPatch, moment: str
    ) -> None:
        reached = asyncio.Event()
        original = getattr(AsyncZeroconf, moment)

        def tell(*args: Any, **options: Any) -> Any:
            reached.set()
            return original(*args, **options)

        monkeypatch.setattr(AsyncZeroconf, moment, tell)
        advertisement = _advertisement()
        advertisement.start()
        async with asyncio.timeout(5):
            await reached.wait()
            await advertisement.stop()
            await advertisement.stop()
            assert await advertisement.announced() == ()

    async def test_a_bug_is_logged_and_leaves_nobody_waiting(self) -> None:
        def bug() -> list[Interface]:
            raise ZeroDivisionError

        with structlog.testing.capture_logs() as logs:
            async with asyncio.timeout(5), _advertisement(interfaces=bug) as advertisement:
                assert await advertisement.announced() == ()
        assert [line["log_level"] for line in logs] == ["error"]
