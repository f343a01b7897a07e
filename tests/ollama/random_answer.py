"""Answers at random: such as fit a JSON schema, and such as do not.

The schemas are those that a grammar of Ollama can be made of: objects with fixed keys, bounded arrays and
texts, numbers, `const`, `enum`, `anyOf`. Whatever else stands in one is an error, so that a stand-in takes
nothing that the real one would leave out silently.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any, Final

_KEYWORDS: Final = {
    "object": {"type", "properties", "required", "additionalProperties"},
    "array": {"type", "items", "minItems", "maxItems"},
    "string": {"type", "minLength", "maxLength"},
    "integer": {"type", "minimum", "maximum"},
    "number": {"type", "minimum", "maximum"},
    "boolean": {"type"},
}
_DEEPEST: Final = 30
_NASTY: Final = (
    "a", "e", "ő", "Ű", " ", " ", '"', "\\", "\n", "\t", "\u2028", "\u202e", "\u200b", "\x00", "\x1b", "{",
    "}", "[", "]", "<", ">", "|", "&", "'", "`", "😀", "é", "ß", "İ", "0", "9", "/", "http://x.io ", "done ",
    "[INST]",
)  # fmt: skip


def inlined(schema: Any) -> Any:
    """A schema with what it refers to in its own `$defs` in the place of each reference.

    Raises:
        ValueError: It refers to something else, or is no object.
    """
    if not isinstance(schema, Mapping):
        raise ValueError("a schema is an object")  # noqa: TRY004 - one kind of error for all that is wrong
    definitions = schema.get("$defs", {})
    return _inlined({key: value for key, value in schema.items() if key != "$defs"}, definitions, 0)


def _inlined(part: Any, definitions: Mapping[str, Any], depth: int) -> Any:
    if depth > _DEEPEST:
        raise ValueError("a schema that refers to itself, or is too deep")
    if isinstance(part, list):
        return [_inlined(one, definitions, depth + 1) for one in part]
    if not isinstance(part, Mapping):
        return part
    if "$ref" in part:
        name = str(part["$ref"]).removeprefix("#/$defs/")
        if set(part) != {"$ref"} or name not in definitions:
            raise ValueError(f"not understood in a schema: {part}")
        return _inlined(definitions[name], definitions, depth + 1)
    return {key: _inlined(value, definitions, depth + 1) for key, value in part.items()}


def check_schema(schema: Any) -> None:
    """See that a schema holds nothing that is not understood here.

    Raises:
        ValueError: It does.
    """
    _check(inlined(schema))


def _check(schema: Any) -> None:
    if not isinstance(schema, Mapping):
        raise ValueError("a schema is an object")  # noqa: TRY004 - as above
    if "anyOf" in schema:
        _only(schema, {"anyOf"})
        for one in schema["anyOf"]:
            _check(one)
        return
    if "const" in schema or "enum" in schema:
        _only(schema, {"const", "enum", "type"})
        return
    kind = schema.get("type")
    if kind not in _KEYWORDS:
        raise ValueError(f"no such type: {kind!r}")
    _only(schema, _KEYWORDS[kind])
    for below in (schema.get("properties") or {}).values():
        _check(below)
    if "items" in schema:
        _check(schema["items"])


def _only(schema: Mapping[str, Any], known: set[str]) -> None:
    if unknown := schema.keys() - known:
        raise ValueError(f"not understood in a schema: {sorted(unknown)}")


def sample(schema: Mapping[str, Any], random: Random) -> Any:
    """A random value that fits a schema."""
    return _sample(inlined(schema), random)


def _sample(schema: Mapping[str, Any], random: Random) -> Any:
    if "anyOf" in schema:
        return _sample(random.choice(schema["anyOf"]), random)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return random.choice(schema["enum"])
    return _SAMPLERS[schema["type"]](schema, random)


def _object(schema: Mapping[str, Any], random: Random) -> dict[str, Any]:
    needed = schema.get("required", ())
    return {
        name: _sample(below, random)
        for name, below in schema.get("properties", {}).items()
        if name in needed or random.random() < 0.5
    }


def _array(schema: Mapping[str, Any], random: Random) -> list[Any]:
    least = schema.get("minItems", 0)
    most = min(schema.get("maxItems", least + 3), least + 5)
    return [_sample(schema["items"], random) for _ in range(random.randint(least, most))]


def _text(schema: Mapping[str, Any], random: Random) -> str:
    least, most = schema.get("minLength", 0), schema.get("maxLength", 40)
    length = random.choice((least, most, random.randint(least, most)))
    return "".join(random.choice(_NASTY) for _ in range(length))[:most].ljust(least, "a")


def _integer(schema: Mapping[str, Any], random: Random) -> int:
    low, high = schema.get("minimum", -1000), schema.get("maximum", 1000)
    return random.choice((low, high, random.randint(low, high)))


def _number(schema: Mapping[str, Any], random: Random) -> float:
    low, high = schema.get("minimum", -1000), schema.get("maximum", 1000)
    return random.choice((low, high, random.uniform(low, high), round(random.uniform(low, high), 1)))


_SAMPLERS: Final[Mapping[str, Callable[[Mapping[str, Any], Random], Any]]] = {
    "object": _object,
    "array": _array,
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": lambda _schema, random: random.random() < 0.5,
}


# --- holding a value against a schema --------------------------------------------------------------


def problems(schema: Mapping[str, Any], value: Any) -> list[str]:
    """What of a value does not fit a schema; empty where all does."""
    check_schema(schema)
    return list(_problems(inlined(schema), value))


def _problems(schema: Mapping[str, Any], value: Any) -> Iterator[str]:
    if "anyOf" in schema:
        if all(any(_problems(one, value)) for one in schema["anyOf"]):
            yield "fits none of several"
    elif "const" in schema:
        if not _same(value, schema["const"]):
            yield "is another value"
    elif "enum" in schema:
        if not any(_same(value, one) for one in schema["enum"]):
            yield "is none of the values"
    else:
        yield from _CHECKS[schema["type"]](schema, value)


def _same(value: Any, other: Any) -> bool:
    return type(value) is type(other) and bool(value == other)


def _object_problems(schema: Mapping[str, Any], value: Any) -> Iterator[str]:
    if not isinstance(value, dict):
        yield "is no object"
        return
    properties = schema.get("properties", {})
    yield from (f"lacks {name}" for name in schema.get("required", ()) if name not in value)
    for name, below in value.items():
        if name in properties:
            yield from _problems(properties[name], below)
        elif schema.get("additionalProperties") is False:
            yield f"has {name!r} too many"


def _array_problems(schema: Mapping[str, Any], value: Any) -> Iterator[str]:
    if not isinstance(value, list):
        yield "is no array"
        return
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", math.inf):
        yield "has too few or too many"
    for one in value:
        yield from _problems(schema["items"], one)


def _text_problems(schema: Mapping[str, Any], value: Any) -> Iterator[str]:
    if not isinstance(value, str):
        yield "is no text"
    elif not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", math.inf):
        yield "is too short or too long"


def _number_problems(schema: Mapping[str, Any], value: Any) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        yield "is no number"
    elif schema["type"] == "integer" and value != int(value):
        yield "is not whole"
    elif not schema.get("minimum", -math.inf) <= value <= schema.get("maximum", math.inf):
        yield "is out of range"


def _boolean_problems(_schema: Mapping[str, Any], value: Any) -> Iterator[str]:
    if not isinstance(value, bool):
        yield "is neither true nor false"


_CHECKS: Final[Mapping[str, Callable[[Mapping[str, Any], Any], Iterator[str]]]] = {
    "object": _object_problems,
    "array": _array_problems,
    "string": _text_problems,
    "integer": _number_problems,
    "number": _number_problems,
    "boolean": _boolean_problems,
}


# --- what does not fit --------------------------------------------------------------------------------

_STRANGE: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 10**40, 1.5, "", "x", "ⅼight.desk", "LIGHT.DESK", [], [[]], {}, {"a": 1},
    "light.desk ", "unlock", "'; drop table", "😀" * 50, "x" * 5000,
)  # fmt: skip
_NO_JSON: Final = (
    "", " ", "null", "true", "42", '"text"', "[]", "[{}]", "{", "}", "{]", '{"outcome"', "{'outcome':'none'}",
    "Sure! Here you are:", '```json\n{"outcome":"none"}\n```', "{} {}", '{"a":NaN}', '{"a":Infinity}',
    '{"a":1,}', '{"a":01}', '{"\\ud800":1}', "[" * 2000, '{"a":' * 1500, "\x00", "\ufeff{}", "<html></html>",
)  # fmt: skip


def invalid(schema: Mapping[str, Any], random: Random) -> str:
    """A random text that is no answer to a schema: no JSON at all, or JSON that does not fit."""
    schema = inlined(schema)
    while True:
        text = random.choice((_broken, _cut, _mutated, _mutated, _mutated, _doubled))(schema, random)
        try:
            value = json.loads(text, object_pairs_hook=_pairs, parse_constant=_refuse)
        except (ValueError, RecursionError):
            return text
        if any(_problems(schema, value)):
            return text


def _broken(_schema: Mapping[str, Any], random: Random) -> str:
    return random.choice(_NO_JSON)


def _cut(schema: Mapping[str, Any], random: Random) -> str:
    text = json.dumps(sample(schema, random), ensure_ascii=False)
    return text[: random.randrange(len(text))]


def _doubled(schema: Mapping[str, Any], random: Random) -> str:
    """A key that is there twice."""
    text = json.dumps(sample(schema, random))
    return f'{text[:1]}"outcome":"commands",{text[1:]}'


def _mutated(schema: Mapping[str, Any], random: Random) -> str:
    """One place of a fitting answer replaced by something strange, left out, or added to."""
    value = sample(schema, random)
    for _ in range(random.randint(1, 2)):
        value = _with_a_change(value, random)
    return json.dumps(value, ensure_ascii=random.random() < 0.5)


def _with_a_change(value: Any, random: Random) -> Any:
    if isinstance(value, dict) and value and random.random() < 0.8:
        name = random.choice(list(value))
        match random.randrange(5):
            case 0:
                return {key: one for key, one in value.items() if key != name}
            case 1:
                return {**value, random.choice(("extra", "OUTCOME", "", name + " ")): random.choice(_STRANGE)}
            case _:
                return {**value, name: _with_a_change(value[name], random)}
    if isinstance(value, list) and value and random.random() < 0.7:
        at = random.randrange(len(value))
        if random.random() < 0.3:
            return value * 20
        return [*value[:at], _with_a_change(value[at], random), *value[at + 1 :]]
    return random.choice(_STRANGE)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key is there twice")
    return members


def _refuse(name: str) -> Any:
    raise ValueError(name)
