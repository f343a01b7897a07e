"""What a device's session remembers, for how long, and for whom."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.peer import Identity
from handlers.session import TURNS_KEPT, SessionKeeper, context_from_json, context_to_json
from handlers.understanding import Intent, OpenQuestion, PastTurn, SessionContext
from storage.errors import StorageError
from storage.records import SessionRecord

ANNA = Identity("anna", "satellite", "Konyha", "hu")
ANNAS_OTHER = Identity("anna", "other-satellite", "Nappali", "hu")
BELA = Identity("bela", "satellite", "Konyha", "hu")

INTENT = Intent(
    "HassTurnOn", {"name": "Lámpa", "domain": ("light", "switch")}, ("light.a",), {"domain": "light"}
)
TURN = PastTurn("Kapcsold be", "Kész.", (INTENT,), ("light.a",), 1.0)
QUESTION = OpenQuestion(INTENT, ("light.a", "light.b"), asked_at=1000.0)
UNLOCK = Intent("HassTurnOff", targets=("lock.a",))
YES_OR_NO = OpenQuestion(UNLOCK, (), asked_at=1000.0, confirms=(UNLOCK, INTENT))


class StandInSessions:
    """The `sessions` table as far as the keeper uses it, with failures on demand."""

    def __init__(self) -> None:
        self.rows: dict[str, SessionRecord] = {}
        self.failure: Exception | None = None
        self.gone: set[str] = set()
        self.saved = asyncio.Event()

    async def live(self, device_id: str, now: datetime) -> SessionRecord | None:
        if self.failure:
            raise self.failure
        row = self.rows.get(device_id)
        return row if row is not None and row.expires_at > now else None

    async def save(self, records: Sequence[SessionRecord]) -> tuple[SessionRecord, ...]:
        if self.failure:
            raise self.failure
        for record in records:
            json.dumps(record.context)
            if record.device_id not in self.gone:
                self.rows[record.device_id] = record
        self.saved.set()
        return tuple(record for record in records if record.device_id in self.gone)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def table() -> StandInSessions:
    return StandInSessions()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def keeper_on(table: StandInSessions, clock: Clock) -> SessionKeeper:
    return SessionKeeper(table, ttl_seconds=300, question_ttl_seconds=30, clock=clock)  # type: ignore[arg-type]


@pytest.fixture
def keeper(table: StandInSessions, clock: Clock) -> SessionKeeper:
    return keeper_on(table, clock)


async def test_a_new_device_remembers_nothing(keeper: SessionKeeper) -> None:
    assert await keeper.context_of(ANNA) == SessionContext()


async def test_a_turn_is_remembered_at_once_and_by_its_own_device_only(keeper: SessionKeeper) -> None:
    keeper.remember(ANNA, TURN, None)
    assert (await keeper.context_of(ANNA)).turns == (TURN,)
    assert (await keeper.context_of(ANNAS_OTHER)).turns == ()


async def test_a_device_that_changed_hands_remembers_nothing_of_its_former_user(
    keeper: SessionKeeper, table: StandInSessions, clock: Clock
) -> None:
    keeper.remember(ANNA, TURN, QUESTION)
    await keeper.flush()
    assert await keeper.context_of(BELA) == SessionContext()
    assert await keeper_on(table, clock).context_of(BELA) == SessionContext()
    keeper.remember(BELA, PastTurn("x", "y"), None)
    assert [turn.text for turn in (await keeper.context_of(BELA)).turns] == ["x"]


async def test_only_the_newest_turns_are_kept_oldest_first(keeper: SessionKeeper) -> None:
    for number in range(TURNS_KEPT + 5):
        keeper.remember(ANNA, PastTurn(str(number), ""), None)
    turns = (await keeper.context_of(ANNA)).turns
    assert [turn.text for turn in turns] == [str(number) for number in range(5, TURNS_KEPT + 5)]


async def test_a_session_is_forgotten_when_it_was_not_used_for_its_time(
    keeper: SessionKeeper, clock: Clock
) -> None:
    keeper.remember(ANNA, TURN, None)
    clock.now += 299
    assert (await keeper.context_of(ANNA)).turns
    clock.now += 1
    assert await keeper.context_of(ANNA) == SessionContext()


async def test_an_open_question_closes_after_its_time_or_with_the_next_turn(
    keeper: SessionKeeper, clock: Clock
) -> None:
    keeper.remember(ANNA, TURN, QUESTION)
    clock.now = QUESTION.asked_at + 29.9
    assert (await keeper.context_of(ANNA)).open_question == QUESTION
    clock.now = QUESTION.asked_at + 30
    assert (await keeper.context_of(ANNA)).open_question is None
    clock.now = QUESTION.asked_at
    keeper.remember(ANNA, TURN, None)
    assert (await keeper.context_of(ANNA)).open_question is None


async def test_a_session_survives_a_restart(
    keeper: SessionKeeper, table: StandInSessions, clock: Clock
) -> None:
    keeper.remember(ANNA, TURN, QUESTION)
    await keeper.flush()
    assert await keeper_on(table, clock).context_of(ANNA) == SessionContext((TURN,), QUESTION)


async def test_the_writer_writes_without_being_asked(keeper: SessionKeeper, table: StandInSessions) -> None:
    async with asyncio.TaskGroup() as group:
        writer = group.create_task(keeper.run())
        keeper.remember(ANNA, TURN, None)
        await asyncio.wait_for(table.saved.wait(), 5)
        writer.cancel()
    assert table.rows["satellite"].user_id == "anna"


async def test_what_could_not_be_written_is_kept_and_written_later(
    keeper: SessionKeeper, table: StandInSessions
) -> None:
    keeper.remember(ANNA, TURN, None)
    table.failure = StorageError("locked")
    with pytest.raises(StorageError):
        await keeper.flush()
    table.failure = None
    await keeper.flush()
    assert "satellite" in table.rows


async def test_the_session_of_a_removed_device_goes_with_it(
    keeper: SessionKeeper, table: StandInSessions
) -> None:
    keeper.remember(ANNA, TURN, None)
    table.gone = {ANNA.device_id}
    await keeper.flush()
    table.gone = set()
    await keeper.flush()
    assert table.rows == {}
    assert await keeper.context_of(ANNA) == SessionContext()


async def test_a_table_that_cannot_be_read_costs_the_history_and_not_the_turn(
    keeper: SessionKeeper, table: StandInSessions
) -> None:
    table.failure = StorageError("locked")
    assert await keeper.context_of(ANNA) == SessionContext()


async def test_a_removed_user_is_forgotten(keeper: SessionKeeper, table: StandInSessions) -> None:
    keeper.remember(ANNA, TURN, None)
    keeper.keep_only({"bela"})
    await keeper.flush()
    assert table.rows == {}


@pytest.mark.parametrize("question", [None, QUESTION, YES_OR_NO])
def test_the_json_of_a_context_gives_it_back(question: OpenQuestion | None) -> None:
    context = SessionContext((TURN, PastTurn("a", "b")), question)
    assert context_from_json(json.loads(json.dumps(context_to_json(context)))) == context


def test_a_question_of_before_there_were_yes_and_no_is_read_without() -> None:
    written = context_to_json(SessionContext((), QUESTION))
    del written["question"]["confirms"]
    assert context_from_json(written).open_question == QUESTION


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@given(
    st.dictionaries(st.sampled_from(["messages", "question", "x"]), json_values)
    | st.fixed_dictionaries({"messages": st.lists(json_values, max_size=3), "question": json_values})
)
def test_a_context_that_was_written_otherwise_is_an_empty_one(data: dict[str, object]) -> None:
    assert isinstance(context_from_json(data), SessionContext)
