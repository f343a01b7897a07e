"""Fuzz target: bytes that a peer may send, cut where the wire may cut them, into the frame decoder.

An input is `HOW_BYTES` bytes that say how it is sent, and then what is sent: which bounds hold, and the sizes
of the pieces that it comes in, over and over; a size of 0 is all that is left.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from itertools import cycle
from typing import Any, Final

from wyoming.event import Event, read_event

from wyoming_central.errors import Fault, FrameError
from wyoming_central.frame import DEFAULT_BOUNDS, TYPE_CHARACTERS, FrameBounds, FrameDecoder, encode

HOW_BYTES: Final = 5

_BOUNDS: Final = (
    DEFAULT_BOUNDS,
    FrameBounds(header_bytes=200, data_bytes=300, payload_bytes=100, depth=5),
    FrameBounds(header_bytes=64, data_bytes=16, payload_bytes=8, depth=2),
    DEFAULT_BOUNDS.narrowed(256),
)


def one_input(data: bytes) -> None:
    """Send one input and see that the decoder keeps what it promises.

    Raises:
        AssertionError: It does not.
        Exception: Whatever escapes the codec that is not a `FrameError`.
    """
    how, raw = data[:HOW_BYTES].ljust(HOW_BYTES, b"\0"), data[HOW_BYTES:]
    bounds = _BOUNDS[how[0] % len(_BOUNDS)]
    verdict = _verdict([raw], bounds)
    assert verdict == _verdict(list(_pieces(raw, how[1:])), bounds), "the verdict depends on the cuts"
    _check_each(raw, verdict, bounds)


def _pieces(raw: bytes, sizes: bytes) -> Iterator[bytes]:
    at = 0
    for size in cycle(sizes):
        if at >= len(raw):
            return
        end = at + size if size else len(raw)
        yield raw[at:end]
        at = end


def _verdict(pieces: list[bytes], bounds: FrameBounds) -> tuple[list[tuple[str, int]], Fault | None]:
    """What the pieces come to: each event, written out, with the bytes of its frame; then the fault."""
    most = bounds.header_bytes + 1 + bounds.data_bytes + bounds.payload_bytes
    found: list[tuple[str, int]] = []
    decoder = FrameDecoder(bounds)
    try:
        for piece in pieces:
            decoder.feed(piece)
            while (event := decoder.next_event()) is not None:
                # As text, for to Python 1 and 1.0 and True are equal.
                found.append((repr(event), decoder.taken_bytes))
            assert decoder.held_bytes <= most + len(piece), "more is held than a frame may have"
            assert decoder.pending or not decoder.held_bytes, "something is held of which nothing is left"
        decoder.end()
    except FrameError as error:
        return found, error.code
    return found, None


def _check_each(raw: bytes, verdict: tuple[list[tuple[str, int]], Fault | None], bounds: FrameBounds) -> None:
    at = 0
    for written, size in verdict[0]:
        frame = raw[at : at + size]
        event = _only_event_of(frame, bounds)
        assert repr(event) == written, "an event is another one where it stands alone"
        _check_bounds(frame, event, bounds)
        _check_round_trip(event)
        _check_second_opinion(frame, event)
        at += size
    assert at <= len(raw), "more was taken than was sent"
    assert verdict[1] is not None or at == len(raw), "something was passed over"


def _check_bounds(frame: bytes, event: Event, bounds: FrameBounds) -> None:
    header = frame.partition(b"\n")[0]
    payload_bytes = len(event.payload or b"")
    assert len(header) <= bounds.header_bytes, "the header is too long"
    assert payload_bytes <= bounds.payload_bytes, "the payload is too long"
    assert len(frame) - len(header) - 1 - payload_bytes <= bounds.data_bytes, "the data is too long"
    assert 0 < len(event.type) <= TYPE_CHARACTERS, "the type is too long"
    data = frame[len(header) + 1 : len(frame) - payload_bytes]
    for text in filter(None, (header, data)):
        assert _depth_of(json.loads(text)) <= bounds.depth, "it is too deep"


def _depth_of(value: Any) -> int:
    inside = value.values() if type(value) is dict else value if type(value) is list else None
    return 0 if inside is None else 1 + max(map(_depth_of, inside), default=0)


def _only_event_of(frame: bytes, bounds: FrameBounds) -> Event:
    decoder = FrameDecoder(bounds)
    decoder.feed(frame)
    event = decoder.next_event()
    assert event is not None, "a frame that was taken is none"
    decoder.end()
    return event


def _check_round_trip(event: Event) -> None:
    assert type(event.type) is str
    assert type(event.data) is dict
    # All that was read can be written; the bounds of the writer are wider than any input.
    written = encode(event)
    again = _only_event_of(written, DEFAULT_BOUNDS)
    assert repr(again) == repr(event), "it is read otherwise than it was written"
    assert encode(again) == written, "it is written otherwise the second time"


def _check_second_opinion(frame: bytes, event: Event) -> None:
    """What we take, the stock reader takes for the same, as far as it takes it at all."""
    try:
        stock = read_event(io.BytesIO(frame))
    except (AttributeError, TypeError):
        # It stumbles over `null`, which we pass over.
        return
    assert stock is not None, "the stock reader does not take it"
    theirs = Event(stock.type, _as_we_read(stock.data or {}), stock.payload)
    assert repr(theirs) == repr(event), "the stock reader reads something else"


def _as_we_read(value: Any) -> Any:
    """A value that the stock reader gave, as ours gives it: what is beyond 64 bits is a float."""
    match value:
        case int() if not -(2**63) <= value < 2**64:
            return float(value)
        case list():
            return [_as_we_read(inner) for inner in value]
        case dict():
            return {key: _as_we_read(inner) for key, inner in value.items()}
        case _:
            return value
