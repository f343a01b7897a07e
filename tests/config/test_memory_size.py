from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.memory_size import format_memory_size, parse_memory_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512m", 512 << 20),
        ("512M", 512 << 20),
        ("512mb", 512 << 20),
        ("512MiB", 512 << 20),
        ("1g", 1 << 30),
        ("64k", 64 << 10),
        ("2 g", 2 << 30),
        ("100b", 100),
        ("100", 100),
    ],
)
def test_units_are_powers_of_1024_as_docker_has_them(text: str, size: int) -> None:
    assert parse_memory_size(text) == size


@pytest.mark.parametrize("text", ["", "m", "1.5g", "-1m", "512 megabytes", "1t", "1bb", "٣m", "1e3"])
def test_what_is_no_amount_of_memory_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no amount of memory"):
        parse_memory_size(text)


@given(st.integers(0, 1 << 45))
def test_an_amount_is_written_so_that_it_is_read_back(size: int) -> None:
    assert parse_memory_size(format_memory_size(size)) == size
