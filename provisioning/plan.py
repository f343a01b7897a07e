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

    The keeper goes by it when it brings an instance up. While one is up it looks only for what ended or
    differs in its fingerprint: limits that somebody changed by hand, and a stopped instance that somebody
    started by hand, are planned for here and left until it is brought up or stopped the next time.

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
    if limited and (seen.memory_limit, seen.cpu_limit) != (spec.memory_limit, spec.cpu_limit):
        return Action.ADJUST
    return Action.NOTHING
