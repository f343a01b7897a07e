"""The codec: what it gives for good bytes, what it refuses, and what it holds meanwhile."""

from __future__ import annotations

import asyncio
import io
import json
import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wyoming.event import Event, async_read_event, write_event

from tests.thorough import THOROUGH_SECONDS, examples
from wyoming_central.errors import Fault, FrameError
from wyoming_central.frame import TYPE_CHARACTERS, FrameBounds, FrameDecoder, encode, encode_all

SMALL = FrameBounds(header_bytes=200, data_bytes=300, payload_bytes=100, depth=5)

# `EXAMPLES` is what the properties of this file have in all; each has an equal share.
PROPERTIES: Final = 10
_Test = TypeVar("_Test", bound=Callable[..., object])


def often(test: _Test) -> _Test:
    """Try a property of the codec with its share of the examples."""
    share = settings(max_examples=max(1, examples(100 * PROPERTIES) // PROPERTIES))
    return pytest.mark.timeout(THOROUGH_SECONDS)(share(test))


def decode(raw: bytes, bounds: FrameBounds = FrameBounds()) -> list[Event]:  # noqa: B008 - frozen
    decoder = FrameDecoder(bounds)
    decoder.feed(raw)
    events = []
    while (event := decoder.next_event()) is not None:
        events.append(event)
    decoder.end()
    return events


def fault_of(raw: bytes, bounds: FrameBounds = FrameBounds()) -> Fault:  # noqa: B008 - frozen
    with pytest.raises(FrameError) as caught:
        decode(raw, bounds)
    return caught.value.code


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=10), inside, max_size=3),
    max_leaves=6,
)
events = st.builds(
    Event,
    type=st.text(min_size=1, max_size=TYPE_CHARACTERS),
    data=st.dictionaries(st.text(max_size=20), json_values, max_size=4),
    payload=st.none() | st.binary(min_size=1, max_size=300),
)


@st.composite
def chunked(draw: st.DrawFn) -> tuple[list[Event], list[bytes]]:
    sent = draw(st.lists(events, min_size=1, max_size=3))
    raw = encode_all(sent)
    cuts = sorted(draw(st.lists(st.integers(0, len(raw)), max_size=8)))
    return sent, [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]


@often
@given(chunked())
def test_events_survive_the_wire_however_it_cuts_them(case: tuple[list[Event], list[bytes]]) -> None:
    sent, chunks = case
    decoder = FrameDecoder()
    received = []
    for chunk in chunks:
        decoder.feed(chunk)
        while (event := decoder.next_event()) is not None:
            received.append(event)
    assert received == sent
    assert not decoder.pending
    assert decoder.held_bytes == 0


@often
@given(chunked())
def test_events_left_untaken_are_kept(case: tuple[list[Event], list[bytes]]) -> None:
    sent, chunks = case
    decoder = FrameDecoder()
    for chunk in chunks:
        decoder.feed(chunk)
    assert [decoder.next_event() for _ in range(len(sent) + 1)] == [*sent, None]


# Bytes that are nearly frames find more than bytes that are anything.
shards = st.sampled_from(
    [
        b"\n",
        b"{}",
        b'{"type":"ping"}\n',
        b'{"type":"x","data_length":5}\n',
        b'{"type":"x","payload_length":7,"data":{"a":1}}\n',
        b'{"type":"x","data_length":-1}\n',
        b'{"a":1}',
        b"null\n",
        b"[" * 50,
        b'{"type":"' + b"x" * 90,
        b"\xff\xfe",
        b"NaN",
    ]
)


@often
@given(st.lists(shards | st.binary(max_size=60), max_size=20))
def test_arbitrary_bytes_raise_nothing_but_frame_errors_and_are_never_hoarded(chunks: list[bytes]) -> None:
    decoder = FrameDecoder(SMALL)
    most = SMALL.header_bytes + SMALL.data_bytes + SMALL.payload_bytes + 1
    with suppress(FrameError):
        for chunk in chunks:
            decoder.feed(chunk)
            while (event := decoder.next_event()) is not None:
                assert type(event.type) is str
                assert type(event.data) is dict
                encode(event)
            assert decoder.held_bytes <= most + len(chunk)


@often
@given(st.lists(shards, max_size=6).map(b"".join), st.integers(1, 40))
def test_the_verdict_does_not_depend_on_where_the_wire_cuts(raw: bytes, size: int) -> None:
    assert verdict([raw]) == verdict([raw[at : at + size] for at in range(0, len(raw), size)])


def verdict(chunks: list[bytes]) -> list[Event | Fault]:
    """The events that the chunks give, and then what is wrong with the rest, if anything is."""
    found: list[Event | Fault] = []
    decoder = FrameDecoder(SMALL)
    try:
        for chunk in chunks:
            decoder.feed(chunk)
            while (event := decoder.next_event()) is not None:
                found.append(event)
        decoder.end()
    except FrameError as error:
        found.append(error.code)
    return found


# What is between the two readings of well-formed frames: the stock reader's and ours.


@pytest.fixture(scope="module")
def stock_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """What a stock `StreamReader` belongs to."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def stock_reading(raw: bytes, loop: asyncio.AbstractEventLoop) -> list[Event]:
    """The events that the reader of `wyoming` finds in bytes, up to where it gives up."""

    async def read_all() -> list[Event]:
        reader = asyncio.StreamReader(loop=loop)
        reader.feed_data(raw)
        reader.feed_eof()
        found = []
        while (event := await async_read_event(reader)) is not None:
            found.append(event)
        return found

    return loop.run_until_complete(read_all())


@often
@given(sent=st.lists(events, min_size=1, max_size=2))
def test_what_we_write_the_stock_reader_reads(
    sent: list[Event], stock_loop: asyncio.AbstractEventLoop
) -> None:
    assert stock_reading(encode_all(sent), stock_loop) == sent


@often
@given(st.lists(events, min_size=1, max_size=2))
def test_what_the_stock_writer_writes_we_read(sent: list[Event]) -> None:
    written = io.BytesIO()
    for event in sent:
        write_event(event, written)
    assert decode(written.getvalue()) == sent


blanks = st.sampled_from(["", " ", "\t", "  \r"])
small_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=5),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=3), inside, max_size=3),
    max_leaves=6,
)
# Few names, so that an object has many of them twice.
members = st.tuples(st.sampled_from("abc"), small_json)


@st.composite
def written_objects(draw: st.DrawFn, *first: tuple[str, Any]) -> str:
    """An object as anybody may write it: blanks, escapes or none, keys in any order and twice."""
    pairs = draw(st.permutations([*first, *draw(st.lists(members, max_size=5))]))
    as_ascii = draw(st.booleans())
    blank = draw(blanks)
    return (
        f"{{{blank}"
        + f",{blank}".join(
            f"{json.dumps(key)}{blank}:{json.dumps(value, ensure_ascii=as_ascii)}" for key, value in pairs
        )
        + f"{blank}}}"
    )


@st.composite
def written_frames(draw: st.DrawFn) -> bytes:
    """A well-formed frame that neither writer would write: data in the header, after it, or both."""
    payload = draw(st.binary(max_size=20))
    data = draw(st.none() | written_objects().map(str.encode))
    first: list[tuple[str, Any]] = [
        ("type", draw(st.text(min_size=1, max_size=5))),
        ("version", draw(small_json)),
    ]
    if draw(st.booleans()):
        first.append(("data", draw(st.dictionaries(st.sampled_from("abc"), small_json, max_size=3))))
    if data is not None or draw(st.booleans()):
        first.append(("data_length", len(data or b"")))
    if payload or draw(st.booleans()):
        first.append(("payload_length", len(payload)))
    header = draw(written_objects(*first))
    return b"".join((header.encode(), b"\n", data or b"", payload))


@often
@given(frames=st.lists(written_frames(), min_size=1, max_size=2))
def test_every_well_formed_frame_is_read_as_the_stock_reader_reads_it(
    frames: list[bytes], stock_loop: asyncio.AbstractEventLoop
) -> None:
    raw = b"".join(frames)
    assert decode(raw) == stock_reading(raw, stock_loop)


# Beyond 64 bits, up to where there is no float near it any more.
huge_integers = st.integers(2**64, 10**300) | st.integers(-(10**300), -(2**63) - 1)


@often
@given(number=huge_integers)
def test_an_integer_beyond_64_bits_is_read_as_the_nearest_float_and_never_written(
    number: int, stock_loop: asyncio.AbstractEventLoop
) -> None:
    raw = b'{"type":"x","data":{"n":%d}}\n' % number
    assert decode(raw) == [Event("x", {"n": float(number)})]
    assert stock_reading(raw, stock_loop) == [Event("x", {"n": number})]
    with pytest.raises(FrameError):
        encode(Event("x", {"n": number}))


# What no JSON text in UTF-8 has in it; Python's own parser takes the first six all the same.
poisons = st.sampled_from(
    [
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"1e999",
        b'"\\ud800"',
        b'{"\\udfff":1}',
        b'"\\udc00\\ud800"',
        b'"\xed\xa0\x80"',
        b'"\xc0\x80"',
        b'"\xff"',
        b'"\x00"',
        b"9" * 400,
        b"01",
        b"+1",
        b"[1,]",
        b"'a'",
    ]
)


@st.composite
def poisoned_json(draw: st.DrawFn) -> bytes:
    """A JSON value but for one place in it, however deep."""
    text = draw(poisons)
    for shell in draw(
        st.lists(
            st.sampled_from([b"[%b]", b"[0,%b]", b'{"a":%b}', b'{"a":%b,"a":1}', b'[[],{"b":%b}]']),
            max_size=6,
        )
    ):
        text = shell % text
    return text


@often
@given(poisoned_json(), st.sampled_from(["data", "else", "after"]))
def test_what_is_not_json_is_refused_wherever_in_a_frame_it_is(value: bytes, where: str) -> None:
    if where == "after":
        data = b'{"a":%b}' % value
        raw = b'{"type":"x","data_length":%d}\n%b' % (len(data), data)
    else:
        raw = b'{"type":"x","%b":{"a":%b}}\n' % (where.encode(), value)
    assert fault_of(raw) is Fault.BAD_JSON


any_text = st.text(st.characters(), max_size=10)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | any_text
nearly_json = st.recursive(
    scalars | st.integers(2**70) | st.binary(max_size=3),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.tuples(inside, inside)
        | st.dictionaries(any_text, inside, max_size=3)
        | st.dictionaries(scalars, inside, max_size=2)
    ),
    max_leaves=8,
)


@often
@given(
    type_=st.text(min_size=1, max_size=3) | any_text | scalars,
    data=st.dictionaries(any_text, nearly_json, max_size=3) | nearly_json,
    payload=st.none() | st.binary(max_size=5),
)
def test_what_cannot_be_written_is_refused_and_all_else_is_read_back(
    type_: Any, data: Any, payload: bytes | None
) -> None:
    try:
        raw = encode(Event(type_, data, payload))
    except FrameError:
        assert not (type(type_) is str and sayable(type_) and len(type_) > 0 and sayable(data))
        return
    # What is nothing, or no finite number, is written as no data at all.
    read = as_read(data or {})
    if read is None or type(read) is dict:
        assert decode(raw) == [Event(type_, read or {}, payload or None)]
    else:
        assert fault_of(raw) is Fault.BAD_DATA


def sayable(value: Any) -> bool:
    """Whether JSON in UTF-8 can say a value."""
    match value:
        case bool() | None | float():
            return True
        case int():
            return -(2**63) <= value < 2**64
        case str():
            return not any("\ud800" <= character <= "\udfff" for character in value)
        case list() | tuple():
            return all(map(sayable, value))
        case dict():
            return all(type(key) is str and sayable(key) and sayable(inner) for key, inner in value.items())
        case _:
            return False


def as_read(value: Any) -> Any:
    """What is left of a value when it was written and read: no tuples, no numbers that are not finite."""
    match value:
        case float() if not math.isfinite(value):
            return None
        case list() | tuple():
            return [as_read(inner) for inner in value]
        case dict():
            return {key: as_read(inner) for key, inner in value.items()}
        case _:
            return value


def test_a_frame_that_comes_byte_by_byte_is_held_once() -> None:
    raw = encode(Event("x", {"text": "a" * 1000}, b"p" * 500))
    decoder = FrameDecoder()
    for at in range(len(raw) - 1):
        decoder.feed(raw[at : at + 1])
        assert decoder.next_event() is None
        assert decoder.held_bytes <= len(raw)
        assert decoder.pending
    decoder.feed(raw[-1:])
    assert decoder.next_event() == Event("x", {"text": "a" * 1000}, b"p" * 500)


@pytest.mark.parametrize(
    ("raw", "event"),
    [
        (b'{"type":"ping"}\n', Event("ping", {})),
        (b' {"type" : "ping"} \r\n', Event("ping", {})),
        (b'{"type":"ping","data":null}\n', Event("ping", {})),
        (b'{"type":"ping","data_length":null,"payload_length":null}\n', Event("ping", {})),
        (b'{"type":"ping","data_length":0,"payload_length":0}\n', Event("ping", {})),
        (b'{"type":"ping","version":["any",{"thing":1}],"else":true}\n', Event("ping", {})),
        (b'{"type":"x","data":{"a":1,"b":1},"data_length":7}\n{"b":2}', Event("x", {"a": 1, "b": 2})),
        (b'{"type":"x","data":null,"data_length":7}\n{"b":2}', Event("x", {"b": 2})),
        (b'{"type":"x","data":{"a":1},"data_length":4}\nnull', Event("x", {"a": 1})),
        (b'{"type":"x","payload_length":3}\n\n{\xff', Event("x", {}, b"\n{\xff")),
        (b'{"type":"x","type":"y","data":{"a":1,"a":2}}\n', Event("y", {"a": 2})),
        (b'{"type":"x","data":{"n":18446744073709551616}}\n', Event("x", {"n": 2.0**64})),
        ('{"type":"x","data":{"ő":"\\ud83d\\ude00"}}\n'.encode(), Event("x", {"ő": "😀"})),
    ],
)
def test_tolerated(raw: bytes, event: Event) -> None:
    assert decode(raw) == [event]


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b"\n", Fault.BAD_JSON),
        (b"not json\n", Fault.BAD_JSON),
        (b'{"type":"x"\n', Fault.BAD_JSON),
        (b'{"type":"x"} {"type":"y"}\n', Fault.BAD_JSON),
        (b"\xef\xbb\xbf{}\n", Fault.BAD_JSON),
        (b'{"type":"\xff"}\n', Fault.BAD_JSON),
        (b'{"type":"x","data":{"text":"\\ud800"}}\n', Fault.BAD_JSON),
        (b'{"type":"x","data":{"text":"\xed\xa0\x80"}}\n', Fault.BAD_JSON),
        (b'{"type":"x","data":{"n":NaN}}\n', Fault.BAD_JSON),
        (b'{"type":"x","data":{"n":-Infinity}}\n', Fault.BAD_JSON),
        (b'{"type":"x","data":{"n":1e999}}\n', Fault.BAD_JSON),
        (b'{"type":"x","data":{"n":' + b"9" * 400 + b"}}\n", Fault.BAD_JSON),
        (b"[]\n", Fault.BAD_HEADER),
        (b'["type"]\n', Fault.BAD_HEADER),
        (b"null\n", Fault.BAD_HEADER),
        (b'"ping"\n', Fault.BAD_HEADER),
        (b"7\n", Fault.BAD_HEADER),
        (b"{}\n", Fault.BAD_TYPE),
        (b'{"type":null}\n', Fault.BAD_TYPE),
        (b'{"type":1}\n', Fault.BAD_TYPE),
        (b'{"type":""}\n', Fault.BAD_TYPE),
        (b'{"type":["ping"]}\n', Fault.BAD_TYPE),
        (b'{"type":"' + b"x" * (TYPE_CHARACTERS + 1) + b'"}\n', Fault.BAD_TYPE),
        (b'{"type":"x","data":[]}\n', Fault.BAD_DATA),
        (b'{"type":"x","data":"text"}\n', Fault.BAD_DATA),
        (b'{"type":"x","data":0}\n', Fault.BAD_DATA),
        (b'{"type":"x","data_length":2}\n[]', Fault.BAD_DATA),
        (b'{"type":"x","data_length":2}\n{]', Fault.BAD_JSON),
        (b'{"type":"x","data_length":2}\n\xff\xff', Fault.BAD_JSON),
        (b'{"type":"x","data_length":-1}\n', Fault.BAD_LENGTH),
        (b'{"type":"x","data_length":"5"}\n', Fault.BAD_LENGTH),
        (b'{"type":"x","data_length":true}\n', Fault.BAD_LENGTH),
        (b'{"type":"x","data_length":5.0}\n', Fault.BAD_LENGTH),
        (b'{"type":"x","data_length":[5]}\n', Fault.BAD_LENGTH),
        (b'{"type":"x","payload_length":-5}\n', Fault.BAD_LENGTH),
        (b'{"type":"x","payload_length":99999999999999999999999}\n', Fault.BAD_LENGTH),
        (b'{"type":"x","data_length":1073741824}\n', Fault.DATA_TOO_LONG),
        (b'{"type":"x","payload_length":1073741824}\n', Fault.PAYLOAD_TOO_LONG),
        (b'{"type":"x","data":' + b'{"a":' * 40 + b"0" + b"}" * 40 + b"}\n", Fault.TOO_DEEP),
        (b'{"type":"x","else":' + b"[" * 40 + b"]" * 40 + b"}\n", Fault.TOO_DEEP),
        (b'{"type":"x","else":' + b"[" * 4000 + b"]" * 4000 + b"}\n", Fault.BAD_JSON),
        (b"[" * 10_000 + b"\n", Fault.BAD_JSON),
        (b'{"type":"x","data_length":8000}\n' + b"[" * 8000, Fault.BAD_JSON),
        (b'{"type":"x"', Fault.CUT_FRAME),
        (b'{"type":"x","data_length":2}\n{', Fault.CUT_FRAME),
        (b'{"type":"x","payload_length":2}\n', Fault.CUT_FRAME),
    ],
)
def test_refused(raw: bytes, fault: Fault) -> None:
    assert fault_of(raw) is fault


def header_of_length(length: int) -> bytes:
    frame = b'{"type":"x","pad":"%b"}'
    return frame % (b"a" * (length - len(frame) + 2)) + b"\n"


def test_a_header_may_have_as_many_bytes_as_the_bound_and_not_one_more() -> None:
    assert decode(header_of_length(200), SMALL) == [Event("x", {})]
    assert fault_of(header_of_length(201), SMALL) is Fault.HEADER_TOO_LONG


def test_a_header_without_end_is_refused_as_soon_as_it_is_too_long() -> None:
    decoder = FrameDecoder(SMALL)
    decoder.feed(b"a" * 200)
    assert decoder.next_event() is None
    decoder.feed(b"a")
    with pytest.raises(FrameError, match="at most 200 bytes"):
        decoder.next_event()


@pytest.mark.parametrize(
    ("key", "bound", "fault"),
    [("data_length", 300, Fault.DATA_TOO_LONG), ("payload_length", 100, Fault.PAYLOAD_TOO_LONG)],
)
def test_a_length_is_refused_before_a_byte_of_it_has_come(key: str, bound: int, fault: Fault) -> None:
    decoder = FrameDecoder(SMALL)
    decoder.feed(b'{"type":"x","%b":%d}\n' % (key.encode(), bound))
    assert decoder.next_event() is None
    assert fault_of(b'{"type":"x","%b":%d}\n' % (key.encode(), bound + 1), SMALL) is fault


def test_depth_counts_what_is_nested_not_what_is_beside_or_quoted() -> None:
    def data_frame(data: bytes) -> bytes:
        return b'{"type":"x","data_length":%d}\n%b' % (len(data), data)

    assert decode(data_frame(b'{"a":[[[[]]]]}'), SMALL)
    assert fault_of(data_frame(b'{"a":[[[[[]]]]]}'), SMALL) is Fault.TOO_DEEP
    assert fault_of(data_frame(b'{"a":[[],[],[],{"b":[{"c":[1]}]}]}'), SMALL) is Fault.TOO_DEEP
    assert decode(data_frame(b'{"a":"' + b"[" * 50 + b'","b":[' + b"{}," * 50 + b"0]}"), SMALL)


def test_a_header_known_from_laxer_bounds_is_still_held_to_the_stricter_ones() -> None:
    raw = b'{"type":"known","data_length":301}\n' + b" " * 299 + b"{}"
    assert decode(raw) == [Event("known", {})]
    assert fault_of(raw, SMALL) is Fault.DATA_TOO_LONG


def test_a_known_header_does_not_carry_data_from_one_event_to_the_next() -> None:
    raw = b'{"type":"x","data":{}}\n{"type":"y"}\n'
    for _ in range(2):
        for event in decode(raw):
            assert event.data == {}
            event.data["left"] = "behind"


def test_the_message_never_quotes_the_frame() -> None:
    secret = b"hunter2"
    for raw in (
        b'{"type":"x","data":"%b"}\n' % secret,
        b'{"type":"x","data_length":"%b"}\n' % secret,
        b'{"type":["%b"]}\n' % secret,
        b'{"%b\n' % secret,
    ):
        with pytest.raises(FrameError) as caught:
            decode(raw)
        assert "hunter2" not in str(caught.value)


def test_an_event_is_written_as_the_stock_writer_does() -> None:
    raw = encode(Event("x", {"text": "ő"}, b"pay"))
    header, _, rest = raw.partition(b"\n")
    assert header.startswith(b'{"type":"x","version":"')
    assert header.endswith(b',"data_length":13,"payload_length":3}')
    assert rest == '{"text":"ő"}pay'.encode()
    assert encode(Event("x", {})).count(b"\n") == 1
    assert b"length" not in encode(Event("x", {}))


@pytest.mark.parametrize(
    ("event", "fault"),
    [
        (Event("", {}), Fault.BAD_TYPE),
        (Event("x" * (TYPE_CHARACTERS + 1), {}), Fault.BAD_TYPE),
        (Event("x", {"text": "\ud800"}), Fault.BAD_DATA),
        (Event("\ud800", {}), Fault.BAD_DATA),
        (Event("x", {"n": 2**64}), Fault.BAD_DATA),
        (Event("x", {"n": object()}), Fault.BAD_DATA),
        (Event("x", {"text": "a" * 300}), Fault.DATA_TOO_LONG),
        (Event("x", {}, b"a" * 101), Fault.PAYLOAD_TOO_LONG),
    ],
)
def test_what_cannot_be_written_is_refused(event: Event, fault: Fault) -> None:
    with pytest.raises(FrameError) as caught:
        encode(event, SMALL)
    assert caught.value.code is fault


def test_a_number_that_is_not_finite_is_written_as_null() -> None:
    [event] = decode(encode(Event("x", {"n": math.inf})))
    data: dict[str, Any] = event.data
    assert data == {"n": None}
