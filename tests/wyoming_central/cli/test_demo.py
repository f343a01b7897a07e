from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from wyoming_central.demo import run as demo


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_demo_that_is_told_to_stop_stops_its_server_and_clears_its_folder_away(
    cli: Any, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    folders: list[Path] = []
    stopped: list[bool] = []

    @asynccontextmanager
    async def running(settings: Any, **_: Any) -> AsyncIterator[None]:
        folders.append(settings.data_dir)
        try:
            yield
        finally:
            stopped.append(True)

    async def told_to_stop(*_: Any) -> None:
        os.kill(os.getpid(), number)
        await asyncio.Event().wait()

    monkeypatch.setattr(demo, "running", running)
    monkeypatch.setattr(demo, "two_homes", told_to_stop)
    result = cli("demo", code=130)
    assert "Traceback" not in result.stderr
    assert stopped == [True]
    assert not folders[0].exists()
