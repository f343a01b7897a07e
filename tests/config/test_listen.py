from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.listen import ListenAddress, parse_listen


def _one(text: str) -> ListenAddress:
    (address,) = parse_listen(text)
    return address


def test_an_address_without_a_name_is_the_default_listener() -> None:
    assert _one("tcp://127.0.0.1:10500") == ListenAddress("default", "tcp", "127.0.0.1", 10500)


def test_several_addresses_are_separated_by_commas_and_may_have_names() -> None:
    assert parse_listen(" tcp://192.168.1.5:1 , kitchen=tcp://[::1]:2,") == (
        ListenAddress("default", "tcp", "192.168.1.5", 1),
        ListenAddress("kitchen", "tcp", "::1", 2),
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "names no address"),
        (" , ", "names no address"),
        ("127.0.0.1:10500", "does not have the form"),
        ("tcp://127.0.0.1", "lacks its port"),
        ("tcp://:10500", "lacks its host"),
        ("tcp://127.0.0.1:65536", "Port out of range"),
        ("tcp://127.0.0.1:port", "Port could not be cast"),
        ("tcp://127.0.0.1:-1", "Port"),
        ("tls://127.0.0.1:1", "tls is not served yet"),
        ("udp://127.0.0.1:1", "does not have the form"),
        ("tcp://127.0.0.1:1/path", "more than a host and a port"),
        ("tcp://user:hunter2@127.0.0.1:1", "more than a host and a port"),
        ("Kitchen=tcp://127.0.0.1:1", "no name for a listener"),
        ("=tcp://127.0.0.1:1", "no name for a listener"),
        ("tcp://300.0.0.1:1", "neither an address nor a host name"),
        ("tcp://127.0.0:1", "neither an address nor a host name"),
        ("tcp://a_b:1", "neither an address nor a host name"),
        ("tcp://[::1:1", "Invalid IPv6"),
        ("tcp://[nothing]:1", "nothing"),
    ],
)
def test_a_malformed_address_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        parse_listen(text)


def test_an_ipv6_host_stands_in_brackets_in_the_uri_alone() -> None:
    address = _one("tcp://[fd00::2]:10500")
    assert address.host == "fd00::2"
    assert address.uri == "tcp://[fd00::2]:10500"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "[::1]", "localhost"])
def test_loopback_hosts_are_known(host: str) -> None:
    assert _one(f"tcp://{host}:1").loopback


@pytest.mark.parametrize("address", ["0.0.0.0:1", "[::]:1", "192.168.1.5:1", "hub.example:1", "[fd00::2]:1"])
def test_other_hosts_are_not_loopback(address: str) -> None:
    assert not _one(f"tcp://{address}").loopback


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [
        ("127.0.0.1:1", "127.0.0.1:1", True),
        ("127.0.0.1:1", "127.0.0.1:2", False),
        ("0.0.0.0:1", "192.168.1.5:1", True),
        ("[::]:1", "[fd00::2]:1", True),
        ("[0::1]:1", "[::1]:1", True),
        ("0.0.0.0:1", "[::]:1", False),
        ("localhost:1", "127.0.0.1:1", True),
        ("localhost:1", "[::1]:1", True),
        ("hub.example:1", "hub.example:1", True),
        ("hub.example:1", "127.0.0.1:1", False),
        ("127.0.0.1:0", "127.0.0.1:0", False),
    ],
)
def test_listeners_overlap_where_both_cannot_be_bound(first: str, second: str, *, overlap: bool) -> None:
    a, b = _one(f"tcp://{first}"), _one(f"tcp://{second}")
    assert a.overlaps(b) is overlap
    assert b.overlaps(a) is overlap


@given(
    name=st.from_regex(r"[a-z0-9][a-z0-9_-]{0,31}", fullmatch=True),
    host=st.one_of(st.ip_addresses().map(str), st.sampled_from(["localhost", "hub.example"])),
    port=st.integers(0, 65_535),
)
def test_what_an_address_is_written_as_is_read_back(name: str, host: str, port: int) -> None:
    address = ListenAddress(name, "tcp", host, port)
    assert _one(str(address)) == address


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert parse_listen(text)
