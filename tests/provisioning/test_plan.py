from __future__ import annotations

from dataclasses import replace

import pytest

from provisioning.driver import Condition, InstanceSpec, Observation
from provisioning.plan import Action, planned
from storage.records import DesiredState

SPEC = InstanceSpec("u", "n", 8200, memory_limit=1 << 29, cpu_limit=0.5)
RUNS = Observation(
    "n", Condition.RUNNING, fingerprint=SPEC.fingerprint(), memory_limit=1 << 29, cpu_limit=0.5
)
STOPPED = Observation("n", Condition.STOPPED)


@pytest.mark.parametrize(
    ("desired", "seen", "action"),
    [
        (DesiredState.RUNNING, RUNS, Action.NOTHING),
        (DesiredState.RUNNING, STOPPED, Action.START),
        (DesiredState.RUNNING, Observation("n", Condition.ABSENT), Action.START),
        (DesiredState.RUNNING, replace(RUNS, fingerprint="other"), Action.REPLACE),
        (DesiredState.RUNNING, replace(RUNS, fingerprint=None), Action.REPLACE),
        (DesiredState.RUNNING, replace(RUNS, memory_limit=1 << 30), Action.ADJUST),
        (DesiredState.RUNNING, replace(RUNS, memory_limit=None, cpu_limit=None), Action.ADJUST),
        (DesiredState.RUNNING, replace(RUNS, memory_limit=None), Action.ADJUST),
        (DesiredState.STOPPED, RUNS, Action.STOP),
        (DesiredState.STOPPED, STOPPED, Action.NOTHING),
        (DesiredState.REMOVED, RUNS, Action.REMOVE),
        (DesiredState.REMOVED, STOPPED, Action.REMOVE),
    ],
)
def test_what_is_to_be_done_follows_from_what_is_wanted_and_what_is_seen(
    desired: DesiredState, seen: Observation, action: Action
) -> None:
    assert planned(desired, SPEC, seen, limited=True) is action


def test_where_no_limits_are_enforced_there_are_none_to_adjust() -> None:
    seen = replace(RUNS, memory_limit=None, cpu_limit=None)
    assert planned(DesiredState.RUNNING, SPEC, seen, limited=False) is Action.NOTHING


@pytest.mark.parametrize("no_more", [{"memory_limit": None}, {"cpu_limit": None}])
def test_a_limit_that_is_to_be_none_any_more_takes_a_new_container(no_more: dict[str, None]) -> None:
    spec = replace(SPEC, **no_more)  # type: ignore[arg-type]
    assert planned(DesiredState.RUNNING, spec, RUNS, limited=True) is Action.REPLACE
