"""From credentials to identities, while the database may be slow or gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from handlers import authenticate
from handlers.authenticate import Authenticator
from handlers.device_token import TokenKeys
from handlers.errors import AuthenticationError
from handlers.roster import Roster
from storage.errors import StorageUnavailableError
from storage.records import DeviceRecord, UserRecord

NOW = 1_800_000_000.0
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
ANNA = UserRecord("anna", "anna@example.org", "hu", "user", None, False, MOMENT, MOMENT)
KEYS = TokenKeys(["a signing secret of more than 32 bytes"])
TOKEN = KEYS.mint("a1", now=NOW, lifetime_seconds=60)
DEVICE = DeviceRecord("a1", "anna", "Konyha", None, None, TOKEN.token_id, MOMENT, MOMENT, None, None)
KNOWN = Roster(users={"anna": ANNA}, devices={"a1": DEVICE})


class StandInRoster:
    """Knows nobody until it is read again, which the test decides how."""

    def __init__(self, read: Callable[[], Roster]) -> None:
        self.current = Roster()
        self.reads = 0
        self._read = read

    async def reload(self) -> Roster:
        self.reads += 1
        self.current = self._read()
        return self.current


class HangingRoster(StandInRoster):
    async def reload(self) -> Roster:
        await asyncio.Event().wait()
        return self.current


def authenticator(roster: StandInRoster) -> Authenticator:
    return Authenticator(keys=KEYS, roster=roster, clock=lambda: NOW)  # type: ignore[arg-type]


async def test_a_token_made_a_moment_ago_is_looked_up() -> None:
    identity = await authenticator(StandInRoster(lambda: KNOWN)).by_token(TOKEN.text)
    assert (identity.user_id, identity.device_id) == ("anna", "a1")


async def test_only_a_token_of_our_own_makes_us_read_the_database() -> None:
    roster = StandInRoster(lambda: KNOWN)
    forged = TokenKeys(["another secret of more than 32 bytes!"]).mint("a1", now=NOW, lifetime_seconds=60)
    with pytest.raises(AuthenticationError):
        await authenticator(roster).by_token(forged.text)
    assert roster.reads == 0


async def test_a_token_that_cannot_be_looked_up_is_refused_rather_than_an_inner_failure() -> None:
    def locked() -> Roster:
        raise StorageUnavailableError("the database is not available: locked")

    with pytest.raises(AuthenticationError, match="at the moment"):
        await authenticator(StandInRoster(locked)).by_token(TOKEN.text)


async def test_a_database_that_hangs_does_not_keep_a_speaker_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authenticate, "RELOAD_SECONDS", 0.01)
    with pytest.raises(AuthenticationError, match="at the moment"):
        await asyncio.wait_for(authenticator(HangingRoster(lambda: KNOWN)).by_token(TOKEN.text), 5)
