"""Flat memory is told from memory that grows."""

from __future__ import annotations

import pytest

from tests.soak.memory import Sample, course_of


def test_memory_that_fills_caches_first_and_is_flat_then_is_flat() -> None:
    course = course_of([Sample(float(at), 100.0 + min(at, 30)) for at in range(100)])
    assert (course.growth, course.per_hour) == (0.0, 0.0)


def test_memory_that_leaks_is_seen_whatever_noise_is_on_it() -> None:
    course = course_of([Sample(float(at), 100.0 + 0.01 * at + (at % 7)) for at in range(600)])
    assert course.per_hour == pytest.approx(36, abs=3)
    assert course.growth > 2


def test_too_few_samples_are_no_answer() -> None:
    with pytest.raises(ValueError, match="soak longer"):
        course_of([Sample(float(at), 1.0) for at in range(12)])
