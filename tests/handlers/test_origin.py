"""What counts as one place that connections come from."""

from __future__ import annotations

import pytest

from handlers.origin import origin_of


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("192.168.1.20", "192.168.1.20"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("not:an:address", "not:an:address"),
    ],
)
def test_an_ipv4_address_is_itself_and_an_ipv6_address_is_its_network(address: str, origin: str) -> None:
    assert origin_of(address) == origin
