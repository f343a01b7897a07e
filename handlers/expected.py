"""What state a service call leads to, for the calls whose success does not show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from handlers.understanding import ServiceCall
from provisioning.home.registry import EntityState

Accept: TypeAlias = Callable[[EntityState], bool]

MAY_NOT_MOVE: Final = frozenset({"cover", "lock", "valve"})
"""Domains whose entities may stay where they are although Home Assistant carried the call out."""

SWITCHED: Final = frozenset({"fan", "humidifier", "input_boolean", "light", "siren", "switch"})
"""Domains whose entities are `on` after `turn_on` and `off` after `turn_off`."""

POSITION_TOLERANCE: Final = 3
"""Per cent by which a cover may miss the position it was sent to."""

_MOVING: Final = frozenset({"opening", "closing"})

# By service; services of other names are not awaited.
_EXPECTED_STATES: Final[Mapping[str, frozenset[str]]] = {
    "lock": frozenset({"locked"}),
    "unlock": frozenset({"unlocked", "open", "opening"}),
    "open_cover": frozenset({"open", "opening"}),
    "close_cover": frozenset({"closed", "closing"}),
    "stop_cover": frozenset({"open", "closed"}),
    "open_valve": frozenset({"open", "opening"}),
    "close_valve": frozenset({"closed", "closing"}),
    "stop_valve": frozenset({"open", "closed"}),
    "turn_on": frozenset({"on"}),
    "turn_off": frozenset({"off"}),
}


def expected(call: ServiceCall) -> Accept | None:
    """Give the test of a state that a call should lead to, or None where no state would tell."""
    if call.service in {"set_cover_position", "set_valve_position"}:
        position = call.data.get("position")
        return lambda state: _is_on_its_way(state, position)
    states = _EXPECTED_STATES.get(call.service)
    if states is None or (call.service in {"turn_on", "turn_off"} and call.domain not in SWITCHED):
        return None
    return lambda state: state.state in states


def _is_on_its_way(state: EntityState, position: Any) -> bool:
    now = state.attributes.get("current_position")
    if state.state in _MOVING or not isinstance(now, int | float) or not isinstance(position, int | float):
        return True
    return abs(now - position) <= POSITION_TOLERANCE
