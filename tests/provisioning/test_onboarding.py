from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from provisioning import onboarding as onboarding_module
from provisioning.driver import Endpoint
from provisioning.errors import FailureReason, HalfMadeOwnerError, InstanceError
from provisioning.home_http import session_for_homes
from provisioning.onboarding import MAX_ANSWER_BYTES, USERNAME, Onboarding, Step
from tests.provisioning.stand_in_onboarding import OPEN, StandInOnboardingServer


class Account:
    """Secrets in memory; what is set is there for the next run."""

    def __init__(self, password: str | None = None) -> None:
        self.stored_password = password
        self.stored: tuple[str, str] | None = None

    async def password(self) -> str | None:
        return self.stored_password

    async def set_password(self, password: str) -> None:
        self.stored_password = password

    async def set_token(self, url: str, token: str) -> None:
        self.stored = (url, token)


class Crash(BaseException):
    """The server is killed."""


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with session_for_homes() as session:
        yield session


@pytest.fixture
async def server() -> AsyncIterator[StandInOnboardingServer]:
    async with StandInOnboardingServer() as server:
        yield server


@pytest.fixture
def account() -> Account:
    return Account()


async def test_a_new_home_assistant_gets_an_owner_and_a_token(
    http: aiohttp.ClientSession, server: StandInOnboardingServer, account: Account
) -> None:
    token = await Onboarding(http=http).run(server.endpoint, account, language="hu")
    assert account.stored == (server.endpoint.url, token)
    assert server.passwords == {USERNAME: account.stored_password}
    assert server.language == "hu"
    assert list(server.long_lived.values()) == [token]
    assert server.access == set(), "the login it needed is given back"


async def test_steps_that_were_not_seeded_are_done(http: aiohttp.ClientSession, account: Account) -> None:
    async with StandInOnboardingServer(done=()) as server:
        await Onboarding(http=http).run(server.endpoint, account, language="en")
        assert set(server.done) == set(OPEN)


async def test_one_that_is_past_its_onboarding_is_logged_in_to(
    http: aiohttp.ClientSession, server: StandInOnboardingServer, account: Account
) -> None:
    await Onboarding(http=http).run(server.endpoint, account, language="hu")
    server.gone = True  # Home Assistant serves no onboarding any more after its next start
    token = await Onboarding(http=http).run(server.endpoint, account, language="hu")
    assert list(server.long_lived.values()) == [token], "the token that this one replaces is deleted"


@pytest.mark.parametrize("step", [step for step in Step if step is not Step.LOGGED_IN])
async def test_a_crash_after_any_step_is_mended_by_the_next_run(
    http: aiohttp.ClientSession, server: StandInOnboardingServer, account: Account, step: Step
) -> None:
    async def crash(reached: Step) -> None:
        if reached is step:
            raise Crash

    with pytest.raises(Crash):
        await Onboarding(http=http, checkpoint=crash).run(server.endpoint, account, language="hu")
    token = await Onboarding(http=http).run(server.endpoint, account, language="hu")
    assert account.stored == (server.endpoint.url, token)
    assert list(server.long_lived.values()) == [token], "nothing of the first run is left"


async def test_a_crash_while_logging_in_again_is_mended_too(
    http: aiohttp.ClientSession, server: StandInOnboardingServer, account: Account
) -> None:
    async def crash(reached: Step) -> None:
        if reached is Step.LOGGED_IN:
            raise Crash

    await Onboarding(http=http).run(server.endpoint, account, language="hu")
    with pytest.raises(Crash):
        await Onboarding(http=http, checkpoint=crash).run(server.endpoint, account, language="hu")
    token = await Onboarding(http=http).run(server.endpoint, account, language="hu")
    assert account.stored == (server.endpoint.url, token)


async def test_the_password_is_stored_before_it_is_used(
    http: aiohttp.ClientSession, server: StandInOnboardingServer, account: Account
) -> None:
    async def look(reached: Step) -> None:
        if reached is Step.PASSWORD_STORED:
            assert account.stored_password is not None
            assert server.passwords == {}

    await Onboarding(http=http, checkpoint=look).run(server.endpoint, account, language="hu")


async def test_a_home_assistant_of_somebody_else_is_not_taken(
    http: aiohttp.ClientSession, server: StandInOnboardingServer, account: Account
) -> None:
    server.done.append("user")
    with pytest.raises(InstanceError) as refusal:
        await Onboarding(http=http).run(server.endpoint, account, language="hu")
    assert refusal.value.reason is FailureReason.ONBOARDING
    assert not refusal.value.transient
    assert account.stored_password is None


async def test_an_account_that_was_half_made_is_told_as_that(
    http: aiohttp.ClientSession, server: StandInOnboardingServer, account: Account
) -> None:
    server.half_makes_the_owner = True
    with pytest.raises(InstanceError):
        await Onboarding(http=http).run(server.endpoint, account, language="hu")
    with pytest.raises(HalfMadeOwnerError) as failure:
        await Onboarding(http=http).run(server.endpoint, account, language="hu")
    assert failure.value.transient
    assert str(account.stored_password) not in str(failure.value)


async def test_a_password_that_was_changed_is_said_and_told_to_nobody(
    http: aiohttp.ClientSession, server: StandInOnboardingServer
) -> None:
    server.done.append("user")
    server.passwords[USERNAME] = "the owner's own"
    with pytest.raises(InstanceError) as refusal:
        await Onboarding(http=http).run(server.endpoint, Account("the generated one"), language="hu")
    assert not refusal.value.transient
    assert "the generated one" not in str(refusal.value)


async def test_a_renewed_token_leaves_the_old_one_until_the_next(
    http: aiohttp.ClientSession, server: StandInOnboardingServer, account: Account
) -> None:
    onboarding = Onboarding(http=http)
    first = await onboarding.run(server.endpoint, account, language="hu")
    second = await onboarding.renew(server.endpoint, account, first)
    assert account.stored == (server.endpoint.url, second)
    assert set(server.long_lived.values()) == {first, second}, "the first one is in use while it is replaced"
    third = await onboarding.renew(server.endpoint, account, second)
    assert set(server.long_lived.values()) == {second, third}


async def test_a_refused_token_cannot_be_renewed(
    http: aiohttp.ClientSession, server: StandInOnboardingServer, account: Account
) -> None:
    with pytest.raises(InstanceError) as refusal:
        await Onboarding(http=http).renew(server.endpoint, account, "no-token")
    assert refusal.value.reason is FailureReason.ONBOARDING
    assert "no-token" not in str(refusal.value)


async def test_whether_it_answers_is_asked_where_no_token_is_needed(
    http: aiohttp.ClientSession, server: StandInOnboardingServer
) -> None:
    onboarding = Onboarding(http=http)
    assert await onboarding.answers(server.endpoint)
    server.gone = True
    assert await onboarding.answers(server.endpoint)
    server.answer_instead = web.Response(status=503)
    assert not await onboarding.answers(server.endpoint)
    assert not await onboarding.answers(Endpoint("http://127.0.0.1:1"))
    assert set(server.requests) == {"GET /api/onboarding"}


@pytest.mark.parametrize(
    "answer",
    [
        b"[" + b" " * MAX_ANSWER_BYTES + b"]",
        b"<html>",
        b"{}",
        b'[{"step": "user", "done": false}]',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
    ids=["endless", "html", "object", "always-the-same", "deep", "bytes"],
)
async def test_what_answers_nonsense_is_a_failed_onboarding(
    http: aiohttp.ClientSession, server: StandInOnboardingServer, account: Account, answer: bytes
) -> None:
    server.answer_instead = answer
    with pytest.raises(InstanceError) as failure:
        await Onboarding(http=http).run(server.endpoint, account, language="hu")
    assert failure.value.reason is FailureReason.ONBOARDING
    assert failure.value.transient


async def test_no_redirect_is_followed(
    http: aiohttp.ClientSession, server: StandInOnboardingServer, account: Account
) -> None:
    async with StandInOnboardingServer() as elsewhere:
        server.answer_instead = web.Response(status=307, headers={"Location": elsewhere.endpoint.url})
        with pytest.raises(InstanceError):
            await Onboarding(http=http).run(server.endpoint, account, language="hu")
        assert elsewhere.requests == []


async def test_one_that_never_answers_is_given_up(
    http: aiohttp.ClientSession,
    server: StandInOnboardingServer,
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(onboarding_module, "REQUEST_SECONDS", 0.05)
    server.hangs = True
    with pytest.raises(InstanceError) as failure:
        await Onboarding(http=http).run(server.endpoint, account, language="hu")
    assert failure.value.transient
