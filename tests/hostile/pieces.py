r"""What a hostile peer sends, from its description to bytes.

A piece in the corpus is

    "text"                                    UTF-8
    {hex: "00 ff"}                            bytes
    {repeat: PIECE, count: 1000}              the same again and again
    {numbered: '{"type":"x{n}"}', count: 9}   a text again and again, `{n}` being 0, 1, 2, …
    {frame: {type: ping, …}}                  a frame: the header, then the data, then the payload
    {authenticate: TOKEN}                     the frame of an `authenticate` user event
    {say: TEXT, token: TOKEN}                 the frame of a transcript; in its context a token, if given
    [PIECE, PIECE]                            one after the other

A frame has a `type`; `data` (anything JSON can say; texts in it may be `!token {…}` or
`!repeat {text: a, count: 9}`), or `raw`, a piece in its place; a `payload`, a piece; `data_length` and
`payload_length`, where the header lies about them; and `inline: true`, if the data stands in the header.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import yaml

from tests.hostile.tokens import TokenSpec
from tests.hostile.yaml_node import Node, StrictLoader


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes as they are."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Repeated:
    """A piece, `count` times."""

    piece: Piece
    count: int


@dataclass(frozen=True, slots=True)
class Numbered:
    """A text, `count` times, with its number in place of `{n}`."""

    text: str
    count: int


@dataclass(frozen=True, slots=True)
class Joined:
    """Pieces, one after the other."""

    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame; `data` is ABSENT where it has none."""

    type: Any
    data: Any
    raw: Piece | None = None
    payload: Piece | None = None
    data_length: Any = None
    payload_length: Any = None
    inline: bool = False


Piece: TypeAlias = Raw | Repeated | Numbered | Joined | Frame
# Makes the text of a token.
Forge: TypeAlias = Callable[[TokenSpec], str]

ABSENT: Final = object()
# Shorter texts of a frame are words of the protocol, which the log may say as well.
_TELLING_LENGTH: Final = 14


def piece_of(node: Node) -> Piece:
    """A piece as it is described.

    Raises:
        CorpusError: It is not described as it has to be.
    """
    if isinstance(node.value, str):
        return Raw(node.text().encode())
    if isinstance(node.value, list):
        return Joined(tuple(piece_of(member) for member in node.items()))
    kinds = _KINDS.keys() & node.value.keys() if isinstance(node.value, dict) else ()
    if len(kinds) != 1:
        node.fail(f"is no piece: a text, a list, or one of {', '.join(_KINDS)}")
    [kind] = kinds
    return _KINDS[kind](node)


def bytes_of(piece: Piece, forge: Forge) -> bytes:
    """The bytes of a piece, with tokens made by `forge`."""
    match piece:
        case Raw(data):
            return data
        case Repeated(repeated, count):
            return bytes_of(repeated, forge) * count
        case Numbered(text, count):
            return "".join(text.replace("{n}", str(number)) for number in range(count)).encode()
        case Joined(pieces):
            return b"".join(bytes_of(member, forge) for member in pieces)
        case Frame():
            return _frame_bytes(piece, forge)


def texts_of(piece: Piece, forge: Forge) -> Iterator[str]:
    """What a piece says that no log may repeat: its tokens, and longer texts in the data of its frames."""
    match piece:
        case Repeated(repeated, _):
            yield from texts_of(repeated, forge)
        case Joined(pieces):
            for member in pieces:
                yield from texts_of(member, forge)
        case Frame(data=data) if data is not ABSENT:
            for leaf in _leaves(_with_tokens(data, forge)):
                if isinstance(leaf, str) and len(leaf) >= _TELLING_LENGTH:
                    yield leaf
        case _:
            return


def tokens_in(piece: Piece) -> Iterator[TokenSpec]:
    """The tokens that a piece has to be made with."""
    match piece:
        case Repeated(repeated, _):
            yield from tokens_in(repeated)
        case Joined(pieces):
            for member in pieces:
                yield from tokens_in(member)
        case Frame(data=data):
            yield from (leaf for leaf in _leaves(data) if isinstance(leaf, TokenSpec))
        case _:
            return


def _hex_of(node: Node) -> Piece:
    digits = node.fields(required=("hex",))["hex"]
    try:
        return Raw(bytes.fromhex(digits.text()))
    except ValueError:
        digits.fail("is no hexadecimal text")


def _repeat_of(node: Node) -> Piece:
    fields = node.fields(required=("repeat", "count"))
    return Repeated(piece_of(fields["repeat"]), fields["count"].whole())


def _numbered_of(node: Node) -> Piece:
    fields = node.fields(required=("numbered", "count"))
    return Numbered(fields["numbered"].text(), fields["count"].whole())


def _authenticate_of(node: Node) -> Piece:
    token = node.fields(required=("authenticate",))["authenticate"].value
    return Frame("user-event", {"name": "authenticate", "data": {"token": token}})


def _say_of(node: Node) -> Piece:
    fields = node.fields(required=("say",), optional=("token",))
    context = {"context": {"token": fields["token"].value}} if "token" in fields else {}
    return Frame("transcript", {"text": fields["say"].value, **context})


def _frame_of(outside: Node) -> Piece:
    node = outside.fields(required=("frame",))["frame"]
    lengths = ("data_length", "payload_length")
    fields = node.fields(required=("type",), optional=("data", "raw", "payload", "inline", *lengths))
    if "data" in fields and "raw" in fields:
        node.fail("has both data and raw")
    return Frame(
        type=fields["type"].value,
        data=fields["data"].value if "data" in fields else ABSENT,
        raw=piece_of(fields["raw"]) if "raw" in fields else None,
        payload=piece_of(fields["payload"]) if "payload" in fields else None,
        inline="inline" in fields and fields["inline"].flag(),
        **{length: fields[length].value for length in lengths if length in fields},
    )


_KINDS: Final[Mapping[str, Callable[[Node], Piece]]] = {
    "hex": _hex_of,
    "repeat": _repeat_of,
    "numbered": _numbered_of,
    "frame": _frame_of,
    "authenticate": _authenticate_of,
    "say": _say_of,
}


def _frame_bytes(frame: Frame, forge: Forge) -> bytes:
    header: dict[str, Any] = {"type": frame.type}
    data = b"" if frame.raw is None else bytes_of(frame.raw, forge)
    if frame.data is not ABSENT:
        said = _with_tokens(frame.data, forge)
        if frame.inline:
            header["data"] = said
        else:
            data = _json(said)
    payload = b"" if frame.payload is None else bytes_of(frame.payload, forge)
    for name, said_length, part in (
        ("data_length", frame.data_length, data),
        ("payload_length", frame.payload_length, payload),
    ):
        if said_length is not None or part:
            header[name] = len(part) if said_length is None else said_length
    return b"".join((_json(header), b"\n", data, payload))


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _with_tokens(value: Any, forge: Forge) -> Any:
    match value:
        case TokenSpec():
            return forge(value)
        case dict():
            return {key: _with_tokens(member, forge) for key, member in value.items()}
        case list():
            return [_with_tokens(member, forge) for member in value]
        case _:
            return value


def _leaves(value: Any) -> Iterator[Any]:
    match value:
        case dict():
            for member in value.values():
                yield from _leaves(member)
        case list():
            for member in value:
                yield from _leaves(member)
        case _:
            yield value


def _repeated_text(loader: StrictLoader, node: yaml.MappingNode) -> str:
    where = Node(loader.construct_mapping(node, deep=True), f"!repeat in line {node.start_mark.line + 1}")
    fields = where.fields(required=("text", "count"))
    return fields["text"].text() * fields["count"].whole()


StrictLoader.add_constructor("!repeat", _repeated_text)
