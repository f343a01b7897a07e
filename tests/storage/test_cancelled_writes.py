from __future__ import annotations

import asyncio
import logging
from random import Random

import pytest

from storage.database import Database
from storage.secret_box import SecretBox
from storage.users import Users


@pytest.mark.slow
async def test_a_write_that_is_cancelled_at_any_moment_locks_nobody_out(
    sqlite_database: Database, box: SecretBox, caplog: pytest.LogCaptureFixture
) -> None:
    # SQLAlchemy logs it as an error where a rollback is cancelled too.
    caplog.set_level(logging.CRITICAL, "sqlalchemy.pool")
    users = Users(sqlite_database, box)
    user = await users.add(email="anna@example.org", password_hash="-", language="hu")
    random = Random(7)
    # Kept, with their tracebacks and whatever those hold on to.
    cancelled = []
    for number in range(150):
        write = asyncio.create_task(users.set_home(user.id, url="http://ha", token=str(number)))
        await asyncio.sleep(random.random() * 0.003)
        write.cancel()
        if number % 2:
            await asyncio.sleep(0)
            write.cancel()
        await asyncio.wait({write})
        cancelled.append(write)
        async with asyncio.timeout(2):
            await users.set_home(user.id, url="http://ha", token=f"after {number}")
        assert await users.home_token(user.id) == f"after {number}"
