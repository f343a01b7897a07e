"""The demo itself: a server, two people with a real Home Assistant each, and sentences over TCP."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from pydantic import SecretStr
from rich.console import Console

from config.listen import parse_listen
from config.schema import DATABASE_FILE, Origin
from config.settings import Settings, ensure_secrets
from wyoming_central.application import Application, running
from wyoming_central.demo.people import Person, access, two_homes
from wyoming_central.demo.play import play
from wyoming_central.demo.script import read_script
from wyoming_central.demo.stage import Stage, progress_on

# Ctrl-C is asyncio's own affair.
_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP)


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
        CancelledError: SIGTERM or a closed terminal ended it; everything is stopped and cleared away.
    """
    with _ending_in_order(), tempfile.TemporaryDirectory(prefix="wyoming-central-demo-") as folder:
        own = ensure_secrets(_own_settings(settings, Path(folder)))
        script = read_script()
        with progress_on(console) as progress:
            stage = Stage(progress)
            async with running(own, report=stage.installing) as server:
                anna, ben = await two_homes(server, script, stage)
                progress.stop()
                failures = await play(server, script, anna, ben, console)
                if keep and not failures:
                    await _stay(server, anna, Path(folder), console)
    return 1 if failures else 0


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Have SIGTERM and a closed terminal cancel the block, so that no Home Assistant outlives the demo."""
    loop, playing = asyncio.get_running_loop(), asyncio.current_task()
    if playing is None:
        raise RuntimeError("signals can only cancel a task")
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, playing.cancel)
    try:
        yield
    finally:
        for number in _STOP_SIGNALS:
            loop.remove_signal_handler(number)


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
        # What is shown is understood by rules, and nobody's Ollama is told to fetch gigabytes for it.
        "ollama_urls": (),
    }
    return settings.replaced(values, dict.fromkeys(values, Origin.GIVEN))


async def _stay(server: Application, anna: Person, folder: Path, console: Console) -> None:
    """Leave everything running and say how to talk to it."""
    token_file = folder / "anna.token"
    await asyncio.to_thread(_write_private, token_file, anna.token)
    (listening,) = server.listening
    url, _ = await access(anna.user_id, server)
    program = sys.argv[0]
    console.print(
        f"\nIt stays up until Ctrl-C. From another terminal:\n"
        f"  {program} say 'Kapcsold be a nappali lámpát' --language hu \\\n"
        f"      --uri tcp://{listening.host}:{listening.port} --token-file {token_file}\n"
        f"  DATA_DIR={folder} {program} audit tail\n"
        f"  DATA_DIR={folder} {program} instance login anna@example.org\n"
        f"Anna's Home Assistant is at {url}; the last of these says how to sign in.",
        highlight=False,
        soft_wrap=True,
    )
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
