"""The demo itself: a server, two people with a real Home Assistant each, and sentences over TCP."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import SecretStr
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from wyoming.event import Event
from wyoming.handle import Handled

from config.errors import WyomingCentralError
from config.listen import parse_listen
from config.schema import DATABASE_FILE, Origin
from config.settings import Settings, ensure_secrets
from provisioning.driver import Progress as Installing
from provisioning.home.live import LiveHome
from provisioning.home.registry import EntityState
from provisioning.home.socket import HomeAssistantSocket
from storage.errors import NotFoundError
from storage.passwords import hash_password
from storage.records import AuditRow, InstanceStatus
from wyoming_central.application import Application, running
from wyoming_central.client import Client, connect
from wyoming_central.demo.furnish import furnish
from wyoming_central.demo.script import Line, Script, read_script
from wyoming_central.demo.witness import Witness

# The first time Home Assistant has to be installed, which takes a minute or two.
READY_WITHIN_SECONDS: Final = 600.0
SEEN_WITHIN_SECONDS: Final = 10.0
FURNISHED_WITHIN_SECONDS: Final = 30.0


class DemoError(WyomingCentralError):
    """The demo cannot go on."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a home and a satellite."""

    name: str
    user_id: str
    token: str = field(repr=False)


async def run_demo(settings: Settings, *, keep: bool, console: Console) -> int:
    """Play the demo in a temporary data folder.

    Args:
        settings: Whose interpreter, cache folder and ports are used; data, secrets and database are not.
        keep: Whether everything stays up at the end, until Ctrl-C.
        console: Where it is shown.

    Returns:
        0 if everything that was said was seen in Home Assistant, else 1.

    Raises:
        WyomingCentralError: Something could not even be started.
    """
    with tempfile.TemporaryDirectory(prefix="wyoming-central-demo-") as folder:
        own = ensure_secrets(_own_settings(settings, Path(folder)))
        script = read_script()
        with _progress(console) as progress:
            stage = _Stage(progress)
            async with running(own, report=stage.installing) as server:
                anna, ben = await _two_homes(server, script, stage)
                progress.stop()
                failures = await _play(server, script, anna, ben, console)
                if keep and not failures:
                    await _stay(server, anna, Path(folder), console)
    return 1 if failures else 0


def _own_settings(settings: Settings, folder: Path) -> Settings:
    """Embedded defaults below a temporary folder; of the real settings only what the machine has to offer."""
    values = {
        "environment": "development",
        "data_dir": folder,
        "database_url": SecretStr(f"sqlite+aiosqlite:///{folder / DATABASE_FILE}"),
        "jwt_secret": None,
        "encryption_key": None,
        "listen": parse_listen("tcp://127.0.0.1:0"),
        "zeroconf": "off",
        "ha_driver": "process",
    }
    return settings.replaced(values, dict.fromkeys(values, Origin.GIVEN))


# --- the stage: two people, two homes ----------------------------------------------------------------


class _Stage:
    """What is shown while the homes come up."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._installation: TaskID | None = None

    def installing(self, advance: Installing) -> None:
        """Show how the installation of Home Assistant advances, if there is one."""
        if self._installation is None:
            self._installation = self._progress.add_task("Home Assistant", total=100)
        self._progress.update(
            self._installation, description=f"Home Assistant: {advance.phase}", completed=advance.percent or 0
        )

    @asynccontextmanager
    async def line(self, text: str) -> AsyncIterator[Callable[[str], None]]:
        """A line of its own for as long as the block lasts; what it gives changes the text."""
        task = self._progress.add_task(text, total=None)
        yield lambda changed: self._progress.update(task, description=changed)
        self._progress.update(task, total=1, completed=1)


def _progress(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(finished_text="[green]✓[/green]"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        console=console,
    )


async def _two_homes(server: Application, script: Script, stage: _Stage) -> tuple[Person, Person]:
    async with asyncio.TaskGroup() as group:
        anna = group.create_task(_settle_in("Anna", "hu", "HU", server, script, stage))
        ben = group.create_task(_settle_in("Ben", "hu", "HU", server, script, stage))
    return anna.result(), ben.result()


async def _settle_in(
    name: str, language: str, country: str, server: Application, script: Script, stage: _Stage
) -> Person:
    """Add a user with a device, have their Home Assistant made, and furnish it."""
    stored = server.repositories
    user = await stored.users.add(
        email=f"{name.lower()}@example.org",
        password_hash=await hash_password(secrets.token_urlsafe(16)),
        language=language,
    )
    device = await stored.devices.add(user_id=user.id, name=f"{name}'s satellite", area=None, language=None)
    token = server.keys.mint(device.id, now=time.time(), lifetime_seconds=86_400)
    await stored.devices.set_token(
        device.id, token_id=token.token_id, expires_at=datetime.fromtimestamp(token.expires_at, UTC)
    )
    async with stage.line(f"{name}'s home") as show:
        await stored.instances.request(
            user_id=user.id,
            driver="process",
            timezone="Europe/Budapest",
            language=language,
            country=country,
            config_yaml=script.configuration,
            port_range=server.settings.ha_port_range,
        )
        await _until_ready(name, user.id, server, show)
        show(f"{name}'s home: furnishing")
        await _furnish(user.id, server, script)
        show(f"{name}'s home is ready")
    return Person(name, user.id, token.text)


async def _until_ready(name: str, user_id: str, server: Application, show: Callable[[str], None]) -> None:
    try:
        async with asyncio.timeout(READY_WITHIN_SECONDS):
            while True:
                instance = await server.repositories.instances.get(user_id)
                show(f"{name}'s home: {instance.status}{f' ({instance.phase})' if instance.phase else ''}")
                if instance.status is InstanceStatus.READY:
                    return
                if instance.status is InstanceStatus.FAILED:
                    raise DemoError(
                        f"{name}'s Home Assistant failed: {instance.failure_reason}: {instance.failure_detail}",
                        remedy="`wyoming-central doctor` says what is missing",
                    )
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise DemoError(f"{name}'s Home Assistant did not become ready in time") from None


async def _access(user_id: str, server: Application) -> tuple[str, str]:
    user = await server.repositories.users.get(user_id)
    token = await server.repositories.users.home_token(user_id)
    if user.ha_instance_url is None or token is None:
        raise DemoError("the instance is ready, but its address or token is missing")
    return user.ha_instance_url, token


async def _furnish(user_id: str, server: Application, script: Script) -> None:
    """Furnish, and wait until the server's own picture of the home shows it."""
    url, token = await _access(user_id, server)
    await furnish(url, token, script, http=server.http)
    wanted = {furniture.name for furniture in script.furniture}
    async with asyncio.timeout(FURNISHED_WITHIN_SECONDS):
        while True:
            home = server.provisioner.home_of(user_id)
            picture = home.picture if isinstance(home, LiveHome) else None
            shown = {entity.name for entity in picture.registry.exposed_entities()} if picture else set()
            if shown == wanted:
                return
            await asyncio.sleep(0.05)


# --- the play ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Seen:
    """What came of one line."""

    answer: str
    before: str
    after: str
    ok: bool
    row: AuditRow


async def _play(server: Application, script: Script, anna: Person, ben: Person, console: Console) -> int:
    """Say everything; how many things were not as they should have been."""
    failures = 0
    async with AsyncExitStack() as stack:
        annas = Witness(await stack.enter_async_context(_socket(anna, server)))
        bens = Witness(await stack.enter_async_context(_socket(ben, server)))
        console.print("\n[bold]Anna's satellite speaks[/bold]")
        satellite = await stack.enter_async_context(_satellite(anna, server))
        for number, line in enumerate(script.lines, start=1):
            seen = await _say(satellite, line, annas, server)
            _show(console, number, line, seen)
            failures += not seen.ok
        console.print("\n[bold]Ben's satellite says what Anna's said first[/bold]")
        satellite = await stack.enter_async_context(_satellite(ben, server))
        line = script.lines[0]
        untouched = await annas.state_of(line.entity_id or "")
        seen = await _say(satellite, line, bens, server)
        _show(console, len(script.lines) + 1, line, seen)
        left_alone = await annas.state_of(line.entity_id or "") == untouched
        console.print(f"     Anna's {line.entity_id} is still {untouched.state}  {_mark(ok=left_alone)}")
        failures += (not seen.ok) + (not left_alone)
    console.print(
        f"\n[red]{failures} of it did not come true.[/red]"
        if failures
        else "\n[green]All of it was seen in Home Assistant.[/green]"
    )
    return failures


def _socket(person: Person, server: Application) -> AbstractAsyncContextManager[HomeAssistantSocket]:
    @asynccontextmanager
    async def connected() -> AsyncIterator[HomeAssistantSocket]:
        url, token = await _access(person.user_id, server)
        async with HomeAssistantSocket.connect(url, token, http=server.http, within=10) as socket:
            yield socket

    return connected()


@asynccontextmanager
async def _satellite(person: Person, server: Application) -> AsyncIterator[Client]:
    (listening,) = server.listening
    async with connect(f"tcp://{listening.host}:{listening.port}") as client:
        await client.authenticate(person.token)
        yield client


async def _say(satellite: Client, line: Line, witness: Witness, server: Application) -> _Seen:
    before = _state_text(await witness.state_of(line.entity_id), line) if line.entity_id else ""
    answer = (await satellite.say(line.text, language=line.language))[-1]
    text = str(answer.data.get("text", ""))
    ok, after = Handled.is_type(answer.type), ""
    if line.entity_id:
        came_true, state = await witness.sees(line, within=SEEN_WITHIN_SECONDS)
        ok, after = ok and came_true, _state_text(state, line)
    if line.answer is not None:
        ok = ok and line.answer in text
    return _Seen(text, before, after, ok, await _audit_row(answer, server))


async def _audit_row(answer: Event, server: Application) -> AuditRow:
    """The turn's row in the audit; it is written a moment after the answer has left."""
    request_id = str((answer.data.get("context") or {}).get("request_id"))
    for _ in range(100):
        with suppress(NotFoundError):
            return await server.repositories.audit.get(request_id)
        await asyncio.sleep(0.02)
    raise DemoError("the audit log has no row of this turn")


def _state_text(state: EntityState, line: Line) -> str:
    attributes = "".join(f", {name} {state.attributes.get(name)}" for name in line.attributes)
    return f"{state.state}{attributes}"


def _show(console: Console, number: int, line: Line, seen: _Seen) -> None:
    console.print(f" {number:>2}  [bold]{escape(line.text)}[/bold]  {_mark(ok=seen.ok)}")
    console.print(f"     {escape(seen.answer)}")
    if line.entity_id:
        console.print(f"     {line.entity_id}: {seen.before} → {seen.after}", highlight=False)
    console.print(f"     [dim]{_times(seen.row)}[/dim]", highlight=False)


def _mark(*, ok: bool) -> str:
    return "[green]✓[/green]" if ok else "[red]✗[/red]"


def _times(row: AuditRow) -> str:
    steps = (row.ha_response or {}).get("steps_ms", {})
    parser = (row.intent or {}).get("parser")
    told = [f"{name} {milliseconds:.1f} ms" for name, milliseconds in steps.items()]
    return " · ".join([f"by {parser}", *told, f"in all {row.latency_ms:.1f} ms"])


async def _stay(server: Application, anna: Person, folder: Path, console: Console) -> None:
    """Leave everything running and say how to talk to it."""
    token_file = folder / "anna.token"
    await asyncio.to_thread(_write_private, token_file, anna.token)
    (listening,) = server.listening
    url, _ = await _access(anna.user_id, server)
    console.print(
        f"\nIt stays up until Ctrl-C. From another terminal:\n"
        f"  wyoming-central say 'Kapcsold be a nappali lámpát' --language hu \\\n"
        f"      --uri tcp://{listening.host}:{listening.port} --token-file {token_file}\n"
        f"Its database and folders: DATA_DIR={folder} wyoming-central audit tail\n"
        f"Anna's Home Assistant: {url}",
        highlight=False,
        soft_wrap=True,
    )
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
