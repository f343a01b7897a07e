"""Random answers fit the schema, or do not, as they promise."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.llm.answer_schema import answer_schema
from tests.bench.described_homes import picture_of
from tests.handlers.frames.homes import home
from tests.ollama.random_answer import check_schema, invalid, problems, sample

SCHEMAS = [
    answer_schema(picture.registry.exposed_entities()[:24], picture)
    for picture in (home("en"), home("hu"), picture_of("en", 50))
]


@settings(max_examples=300)
@given(st.sampled_from(SCHEMAS), st.integers())
def test_a_sample_fits_its_schema_and_is_json(schema: dict[str, Any], seed: int) -> None:
    value = sample(schema, Random(seed))
    assert problems(schema, value) == []
    assert json.loads(json.dumps(value)) == value


@settings(max_examples=300)
@given(st.sampled_from(SCHEMAS), st.integers())
def test_what_is_invalid_is_no_json_or_does_not_fit(schema: dict[str, Any], seed: int) -> None:
    text = invalid(schema, Random(seed))
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return
    doubled = text.count('"outcome"') > 1
    assert doubled or "NaN" in text or "Infinity" in text or problems(schema, value)


@pytest.mark.parametrize(
    "schema",
    [
        [],
        {"type": "null"},
        {"type": "string", "pattern": "a"},
        {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        {"oneOf": []},
        {"type": "object", "properties": {"a": {"$ref": "#"}}},
    ],
)
def test_a_schema_that_a_grammar_would_leave_out_is_refused(schema: Any) -> None:
    with pytest.raises(ValueError, match=r"schema|type|understood"):
        check_schema(schema)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer", "minimum": 0, "maximum": 5}, True),
        ({"type": "integer", "minimum": 0, "maximum": 5}, 2.5),
        ({"type": "integer", "minimum": 0, "maximum": 5}, 6),
        ({"type": "number", "minimum": 0, "maximum": 5}, float("nan")),
        ({"type": "string", "maxLength": 2}, "abc"),
        ({"enum": ["a"]}, "A"),
        ({"const": 1}, True),
        ({"type": "object", "properties": {}, "required": [], "additionalProperties": False}, {"a": 1}),
        ({"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]}, {}),
        ({"type": "array", "items": {"enum": ["a"]}, "minItems": 1, "maxItems": 1}, ["a", "a"]),
    ],
)
def test_what_does_not_fit_is_told(schema: dict[str, Any], value: Any) -> None:
    assert problems(schema, value)
