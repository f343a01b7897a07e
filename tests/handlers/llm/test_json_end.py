"""Where the first JSON object of a text ends, whatever its pieces are."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.llm.errors import Failure, ModelError
from handlers.llm.json_end import JsonObjectEnd

_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(), below, max_size=4),
    max_leaves=12,
)


def _found(pieces: list[str]) -> str | None:
    end, taken = JsonObjectEnd(), ""
    for piece in pieces:
        at = end.find(piece)
        if at is not None:
            return taken + piece[:at]
        taken += piece
    return None


@given(
    value=st.dictionaries(st.text(), _VALUES, max_size=5),
    babble=st.text(),
    is_ascii=st.booleans(),
    cuts=st.lists(st.integers(0, 400), max_size=12),
)
def test_an_object_ends_with_its_own_brace_wherever_the_text_is_cut(
    *, value: dict[str, Any], babble: str, is_ascii: bool, cuts: list[int]
) -> None:
    text = json.dumps(value, ensure_ascii=is_ascii)
    whole = f" \n{text}{babble}"
    places = sorted({0, *(min(cut, len(whole)) for cut in cuts), len(whole)})
    pieces = [whole[begin:end] for begin, end in itertools.pairwise(places)]
    assert _found(pieces) == f" \n{text}"


@given(st.dictionaries(st.text(), _VALUES, max_size=5))
def test_an_object_that_is_cut_off_has_no_end(value: dict[str, Any]) -> None:
    assert _found([json.dumps(value)[:-1]]) is None


@pytest.mark.parametrize("text", ["Sure! {}", "[{}]", '"{}"', "```json\n{}", "null", "]", "0{}"])
def test_what_does_not_begin_with_an_object_is_none(text: str) -> None:
    with pytest.raises(ModelError) as caught:
        _found([text])
    assert caught.value.failure is Failure.NO_OBJECT
