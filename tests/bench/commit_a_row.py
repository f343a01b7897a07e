"""The peer of the audit writer: every row is a commit of its own, and the turn waits for it."""

from __future__ import annotations

from datetime import UTC, datetime

from handlers.audit_row import audit_row
from handlers.listener import Listener
from handlers.peer import Identity
from handlers.sentence import Sentence
from handlers.turn import Turns
from handlers.turn_result import TurnResult
from storage.audit_values import fit
from storage.clock import utc_now
from storage.database import Database
from storage.records import AuditRow
from storage.schema import audit_log


class CommitARow:
    """Writes audit rows one by one.

    Args:
        database: Where the rows go.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, row: AuditRow) -> None:
        """Commit one row."""
        async with self._database.write() as session:
            await session.execute(self._database.insert(audit_log), [fit(row, now=utc_now())])


class NoAudit:
    """Takes rows and drops them, where somebody else has written them already."""

    def record(self, row: AuditRow) -> None:
        """Drop a row."""


class CommittingTurns:
    """Turns that are answered when their row is committed, and not before.

    Args:
        turns: Take the turn; made with `NoAudit`.
        writer: Writes the rows.
    """

    def __init__(self, turns: Turns, writer: CommitARow) -> None:
        self._turns = turns
        self._writer = writer

    async def of_sentence(
        self, sentence: Sentence, identity: Identity, request_id: str, *, listener: Listener | None = None
    ) -> TurnResult:
        """Take a turn and write its row."""
        result = await self._turns.of_sentence(sentence, identity, request_id, listener=listener)
        await self._writer.write(audit_row(result, datetime.now(UTC)))
        return result

    def settle(self, result: TurnResult) -> None:
        """What else waits until the answer has left."""
        self._turns.settle(result)
