"""What one process notes of the language model, and another reads."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from handlers.llm.chat import client_of
from handlers.llm.pool import ModelServer, Readiness
from wyoming_central.model_status import ModelStatus, known_models


def _server(**more: object) -> ModelServer:
    url = "http://anna:hunter2@h:1"
    return ModelServer(url, client_of(url), **more)  # type: ignore[arg-type]


async def test_what_was_noted_is_read_without_a_password(tmp_path: Path) -> None:
    path = tmp_path / "language-model.json"
    server = _server(readiness=Readiness.PULLING, completed=3, total=9)
    status = ModelStatus(path, (server,), clock=lambda: 42.0)
    writing = asyncio.create_task(status.run())
    status.changed(server)
    async with asyncio.timeout(5):
        while not (known := known_models(path)):
            await asyncio.sleep(0.01)
    writing.cancel()
    [one] = known
    assert (one.url, one.readiness) == ("http://anna:***@h:1", Readiness.PULLING)
    assert (one.completed, one.total, one.at) == (3, 9, 42.0)
    assert "hunter2" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text", ["", "[", "{}", "[1]", "[{}]", '[{"url": 1, "readiness": "x"}]', "null", "x" * 200_000]
)
def test_what_is_no_such_file_is_as_if_there_were_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "language-model.json"
    assert known_models(path) == ()
    path.write_text(text, encoding="utf-8")
    assert known_models(path) == ()
