"""What a server begins with is left out of every later collection."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from wyoming_central.collector import YOUNG_OBJECTS, settle_collector


@pytest.fixture(autouse=True)
def collector_as_it_was() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def test_what_is_there_is_frozen_and_the_young_are_looked_at_less_often() -> None:
    lasting = [[] for _ in range(1000)]
    settle_collector()
    assert gc.get_freeze_count() >= len(lasting)
    assert gc.get_threshold()[0] == YOUNG_OBJECTS
    assert gc.isenabled()
