from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from aiohttp import web

from provisioning.driver import Condition, InstanceSpec
from provisioning.errors import FailureReason, InstanceError
from provisioning.external import ExternalDriver, base_address
from storage.records import UserRecord

TOKEN = "the-right-token"
SPEC = InstanceSpec("a" * 32, "wyoming-central-aaaaaaaaaaaa", None)


class Stored:
    def __init__(self, url: str | None, token: str | None = TOKEN) -> None:
        self.url = url
        self.token = token

    async def get(self, user_id: str) -> UserRecord:
        now = datetime.now(UTC)
        return UserRecord(user_id, "anna@example.org", "hu", "user", self.url, True, now, now)

    async def home_token(self, user_id: str) -> str | None:
        return self.token


class HomeAssistant:
    """Says its version to whoever has the token."""

    def __init__(self) -> None:
        self.url = ""
        self.answer: web.Response | None = None
        self.asked = 0

    async def config(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.answer is not None:
            return self.answer
        if request.headers["Authorization"] != f"Bearer {TOKEN}":
            return web.Response(status=401)
        return web.json_response({"version": "2025.4.4"})


@pytest.fixture
async def ha() -> AsyncIterator[HomeAssistant]:
    ha = HomeAssistant()
    app = web.Application()
    app.router.add_get("/api/config", ha.config)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    ha.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield ha
    await runner.cleanup()


async def refusal(stored: Stored) -> InstanceError:
    with pytest.raises(InstanceError) as refusal:
        await ExternalDriver(credentials=stored, within=1).start(SPEC)
    assert TOKEN not in str(refusal.value)
    return refusal.value


async def test_one_that_answers_and_takes_the_token_runs(ha: HomeAssistant) -> None:
    driver = ExternalDriver(credentials=Stored(f"{ha.url}/"))
    assert (await driver.start(SPEC)).url == ha.url
    seen = (await driver.observe([SPEC.name]))[SPEC.name]
    assert (seen.condition, seen.version, seen.listening) == (Condition.RUNNING, "2025.4.4", True)
    assert seen.fingerprint == SPEC.fingerprint()


async def test_stopping_and_removing_it_only_forgets_it(ha: HomeAssistant) -> None:
    driver = ExternalDriver(credentials=Stored(ha.url))
    for forget in (driver.stop(SPEC.name, within=1), driver.remove(SPEC.name, keep_data=False)):
        await driver.start(SPEC)
        asked = ha.asked
        await forget
        assert (await driver.observe([SPEC.name]))[SPEC.name].condition is Condition.ABSENT
        assert ha.asked == asked


async def test_a_wrong_token_is_unauthorized_and_not_tried_again_by_itself(ha: HomeAssistant) -> None:
    error = await refusal(Stored(ha.url, "wrong"))
    assert error.reason is FailureReason.UNAUTHORIZED
    assert not error.transient
    assert ha.asked == 1, "every refusal counts towards a ban"


async def test_what_is_not_known_yet_is_asked_for(ha: HomeAssistant) -> None:
    for stored in (Stored(None), Stored(ha.url, None)):
        error = await refusal(stored)
        assert error.reason is FailureReason.UNAUTHORIZED
        assert error.remedy


async def test_nobody_there_is_unreachable_for_now() -> None:
    error = await refusal(Stored("http://127.0.0.1:1"))
    assert error.reason is FailureReason.UNREACHABLE
    assert error.transient


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(status=500),
        web.Response(text="hello"),
        web.Response(text="[]", content_type="application/json"),
        web.Response(text="{}", content_type="application/json"),
        web.Response(text="nonsense", content_type="application/json"),
        web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}),
    ],
    ids=["error", "text", "list", "no-version", "no-json", "redirect"],
)
async def test_what_is_no_home_assistant_is_unreachable(ha: HomeAssistant, answer: web.Response) -> None:
    ha.answer = answer
    error = await refusal(Stored(ha.url))
    assert error.reason is FailureReason.UNREACHABLE


@pytest.mark.parametrize(
    "url",
    [
        "ftp://ha.local",
        "ha.local:8123",
        "http://",
        "http://user:secret@ha.local",
        "http://ha.local:99999",
        "http://ha.local/?q=1",
        "file:///etc/passwd",
    ],
)
def test_what_is_no_address_of_a_home_assistant_is_refused(url: str) -> None:
    with pytest.raises(InstanceError) as refusal:
        base_address(url)
    assert "secret" not in str(refusal.value)
    assert not refusal.value.transient


@pytest.mark.parametrize(
    ("url", "base"),
    [
        (" http://ha.local:8123/ ", "http://ha.local:8123"),
        ("https://example.org/ha/", "https://example.org/ha"),
        ("http://[::1]:8123", "http://[::1]:8123"),
    ],
)
def test_an_address_is_used_without_its_last_slash(url: str, base: str) -> None:
    assert base_address(url) == base
