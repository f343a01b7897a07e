from __future__ import annotations

import asyncio
import threading
import unicodedata

import pytest
from argon2 import PasswordHasher

from storage.errors import InvalidValueError
from storage.passwords import MAX_PASSWORD_BYTES, NO_PASSWORD, hash_password, verify_password

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


async def test_a_password_is_verified_against_its_hash() -> None:
    stored = await hash_password("jelszó", hasher=CHEAP)
    assert stored.startswith("$argon2id$")
    assert await verify_password(stored, "jelszó", hasher=CHEAP)
    assert not await verify_password(stored, "jelszo", hasher=CHEAP)


async def test_two_hashes_of_one_password_differ() -> None:
    assert await hash_password("x", hasher=CHEAP) != await hash_password("x", hasher=CHEAP)


async def test_the_normal_form_of_a_keyboard_does_not_matter() -> None:
    stored = await hash_password(unicodedata.normalize("NFD", "jelszó"), hasher=CHEAP)
    assert await verify_password(stored, unicodedata.normalize("NFC", "jelszó"), hasher=CHEAP)


@pytest.mark.parametrize("password", ["", "x" * (MAX_PASSWORD_BYTES + 1), "é" * MAX_PASSWORD_BYTES])
async def test_an_empty_or_endless_password_is_refused(password: str) -> None:
    with pytest.raises(InvalidValueError):
        await hash_password(password, hasher=CHEAP)


@pytest.mark.parametrize("stored", ["", "plain", "$argon2id$v=19$m=8,t=1,p=1$cut", "$argon2id$…"])
async def test_a_malformed_hash_matches_nothing(stored: str) -> None:
    assert not await verify_password(stored, "x", hasher=CHEAP)


async def test_an_endless_password_matches_nothing() -> None:
    stored = await hash_password("x", hasher=CHEAP)
    assert not await verify_password(stored, "x" * 10**6, hasher=CHEAP)


async def test_at_most_two_are_computed_at_a_time_and_never_on_the_event_loop() -> None:
    class Counting(PasswordHasher):
        at_once = most = 0
        lock = threading.Lock()
        both_here = threading.Barrier(2, timeout=10)

        def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
            assert threading.current_thread() is not threading.main_thread()
            with self.lock:
                self.at_once += 1
                self.most = max(self.most, self.at_once)
            self.both_here.wait()
            with self.lock:
                self.at_once -= 1
            return "hash"

    hasher = Counting()
    await asyncio.gather(*(hash_password("x", hasher=hasher) for _ in range(8)))
    assert hasher.most == 2


async def test_no_password_opens_an_account_that_has_none() -> None:
    for password in ("", "!", NO_PASSWORD):
        assert not await verify_password(NO_PASSWORD, password)
