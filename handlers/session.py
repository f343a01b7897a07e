"""What a device's session remembers: the last turns and an open question.

The context is kept in memory, where a turn can read it without waiting, and written to the `sessions` table
behind the turn's back: by a writer that takes whatever changed, device by device, newest state only.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

import structlog

from config.errors import WyomingCentralError
from handlers.last_used import LastUsed
from handlers.peer import Identity
from handlers.understanding import Intent, OpenQuestion, PastTurn, SessionContext
from storage.records import SessionRecord
from storage.sessions import Sessions

_log = structlog.get_logger(__name__)

# A session is the last few minutes of a conversation, not a diary: what "it" and "there too" refer to.
TURNS_KEPT: Final = 10
# Sessions held in memory; the ones not used longest are read from the table again when they are needed.
SESSIONS_IN_MEMORY: Final = 10_000
REST_SECONDS: Final = 1.0
# What one transaction writes, so that others get the database in between.
_SESSIONS_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class _Session:
    """A session as it is in memory, with the row that it is written to."""

    id: str
    user_id: str
    created_at: float
    expires_at: float
    context: SessionContext


class SessionKeeper:
    """Keeps every device's session.

    Args:
        sessions: The table.
        ttl_seconds: A session that was not used for so long is forgotten.
        question_ttl_seconds: An open question that was not answered for so long is closed.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        sessions: Sessions,
        *,
        ttl_seconds: float,
        question_ttl_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._table = sessions
        self._ttl = ttl_seconds
        self._question_ttl = question_ttl_seconds
        self._clock = clock
        self._held: LastUsed[str, _Session] = LastUsed(SESSIONS_IN_MEMORY)
        self._dirty: dict[str, _Session] = {}
        self._changed = asyncio.Event()

    async def context_of(self, identity: Identity) -> SessionContext:
        """What this device's session remembers now; empty for a new or expired one.

        A session belongs to its user as well as to its device: a device that changed hands starts anew.
        """
        session = self._held.get(identity.device_id) or await self._read(identity)
        if session is None or session.user_id != identity.user_id or session.expires_at <= self._clock():
            return SessionContext()
        question = session.context.open_question
        if question is not None and question.asked_at + self._question_ttl <= self._clock():
            return replace(session.context, open_question=None)
        return session.context

    def remember(self, identity: Identity, turn: PastTurn, question: OpenQuestion | None) -> None:
        """Add a turn to the device's session, with the question that it left open; written soon after."""
        now = self._clock()
        session = self._held.get(identity.device_id)
        if session is None or session.user_id != identity.user_id or session.expires_at <= now:
            session = _Session(uuid.uuid4().hex, identity.user_id, now, now, SessionContext())
        context = SessionContext(
            turns=(*session.context.turns, turn)[-TURNS_KEPT:],
            open_question=question,
        )
        session = _Session(session.id, session.user_id, session.created_at, now + self._ttl, context)
        self._held[identity.device_id] = session
        self._dirty[identity.device_id] = session
        self._changed.set()

    def drop_confirmation(self, identity: Identity) -> None:
        """Close the device's question that waits for a yes, if there is one: the next sentence was none.

        What waits for a choice goes on waiting: a name that nobody understood may be said again, while a yes
        to something else would be taken for one to this.
        """
        session = self._held.get(identity.device_id)
        question = session.context.open_question if session is not None else None
        if session is None or question is None or not question.confirms:
            return
        context = replace(session.context, open_question=None)
        session = replace(session, context=context)
        self._held[identity.device_id] = self._dirty[identity.device_id] = session
        self._changed.set()

    def keep_only(self, users: Collection[str]) -> None:
        """Drop from memory what belongs to users who are gone; their rows went with them."""
        for device_id in [device for device, one in self._held.items() if one.user_id not in users]:
            del self._held[device_id]
            self._dirty.pop(device_id, None)

    async def run(self) -> None:
        """Write what changed, until cancelled; a table that cannot be written is tried again.

        What changes is written at once, but then not again for `REST_SECONDS`: a server that dies forgets no
        more than that, and one that is busy does not write all the time.
        """
        while True:
            await self._changed.wait()
            try:
                await self.flush()
            except WyomingCentralError as error:
                _log.warning("sessions could not be written", error=str(error))
            await asyncio.sleep(REST_SECONDS)

    async def flush(self) -> None:
        """Write everything that is not written yet; to be called once more at a clean stop.

        Raises:
            StorageError: The table could not be written; what was not written is kept.
        """
        self._changed.clear()
        while self._dirty:
            written = dict(islice(self._dirty.items(), _SESSIONS_AT_ONCE))
            try:
                refused = await self._table.save([_to_record(*one) for one in written.items()])
            except BaseException:
                self._changed.set()
                raise
            for device_id, session in written.items():
                if self._dirty.get(device_id) is session:
                    del self._dirty[device_id]
            for record in refused:
                # The device went while its turn was under way: its session goes with it.
                self._held.pop(record.device_id, None)

    async def _read(self, identity: Identity) -> _Session | None:
        try:
            record = await self._table.live(identity.device_id, _moment(self._clock()))
        except WyomingCentralError as error:
            # A turn without its history is better than no turn.
            _log.warning("a session could not be read", error=str(error))
            return None
        if record is None:
            return None
        if identity.device_id in self._held:  # somebody was faster while the table was read
            return self._held[identity.device_id]
        session = _Session(
            record.id,
            record.user_id,
            record.created_at.timestamp(),
            record.expires_at.timestamp(),
            context_from_json(record.context),
        )
        self._held[identity.device_id] = session
        return session


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _to_record(device_id: str, session: _Session) -> SessionRecord:
    return SessionRecord(
        id=session.id,
        user_id=session.user_id,
        device_id=device_id,
        created_at=_moment(session.created_at),
        expires_at=_moment(session.expires_at),
        context=context_to_json(session.context),
    )


# --- the JSON of `sessions.context` --------------------------------------------------------------------


def context_to_json(context: SessionContext) -> dict[str, Any]:
    """The rolling message history as the `sessions` table keeps it."""
    return {
        "messages": [
            {
                "at": turn.at,
                "said": turn.text,
                "answered": turn.speech,
                "intents": [intent_to_json(intent) for intent in turn.intents],
                "targets": list(turn.targets),
            }
            for turn in context.turns
        ],
        "question": _question_to_json(context.open_question),
    }


def context_from_json(data: Mapping[str, Any]) -> SessionContext:
    """A context as it was written; what an older or newer server wrote differently is left out."""
    try:
        return SessionContext(
            turns=tuple(
                PastTurn(
                    text=str(message["said"]),
                    speech=str(message["answered"]),
                    intents=tuple(intent_from_json(intent) for intent in message["intents"]),
                    targets=tuple(map(str, message["targets"])),
                    at=float(message["at"]),
                )
                for message in data["messages"][-TURNS_KEPT:]
            ),
            open_question=_question_from_json(data.get("question")),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return SessionContext()


def intent_to_json(intent: Intent) -> dict[str, Any]:
    """An intent as it stands in sessions and in the audit."""
    return {
        "name": intent.name,
        "slots": dict(intent.slots),
        "targets": list(intent.targets),
        "requires": dict(intent.requires),
        "asks": intent.asks,
    }


def intent_from_json(data: Mapping[str, Any]) -> Intent:
    """An intent from what `intent_to_json` made of it."""
    return Intent(
        name=str(data["name"]),
        slots={name: _slot(value) for name, value in (data.get("slots") or {}).items()},
        targets=tuple(map(str, data.get("targets") or ())),
        requires={name: _slot(value) for name, value in (data.get("requires") or {}).items()},
        asks=data.get("asks"),
    )


def _slot(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _question_to_json(question: OpenQuestion | None) -> dict[str, Any] | None:
    if question is None:
        return None
    return {
        "intent": intent_to_json(question.intent),
        "candidates": list(question.candidates),
        "asked_at": question.asked_at,
        "confirms": [intent_to_json(intent) for intent in question.confirms],
    }


def _question_from_json(data: Mapping[str, Any] | None) -> OpenQuestion | None:
    if data is None:
        return None
    return OpenQuestion(
        intent=intent_from_json(data["intent"]),
        candidates=tuple(map(str, data["candidates"])),
        asked_at=float(data["asked_at"]),
        confirms=tuple(intent_from_json(intent) for intent in data.get("confirms") or ()),
    )
