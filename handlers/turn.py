"""One turn, from what was heard to what is answered. The only place that knows the order of the steps."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import structlog

from handlers.answer import Answers
from handlers.errors import HomeAbsentError, TurnDeadlineError
from handlers.execute import execute
from handlers.peer import Identity
from handlers.recognize import Recognizer
from handlers.resolve import resolve
from handlers.sentence import Sentence
from handlers.session import SessionKeeper, intent_to_json
from handlers.sightings import Sightings
from handlers.status import Status
from handlers.understanding import (
    Execution,
    Intent,
    OpenQuestion,
    Outcome,
    PastTurn,
    Phrase,
    Resolution,
    ServiceCall,
    Understanding,
    Utterance,
    Verdict,
)
from provisioning.errors import FailureReason, HomeError
from provisioning.home.live import HomeStatus, LiveHome
from provisioning.home.registry import HomePicture, Registry
from provisioning.homes import Absence
from storage.audit import AuditWriter
from storage.records import AuditRow

_log = structlog.get_logger(__name__)

# A home that lost its connection a moment ago is usually back within this; longer, and the speaker is told.
RECONNECT_GRACE_SECONDS: Final = 1.0

_STATUS_OF_HOME: Final = {
    HomeStatus.MISSING: Status.HOME_MISSING,
    HomeStatus.STARTING: Status.HOME_STARTING,
    HomeStatus.CONNECTING: Status.HOME_STARTING,
    HomeStatus.STALE: Status.HOME_DOWN,
    HomeStatus.DOWN: Status.HOME_DOWN,
    HomeStatus.STOPPED: Status.HOME_STOPPED,
    HomeStatus.FAILED: Status.HOME_FAILED,
    HomeStatus.UNAUTHORIZED: Status.HOME_UNAUTHORIZED,
}


class HomeDirectory(Protocol):
    """Where a user's home is found; the provisioner is one."""

    def home_of(self, user_id: str) -> LiveHome | Absence:
        """The live home of a user, or why there is none."""
        ...


@dataclass(frozen=True, slots=True)
class TurnLimits:
    """How long a turn may take, in seconds.

    Attributes:
        deadline: The whole turn; past it the speaker hears that it took too long.
        home_call: What Home Assistant has for the calls of one turn.
    """

    deadline: float
    home_call: float


@dataclass(frozen=True, slots=True)
class TurnResult:
    """How a turn ended, with all that the audit keeps of it.

    Attributes:
        request_id: Made by the server, unique; the audit row's key.
        identity: Whose turn it was.
        text: What was said.
        language: In which the answer is given.
        status: How it ended.
        speech: The answer; never empty.
        understanding, resolution, execution: As far as the turn came.
        error: One line for the audit.
        latency_ms: From the sentence's arrival to its answer.
        steps_ms: The share of each step in it, by the step's name.
        only_understood: Nothing was to be done, so the session goes on as if nothing had been said.
    """

    request_id: str
    identity: Identity
    text: str
    language: str
    status: Status
    speech: str
    understanding: Understanding | None = None
    resolution: Resolution | None = None
    execution: Execution | None = None
    error: str | None = None
    latency_ms: float = 0.0
    steps_ms: Mapping[str, float] = field(default_factory=dict)
    only_understood: bool = False

    @property
    def intents(self) -> tuple[Intent, ...]:
        """What was understood."""
        return self.understanding.intents if self.understanding else ()

    @property
    def done(self) -> tuple[ServiceCall, ...]:
        """The calls that Home Assistant carried out."""
        return self.execution.done if self.execution else ()

    @property
    def question(self) -> OpenQuestion | None:
        """The question that the answer leaves open."""
        return self.resolution.question if self.resolution else None


@dataclass(frozen=True, slots=True)
class _ReadyHome:
    """A home that answers, and its picture as the turn began."""

    live: LiveHome
    picture: HomePicture


@dataclass(slots=True)
class _Progress:
    """How far a turn has come, so that a deadline in the middle loses nothing of it for the audit."""

    timer: Callable[[], float]
    understanding: Understanding | None = None
    resolution: Resolution | None = None
    execution: Execution | None = None
    steps_ms: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step, however it ends."""
        started = self.timer()
        try:
            yield
        finally:
            self.steps_ms[name] = round((self.timer() - started) * 1000, 3)


class Turns:
    """Takes turns.

    Args:
        homes: Where the user's home is found.
        recognizer: The cascade.
        answers: The sentences to say.
        sessions: What devices remember.
        sightings: Notes which devices were heard.
        audit: Where every turn leaves a row.
        limits: How long things may take.
        clock: Seconds since the epoch.
        timer: A monotonic clock in seconds, for latencies.
    """

    def __init__(
        self,
        *,
        homes: HomeDirectory,
        recognizer: Recognizer,
        answers: Answers,
        sessions: SessionKeeper,
        sightings: Sightings,
        audit: AuditWriter,
        limits: TurnLimits,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._homes = homes
        self._recognizer = recognizer
        self._answers = answers
        self._sessions = sessions
        self._sightings = sightings
        self._audit = audit
        self._limits = limits
        self._clock = clock
        self._timer = timer

    async def of_sentence(self, sentence: Sentence, identity: Identity, request_id: str) -> TurnResult:
        """Understand a sentence, carry it out and answer it; always an answer, within the deadline."""

        async def steps(result: TurnResult, progress: _Progress) -> TurnResult:
            home = await self._home_of(identity)
            utterance = await self._utterance(sentence, identity, home)
            with progress.step("recognize"):
                understanding = await self._recognizer.recognize(utterance, home.picture)
            return await self._carry_out(result, progress, understanding, utterance, home)

        return await self._bounded(self._begin(sentence, identity, request_id), steps)

    async def of_intent(
        self, intent: Intent, sentence: Sentence, identity: Identity, request_id: str
    ) -> TurnResult:
        """Carry out an intent that the peer understood by itself, and answer it."""

        async def steps(result: TurnResult, progress: _Progress) -> TurnResult:
            home = await self._home_of(identity)
            utterance = await self._utterance(sentence, identity, home)
            understanding = Understanding(Verdict.COMMANDS, (intent,), parser="peer")
            return await self._carry_out(result, progress, understanding, utterance, home)

        return await self._bounded(self._begin(sentence, identity, request_id), steps)

    async def of_recognition(self, sentence: Sentence, identity: Identity, request_id: str) -> TurnResult:
        """Understand a sentence and do nothing about it."""

        async def steps(result: TurnResult, progress: _Progress) -> TurnResult:
            home = await self._home_of(identity)
            utterance = await self._utterance(sentence, identity, home)
            with progress.step("recognize"):
                understanding = await self._recognizer.recognize(utterance, home.picture)
            progress.understanding = understanding
            if understanding.intents:
                return replace(result, status=Status.ANSWERED, only_understood=True)
            not_for_me = understanding.verdict is Verdict.NOT_FOR_ME
            return self._say_status(result, Status.NOT_FOR_ME if not_for_me else Status.NOT_UNDERSTOOD)

        return await self._bounded(self._begin(sentence, identity, request_id), steps)

    def settle(self, result: TurnResult) -> None:
        """What waits until the answer has left: the session, the audit row, and that the device was heard."""
        if (result.intents or result.question) and not result.only_understood:
            past = PastTurn(
                text=result.text,
                speech=result.speech,
                intents=result.intents,
                targets=tuple(dict.fromkeys(entity for call in result.done for entity in call.entity_ids)),
                at=self._clock(),
            )
            self._sessions.remember(result.identity, past, result.question)
        self._sightings.note(result.identity.device_id, self._clock())
        self._audit.record(_audit_row(result, datetime.fromtimestamp(self._clock(), UTC)))

    def _begin(self, sentence: Sentence, identity: Identity, request_id: str) -> TurnResult:
        language = sentence.language or identity.language
        return TurnResult(
            request_id=request_id,
            identity=identity,
            text=sentence.text,
            language=language,
            status=Status.INTERNAL,
            speech=self._answers.speak(Phrase(f"status.{Status.INTERNAL}"), language),
        )

    async def _bounded(
        self, result: TurnResult, steps: Callable[[TurnResult, _Progress], Awaitable[TurnResult]]
    ) -> TurnResult:
        """Take the steps within the deadline and turn whatever goes wrong into an answer."""
        started = self._timer()
        progress = _Progress(self._timer)
        try:
            result = await self._before_the_deadline(steps(result, progress))
        except TurnDeadlineError as late:
            result = self._say_status(result, Status.DEADLINE, late.message)
        except HomeAbsentError as absent:
            result = self._say_status(result, absent.status, absent.message)
        except asyncio.CancelledError:
            result = self._say_status(result, Status.INTERRUPTED, "the turn was cut off")
            self.settle(_with_progress(result, progress, self._timer() - started))
            raise
        except Exception as error:  # noqa: BLE001 - see below
            # A bug of ours must not leave a speaker without an answer; the log has the traceback.
            _log.exception("a turn failed in a way that was not foreseen")
            result = self._say_status(result, Status.INTERNAL, type(error).__name__)
        return _with_progress(result, progress, self._timer() - started)

    async def _before_the_deadline(self, steps: Awaitable[TurnResult]) -> TurnResult:
        deadline = asyncio.timeout(self._limits.deadline)
        try:
            async with deadline:
                return await steps
        except TimeoutError:
            if not deadline.expired():
                raise  # somebody else's, which is a bug
            raise TurnDeadlineError(f"took over {self._limits.deadline:g} s") from None

    async def _home_of(self, identity: Identity) -> _ReadyHome:
        home = self._homes.home_of(identity.user_id)
        if isinstance(home, Absence):
            raise HomeAbsentError(_status_of_absence(home), home.reason or home.status.value)
        if home.status in {HomeStatus.STALE, HomeStatus.DOWN}:
            with contextlib.suppress(HomeError):
                await home.wait_ready(RECONNECT_GRACE_SECONDS)
        picture = home.picture
        if home.status is not HomeStatus.LIVE or picture is None:
            status = _STATUS_OF_HOME.get(home.status, Status.HOME_STARTING)
            raise HomeAbsentError(status, f"the home is {home.status.value}")
        return _ReadyHome(home, picture)

    async def _utterance(self, sentence: Sentence, identity: Identity, home: _ReadyHome) -> Utterance:
        context = await self._sessions.context_of(identity)
        return Utterance(
            text=sentence.text,
            language=sentence.language or identity.language,
            area_id=area_id_of(identity.area, home.picture.registry),
            session=context,
            now=self._clock(),
        )

    async def _carry_out(
        self,
        result: TurnResult,
        progress: _Progress,
        understanding: Understanding,
        utterance: Utterance,
        home: _ReadyHome,
    ) -> TurnResult:
        progress.understanding = understanding
        with progress.step("resolve"):
            resolution = resolve(understanding, utterance, home.picture)
        progress.resolution = resolution
        if resolution.outcome is not Outcome.COMMANDS:
            return replace(
                result,
                status=resolution.status,
                speech=self._answers.speak(
                    resolution.say or Phrase(f"status.{resolution.status}"), result.language
                ),
            )
        with progress.step("execute"):
            execution = await execute(resolution, home.live, within=self._limits.home_call)
        progress.execution = execution
        return replace(
            result,
            status=execution.status,
            speech=self._answers.speak(execution.say, result.language),
            error=execution.error,
        )

    def _say_status(self, result: TurnResult, status: Status, error: str | None = None) -> TurnResult:
        speech = self._answers.speak(Phrase(f"status.{status}"), result.language)
        return replace(result, status=status, speech=speech, error=error)


def _status_of_absence(absence: Absence) -> Status:
    if absence.reason == FailureReason.UNREACHABLE:
        # One that its user runs: it is not ours to start, and it may well be running.
        return Status.HOME_DOWN
    return _STATUS_OF_HOME[absence.status]


def area_id_of(area: str | None, registry: Registry) -> str | None:
    """The id of the area that a device's owner named, by id, name or alias; None if this home has none."""
    if area is None or area in registry.areas:
        return area
    wanted = area.casefold()
    for one in registry.areas.values():
        if wanted in {one.name.casefold(), *(alias.casefold() for alias in one.aliases)}:
            return one.id
    return None


def _with_progress(result: TurnResult, progress: _Progress, seconds: float) -> TurnResult:
    return replace(
        result,
        understanding=progress.understanding,
        resolution=progress.resolution,
        execution=progress.execution,
        latency_ms=round(seconds * 1000, 3),
        steps_ms=progress.steps_ms,
    )


# --- the audit row ---------------------------------------------------------------------------------------


def _audit_row(result: TurnResult, timestamp: datetime) -> AuditRow:
    return AuditRow(
        request_id=result.request_id,
        timestamp=timestamp,
        user_id=result.identity.user_id,
        device_id=result.identity.device_id,
        input_text=result.text,
        intent=_intent_json(result.understanding),
        ha_response=_response_json(result),
        status=result.status.value,
        latency_ms=result.latency_ms,
        llm_tokens=None,
        error_message=result.error,
        stages=_stages_json(result.understanding),
        language=result.language,
    )


def _intent_json(understanding: Understanding | None) -> dict[str, Any] | None:
    if understanding is None:
        return None
    return {
        "verdict": understanding.verdict.value,
        "parser": understanding.parser,
        "intents": [intent_to_json(intent) for intent in understanding.intents],
    }


def _response_json(result: TurnResult) -> dict[str, Any]:
    calls = result.resolution.calls if result.resolution else ()
    return {
        "speech": result.speech,
        "calls": [call_to_json(call) for call in calls],
        "done": len(result.done),
        "steps_ms": dict(result.steps_ms),
    }


def call_to_json(call: ServiceCall) -> dict[str, Any]:
    """A service call as it stands in the audit and in `interpret`'s output."""
    return {
        "domain": call.domain,
        "service": call.service,
        "entity_id": list(call.entity_ids),
        "data": dict(call.data),
    }


def _stages_json(understanding: Understanding | None) -> list[dict[str, Any]] | None:
    if understanding is None:
        return None
    return [
        {
            "stage": stage.stage,
            "verdict": stage.verdict.value,
            "ms": round(stage.ms, 3),
            "reason": stage.reason,
        }
        for stage in understanding.stages
    ]
