"""What happens again and again is told at once, then once a minute with how often."""

from __future__ import annotations

from handlers.tally import MAX_KEYS, TELL_EVERY_SECONDS, Tally


def test_the_first_is_told_at_once_and_the_others_together_when_the_time_has_come() -> None:
    tally = Tally()
    assert [tally.note("a", 0.0), tally.note("a", 1.0), tally.note("a", 2.0)] == [1, None, None]
    assert tally.note("a", TELL_EVERY_SECONDS) == 3
    assert tally.note("a", TELL_EVERY_SECONDS + 1) is None


def test_each_key_is_told_by_itself() -> None:
    tally = Tally()
    assert [tally.note("a", 0.0), tally.note("b", 0.0)] == [1, 1]


def test_only_so_many_keys_are_kept() -> None:
    tally = Tally()
    for number in range(MAX_KEYS + 10):
        tally.note(str(number), 0.0)
    assert len(tally._counted) == MAX_KEYS
