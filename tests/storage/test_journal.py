from __future__ import annotations

from datetime import UTC, datetime, timedelta

from storage.database import Database
from storage.journal import KEPT, Journal
from storage.records import OperationKind, OperationOutcome, UserRecord

INSTANCE = "1" * 32


async def test_an_operation_is_under_way_until_it_has_ended(database: Database, anna: UserRecord) -> None:
    journal = Journal(database)
    operation = await journal.begin(anna.id, INSTANCE, OperationKind.CREATE, generation=1)
    (found,) = await journal.of(anna.id, limit=10)
    assert (found.kind, found.generation, found.outcome, found.ended_at) == ("create", 1, None, None)
    await journal.end(operation, OperationOutcome.FAILED, detail="x" * 2000)
    (found,) = await journal.of(anna.id, limit=10)
    assert found.outcome is OperationOutcome.FAILED
    assert found.detail == "x" * 1000
    assert found.ended_at is not None
    assert found.ended_at >= found.began_at


async def test_what_has_ended_does_not_end_again(database: Database, anna: UserRecord) -> None:
    journal = Journal(database)
    operation = await journal.begin(anna.id, INSTANCE, OperationKind.STOP, generation=1)
    await journal.close_interrupted()
    await journal.end(operation, OperationOutcome.DONE)
    (found,) = await journal.of(anna.id, limit=10)
    assert found.outcome is OperationOutcome.INTERRUPTED


async def test_a_new_operation_supersedes_the_users_open_one_and_nobody_elses(
    database: Database, anna: UserRecord, bela: UserRecord
) -> None:
    journal = Journal(database)
    for user in (anna, bela, anna):
        await journal.begin(user.id, INSTANCE, OperationKind.START, generation=1)
    assert [one.outcome for one in await journal.of(anna.id, limit=10)] == [None, "superseded"]
    assert [one.outcome for one in await journal.of(bela.id, limit=10)] == [None]


async def test_what_a_dead_server_left_open_is_closed_once(
    database: Database, anna: UserRecord, bela: UserRecord
) -> None:
    journal = Journal(database)
    for user in (anna, bela):
        await journal.begin(user.id, INSTANCE, OperationKind.REMOVE, generation=3)
    assert [one.user_id for one in await journal.close_interrupted()] == [anna.id, bela.id]
    assert await journal.close_interrupted() == ()


async def test_only_the_newest_operations_of_a_user_are_kept(
    database: Database, anna: UserRecord, bela: UserRecord
) -> None:
    journal = Journal(database)
    await journal.begin(bela.id, INSTANCE, OperationKind.START, generation=1)
    for number in range(KEPT + 3):
        await journal.begin(anna.id, INSTANCE, OperationKind.START, generation=number)
    kept = await journal.of(anna.id, limit=1000)
    assert [one.generation for one in kept] == list(range(KEPT + 2, 2, -1))
    assert len(await journal.of(bela.id, limit=1000)) == 1


async def test_old_operations_are_forgotten_but_none_that_is_under_way(
    database: Database, anna: UserRecord, bela: UserRecord
) -> None:
    then = datetime(2026, 1, 1, tzinfo=UTC)
    journal = Journal(database, clock=lambda: then)
    ended = await journal.begin(anna.id, INSTANCE, OperationKind.START, generation=1)
    await journal.end(ended, OperationOutcome.DONE)
    await journal.begin(bela.id, INSTANCE, OperationKind.START, generation=1)
    assert await journal.purge(then) == 0
    assert await journal.purge(then + timedelta(seconds=1)) == 1
    assert await journal.of(anna.id, limit=10) == ()
    assert len(await journal.of(bela.id, limit=10)) == 1
