"""What a service call does to the states of a home, as far as the sets of sentences look at it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from handlers.understanding import ServiceCall

States = dict[str, dict[str, Any]]
"""For every entity id its `state` and `attributes`."""

_BRIGHTEST: Final = 255
_PERCENT_OF_BRIGHTNESS: Final = _BRIGHTEST / 100
_VOLUME_STEP: Final = 0.1

Effect = Callable[[dict[str, Any], Mapping[str, Any], str], None]


def after(states: Mapping[str, dict[str, Any]], calls: Iterable[ServiceCall]) -> States:
    """The states after some calls, one after another; what is not known of a call is noted at the entity."""
    changed = copy.deepcopy(dict(states))
    for call in calls:
        effect = _EFFECTS.get(call.service, _noted(call.domain, call.service))
        for entity_id in call.entity_ids:
            one = changed.setdefault(entity_id, {"state": "unknown", "attributes": {}})
            effect(one, call.data, entity_id.partition(".")[0])
    return changed


def _noted(domain: str, service: str) -> Effect:
    def note(one: dict[str, Any], data: Mapping[str, Any], _domain: str) -> None:
        one["attributes"][f"{domain}.{service}"] = dict(data) or True

    return note


def _becomes(state: str, **attributes: Any) -> Effect:
    """The state, and those attributes that the entity has already."""

    def become(one: dict[str, Any], _data: Mapping[str, Any], _domain: str) -> None:
        one["state"] = state
        for name, value in attributes.items():
            if name in one["attributes"]:
                one["attributes"][name] = value

    return become


def _by_domain(**effects: Effect) -> Effect:
    def choose(one: dict[str, Any], data: Mapping[str, Any], domain: str) -> None:
        effects.get(domain, effects["others"])(one, data, domain)

    return choose


def _light_on(one: dict[str, Any], data: Mapping[str, Any], _domain: str) -> None:
    one["state"], attributes = "on", one["attributes"]
    if "brightness_pct" in data:
        attributes["brightness"] = round(data["brightness_pct"] * _PERCENT_OF_BRIGHTNESS)
    elif "brightness_step_pct" in data:
        brighter = attributes.get("brightness", 0) + data["brightness_step_pct"] * _PERCENT_OF_BRIGHTNESS
        attributes["brightness"] = min(_BRIGHTEST, max(0, brighter))
    for name in ("color_name", "color_temp_kelvin"):
        if name in data:
            attributes[name] = data[name]


def _fan_on(one: dict[str, Any], data: Mapping[str, Any], _domain: str) -> None:
    one["state"] = "on"
    one["attributes"]["percentage"] = data.get("percentage") or one["attributes"].get("percentage") or 100


def _fan_off(one: dict[str, Any], _data: Mapping[str, Any], _domain: str) -> None:
    one["state"], one["attributes"]["percentage"] = "off", 0


def _fan_speed(one: dict[str, Any], data: Mapping[str, Any], _domain: str) -> None:
    one["attributes"]["percentage"] = data["percentage"]
    one["state"] = "on" if data["percentage"] else "off"


def _position(one: dict[str, Any], data: Mapping[str, Any], _domain: str) -> None:
    one["attributes"]["current_position"] = data["position"]
    one["state"] = "open" if data["position"] else "closed"


def _copied(name: str) -> Effect:
    def copy_over(one: dict[str, Any], data: Mapping[str, Any], _domain: str) -> None:
        one["attributes"][name] = data[name]

    return copy_over


def _hvac_mode(one: dict[str, Any], data: Mapping[str, Any], _domain: str) -> None:
    one["state"] = data["hvac_mode"]


def _track(change: int) -> Effect:
    def skip(one: dict[str, Any], _data: Mapping[str, Any], _domain: str) -> None:
        one["attributes"]["media_track"] = one["attributes"].get("media_track", 1) + change

    return skip


def _volume(change: float) -> Effect:
    def turn(one: dict[str, Any], _data: Mapping[str, Any], _domain: str) -> None:
        level = one["attributes"].get("volume_level", 0.5) + change
        one["attributes"]["volume_level"] = round(level, 2)

    return turn


def _item(one: dict[str, Any], data: Mapping[str, Any], _domain: str) -> None:
    one["attributes"].setdefault("items", []).append(str(data["item"]))


_OPEN: Final = _becomes("open", current_position=100)
_CLOSED: Final = _becomes("closed", current_position=0)
_EFFECTS: Final[Mapping[str, Effect]] = {
    "turn_on": _by_domain(
        light=_light_on,
        fan=_fan_on,
        scene=_becomes("activated"),
        script=_becomes("activated"),
        climate=_becomes("heat"),
        media_player=_becomes("idle"),
        others=_becomes("on"),
    ),
    "turn_off": _by_domain(fan=_fan_off, others=_becomes("off")),
    "open_cover": _OPEN,
    "open_valve": _OPEN,
    "close_cover": _CLOSED,
    "close_valve": _CLOSED,
    "set_cover_position": _position,
    "set_valve_position": _position,
    "lock": _becomes("locked"),
    "unlock": _becomes("unlocked"),
    "set_percentage": _fan_speed,
    "set_temperature": _copied("temperature"),
    "set_hvac_mode": _hvac_mode,
    "media_pause": _becomes("paused"),
    "media_play": _becomes("playing"),
    "media_next_track": _track(1),
    "media_previous_track": _track(-1),
    "volume_set": _copied("volume_level"),
    "volume_up": _volume(_VOLUME_STEP),
    "volume_down": _volume(-_VOLUME_STEP),
    "volume_mute": _copied("is_volume_muted"),
    "start": _becomes("cleaning"),
    "start_mowing": _becomes("mowing"),
    "return_to_base": _becomes("returning"),
    "dock": _becomes("returning"),
    "pause": _becomes("paused"),
    "add_item": _item,
}
