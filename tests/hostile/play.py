"""Plays a case against a server, and says what was not as expected."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

from wyoming.user_event import UserEvent

from tests.hostile.corpus import Act, Await, Case, Deed, Measure, ReadSlowly, Send, Speaker, Step
from tests.hostile.expectation import (
    Answer,
    End,
    LogLine,
    misfit,
    misfit_together,
    unexpected_lines,
)
from tests.hostile.log_tail import LogTail, entry_of, is_uncaught
from tests.hostile.peer import EndedError, HostilePeer, HungError, hostile_peer
from tests.hostile.pieces import Piece, bytes_of, texts_of
from tests.hostile.tokens import TokenSpec
from tests.hostile.world import World
from wyoming_central.errors import ClientError
from wyoming_central.frame import encode

_LINES_WITHIN: Final = 5.0
_GONE_WITHIN: Final = 10.0
_LOOK_EVERY: Final = 0.003
_AUTHENTICATED: Final = Answer("user-event", "authenticated")
# What the server says of itself, and may say at any time.
_HOUSEHOLD: Final = ("provisioning", "wyoming_central.leadership", "wyoming_central.retention")
# What a text has to have in common with the log to be found there: its beginning or its end, this long.
_TRACE_LENGTH: Final = 40


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a server stood a case.

    Attributes:
        case: Its name.
        complaints: What was not as expected; none if all was.
        hung: Whether something did not come in time.
        uncaught: Lines of the log that tell of something unforeseen.
        began: When it began, by the monotonic clock in seconds.
        seconds: How long it took.
    """

    case: str
    complaints: tuple[str, ...]
    hung: bool
    uncaught: int
    began: float
    seconds: float


async def play(case: Case, world: World) -> Verdict:
    """Play a case, then look at everything that it may have disturbed."""
    started = time.monotonic()
    return await _Play(case, world).verdict(started)


class _Play:
    """One playing of a case."""

    def __init__(self, case: Case, world: World) -> None:
        self._case = case
        self._world = world
        self._addresses: tuple[str, ...] = ()
        self._complaints: list[str] = []
        self._hung = False
        self._secrets: set[str] = set(case.never_logged)
        self._expires_at = 0.0
        self._tail: LogTail
        self._lines: list[str] = []

    async def verdict(self, started: float) -> Verdict:
        self._addresses = await self._world.begin(self._case)
        self._tail = self._world.tail()
        await self._guarded(self._act_all())
        await self._guarded(self._until_nobody_is_left())
        await self._until_all_is_logged()
        uncaught = sum(map(is_uncaught, self._lines))
        self._complaints += self._about(self._lines)
        if not self._world.alive:
            self._complaints.append("the server is no more")
        return Verdict(
            self._case.name,
            tuple(self._complaints),
            self._hung,
            uncaught,
            started,
            time.monotonic() - started,
        )

    async def _guarded(self, work: Any) -> None:
        try:
            await work
        except HungError as error:
            self._hung = True
            self._complaints.append(str(error))
        except BaseExceptionGroup as errors:
            known, strange = errors.split((HungError, EndedError, OSError))
            if strange is not None:
                raise strange from None
            self._hung = self._hung or (known is not None and known.subgroup(HungError) is not None)
            self._complaints += map(str, _leaves(known) if known is not None else ())
        except (EndedError, OSError) as error:
            self._complaints.append(str(error) or type(error).__name__)

    # Acting.

    async def _act_all(self) -> None:
        # All that reads is a task of this group, so that nothing of a case outlives it.
        async with asyncio.TaskGroup() as group, AsyncExitStack() as stack:
            casts = []
            for act in self._case.acts:
                began = time.monotonic()
                for _ in range(act.times - 1):
                    async with AsyncExitStack() as again:
                        await self._judge(act, await self._act(act, again, group))
                casts.append((act, await self._act(act, stack, group), began))
            if any(act.expect.end is End.CUT for act in self._case.acts):
                # Who does not read does not see that it was cut.
                await self._until_lines_wanted()
            for act, cast, began in casts:
                await self._judge(act, cast)
                took = time.monotonic() - began
                if took < act.at_least:
                    self._complaints.append(f"it took {took:.2f} s and had to take {act.at_least:g} s")

    async def _act(self, act: Act, stack: AsyncExitStack, group: asyncio.TaskGroup) -> Sequence[HostilePeer]:
        """Have the peers of an act take its steps, all of them each step before the next."""
        to, address = self._world.listener_of(act.speaker), self._addresses[act.address - 1]
        greeting = b"" if act.greeting is None else self._bytes_of(act.greeting)
        peers = [
            await stack.enter_async_context(
                hostile_peer(to, address=address, within=act.within, group=group, greeting=greeting)
            )
            for _ in range(act.peers)
        ]
        if act.speaker is Speaker.DEVICE:
            token = await self._token_of(act)
            await _all(self._authenticate(peer, token) for peer in peers)
        for step in act.steps:
            if isinstance(step, Measure):
                await self._world.take(step, self._case)
                continue
            raw = self._bytes_of(step.piece) if isinstance(step, Send) else b""
            await _all(self._take_step(step, peer, raw) for peer in peers)
        return peers

    async def _authenticate(self, peer: HostilePeer, token: str) -> None:
        await peer.send(encode(UserEvent(name="authenticate", data={"token": token}).event()))
        await peer.until(lambda heard: any(map(_AUTHENTICATED.fits, heard)), "an authentication")
        peer.forget(_AUTHENTICATED)

    async def _take_step(self, step: Step, peer: HostilePeer, raw: bytes) -> None:
        match step:
            case Send(chunk=chunk, every=every):
                await peer.send(raw, chunk=chunk, every=every)
            case ReadSlowly(chunk, every):
                peer.read_on(chunk=chunk, every=every)
            case Await(answer):
                await peer.until(lambda heard: _has(heard, answer), str(answer))
            case Deed.STOP_READING:
                peer.stop_reading()
            case Deed.READ_ON:
                peer.read_on()
            case Deed():
                await self._deeds(peer)[step]()

    def _deeds(self, peer: HostilePeer) -> Mapping[Deed, Callable[[], Awaitable[None]]]:
        return {
            Deed.SHUT: peer.shut,
            Deed.RESET: peer.reset,
            Deed.LEAVE: peer.leave,
            Deed.AWAIT_CLOSE: peer.until_ended,
            Deed.AWAIT_LET_GO: self._until_nobody_is_left,
            Deed.UNTIL_EXPIRED: self._until_expired,
        }

    async def _until_expired(self) -> None:
        # It is a clock that is waited for; nothing else tells.
        await asyncio.sleep(max(0.0, self._expires_at - time.time()) + 0.01)

    def _bytes_of(self, piece: Piece) -> bytes:
        self._secrets.update(texts_of(piece, self._forge))
        return bytes_of(piece, self._forge)

    def _forge(self, spec: TokenSpec) -> str:
        return self._world.forge(spec, self._case)

    async def _token_of(self, act: Act) -> str:
        # None but a token for less than a minute is made on purpose; all others are there already.
        if act.lifetime < 60:
            token, self._expires_at = await self._world.short_token_of(self._case, act.lifetime)
        else:
            token = self._world.token_of(self._case)
        self._secrets.add(token)
        return token

    # Judging.

    async def _judge(self, act: Act, cast: Sequence[HostilePeer]) -> None:
        expect = act.expect
        if expect.together:
            await _until_heard(cast, sum(answer.least for answer in expect.answers), within=act.within)
        for peer in cast:
            await self._see_end(act, peer)
            if not expect.together and expect.end is not End.GONE:
                self._complain(misfit(expect.answers, peer.heard))
        if expect.together:
            heard = [event for peer in cast for event in peer.heard]
            self._complain(misfit_together(expect.answers, heard))

    async def _see_end(self, act: Act, peer: HostilePeer) -> None:
        wanted = act.expect.end
        if wanted is End.OPEN:
            # Peers that never read are not written to, and have no answer to wait for.
            if act.speaker is not Speaker.WRITER:
                least = sum(answer.least for answer in act.expect.answers)
                await peer.still_answers(after=0 if act.expect.together else least)
            elif peer.end is not None:
                self._complaints.append(f"the connection was {peer.end}, and should be open")
        elif wanted in {End.CLOSED, End.CUT}:
            peer.read_on()
            await peer.until_ended()
            if peer.end is not wanted:
                self._complaints.append(f"the connection was {peer.end}, and should be {wanted}")
        elif wanted is None and peer.end is None:
            # How it ends is not known beforehand; either way nothing more is to come.
            with contextlib.suppress(EndedError):
                await peer.still_answers()

    def _complain(self, complaint: str | None) -> None:
        if complaint is not None:
            self._complaints.append(complaint)

    async def _until_nobody_is_left(self) -> None:
        """Until the server has let go of every connection of the case."""
        end = time.monotonic() + _GONE_WITHIN
        while left := self._world.connections_from(self._addresses):
            if time.monotonic() > end:
                raise HungError(f"the server still holds {left} connections of the case")
            await asyncio.sleep(_LOOK_EVERY)

    async def _until_all_is_logged(self) -> None:
        """Until the lines that are wanted are there, and then all that were written before an honest turn."""
        await self._until_lines_wanted()
        request_id = await self._honest_turn()
        if request_id is not None and not await self._until_logged(
            lambda: any(request_id in line for line in self._lines)
        ):
            self._complaints.append("the honest turn left no line")

    async def _until_lines_wanted(self) -> None:
        await self._until_logged(self._is_complete)

    async def _until_logged(self, holds: Callable[[], bool]) -> bool:
        end = time.monotonic() + _LINES_WITHIN
        while True:
            self._lines += self._tail.read()
            if holds():
                return True
            if time.monotonic() > end:
                return False
            await asyncio.sleep(_LOOK_EVERY)

    def _is_complete(self) -> bool:
        entries = [entry for line in self._lines if (entry := entry_of(line)) is not None]
        return all(
            sum(1 for entry in entries if line.fits(entry)) >= line.least for line in self._lines_wanted()
        )

    def _lines_wanted(self) -> list[LogLine]:
        wanted = []
        for act in self._case.acts:
            if act.speaker is Speaker.DEVICE:
                count = act.peers * act.times
                wanted.append(LogLine((("level", "info"), ("event", "authenticated")), count, count))
            wanted += act.expect.log
        merged: dict[tuple[tuple[str, Any], ...], LogLine] = {}
        for line in wanted:
            same = merged.get(line.fields)
            least, most = (same.least, same.most) if same else (0, 0)
            merged[line.fields] = LogLine(line.fields, least + line.least, most + line.most)
        return list(merged.values())

    async def _honest_turn(self) -> str | None:
        """The honest device's sign of life and turn, whose line in the log ends those of the case."""
        honest = self._world.honest
        try:
            await honest.ping("honest", within=_GONE_WITHIN)
            answer = (await honest.say("Turn on the lamp", within=_GONE_WITHIN))[-1]
        except ClientError as error:
            self._hung = True
            self._complaints.append(f"the honest connection: {error}")
            return None
        if not Answer("not-handled", "home-missing").fits(answer):
            self._complaints.append(f"the honest turn was answered {answer.type} {answer.data}")
        request_id = (answer.data.get("context") or {}).get("request_id")
        return request_id if isinstance(request_id, str) else None

    def _about(self, lines: Sequence[str]) -> Iterator[str]:
        entries = []
        for line in lines:
            if is_uncaught(line):
                yield f"uncaught: {line[:1500]}"
            elif (entry := entry_of(line)) is not None and self._is_of_a_peer(entry):
                entries.append(entry)
        yield from unexpected_lines(self._lines_wanted(), entries)
        yield from self._nameless(entries)
        yield from self._told(lines)

    def _is_of_a_peer(self, entry: dict[str, Any]) -> bool:
        honest = entry.get("device_id") == self._world.honest_id
        return not honest and not str(entry.get("logger")).startswith(_HOUSEHOLD)

    def _nameless(self, entries: Sequence[dict[str, Any]]) -> Iterator[str]:
        """Lines that do not say who it was."""
        for entry in entries:
            # Of a peer that is gone as soon as it was there the system may know no address any more.
            if entry.get("address") not in self._addresses and not (
                entry.get("address") == "" and "device_id" in entry
            ):
                yield f"the line does not say that it was {self._addresses}: {entry}"
                return

    def _told(self, lines: Sequence[str]) -> Iterator[str]:
        """Tokens and texts that the log repeats."""
        whole = "\n".join(lines)
        for secret in self._secrets:
            # As JSON writes it, without its quotes; and as it is.
            for trace in {secret[:_TRACE_LENGTH], secret[-_TRACE_LENGTH:]}:
                if trace in whole:
                    yield f"the log repeats {trace!r}"


async def _until_heard(cast: Sequence[HostilePeer], least: int, *, within: float) -> None:
    """Until all peers together have heard so many events, or the time is over."""
    end = time.monotonic() + within
    while sum(len(peer.heard) for peer in cast) < least and time.monotonic() < end:
        await asyncio.sleep(_LOOK_EVERY)


async def _all(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    async with asyncio.TaskGroup() as group:
        for one in work:
            group.create_task(one)


def _has(heard: Sequence[Any], answer: Answer) -> bool:
    return sum(1 for event in heard if answer.fits(event)) >= answer.least


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
