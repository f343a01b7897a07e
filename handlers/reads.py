"""What a computation reads of a home's states, so that its outcome can be used again while all of that holds.

A lamp's state changes with every command, the modes it supports hardly ever, and "turn it on" looks at
neither. Noting what was looked at tells these apart without anybody having to declare it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from handlers.understanding import SessionContext, Utterance
from provisioning.home.registry import EntityState, HomePicture


class _Kind(Enum):
    """What is read of an entity beside its attributes; those are noted by their names."""

    PRESENCE = "whether it has a state"
    WORD = "the state itself"


_Key = str | _Kind

# More are not worth keeping: comparing them would take as long as working it out again.
MOST_READS: Final = 64

_ABSENT: Final = object()
# Of these, equal values of the same type are told apart by nothing.
_PLAIN: Final = frozenset({str, int, float, bool, type(None)})


@dataclass(frozen=True, slots=True)
class Reads:
    """All that was read: entity, what of it, and what it was."""

    _entries: tuple[tuple[str, _Key, Any], ...]

    def hold(self, picture: HomePicture) -> bool:
        """Whether reading the same again would give the same."""
        for entity_id, key, value in self._entries:
            state = picture.state_of(entity_id)
            if key is _Kind.PRESENCE:
                if (state is not None) is not value:
                    return False
            elif state is None or not _is_same(_read(state, key), value):
                return False
        return True


class ReadLog:
    """Notes what is read through an utterance and a picture.

    Args:
        utterance: What was said.
        picture: The home.
    """

    def __init__(self, utterance: Utterance, picture: HomePicture) -> None:
        self._entries: dict[tuple[str, _Key], Any] = {}
        self._is_countable = True
        self.utterance: Utterance = _NotedUtterance(utterance, self)
        """The same utterance; who asks it for the time or for the session cannot use the outcome again."""
        self.picture = HomePicture(picture.registry, _NotedStates(picture.states, self))
        """The same home; whoever looks at a state through it leaves a note."""

    def note(self, entity_id: str, key: _Key, value: Any) -> None:
        """Something was read."""
        if value is _ABSENT or _is_comparable(value):
            self._entries[entity_id, key] = value
        else:
            self._is_countable = False

    def note_everything(self) -> None:
        """More was read than can be listed."""
        self._is_countable = False

    @property
    def reads(self) -> Reads | None:
        """What was read so far; None if it is more than can be listed or compared."""
        if not self._is_countable or len(self._entries) > MOST_READS:
            return None
        return Reads(tuple((entity_id, key, value) for (entity_id, key), value in self._entries.items()))


class _NotedUtterance(Utterance):
    __slots__ = ("_log", "_utterance")
    _log: ReadLog
    _utterance: Utterance

    def __init__(self, utterance: Utterance, log: ReadLog) -> None:
        _set(
            self,
            text=utterance.text,
            language=utterance.language,
            area_id=utterance.area_id,
            _utterance=utterance,
            _log=log,
        )

    @property
    def session(self) -> SessionContext:
        self._log.note_everything()
        return self._utterance.session

    @property
    def now(self) -> float:
        self._log.note_everything()
        return self._utterance.now


class _NotedStates(Mapping[str, EntityState]):
    def __init__(self, states: Mapping[str, EntityState], log: ReadLog) -> None:
        self._states = states
        self._log = log

    def __getitem__(self, entity_id: str) -> EntityState:
        state = self._states.get(entity_id)
        self._log.note(entity_id, _Kind.PRESENCE, state is not None)
        if state is None:
            raise KeyError(entity_id)
        return _NotedState(entity_id, state, self._log)

    def __iter__(self) -> Iterator[str]:
        self._log.note_everything()
        return iter(self._states)

    def __len__(self) -> int:
        self._log.note_everything()
        return len(self._states)


class _NotedState(EntityState):
    __slots__ = ("_entity_id", "_log", "_state")
    _entity_id: str
    _log: ReadLog
    _state: EntityState

    def __init__(self, entity_id: str, state: EntityState, log: ReadLog) -> None:
        _set(self, _entity_id=entity_id, _state=state, _log=log)

    @property
    def state(self) -> str:
        value = self._state.state
        self._log.note(self._entity_id, _Kind.WORD, value)
        return value

    @property
    def attributes(self) -> Mapping[str, Any]:
        return _NotedAttributes(self._entity_id, self._state.attributes, self._log)


class _NotedAttributes(Mapping[str, Any]):
    def __init__(self, entity_id: str, attributes: Mapping[str, Any], log: ReadLog) -> None:
        self._entity_id = entity_id
        self._attributes = attributes
        self._log = log

    def __getitem__(self, name: str) -> Any:
        value = self._attributes.get(name, _ABSENT)
        self._log.note(self._entity_id, name, value)
        if value is _ABSENT:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        self._log.note_everything()
        return iter(self._attributes)

    def __len__(self) -> int:
        self._log.note_everything()
        return len(self._attributes)


def _set(frozen: object, **values: Any) -> None:
    """Set up a frozen object past its own setter, as the code does that dataclasses are given."""
    for name, value in values.items():
        object.__setattr__(frozen, name, value)


def _read(state: EntityState, key: _Key) -> Any:
    return state.attributes.get(key, _ABSENT) if isinstance(key, str) else state.state


def _is_same(value: Any, before: Any) -> bool:
    # 1, 1.0 and True are equal, and yet not spoken alike.
    return value is before or (type(value) is type(before) and bool(value == before))


def _is_comparable(value: Any) -> bool:
    if type(value) in _PLAIN:
        return True
    return type(value) in {list, tuple} and all(type(one) is str for one in value)
