"""Who may come in, as the roster says it."""

from __future__ import annotations

import dataclasses
import ipaddress
from datetime import UTC, datetime

import pytest

from handlers.errors import AuthenticationError
from handlers.roster import Roster, _narrowest_first
from storage.records import BindingRecord, DeviceRecord, UserRecord

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)

ANNA = UserRecord("anna", "anna@example.org", "hu", "user", None, False, MOMENT, MOMENT)
BELA = UserRecord("bela", "bela@example.org", "en", "user", None, False, MOMENT, MOMENT)


def device(id_: str, user: str, **changes: object) -> DeviceRecord:
    plain = DeviceRecord(
        id_, user, f"{id_} device", "konyha", None, f"token-{id_}", MOMENT, MOMENT, None, None
    )
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


def binding(network: str, device_id: str, listener: str = "default", id_: str = "b") -> BindingRecord:
    return BindingRecord(id_, device_id, "anna", listener, network, False, MOMENT)


def roster(
    *devices: DeviceRecord, revoked: tuple[str, ...] = (), bindings: tuple[BindingRecord, ...] = ()
) -> Roster:
    return Roster(
        users={"anna": ANNA, "bela": BELA},
        devices={one.id: one for one in devices},
        revoked=frozenset(revoked),
        bindings=_narrowest_first(list(bindings)),
    )


def test_a_token_stands_for_its_device_and_that_devices_user() -> None:
    identity = roster(device("a1", "anna"), device("b1", "bela")).identity_of_token("b1", "token-b1", 5.0)
    assert (identity.user_id, identity.device_id, identity.language) == ("bela", "b1", "en")


def test_a_device_speaks_its_own_language_before_its_users() -> None:
    one = roster(device("a1", "anna", language="en-GB"))
    assert one.identity_of_token("a1", "token-a1", 5.0).language == "en"


@pytest.mark.parametrize(
    ("one", "fault"),
    [
        (roster(), "removed"),
        (roster(device("a1", "anna", revoked_at=MOMENT)), "revoked"),
        (roster(device("a1", "anna", token_id="newer")), "replaced"),
        (roster(device("a1", "anna", token_id=None)), "replaced"),
        (roster(device("a1", "anna"), revoked=("token-a1",)), "revoked"),
        (roster(device("a1", "nobody")), "user was removed"),
    ],
)
def test_a_token_that_no_longer_counts_is_refused(one: Roster, fault: str) -> None:
    with pytest.raises(AuthenticationError, match=fault):
        one.identity_of_token("a1", "token-a1", 5.0)


def test_the_narrowest_binding_wins() -> None:
    one = roster(
        device("wide", "anna"),
        device("narrow", "anna"),
        bindings=(binding("192.168.0.0/16", "wide", id_="1"), binding("192.168.1.7/32", "narrow", id_="2")),
    )
    assert one.binding_for("default", "192.168.1.7").device_id == "narrow"  # type: ignore[union-attr]
    assert one.binding_for("default", "192.168.1.8").device_id == "wide"  # type: ignore[union-attr]
    assert one.binding_for("default", "10.0.0.1") is None


def test_a_binding_counts_on_its_own_listener_only() -> None:
    one = roster(device("a1", "anna"), bindings=(binding("127.0.0.1/32", "a1", listener="anna"),))
    assert one.binding_for("default", "127.0.0.1") is None
    assert one.binding_for("anna", "127.0.0.1") is not None


def test_an_ipv4_peer_on_a_dual_stack_listener_is_matched_as_ipv4() -> None:
    one = roster(device("a1", "anna"), bindings=(binding("192.168.1.7/32", "a1"),))
    assert one.binding_for("default", "::ffff:192.168.1.7") is not None


def test_an_ipv6_network_does_not_cover_ipv4() -> None:
    one = roster(device("a1", "anna"), bindings=(binding("::/0", "a1"),))
    assert one.binding_for("default", "192.168.1.7") is None
    assert one.binding_for("default", "fd00::1") is not None


def test_an_address_that_is_none_matches_nothing() -> None:
    one = roster(device("a1", "anna"), bindings=(binding("0.0.0.0/0", "a1"),))
    assert one.binding_for("default", "unix-socket") is None


def test_an_identity_follows_what_its_owner_changed() -> None:
    before = roster(device("a1", "anna")).identity_of_token("a1", "token-a1", 5.0)
    after = roster(device("a1", "anna", area="nappali", language="en")).refreshed(before)
    assert after is not None
    assert (after.area, after.language, after.expires_at) == ("nappali", "en", 5.0)


@pytest.mark.parametrize(
    "later",
    [
        roster(),
        roster(device("a1", "anna", revoked_at=MOMENT)),
        roster(device("a1", "anna", token_id="newer")),
        roster(device("a1", "anna"), revoked=("token-a1",)),
        roster(device("a1", "bela")),
    ],
)
def test_an_identity_ends_with_its_credential_or_when_the_device_changes_hands(later: Roster) -> None:
    identity = roster(device("a1", "anna")).identity_of_token("a1", "token-a1", 5.0)
    assert later.refreshed(identity) is None


def test_an_identity_of_a_binding_outlives_a_new_token_but_not_the_binding() -> None:
    bound = binding("10.0.0.0/8", "a1")
    identity = roster(device("a1", "anna"), bindings=(bound,)).identity_of_binding(bound)
    assert roster(device("a1", "anna", token_id="newer"), bindings=(bound,)).refreshed(identity) is not None
    assert roster(device("a1", "anna")).refreshed(identity) is None
    moved = binding("10.0.0.0/8", "a2")
    assert roster(device("a1", "anna"), device("a2", "anna"), bindings=(moved,)).refreshed(identity) is None


def test_networks_are_parsed_once_and_sorted() -> None:
    ordered = _narrowest_first([binding("10.0.0.0/8", "a", id_="1"), binding("10.1.0.0/16", "b", id_="2")])
    assert [network for network, _ in ordered] == [
        ipaddress.ip_network("10.1.0.0/16"),
        ipaddress.ip_network("10.0.0.0/8"),
    ]
