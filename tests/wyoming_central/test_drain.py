"""SIGTERM under load: what was taken is answered and written down, and the server ends in its time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from wyoming.asr import Transcript

from wyoming_central.client import Client, connect
from wyoming_central.errors import ClientError

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

PIPELINED = 4
DRAIN_SECONDS = 5.0


@dataclass
class Program:
    process: asyncio.subprocess.Process
    folder: Path
    uri: str
    tokens: list[str]

    async def stop(self) -> tuple[float, int]:
        """SIGTERM; how many seconds it took to end, and how many calls its home had carried out."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        said, _ = await asyncio.wait_for(self.process.communicate(), 60)
        assert self.process.returncode == 0
        return time.monotonic() - started, json.loads(said)["calls"]

    def rows(self) -> dict[str, str]:
        """The audit: statuses by request id."""
        with contextlib.closing(sqlite3.connect(self.folder / "wyoming-central.db")) as database:
            return dict(database.execute("select request_id, status from audit_log"))


@contextlib.asynccontextmanager
async def program(folder: Path, seconds_a_call: float) -> AsyncIterator[Program]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.wyoming_central.drained",
        str(seconds_a_call),
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "DATA_DIR": str(folder),
            "LISTEN": "tcp://127.0.0.1:0",
            "ZEROCONF": "off",
            "DRAIN_SECONDS": str(DRAIN_SECONDS),
            "MAX_TURNS_PER_USER": "1000",
            "DEVICE_TURNS_PER_SECOND": "1000",
            "ADDRESS_TURNS_PER_SECOND": "10000",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        said: dict[str, Any] = json.loads(await asyncio.wait_for(process.stdout.readline(), 60))
        yield Program(process, folder, said["uri"], said["tokens"])
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@dataclass
class Speaking:
    """Satellites that speak on and on, with a few sentences always on their way."""

    answered: list[str] = field(default_factory=list)
    enough: asyncio.Event = field(default_factory=asyncio.Event)

    async def speak(self, uri: str, token: str) -> None:
        with contextlib.suppress(ClientError):
            async with connect(uri) as satellite:
                await satellite.authenticate(token)
                await self._speak_on(satellite)

    async def _speak_on(self, satellite: Client) -> None:
        sentence = Transcript("Turn on the desk lamp", language="en").event()
        for _ in range(PIPELINED):
            await satellite.send(sentence)
        while True:
            answer = await satellite.receive(within=30)
            assert answer.type == "handled", answer
            self.answered.append(answer.data["context"]["request_id"])
            if len(self.answered) >= 200:
                self.enough.set()
            await satellite.send(sentence)


async def test_every_turn_that_was_taken_is_answered_carried_out_and_written_down(tmp_path: Path) -> None:
    async with program(tmp_path, seconds_a_call=0.05) as server:
        speaking = Speaking()
        async with asyncio.TaskGroup() as group:
            for token in server.tokens:
                group.create_task(speaking.speak(server.uri, token))
            await asyncio.wait_for(speaking.enough.wait(), 60)
            seconds, calls = await server.stop()
        rows = server.rows()
    assert len(set(speaking.answered)) == len(speaking.answered)
    assert rows == dict.fromkeys(speaking.answered, "ok"), "each answer has its row, and each row its answer"
    assert calls == len(speaking.answered), "nothing was done that was not answered"
    assert seconds < DRAIN_SECONDS


async def test_a_turn_that_does_not_end_in_time_is_cut_and_written_down_so(tmp_path: Path) -> None:
    async with program(tmp_path, seconds_a_call=60) as server, connect(server.uri) as satellite:
        await satellite.authenticate(server.tokens[0])
        await satellite.send(Transcript("Turn on the desk lamp", language="en").event())
        # Answered out of turn: the sentence before it has been taken.
        await satellite.ping()
        started = time.monotonic()
        _, calls = await server.stop()
        seconds = time.monotonic() - started
        assert list(server.rows().values()) == ["interrupted"]
    assert calls == 0
    assert DRAIN_SECONDS <= seconds < DRAIN_SECONDS + 5
