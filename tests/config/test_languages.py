from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.languages import DEFAULT, SUPPORTED, normalise_language


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("hu", "hu"),
        ("hu-HU", "hu"),
        ("HU_hu", "hu"),
        (" en ", "en"),
        ("en_GB.UTF-8", "en"),
        ("en-Latn-US", "en"),
        ("de", None),
        ("hun", None),
        ("", None),
        (None, None),
    ],
)
def test_a_tag_is_reduced_to_a_supported_language_or_nothing(tag: str | None, language: str | None) -> None:
    assert normalise_language(tag) == language


def test_the_default_language_is_supported() -> None:
    assert DEFAULT in SUPPORTED


@given(st.text())
def test_no_tag_gives_anything_but_a_supported_language(tag: str) -> None:
    assert normalise_language(tag) in {*SUPPORTED, None}
