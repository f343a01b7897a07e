"""One turn, from what was heard to what is answered. The only place that knows the order of the steps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Self

import structlog

from handlers.admission import Refusal
from handlers.answer import Answers
from handlers.audit_row import audit_row
from handlers.deadlines import Deadlines
from handlers.errors import HomeAbsentError, TurnDeadlineError
from handlers.execute import execute
from handlers.listener import Listener
from handlers.peer import Identity
from handlers.prepared import Prepared, Preparer
from handlers.ready_home import HomeDirectory, ReadyHome, area_id_of, ready_home
from handlers.recognize import CACHE, Recognizer
from handlers.sentence import Sentence
from handlers.session import SessionKeeper
from handlers.sightings import Sightings
from handlers.status import Status
from handlers.turn_result import TurnResult
from handlers.understanding import (
    Execution,
    Intent,
    Outcome,
    PastTurn,
    Phrase,
    StageReport,
    Understanding,
    Utterance,
    Verdict,
)
from storage.audit import AuditWriter

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TurnLimits:
    """How long a turn may take, in seconds.

    Attributes:
        deadline: The whole turn; past it the speaker hears that it took too long.
        home_call: What Home Assistant has for the calls of one turn.
    """

    deadline: float
    home_call: float


@dataclass(slots=True)
class _Progress:
    """How far a turn has come, so that a deadline in the middle loses nothing of it for the audit."""

    timer: Callable[[], float]
    understanding: Understanding | None = None
    prepared: Prepared | None = None
    execution: Execution | None = None
    steps_ms: dict[str, float] = field(default_factory=dict)

    def step(self, name: str) -> _Step:
        """Time a step, however it ends."""
        return _Step(self, name)


class _Step:
    """The time of one step; a class rather than a generator, because there are three in every turn."""

    __slots__ = ("_name", "_progress", "_started", "milliseconds")

    def __init__(self, progress: _Progress, name: str) -> None:
        self._progress = progress
        self._name = name
        self.milliseconds = 0.0

    def __enter__(self) -> Self:
        self._started = self._progress.timer()
        return self

    def __exit__(self, *_: object) -> None:
        seconds = self._progress.timer() - self._started
        self.milliseconds = self._progress.steps_ms[self._name] = round(seconds * 1000, 3)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a turn begins with."""

    sentence: Sentence
    identity: Identity
    request_id: str
    listener: Listener | None = None

    @property
    def language(self) -> str:
        """In which it is understood and answered."""
        return self.sentence.language or self.identity.language


@dataclass(frozen=True, slots=True)
class _Ending:
    """What a turn ends with."""

    status: Status
    speech: str
    error: str | None = None
    only_understood: bool = False


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
        self._preparer = Preparer(answers)
        self._sessions = sessions
        self._sightings = sightings
        self._audit = audit
        self._limits = limits
        self._deadlines = Deadlines(limits.deadline)
        self._clock = clock
        self._timer = timer

    async def of_sentence(
        self, sentence: Sentence, identity: Identity, request_id: str, *, listener: Listener | None = None
    ) -> TurnResult:
        """Understand a sentence, carry it out and answer it; always an answer, within the deadline.

        A listener that hangs up ends only what takes long and has done nothing yet: asking a model.
        """
        asked = _Asked(sentence, identity, request_id, listener)

        async def steps(progress: _Progress) -> _Ending:
            home, utterance = await self._heard(asked)
            prepared = self._known(progress, utterance, home)
            if prepared is None:
                with progress.step("recognize"):
                    understanding = await self._recognizer.recognize(utterance, home.picture)
                prepared = self._prepare(progress, understanding, utterance, home)
            return await self._carry_out(progress, prepared, utterance, home)

        return await self._bounded(asked, steps)

    async def of_intent(
        self, intent: Intent, sentence: Sentence, identity: Identity, request_id: str
    ) -> TurnResult:
        """Carry out an intent that the peer understood by itself, and answer it."""
        asked = _Asked(sentence, identity, request_id)

        async def steps(progress: _Progress) -> _Ending:
            home, utterance = await self._heard(asked)
            understanding = Understanding(Verdict.COMMANDS, (intent,), parser="peer")
            prepared = self._prepare(progress, understanding, utterance, home)
            return await self._carry_out(progress, prepared, utterance, home)

        return await self._bounded(asked, steps)

    async def of_recognition(
        self, sentence: Sentence, identity: Identity, request_id: str, *, listener: Listener | None = None
    ) -> TurnResult:
        """Understand a sentence and do nothing about it."""
        asked = _Asked(sentence, identity, request_id, listener)

        async def steps(progress: _Progress) -> _Ending:
            home, utterance = await self._heard(asked)
            with progress.step("recognize"):
                understanding = await self._recognizer.recognize(utterance, home.picture)
            progress.understanding = understanding
            if understanding.intents:
                return replace(self._status(Status.ANSWERED, asked.language), only_understood=True)
            not_for_me = understanding.verdict is Verdict.NOT_FOR_ME
            why = Status.NOT_FOR_ME if not_for_me else understanding.status or Status.NOT_UNDERSTOOD
            return self._status(why, asked.language)

        return await self._bounded(asked, steps)

    def refused(
        self, sentence: Sentence, identity: Identity, request_id: str, refusal: Refusal
    ) -> TurnResult:
        """A turn that is not taken because there are too many of them."""
        asked = _Asked(sentence, identity, request_id)
        count = refusal.untold or 1
        told = refusal.reason if count == 1 else f"{count} times: {refusal.reason}"
        ending = replace(self._status(refusal.status, asked.language, told), only_understood=True)
        return _result(asked, ending, _Progress(self._timer), 0.0)

    def settle(self, result: TurnResult) -> None:
        """What waits until the answer has left: the session, the audit row, and that the device was heard."""
        if result.said_something and not result.only_understood:
            past = PastTurn(
                text=result.text,
                speech=result.speech,
                intents=result.intents,
                targets=_reached(result),
                at=self._clock(),
            )
            self._sessions.remember(result.identity, past, result.question)
        elif not result.only_understood:
            self._sessions.drop_confirmation(result.identity)
        self._sightings.note(result.identity.device_id, self._clock())
        self._audit.record(audit_row(result, datetime.fromtimestamp(self._clock(), UTC)))

    async def _bounded(self, asked: _Asked, steps: Callable[[_Progress], Awaitable[_Ending]]) -> TurnResult:
        """Take the steps within the deadline and turn whatever goes wrong into an answer."""
        started = self._timer()
        progress = _Progress(self._timer)
        try:
            ending = await self._deadlines.keep(steps(progress))
        except TurnDeadlineError as late:
            ending = self._status(Status.DEADLINE, asked.language, late.message)
        except HomeAbsentError as absent:
            ending = self._status(absent.status, asked.language, absent.message)
        except asyncio.CancelledError:
            ending = self._status(Status.INTERRUPTED, asked.language, "the turn was cut off")
            self.settle(_result(asked, ending, progress, self._timer() - started))
            raise
        except Exception as error:  # noqa: BLE001 - see below
            # A bug of ours must not leave a speaker without an answer; the log has the traceback.
            _log.exception("a turn failed in a way that was not foreseen")
            ending = self._status(Status.INTERNAL, asked.language, type(error).__name__)
        return _result(asked, ending, progress, self._timer() - started)

    async def _heard(self, asked: _Asked) -> tuple[ReadyHome, Utterance]:
        """The speaker's home, and what was said as it is heard there."""
        identity = asked.identity
        home = await ready_home(self._homes, identity.user_id)
        return home, Utterance(
            text=asked.sentence.text,
            language=asked.language,
            area_id=area_id_of(identity.area, home.picture.registry),
            session=await self._sessions.context_of(identity),
            now=self._clock(),
            listener=asked.listener,
        )

    def _known(self, progress: _Progress, utterance: Utterance, home: ReadyHome) -> Prepared | None:
        """What was worked out when the same was said before, where that still holds."""
        with progress.step("recognize") as step:
            prepared = self._preparer.known(utterance, home.picture)
        if prepared is not None:
            progress.understanding = _understood_before(prepared, step.milliseconds)
            progress.prepared = prepared
        return prepared

    def _prepare(
        self, progress: _Progress, understanding: Understanding, utterance: Utterance, home: ReadyHome
    ) -> Prepared:
        progress.understanding = understanding
        with progress.step("resolve"):
            progress.prepared = self._preparer.prepare(understanding, utterance, home.picture)
        return progress.prepared

    async def _carry_out(
        self, progress: _Progress, prepared: Prepared, utterance: Utterance, home: ReadyHome
    ) -> _Ending:
        resolution = prepared.resolution
        if resolution.outcome is not Outcome.COMMANDS:
            return _Ending(resolution.status, prepared.speech)
        with progress.step("execute"):
            execution = await execute(resolution, home.live, within=self._limits.home_call)
        progress.execution = execution
        if execution.error is None:
            return _Ending(execution.status, prepared.speech)
        speech = self._answers.speak(execution.say, utterance.language)
        return _Ending(execution.status, speech, execution.error)

    def _status(self, status: Status, language: str, error: str | None = None) -> _Ending:
        """The ending that says nothing but its status."""
        return _Ending(status, self._answers.speak(Phrase(f"status.{status}"), language), error)


def _reached(result: TurnResult) -> tuple[str, ...]:
    """The entities that Home Assistant did something to, each once."""
    if result.prepared is not None and result.error is None:
        return result.prepared.targets
    return tuple(dict.fromkeys(entity for call in result.done for entity in call.entity_ids))


def _understood_before(prepared: Prepared, milliseconds: float) -> Understanding:
    known = prepared.understanding
    report = StageReport(CACHE, known.verdict, milliseconds)
    return Understanding(known.verdict, known.intents, parser=CACHE, cacheable=True, stages=(report,))


def _result(asked: _Asked, ending: _Ending, progress: _Progress, seconds: float) -> TurnResult:
    return TurnResult(
        request_id=asked.request_id,
        identity=asked.identity,
        text=asked.sentence.text,
        language=asked.language,
        status=ending.status,
        speech=ending.speech,
        understanding=progress.understanding,
        prepared=progress.prepared,
        execution=progress.execution,
        error=ending.error,
        latency_ms=round(seconds * 1000, 3),
        steps_ms=progress.steps_ms,
        only_understood=ending.only_understood,
    )
