r"""The Wyoming frame codec: bytes in, checked events out; knows no socket.

A frame is a line of JSON (the header), then `data_length` bytes of JSON (more data), then
`payload_length` raw bytes. Everything in it is hostile until it has passed here:

- The lengths are checked before a byte of what they announce is waited for, so no more than one frame within
  the bounds, and whatever was handed in last, is ever held.
- Text is valid UTF-8 without lone surrogates, numbers are finite; orjson refuses all else. An integer beyond
  64 bits becomes the nearest float.
- Where a key occurs twice in an object the last one counts, as in `wyoming` and in Python's own parser. A
  frame is parsed once, here, so there is no second opinion for it to exploit.
- Unknown keys of the header, and whatever `version` says, are ignored, as `wyoming` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

import orjson
from wyoming.event import Event
from wyoming.version import __version__ as wyoming_version

from wyoming_central.errors import Fault, FrameError


@dataclass(frozen=True, slots=True)
class FrameBounds:
    """How large a frame may be; one that is larger is refused with the `code` named here.

    Attributes:
        header_bytes: Of the header line without its newline (`header-too-long`).
        data_bytes: Of the JSON after the header (`data-too-long`).
        payload_bytes: Of the raw bytes after that (`payload-too-long`); a second of 16 kHz, 16 bit, mono
            audio is 32,000.
        depth: Objects and lists inside each other, the header's own object counted (`too-deep`). Wyoming's
            deepest event, `info`, needs 7; Python's and orjson's own recursion limits are far away at 32.
    """

    header_bytes: int = 16 * 1024
    data_bytes: int = 256 * 1024
    payload_bytes: int = 64 * 1024
    depth: int = 32

    def narrowed(self, most: int) -> FrameBounds:
        """These bounds, with no part of a frame longer than `most` bytes."""
        return FrameBounds(
            min(self.header_bytes, most),
            min(self.data_bytes, most),
            min(self.payload_bytes, most),
            self.depth,
        )


# An event's type is longer than this (`bad-type`) only by malice; the longest that `wyoming` knows has 19.
TYPE_CHARACTERS: Final = 64

DEFAULT_BOUNDS: Final = FrameBounds()


class _Header(NamedTuple):
    type: str
    data: dict[str, Any] | None
    data_length: int
    payload_length: int
    frame_bytes: int


# Peers send the same few headers over and over, down to the byte; reading one costs more than all the rest of
# a small frame. Only short, flat ones are kept, so that this stays small whatever is sent.
_KNOWN_HEADERS: Final[dict[bytes, _Header]] = {}
_KNOWN_HEADERS_MOST: Final = 1024
_KNOWN_HEADER_BYTES: Final = 128


class FrameDecoder:
    """Takes bytes as they come and gives events as they are complete.

    Hand in with `feed`, then take with `next_event` until it gives None; what is not taken stays. After a
    `FrameError` nobody knows where the next frame begins: the decoder is of no more use.

    Args:
        bounds: What is refused; may be replaced, for the frames whose header has not been read yet.
    """

    __slots__ = ("_buffer", "_header", "_offset", "_scanned", "bounds", "taken_bytes")

    def __init__(self, bounds: FrameBounds = DEFAULT_BOUNDS) -> None:
        self.bounds = bounds
        self.taken_bytes = 0
        """Of the frame whose event was taken last."""
        self._buffer: bytes | bytearray = b""
        self._offset = 0
        self._scanned = 0
        self._header: _Header | None = None

    def feed(self, chunk: bytes) -> None:
        """Hold a chunk until its frames are taken."""
        buffer = self._buffer
        if self._offset == len(buffer):
            # The usual case, a chunk that begins with a frame, costs no copy.
            self._buffer = chunk
            self._offset = self._scanned = 0
            return
        if not isinstance(buffer, bytearray):
            buffer = self._buffer = bytearray(buffer)
        # A bytearray gives up its head and grows at its tail without moving what is between, so a frame that
        # comes byte by byte costs no more than one that comes at once.
        del buffer[: self._offset]
        self._scanned -= self._offset
        self._offset = 0
        buffer += chunk

    @property
    def pending(self) -> bool:
        """Whether bytes are held that have not been taken as an event: a frame begun, or more."""
        return self._header is not None or self._offset < len(self._buffer)

    @property
    def held_bytes(self) -> int:
        """How many bytes are held."""
        return len(self._buffer)

    def next_event(self) -> Event | None:
        """The next complete event, or None until more bytes have come.

        Raises:
            FrameError: What comes next can never be a frame within the bounds.
        """
        buffer = self._buffer
        header = self._header
        if header is not None:
            self._header = None
        elif self._offset == len(buffer) or (header := self._read_header(buffer)) is None:
            return None
        type_, data, data_length, payload_length, self.taken_bytes = header
        start = self._offset
        data_end = start + data_length
        end = data_end + payload_length
        if len(buffer) < end:
            self._header = header
            return None
        if data_length:
            more = _parse(buffer[start:data_end], self.bounds.depth, "data")
            if type(more) is not dict:
                more = _object_of(more)
            data = {**data, **more} if data else more
        elif data is None:
            data = {}
        payload = bytes(buffer[data_end:end]) if payload_length else None
        if end == len(buffer):
            # An idle connection holds nothing.
            self._buffer = b""
            end = 0
        self._offset = self._scanned = end
        return Event(type_, data, payload)

    def end(self) -> None:
        """Say that no more bytes will come.

        Raises:
            FrameError: They ended inside a frame.
        """
        if self.pending:
            raise FrameError(Fault.CUT_FRAME, "the stream ended inside a frame")

    def _read_header(self, buffer: bytes | bytearray) -> _Header | None:
        bounds = self.bounds
        start = self._offset
        newline = buffer.find(b"\n", self._scanned)
        if (newline if newline >= 0 else len(buffer)) - start > bounds.header_bytes:
            raise FrameError(
                Fault.HEADER_TOO_LONG,
                f"a header has at most {bounds.header_bytes} bytes and ends with a newline",
            )
        if newline < 0:
            self._scanned = len(buffer)
            return None
        line = buffer[start:newline]
        if type(line) is not bytes:
            line = bytes(line)
        header = _KNOWN_HEADERS.get(line)
        if header is None:
            header = _header_of(line, bounds)
        _, _, data_length, payload_length, _ = header
        if data_length > bounds.data_bytes:
            raise FrameError(Fault.DATA_TOO_LONG, f"`data_length` must be at most {bounds.data_bytes}")
        if payload_length > bounds.payload_bytes:
            raise FrameError(
                Fault.PAYLOAD_TOO_LONG, f"`payload_length` must be at most {bounds.payload_bytes}"
            )
        self._offset = self._scanned = newline + 1
        return header


def encode(event: Event, bounds: FrameBounds = DEFAULT_BOUNDS) -> bytes:
    """An event as one frame, in the form that `wyoming` itself writes: all data after the header.

    A number that is not finite is written as null.

    Raises:
        FrameError: The event is larger than the bounds, or holds what JSON in UTF-8 cannot say (a lone
            surrogate, an integer beyond 64 bits, an object of Python).
    """
    payload = event.payload or b""
    try:
        data = orjson.dumps(event.data) if event.data else b""
        header = _header_for(event.type, len(data), len(payload))
    except TypeError as error:
        raise FrameError(Fault.BAD_DATA, f"the event cannot be written as JSON: {error}") from None
    if len(data) > bounds.data_bytes:
        raise FrameError(Fault.DATA_TOO_LONG, f"the event has more than {bounds.data_bytes} bytes of data")
    if payload:
        if len(payload) > bounds.payload_bytes:
            raise FrameError(
                Fault.PAYLOAD_TOO_LONG, f"the event has more than {bounds.payload_bytes} bytes of payload"
            )
        return b"".join((header, data, payload))
    return header + data


def encode_all(events: Sequence[Event], bounds: FrameBounds = DEFAULT_BOUNDS) -> bytes:
    """Several events as one run of bytes, so that they leave in one send.

    Raises:
        FrameError: As `encode` does.
    """
    if len(events) == 1:
        return encode(events[0], bounds)
    return b"".join([encode(event, bounds) for event in events])


@lru_cache(maxsize=1024)
def _header_for(type_: str, data_length: int, payload_length: int) -> bytes:
    if not 0 < len(type_) <= TYPE_CHARACTERS:
        raise FrameError(Fault.BAD_TYPE, f"an event's type has 1 to {TYPE_CHARACTERS} characters")
    fields: dict[str, Any] = {"type": type_, "version": wyoming_version}
    if data_length:
        fields["data_length"] = data_length
    if payload_length:
        fields["payload_length"] = payload_length
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def _parse(raw: bytes | bytearray, depth: int, what: str) -> Any:
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise FrameError(Fault.BAD_JSON, f"the {what} is not valid JSON: {error}") from None
    # Nothing is deeper than it has opening brackets; most frames have two and are not walked. orjson itself
    # stops at 1,024 levels, so parsing first is safe.
    if len(raw) > depth and _brackets_in(raw) > depth and _is_deeper(value, depth):
        raise FrameError(Fault.TOO_DEEP, f"the {what} is nested more than {depth} levels deep")
    return value


def _brackets_in(raw: bytes | bytearray) -> int:
    return raw.count(b"{") + raw.count(b"[")


def _is_deeper(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        inside: list[Any] = []
        for container in level:
            if type(container) is dict:
                inside.extend(container.values())
            elif type(container) is list:
                inside.extend(container)
        level = inside
        if not level:
            return False
    return any(type(value) in {dict, list} for value in level)


def _header_of(line: bytes, bounds: FrameBounds) -> _Header:
    fields = _parse(line, bounds.depth, "header")
    if type(fields) is not dict:
        raise FrameError(Fault.BAD_HEADER, "the header is not a JSON object")
    type_ = fields.get("type")
    if type(type_) is not str or not 0 < len(type_) <= TYPE_CHARACTERS:
        raise FrameError(Fault.BAD_TYPE, f"`type` must be a string of 1 to {TYPE_CHARACTERS} characters")
    data = fields.get("data")
    data_length, payload_length = _length_of(fields, "data_length"), _length_of(fields, "payload_length")
    header = _Header(
        type_,
        None if data is None else _object_of(data),
        data_length,
        payload_length,
        len(line) + 1 + data_length + payload_length,
    )
    if data is None and len(line) <= _KNOWN_HEADER_BYTES and _brackets_in(line) == 1:
        if len(_KNOWN_HEADERS) >= _KNOWN_HEADERS_MOST:
            _KNOWN_HEADERS.clear()
        _KNOWN_HEADERS[line] = header
    return header


def _length_of(fields: dict[str, Any], key: str) -> int:
    length = fields.get(key)
    if length is None:
        return 0
    if type(length) is not int or length < 0:
        raise FrameError(Fault.BAD_LENGTH, f"`{key}` must be an integer of 0 or more")
    return length


def _object_of(data: Any) -> dict[str, Any]:
    if data is None:
        return {}
    if type(data) is not dict:
        raise FrameError(Fault.BAD_DATA, "`data` must be a JSON object or null")
    return data
