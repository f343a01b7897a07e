"""What the server would do about an instance, worked out and not done."""

from __future__ import annotations

from enum import StrEnum

from provisioning.driver import Condition, InstanceSpec, Observation
from storage.records import DesiredState


class Action(StrEnum):
    """What there is to do about one instance."""

    NOTHING = "nothing"
    START = "start"
    REPLACE = "replace"
    ADJUST = "adjust"
    STOP = "stop"
    REMOVE = "remove"


def planned(desired: DesiredState, spec: InstanceSpec, seen: Observation, *, limited: bool) -> Action:
    """What brings an instance from what is seen to what is wanted.

    The keeper goes by it, when it brings an instance up and for as long as it keeps it.

    Args:
        desired: Where a person wants it.
        spec: What it is to be.
        seen: What its driver sees.
        limited: Whether its driver enforces limits.
    """
    runs = seen.condition is Condition.RUNNING
    if desired is DesiredState.REMOVED:
        return Action.REMOVE
    if desired is DesiredState.STOPPED:
        return Action.STOP if runs else Action.NOTHING
    if not runs:
        return Action.START
    if seen.fingerprint != spec.fingerprint():
        return Action.REPLACE
    if not limited or (seen.memory_limit, seen.cpu_limit) == (spec.memory_limit, spec.cpu_limit):
        return Action.NOTHING
    return Action.REPLACE if loses_a_limit(spec, seen) else Action.ADJUST


def loses_a_limit(spec: InstanceSpec, seen: Observation) -> bool:
    """Whether what is limited is to be so no more: an engine changes one in place, but takes none away."""
    return (spec.memory_limit is None and seen.memory_limit is not None) or (
        spec.cpu_limit is None and seen.cpu_limit is not None
    )
