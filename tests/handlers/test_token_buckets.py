"""Token buckets: never more than the rate and the burst allow, and never less."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.token_buckets import MAX_KEYS, TokenBuckets


def test_a_full_bucket_gives_its_burst_and_then_its_rate() -> None:
    buckets = TokenBuckets(per_second=2, burst=3)
    assert [buckets.take("a", 0.0) for _ in range(4)] == [True, True, True, False]
    assert [buckets.take("a", at) for at in (0.25, 0.5, 0.75, 1.0)] == [False, True, False, True]


def test_each_key_has_a_bucket_of_its_own() -> None:
    buckets = TokenBuckets(per_second=1, burst=1)
    assert buckets.take("a", 0.0)
    assert not buckets.take("a", 0.0)
    assert buckets.take("b", 0.0)


@given(
    st.floats(0.1, 100),
    st.integers(1, 50),
    st.lists(st.floats(0, 5), min_size=1, max_size=100),
)
def test_no_stretch_of_time_gives_more_than_burst_and_rate(
    per_second: float, burst: int, pauses: list[float]
) -> None:
    buckets = TokenBuckets(per_second=per_second, burst=burst)
    now, taken = 0.0, []
    for pause in pauses:
        now += pause
        if buckets.take("a", now):
            taken.append(now)
    for first, begin in enumerate(taken):
        for count, end in enumerate(taken[first:], start=1):
            assert count <= burst + per_second * (end - begin) + 1e-6


@given(st.floats(0.1, 100), st.integers(1, 50), st.integers(1, 100))
def test_who_keeps_to_the_rate_is_never_refused(per_second: float, burst: int, count: int) -> None:
    buckets = TokenBuckets(per_second=per_second, burst=burst)
    assert all(buckets.take("a", number * (1.0 / per_second + 1e-9)) for number in range(count))


def test_only_so_many_keys_are_kept_and_the_busy_ones_among_them() -> None:
    buckets = TokenBuckets(per_second=1, burst=1)
    for number in range(MAX_KEYS * 2):
        buckets.take("busy", 0.0)
        buckets.take(str(number), 0.0)
    assert len(buckets._buckets) == MAX_KEYS
    assert not buckets.take("busy", 0.0)


@pytest.mark.parametrize(("per_second", "burst"), [(0, 1), (-1, 1), (1, 0.5)])
def test_a_bucket_that_never_gives_anything_is_a_mistake(per_second: float, burst: float) -> None:
    with pytest.raises(ValueError, match="a bucket gets tokens"):
        TokenBuckets(per_second=per_second, burst=burst)
