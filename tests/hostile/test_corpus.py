"""The hostile corpus against real servers, over TCP: each case is stood, and nobody else notices."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from tests.hostile import play as play_module
from tests.hostile.corpus import Case, Corpus, Deed, read_corpus
from tests.hostile.expectation import Answer, End, LogLine
from tests.hostile.play import play
from tests.hostile.world import World, world

CORPUS = read_corpus()
MOST_GROWTH_BYTES = 20_000_000

pytestmark = [pytest.mark.real, pytest.mark.asyncio(loop_scope="session")]


class Siege:
    """The servers of the corpus, each started when its first case comes."""

    def __init__(self, corpus: Corpus, folder: pytest.TempPathFactory, stack: AsyncExitStack) -> None:
        self._corpus = corpus
        self._folder = folder
        self._stack = stack
        self.worlds: dict[str, World] = {}
        self.begun_with: dict[str, int] = {}

    async def at(self, server: str) -> World:
        """The server of this name."""
        if server not in self.worlds:
            one = await self._stack.enter_async_context(
                world(
                    self._folder.mktemp(server) / "data",
                    self._corpus.servers[server],
                    self._corpus.of(server),
                )
            )
            self.worlds[server] = one
            self.begun_with[server] = one.resident_bytes
        return self.worlds[server]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def siege(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Siege]:
    async with AsyncExitStack() as stack:
        yield Siege(CORPUS, tmp_path_factory, stack)


def _parameters() -> list[object]:
    """The cases, by server, so that no more servers run than have to."""
    return [
        pytest.param(case, id=f"{case.theme}: {case.name}", marks=[pytest.mark.slow] if case.slow else [])
        for server in CORPUS.servers
        for case in CORPUS.of(server)
    ]


@pytest.mark.parametrize("case", _parameters())
async def test_it_is_stood(siege: Siege, case: Case) -> None:
    verdict = await play(case, await siege.at(case.server))
    assert not verdict.complaints, "\n".join(verdict.complaints)


_REFUSED = next(case for case in CORPUS.cases if case.name == "a list as the header is refused")
_LINE = LogLine((("level", "warning"), ("event", "peer refused")))


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"answers": (Answer("error", "bad-json"),)}, "wanted error bad-json"),
        ({"answers": ()}, "got more than was wanted: 1 events: error"),
        ({"answers": 2 * (Answer("error", "bad-header"),)}, "after 1 fitting answers got 0 and then nothing"),
        ({"end": End.CUT}, "the connection was closed, and should be cut"),
        ({"end": End.OPEN}, "the connection was closed before there was an answer to a ping"),
        ({"log": ()}, "the log has a line too many"),
        ({"log": (replace(_LINE, least=2, most=2),)}, "the log has 1 lines where there should be 2"),
        ({"log": (_LINE, LogLine((("event", "x"),)))}, "the log has 0 lines where there should be 1"),
    ],
)
async def test_what_was_not_expected_is_complained_of(
    siege: Siege, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any], complaint: str
) -> None:
    monkeypatch.setattr(play_module, "_LINES_WITHIN", 0.1)
    [act] = _REFUSED.acts
    act = replace(act, within=1.0, expect=replace(act.expect, **wrong))
    verdict = await play(replace(_REFUSED, acts=(act,)), await siege.at("usual"))
    assert complaint in "\n".join(verdict.complaints)


async def test_a_text_that_the_log_repeats_is_complained_of(siege: Siege) -> None:
    verdict = await play(replace(_REFUSED, never_logged=("bad-header",)), await siege.at("usual"))
    assert verdict.complaints == ("the log repeats 'bad-header'",)


async def test_a_server_that_does_not_answer_is_a_hang(siege: Siege) -> None:
    [act] = _REFUSED.acts
    act = replace(act, steps=(Deed.STOP_READING,), within=0.2, expect=replace(act.expect, log=()))
    verdict = await play(replace(_REFUSED, acts=(act,)), await siege.at("usual"))
    assert verdict.hung
    assert "within 0.2 s there was not an end" in verdict.complaints[0]


@pytest.mark.slow
@pytest.mark.parametrize("server", CORPUS.servers)
async def test_after_all_of_it_nothing_is_left(
    siege: Siege, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # The first pass has loaded what is loaded once; what a second adds would be added by every further one.
    one = await siege.at(server)
    warm = one.resident_bytes
    for case in CORPUS.of(server):
        if not case.slow:
            await play(case, one)
    growth, first = one.resident_bytes - warm, warm - siege.begun_with[server]
    with capsys.disabled():
        sys.stdout.write(
            f"\n{server}: {first / 1e6:+.1f} MB in the first pass, {growth / 1e6:+.1f} in the second\n"
        )
    assert growth < MOST_GROWTH_BYTES
    async with asyncio.timeout(10):
        while one.connections > 1:  # the honest one
            await asyncio.sleep(0.01)
    assert one.alive
