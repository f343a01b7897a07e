"""Whole turns with a language model: over TCP, through our whole server, against the stand-in for Ollama."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, MutableMapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from config.schema import Settings
from config.settings import ensure_secrets
from handlers.answer import Answers
from handlers.status import Status
from handlers.understanding import Phrase
from tests.bench.stand_in_homes import Homes, StandInHome
from tests.ollama.stand_in_ollama import ChatCall, Fault, ScriptedAnswer, StandInOllama
from wyoming_central.application import Application, running
from wyoming_central.client import Client, connect

pytestmark = pytest.mark.slow

PATIENCE = 20.0
# Nothing that rules understand, in either language.
SAID = {"en": "pop the desk lamp thingy on would you love", "hu": "pattintsd már be azt a konyhai lámpa izét"}
SPOKEN = {"en": "Hm, I wonder.", "hu": "Hm, nem is tudom."}
ANSWERS = Answers.load()

Answering = Callable[[ChatCall], ScriptedAnswer]


def saying(language: str = "en", **how: Any) -> Answering:
    content = {"outcome": "none", "response": SPOKEN[language], "confidence": 0.5}
    return lambda _call: ScriptedAnswer(content=content, **how)


def proposing(action: str, target: str) -> Answering:
    commands = [{"action": action, "targets": [target]}]
    content = {"outcome": "commands", "commands": commands, "response": "", "confidence": 0.5}
    return lambda _call: ScriptedAnswer(content=content)


@dataclass
class Served:
    """A server with a user, her satellite and her home, and what it logged."""

    application: Application
    home: StandInHome
    uri: str
    token: str
    model: StandInOllama
    log: list[MutableMapping[str, Any]] = field(default_factory=list)

    @asynccontextmanager
    async def satellite(self) -> AsyncIterator[Client]:
        async with connect(self.uri) as client:
            await client.authenticate(self.token)
            yield client

    def about_the_model(self) -> list[str]:
        """What the log has said of the model, with a warning or worse."""
        return [
            str(line["event"])
            for line in self.log
            if line["log_level"] in {"warning", "error", "critical"} and "model" in str(line["event"])
        ]

    async def last_row(self) -> Any:
        """The newest row of the audit, as soon as it is there."""
        async with asyncio.timeout(PATIENCE):
            while not (rows := await self.application.repositories.audit.tail(1)):
                await asyncio.sleep(0.01)
        return rows[-1]


@asynccontextmanager
async def served(folder: Path, model: StandInOllama, **settings: Any) -> AsyncIterator[Served]:
    own = Settings(
        _env_file=None,
        data_dir=folder,
        cache_dir=folder / "cache",
        database_url=f"sqlite+aiosqlite:///{folder}/test.db",
        listen="tcp://127.0.0.1:0",
        zeroconf="off",
        ollama_urls=model.url,
        ollama_pull="never",
        **{"llm_probe_seconds": 0.2, **settings},
    )
    homes = Homes()
    with structlog.testing.capture_logs() as log:
        async with running(ensure_secrets(own), homes=homes) as server:
            stored = server.repositories
            user = await stored.users.add(email="anna@example.org", password_hash="none", language="en")
            home = StandInHome(user.id)
            homes.put(user.id, home)
            device = await stored.devices.add(user_id=user.id, name="Desk", area="Office", language=None)
            token = server.keys.mint(device.id, now=time.time(), lifetime_seconds=3600)
            await stored.devices.set_token(
                device.id,
                token_id=token.token_id,
                expires_at=datetime.fromtimestamp(token.expires_at, UTC),
            )
            (listening,) = server.listening
            yield Served(server, home, listening.uri, token.text, model, log)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as one:
        yield one


async def _served(stack: AsyncExitStack, folder: Path, answer: Answering, **settings: Any) -> Served:
    model = await stack.enter_async_context(StandInOllama(answer=saying()))
    one = await stack.enter_async_context(served(folder, model, **settings))
    await model.next_call()  # the instructions are read beforehand
    model.answer = answer
    return one


async def _said(client: Client, text: str, language: str = "en") -> tuple[str, str]:
    answer = (await client.say(text, language=language, within=PATIENCE))[-1]
    return answer.type, str(answer.data["text"])


@pytest.mark.parametrize("language", ["en", "hu"])
async def test_what_no_rule_understands_is_answered_by_the_model_in_the_speakers_language(
    stack: AsyncExitStack, tmp_path: Path, language: str
) -> None:
    one = await _served(stack, tmp_path, saying(language))
    async with one.satellite() as client:
        assert await _said(client, SAID[language], language) == ("not-handled", SPOKEN[language])
    row = await one.last_row()
    [stage] = [stage for stage in row.stages if stage["stage"] == "llm"]
    assert stage["detail"]["proposal"]["response"] == SPOKEN[language]
    assert row.llm_tokens == stage["detail"]["prompt_tokens"] + stage["detail"]["answer_tokens"]
    assert row.intent["parser"] == "llm"


async def test_what_the_model_proposes_is_asked_about_and_done_after_a_yes(
    stack: AsyncExitStack, tmp_path: Path
) -> None:
    one = await _served(stack, tmp_path, proposing("turn_off", "light.desk"))
    async with one.satellite() as client:
        kind, text = await _said(client, SAID["en"])
        assert (kind, one.home.calls) == ("handled", 0)
        assert "Desk Lamp" in text
        assert text.endswith("?")
        assert (await _said(client, "yes please"))[0] == "handled"
    assert one.home.calls == 1
    assert one.home.picture.states["light.desk"].state == "off"


async def test_a_yes_after_another_sentence_is_a_yes_to_nothing(
    stack: AsyncExitStack, tmp_path: Path
) -> None:
    one = await _served(stack, tmp_path, proposing("turn_off", "light.desk"))
    async with one.satellite() as client:
        await _said(client, SAID["en"])
        one.model.answer = saying()
        await _said(client, "such a lot of wibbling about")
        await _said(client, "yes please")
    assert one.home.calls == 0


async def test_what_is_talked_about_with_the_model_is_remembered_for_the_next_sentence(
    stack: AsyncExitStack, tmp_path: Path
) -> None:
    one = await _served(stack, tmp_path, saying())
    async with one.satellite() as client:
        await _said(client, SAID["en"])
        await _said(client, "such a lot of wibbling about")
    assert f'"{SAID["en"]}": "{SPOKEN["en"]}"' in one.model.calls[-1].prompt


FAILURES = {
    Fault.BUSY: Status.MODEL_BUSY,
    Fault.OUT_OF_MEMORY: Status.MODEL_UNREACHABLE,
    Fault.NOT_FOUND: Status.MODEL_UNREACHABLE,
    Fault.RESET_BEFORE: Status.MODEL_UNREACHABLE,
    Fault.RESET_MIDWAY: Status.MODEL_UNREACHABLE,
    Fault.NO_DONE: Status.MODEL_UNREACHABLE,
    Fault.ERROR_LINE: Status.MODEL_UNREACHABLE,
    Fault.GARBLED_LINE: Status.MODEL_UNREACHABLE,
    Fault.WRONG_SHAPE: Status.MODEL_UNREACHABLE,
    Fault.EMPTY: Status.NOT_UNDERSTOOD,
    Fault.PROSE: Status.NOT_UNDERSTOOD,
    Fault.FENCED: Status.NOT_UNDERSTOOD,
    Fault.CUT_JSON: Status.NOT_UNDERSTOOD,
    Fault.HUGE: Status.NOT_UNDERSTOOD,
    Fault.HANG: Status.MODEL_SLOW,
    Fault.HANG_MIDWAY: Status.MODEL_SLOW,
    Fault.SLOW_DRIP: Status.MODEL_SLOW,
    Fault.REDIRECT: Status.MODEL_UNREACHABLE,
    Fault.HTML: Status.MODEL_UNREACHABLE,
}


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "hu"])
@pytest.mark.parametrize(("fault", "status"), list(FAILURES.items()), ids=str)
async def test_every_failure_is_answered_in_time_in_the_speakers_language_with_one_line_in_the_log(
    stack: AsyncExitStack, tmp_path: Path, fault: Fault, status: Status, language: str
) -> None:
    one = await _served(
        stack,
        tmp_path,
        saying(fault=fault, token_seconds=0.05 if fault is Fault.SLOW_DRIP else 0.0),
        llm_timeout_seconds=0.5,
        llm_probe_seconds=60,
    )
    async with one.satellite() as client:
        # What a first turn leaves running for good is running from here on.
        await _said(client, "which lights are on?")
        one.log.clear()
        before = asyncio.all_tasks()
        began = time.monotonic()
        _, text = await _said(client, SAID[language], language)
        assert time.monotonic() - began < 2.0
        assert text == ANSWERS.speak(Phrase(f"status.{status}"), language)
        await one.model.calls[-1].over.wait()
        async with asyncio.timeout(PATIENCE):
            while left := {task for task in asyncio.all_tasks() - before if _is_of_a_turn(task)}:
                await asyncio.wait(left)
    assert one.about_the_model() == ["the language model gave no answer"]
    assert len([line for line in one.log if line["event"] == "turn"]) == 1
    assert one.home.calls == 0


def _is_of_a_turn(task: asyncio.Task[Any]) -> bool:
    """Whether a task is one that a turn has begun: not the stand-in's, which may play dead for ever."""
    return "stand_in_ollama" not in repr(task) and "aiohttp" not in repr(task)


async def test_a_server_that_is_down_is_told_and_then_told_at_once(
    stack: AsyncExitStack, tmp_path: Path
) -> None:
    one = await _served(stack, tmp_path, saying())
    await one.model.stop()
    wanted = ANSWERS.speak(Phrase(f"status.{Status.MODEL_UNREACHABLE}"), "en")
    async with one.satellite() as client:
        for _ in range(6):
            assert (await _said(client, SAID["en"]))[1] == wanted
        # Rules go on as if nothing were.
        assert (await _said(client, "turn off the desk lamp"))[0] == "handled"
        await one.model.start()
        async with asyncio.timeout(PATIENCE):
            while (await _said(client, SAID["en"]))[1] == wanted:
                await asyncio.sleep(0.02)
    assert one.about_the_model().count("the language model gave no answer") < 4


async def test_a_satellite_that_hangs_up_takes_its_question_along(
    stack: AsyncExitStack, tmp_path: Path
) -> None:
    one = await _served(stack, tmp_path, saying(first_seconds=60.0))
    async with one.satellite() as client:
        turn = asyncio.create_task(_said(client, SAID["en"]))
        call = await one.model.next_call()
        turn.cancel()
        await asyncio.wait([turn])
        began = time.monotonic()
    await call.over.wait()
    assert call.cancelled
    assert time.monotonic() - began < 1.0
    row = await one.last_row()
    assert (row.status, row.llm_tokens) == ("interrupted", None)
