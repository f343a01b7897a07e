"""How long the answers to wrong tokens are held back."""

from __future__ import annotations

from handlers.failed_authentications import MAX_ORIGINS, FailedAuthentications


def test_it_doubles_up_to_the_longest_and_never_beyond() -> None:
    failures = FailedAuthentications(free=1, longest=8.0)
    assert [failures.note("a", 0.0) for _ in range(9)] == [0, 0.25, 0.5, 1, 2, 4, 8, 8, 8]
    for _ in range(2000):
        failures.note("a", 0.0)
    assert failures.note("a", 0.0) == 8.0


def test_a_minute_without_a_failure_is_a_new_beginning_and_less_is_not() -> None:
    failures = FailedAuthentications(free=1, longest=8.0)
    failures.note("a", 0.0)
    assert failures.note("a", 59.0) == 0.25
    assert failures.note("a", 119.0) == 0.0


def test_only_so_many_origins_are_kept() -> None:
    failures = FailedAuthentications(free=1, longest=8.0)
    for number in range(MAX_ORIGINS + 5):
        failures.note(str(number), 0.0)
    assert len(failures._failures) == MAX_ORIGINS
