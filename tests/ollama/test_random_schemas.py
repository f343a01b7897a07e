"""What random answers promise holds for any schema of the subset, not for those of this project alone."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ollama.random_answer import check_schema, invalid, problems, sample

pytestmark = pytest.mark.slow

BOUNDS = st.tuples(st.integers(-50, 50), st.integers(0, 50)).map(lambda pair: (pair[0], pair[0] + pair[1]))
SIZES = st.tuples(st.integers(0, 3), st.integers(0, 3)).map(lambda pair: (pair[0], pair[0] + pair[1]))
NAMES = st.text("abcdő_", min_size=1, max_size=5)
LEAVES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({"type": "boolean"}),
    st.sampled_from(["integer", "number"]).flatmap(
        lambda kind: BOUNDS.map(lambda pair: {"type": kind, "minimum": pair[0], "maximum": pair[1]})
    ),
    SIZES.map(lambda pair: {"type": "string", "minLength": pair[0], "maxLength": pair[1]}),
    NAMES.map(lambda name: {"const": name}),
    st.lists(NAMES, min_size=1, max_size=4, unique=True).map(lambda names: {"type": "string", "enum": names}),
)


def _above(below: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(
        st.tuples(below, SIZES).map(
            lambda pair: {"type": "array", "items": pair[0], "minItems": pair[1][0], "maxItems": pair[1][1]}
        ),
        st.lists(below, min_size=1, max_size=3).map(lambda some: {"anyOf": some}),
        st.tuples(st.dictionaries(NAMES, below, max_size=4), st.integers(0, 4)).map(
            lambda pair: {
                "type": "object",
                "properties": pair[0],
                "required": list(pair[0])[: pair[1]],
                "additionalProperties": False,
            }
        ),
    )


SCHEMAS = st.recursive(LEAVES, _above, max_leaves=12)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key is there twice")
    return dict(pairs)


def _no_number(name: str) -> Any:
    raise ValueError(name)


@given(SCHEMAS, st.integers())
def test_a_sample_fits_any_schema_and_survives_json(schema: dict[str, Any], seed: int) -> None:
    value = sample(schema, Random(seed))
    assert problems(schema, value) == []
    assert json.loads(json.dumps(value)) == value


@given(SCHEMAS, st.integers())
def test_the_same_seed_gives_the_same_of_any_schema(schema: dict[str, Any], seed: int) -> None:
    assert sample(schema, Random(seed)) == sample(schema, Random(seed))
    assert invalid(schema, Random(seed)) == invalid(schema, Random(seed))


@settings(max_examples=200)
@given(SCHEMAS, st.integers())
def test_what_is_invalid_does_not_fit_any_schema_or_is_no_strict_json(
    schema: dict[str, Any], seed: int
) -> None:
    text = invalid(schema, Random(seed))
    try:
        value = json.loads(text, object_pairs_hook=_once_each, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return
    assert problems(schema, value)


@given(SCHEMAS, st.sampled_from(["pattern", "oneOf", "not", "if", "prefixItems", "uniqueItems", "format"]))
def test_a_keyword_that_is_not_known_is_refused_wherever_it_stands(
    schema: dict[str, Any], keyword: str
) -> None:
    strange = {**schema, keyword: "x"}
    for whole in (
        strange,
        {"anyOf": [{"type": "boolean"}, strange]},
        {"type": "object", "properties": {"a": {"type": "array", "items": strange}}},
    ):
        with pytest.raises(ValueError, match="not understood"):
            check_schema(whole)
        with pytest.raises(ValueError, match="not understood"):
            problems(whole, None)
