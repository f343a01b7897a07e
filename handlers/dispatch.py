"""From an event's type to its handler. Knows no socket: a peer and an event come in, a reply goes out."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import structlog
from wyoming.asr import Transcript
from wyoming.error import Error
from wyoming.event import Event
from wyoming.handle import Handled, NotHandled
from wyoming.info import Describe
from wyoming.intent import Entity, IntentsStart, IntentsStop, NotRecognized, Recognize
from wyoming.intent import Intent as IntentEvent
from wyoming.ping import Ping, Pong
from wyoming.user_event import UserEvent

from config.languages import DEFAULT as DEFAULT_LANGUAGE
from handlers.admission import Admission, Refusal
from handlers.answer import Answers
from handlers.authenticate import Authenticator
from handlers.describe import info_event
from handlers.errors import AuthenticationError, EventError
from handlers.failed_authentications import FailedAuthentications
from handlers.log_context import belong_to, no_longer
from handlers.peer import Identity, Peer, Reply
from handlers.request_ids import RequestIds
from handlers.sentence import Sentence, intent_of, sentence_of
from handlers.status import Status
from handlers.tally import Tally
from handlers.turn import Turns
from handlers.turn_result import TurnResult
from handlers.understanding import Phrase

_log = structlog.get_logger(__name__)

# The names of the `user-event`s that we understand and send.
AUTHENTICATE = "authenticate"
AUTHENTICATED = "authenticated"

# Compared on every event, so the classes that know these words are asked once.
_PING = Ping().event().type
_PONG = Pong().event().type
_DESCRIBE = Describe().event().type
_HANDLED = Handled().event().type
_NOT_HANDLED = NotHandled().event().type

_IGNORED = Reply()

_Take = Callable[[Identity, str], Awaitable[TurnResult]]


@dataclass(frozen=True, slots=True)
class _Answering:
    """How a kind of event is answered.

    Attributes:
        events: What says how its turn ended.
        negative: The event that says no, where there was no turn.
    """

    events: Callable[[TurnResult, dict[str, Any]], tuple[Event, ...]]
    negative: type[NotHandled | NotRecognized]


class Dispatcher:
    """Answers events.

    Args:
        authenticator: Says who a peer is.
        admission: Says how many sentences are served.
        turns: Takes the turns.
        answers: For what is said to somebody who is nobody yet.
        version: Of this server, for `info`.
        failures: Says how long the answer to a refused credential is held back.
        new_request_id: Makes the unique id of a request.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        *,
        authenticator: Authenticator,
        admission: Admission,
        turns: Turns,
        answers: Answers,
        version: str,
        failures: FailedAuthentications,
        new_request_id: Callable[[], str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._authenticator = authenticator
        self._admission = admission
        self._turns = turns
        self._answers = answers
        self._info = (info_event(version),)
        self._failures = failures
        self._new_request_id = new_request_id or RequestIds()
        self._clock = clock
        # Bound once: a turn's own line is the one line that every turn has.
        self._log = _log.bind()
        self._strangers = Tally()
        self._authenticated = Tally()
        self._handlers: Mapping[str, Callable[[Event, Peer], Awaitable[Reply]]] = MappingProxyType(
            {
                Transcript("").event().type: self._on_transcript,
                Recognize("").event().type: self._on_recognize,
                IntentEvent("").event().type: self._on_intent,
                UserEvent("").event().type: self._on_user_event,
            }
        )

    def arrived(self, peer: Peer) -> None:
        """A connection was accepted: it may be bound to a device."""
        self._authenticator.by_binding(peer)

    def immediate(self, event: Event, _peer: Peer) -> tuple[Event, ...] | None:
        """What is answered at once, even while a turn runs: `ping` and `describe`.

        Gives nothing at all for what is ignored anyway, and None for what must wait its turn. The answer
        depends on the event alone, not on who asks or when.
        """
        kind = event.type
        if kind == _PING:
            text = event.data.get("text")
            return (Event(_PONG, {"text": text if isinstance(text, str) else None}),)
        if kind == _DESCRIBE:
            return self._info
        return None if kind in self._handlers else ()

    async def handle(self, event: Event, peer: Peer) -> Reply:
        """Answer one event; whatever goes wrong is an answer too. Unknown types are ignored."""
        handler = self._handlers.get(event.type)
        if handler is None:
            return _IGNORED
        try:
            return await handler(event, peer)
        except EventError as error:
            _log.warning("an event was refused", type=event.type, code=error.code, reason=error.message)
            return Reply((Error(text=error.message, code=error.code).event(),), close=True)
        except Exception:  # noqa: BLE001 - a bug of ours must not cost the peer its answer; it is logged
            _log.exception("an event could not be handled", type=event.type)
            return Reply((Error(text="internal error", code="internal").event(),), close=True)

    async def _on_user_event(self, event: Event, peer: Peer) -> Reply:
        data = event.data or {}
        if data.get("name") != AUTHENTICATE:
            return _IGNORED
        fields = data.get("data")
        token = fields.get("token") if isinstance(fields, dict) else None
        if not isinstance(token, str):
            raise EventError("bad-token", "authenticate needs a token")
        try:
            identity = await self._authenticator.by_token(token)
        except AuthenticationError as error:
            refusal = Error(text=error.message, code="unauthenticated").event()
            return Reply((refusal,), close=True, hold_seconds=self._failed(error, peer))
        peer.identity, peer.showed_token = identity, True
        count = self._authenticated.note(f"{peer.connection_id} {identity.device_id}", self._clock())
        if count is not None:
            _log.info("authenticated", device_id=identity.device_id, user_id=identity.user_id, count=count)
        return Reply((UserEvent(name=AUTHENTICATED, data={"device": identity.device_name}).event(),))

    async def _on_transcript(self, event: Event, peer: Peer) -> Reply:
        sentence = sentence_of(event)
        take = partial(self._turns.of_sentence, sentence, listener=peer)
        return await self._serve(sentence, peer, take, _HANDLING)

    async def _on_intent(self, event: Event, peer: Peer) -> Reply:
        intent, sentence = intent_of(event)
        return await self._serve(sentence, peer, partial(self._turns.of_intent, intent, sentence), _HANDLING)

    async def _on_recognize(self, event: Event, peer: Peer) -> Reply:
        sentence = sentence_of(event)
        take = partial(self._turns.of_recognition, sentence, listener=peer)
        return await self._serve(sentence, peer, take, _RECOGNIZING)

    async def _serve(self, sentence: Sentence, peer: Peer, take: _Take, answering: _Answering) -> Reply:
        """Take a turn, if whoever asks is somebody and has not asked too often."""
        request_id = self._new_request_id()
        # Undone below: the next event on this connection may be nobody's.
        before = belong_to(request_id=request_id)
        try:
            try:
                identity = await self._identity_for(sentence, peer)
            except AuthenticationError as error:
                speech = self._speech_of(Status.UNAUTHENTICATED, sentence)
                return Reply(
                    (answering.negative(text=speech).event(),), hold_seconds=self._failed(error, peer)
                )
            if identity is None:
                return self._to_stranger(sentence, peer, answering)
            belong_to(user_id=identity.user_id, device_id=identity.device_id)
            refusal = self._admission.of_device(identity, peer)
            if refusal is not None:
                return self._refused(refusal, sentence, identity, request_id, answering)
            with self._admission.under_way(identity):
                result = await take(identity, request_id)
            return Reply(
                answering.events(result, _context(request_id, sentence)), after=partial(self._settle, result)
            )
        finally:
            no_longer(before)

    async def _identity_for(self, sentence: Sentence, peer: Peer) -> Identity | None:
        """Whose turn this is: the token that came along decides, else what the connection is known as.

        Raises:
            AuthenticationError: The token that came along is not valid.
        """
        if sentence.token is not None:
            identity = await self._authenticator.by_token(sentence.token)
            peer.vouched_for = True
            return identity
        if peer.identity is None and not peer.showed_token:
            # A binding may have been added since it connected.
            self._authenticator.by_binding(peer)
        peer.identity = self._authenticator.renewed(peer)
        return peer.identity

    def _failed(self, error: AuthenticationError, peer: Peer) -> float:
        """Note a refused credential; gives for how many seconds its answer is held back."""
        delay = self._failures.note(peer.origin, self._clock())
        _log.warning("authentication failed", reason=error.message, held_back_seconds=delay)
        return delay

    def _refused(
        self,
        refusal: Refusal,
        sentence: Sentence,
        identity: Identity,
        request_id: str,
        answering: _Answering,
    ) -> Reply:
        result = self._turns.refused(sentence, identity, request_id, refusal)
        self._tell(refusal)
        return Reply(
            (answering.negative(text=result.speech, context=_context(request_id, sentence)).event(),),
            after=partial(self._turns.settle, result) if refusal.is_recorded else None,
        )

    @staticmethod
    def _tell(refusal: Refusal) -> None:
        if refusal.untold is not None:
            _log.warning(
                "turns refused", status=refusal.status.value, reason=refusal.reason, count=refusal.untold
            )

    def _to_stranger(self, sentence: Sentence, peer: Peer, answering: _Answering) -> Reply:
        """Say that nobody knows this device, or that too many such ask."""
        refusal = self._admission.of_stranger(peer)
        if refusal is not None:
            self._tell(refusal)
            return Reply((answering.negative(text=self._speech_of(refusal.status, sentence)).event(),))
        count = self._strangers.note(peer.connection_id, self._clock())
        if count is not None:
            _log.warning("a turn without a valid credential was refused", count=count)
        return Reply((answering.negative(text=self._speech_of(Status.UNAUTHENTICATED, sentence)).event(),))

    def _speech_of(self, status: Status, sentence: Sentence) -> str:
        return self._answers.speak(Phrase(f"status.{status}"), sentence.language or DEFAULT_LANGUAGE)

    def _settle(self, result: TurnResult) -> None:
        """What nobody has to wait for: the line in the log, and what turns themselves leave behind."""
        # Utterance and answer reach the log only where that was asked for; the log itself sees to it.
        self._log.info(
            "turn",
            request_id=result.request_id,
            user_id=result.identity.user_id,
            device_id=result.identity.device_id,
            status=result.status.value,
            parser=result.understanding.parser if result.understanding else None,
            intents=[intent.name for intent in result.intents],
            ms=result.latency_ms,
            error=result.error,
            utterance=result.text,
            answer=result.speech,
        )
        self._turns.settle(result)


def _handling_events(result: TurnResult, context: dict[str, Any]) -> tuple[Event, ...]:
    kind = _HANDLED if result.status.handled else _NOT_HANDLED
    return (Event(kind, {"text": result.speech, "context": context}),)


def _context(request_id: str, sentence: Sentence) -> dict[str, Any]:
    """What the peer gets back for its next interaction; never what it sent as a credential."""
    context = {"request_id": request_id}
    if sentence.conversation_id is not None:
        context["conversation_id"] = sentence.conversation_id
    return context


def _recognition_events(result: TurnResult, context: dict[str, Any]) -> tuple[Event, ...]:
    intents = [
        IntentEvent(
            name=intent.name,
            entities=[Entity(name=name, value=_plain(value)) for name, value in intent.slots.items()],
            context=context,
        ).event()
        for intent in result.intents
    ]
    if not intents:
        return (NotRecognized(text=result.speech, context=context).event(),)
    if len(intents) == 1:
        return (intents[0],)
    return (IntentsStart(context=context).event(), *intents, IntentsStop(context=context).event())


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


# How a kind of question is answered, once it was served, and where it was not.
_HANDLING: Final = _Answering(_handling_events, NotHandled)
_RECOGNIZING: Final = _Answering(_recognition_events, NotRecognized)
