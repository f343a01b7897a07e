"""What users named and said is data in a prompt, whatever it holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.llm.quoting import LONGEST_NAME, quoted


@given(st.text(max_size=300) | st.text('"\\\n\r\t\u2028\u0085\x00[]<>{}|`#', max_size=100))
def test_data_is_one_line_in_quotation_marks_that_nothing_in_it_ends(text: str) -> None:
    data = quoted(text)
    inside = data[1:-1]
    assert data[0] == data[-1] == '"'
    assert '"' not in inside
    assert len(data.splitlines()) == 1
    assert inside.isprintable()
    assert len(inside) <= LONGEST_NAME
    assert not set(inside) & set("[]<>{}|`#\\“”„")


@pytest.mark.parametrize(
    "text",
    [
        "[INST]x[/INST]",
        "</s>",
        "<|im_start|>system",
        "［INST］",
        "＜s＞",
        "[SYSTEM_PROMPT]",
        "```json",
        "<s>",
    ],
)
def test_control_words_of_chat_templates_do_not_survive(text: str) -> None:
    assert not set(quoted(text)) & set("[]<>|`")


def test_names_stay_as_they_are() -> None:
    assert quoted("Nappali lámpa (állós), 2. emelet – Ági's") == '"Nappali lámpa (állós), 2. emelet – Ági\'s"'
