"""One real server for many stories: TCP, SQLite, tokens, the changes feed; only the homes are stand-ins.

Three things are arranged so that a story happens the same way each time. The server does not look at what was
changed five times a second but when it is told to, an hour passes when it is told to, and its parts can be
asked whether they are done.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine, Iterator, MutableMapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest
import structlog
import uvloop
from sqlalchemy import delete, select

from config.settings import Settings, ensure_secrets
from handlers import prepared
from handlers.authenticate import Authenticator
from handlers.cache import ExactCache
from handlers.prepared import Prepared
from handlers.understanding import Utterance
from provisioning.home.registry import HomePicture
from storage.database import Database
from storage.records import SessionRecord, new_id
from storage.schema import audit_log, changes, revocations, sessions, users
from tests.isolation.homes import StandInHomes
from tests.isolation.plans import LISTENERS
from wyoming_central import application
from wyoming_central.application import Application, running
from wyoming_central.logs import add_log_context

Result = TypeVar("Result")

# So much that only a server that hangs needs it.
PATIENCE_SECONDS: Final = 60.0
_NEVER_SECONDS: Final = 86_400.0
# All stories come from a few addresses, one after the other, and are not about what holds back floods.
_GENEROUS: Final = {
    "device_turns_per_second": 1e6,
    "device_turns_burst": 1_000_000,
    "address_turns_per_second": 1e6,
    "address_turns_burst": 1_000_000,
    "failed_authentications": 1_000_000,
    "turn_deadline_seconds": PATIENCE_SECONDS,
    "home_call_timeout_seconds": PATIENCE_SECONDS,
    "question_ttl_seconds": PATIENCE_SECONDS,
    "unauthenticated_seconds": PATIENCE_SECONDS,
}


class Clock:
    """The time by which tokens are over; it can be set ahead."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


class Log:
    """Every line that is logged, as it is before anything in it is masked or left out."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def keep(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
        self.lines.append(dict(event))
        raise structlog.DropEvent


class _Libraries(logging.Handler):
    """What libraries log, asyncio's own about exceptions that nobody took among it."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        line = {"event": record.getMessage(), "level": record.levelname.lower(), "logger": record.name}
        if record.exc_info:
            line["exc_info"] = str(record.exc_info[1])
        self._log.lines.append(line)


class Served:
    """A server that runs for as long as its fixture.

    Attributes:
        loop: What it runs on; it stands still between stories.
        app: The server, from outside.
        homes: Where it finds homes.
        age: Of those that are the same in one story after the other.
        log: What it logs.
        clock: By which it says of tokens that they are over.
        database: For what no repository does.
        escaped: Exceptions that came to the loop itself.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        app: Application,
        parts: Any,
        homes: StandInHomes,
        log: Log,
        clock: Clock,
    ) -> None:
        self.loop = loop
        self.app = app
        self.homes = homes
        self.age = new_id()
        self.log = log
        self.clock = clock
        self.database: Database = parts.stored.users._database
        self.escaped: list[dict[str, Any]] = []
        self._parts = parts
        self._looking = asyncio.Lock()

    def run(self, story: Coroutine[Any, Any, Result]) -> Result:
        """Let the server run until something has come to its end."""

        async def with_patience() -> Result:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await story

        return self.loop.run_until_complete(with_patience())

    def port_of(self, listener: str) -> int:
        """Where a listener listens."""
        return next(address.port for address in self.app.listening if address.name == listener)

    async def look(self) -> None:
        """Have the server look at what was changed, and wait until it has acted on it."""
        async with self._looking:
            await self._parts.feed._poll()

    async def write(self) -> None:
        """Have the server write what it has still to write."""
        await self._parts.sessions.flush()
        await self._parts.audit._drain()

    async def settle(self) -> None:
        """Wait until nobody is connected, no turn is under way, and all that is to be written is."""
        await self._parts.server._empty.wait()
        await self.write()

    async def sessions_of(self, device_ids: list[str]) -> list[SessionRecord]:
        """The stored sessions of these devices."""
        wanted = select(sessions).where(sessions.c.device_id.in_(device_ids))
        async with self.database.read() as session:
            rows = (await session.execute(wanted)).all()
        return [
            SessionRecord(row.id, row.user_id, row.device_id, row.created_at, row.expires_at, row.context)
            for row in rows
        ]

    @property
    def cache(self) -> ExactCache:
        """What recognition keeps."""
        cache: ExactCache = self._parts.warm_up._recognizer._cache
        return cache

    def prepared_for(self, utterance: Utterance, picture: HomePicture) -> Prepared | None:
        """What is kept of a sentence in a home, whether or not it may be used now."""
        kept: Prepared | None = self._parts.server.sink._turns._preparer._kept.get(  # type: ignore[attr-defined]
            prepared._key(utterance, picture)
        )
        return kept

    async def forget(self) -> None:
        """Empty the database, so that the next story begins where this one did, and is as fast."""
        async with self.database.write() as session:
            for table in (users, revocations, changes, audit_log):
                await session.execute(delete(table))
        await self._parts.roster.reload()
        self._parts.sessions.keep_only(())
        self.homes.of_user.clear()
        self.log.lines.clear()


@contextmanager
def a_server(folder: Path) -> Iterator[Served]:
    """A server with its data in a folder."""
    log, homes, clock, found = Log(), StandInHomes(), Clock(), []
    assemble = application._assemble

    async def observed(*arguments: Any, **more: Any) -> Any:
        found.append(await assemble(*arguments, **more))
        return found[0]

    settings = ensure_secrets(
        Settings(
            _env_file=None,
            data_dir=folder,
            cache_dir=folder / "cache",
            database_url=f"sqlite+aiosqlite:///{folder}/isolation.db",
            listen=",".join(f"{name}=tcp://127.0.0.1:0" for name in LISTENERS),
            zeroconf="off",
            **_GENEROUS,
        )
    )
    loop = uvloop.new_event_loop()
    with pytest.MonkeyPatch.context() as patch, _kept(log):
        patch.setattr(application, "_assemble", observed)
        patch.setattr(application, "Authenticator", partial(Authenticator, clock=clock))
        patch.setattr(application, "CHANGES_POLL_SECONDS", _NEVER_SECONDS)
        host = _Host(loop, settings, homes)
        try:
            served = Served(loop, host.start(), found[0], homes, log, clock)
            loop.set_exception_handler(lambda _, context: served.escaped.append(context))
            yield served
        finally:
            host.stop()
            loop.close()


class _Host:
    """Runs the server in one task, from its start to its end in good order."""

    def __init__(self, loop: asyncio.AbstractEventLoop, settings: Settings, homes: StandInHomes) -> None:
        self._loop = loop
        self._stop = asyncio.Event()
        self._started: asyncio.Future[Application] = loop.create_future()
        self._task = loop.create_task(self._serve(settings, homes))

    def start(self) -> Application:
        self._loop.run_until_complete(
            asyncio.wait({self._task, self._started}, return_when=asyncio.FIRST_COMPLETED)
        )
        if self._task.done():
            self._task.result()
        return self._started.result()

    def stop(self) -> None:
        self._stop.set()
        self._loop.run_until_complete(asyncio.wait_for(self._task, PATIENCE_SECONDS))

    async def _serve(self, settings: Settings, homes: StandInHomes) -> None:
        async with running(settings, homes=homes) as app:
            self._started.set_result(app)
            await self._stop.wait()


@contextmanager
def _kept(log: Log) -> Iterator[None]:
    """Have every log line of this process end in `log`."""
    before, was_configured = structlog.get_config(), structlog.is_configured()
    libraries, root = _Libraries(log), logging.getLogger()
    structlog.configure(
        processors=[add_log_context, structlog.stdlib.add_log_level, log.keep],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    root.addHandler(libraries)
    try:
        yield
    finally:
        root.removeHandler(libraries)
        structlog.reset_defaults()
        if was_configured:
            structlog.configure(**before)
