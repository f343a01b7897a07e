"""Which intent does an action on a thing of some domain, and with which slots."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from handlers.choices import CHOOSING
from handlers.frames.case import Case
from handlers.frames.clause import COUNTED, Clause, Value

Draft = tuple[str, dict[str, Any]]
"""An intent's name and its slots, without those that say where; a slot may be `PerEntity`."""


@dataclass(frozen=True, slots=True)
class PerEntity:
    """The value of a slot that is another one for each entity.

    Attributes:
        of: By entity id; it can be done only to these.
    """

    of: Mapping[str, str]


SWITCHED: Final = frozenset({
    "automation", "camera", "climate", "fan", "humidifier", "input_boolean", "light", "media_player",
    "remote", "siren", "switch", "water_heater",
})  # fmt: skip
"""What is turned on and off, and nothing else."""
_STARTED: Final = {
    **dict.fromkeys((*SWITCHED, "valve", "scene", "script", "button", "input_button"), "HassTurnOn"),
    "vacuum": "HassVacuumStart",
    "lawn_mower": "HassLawnMowerStartMowing",
}
_ENDED: Final = {
    **dict.fromkeys((*SWITCHED, "valve", "script"), "HassTurnOff"),
    "vacuum": "HassVacuumReturnToBase",
    "lawn_mower": "HassLawnMowerDock",
}
NUMBERS: Final = ("number", "input_number")
"""What is a number and nothing else, of which its name alone says what it is."""

OPENED: Final = {"cover": "HassTurnOn", "valve": "HassTurnOn", "lock": "HassTurnOff"}
CLOSED: Final = {"cover": "HassTurnOff", "valve": "HassTurnOff", "lock": "HassTurnOn"}

_SIMPLE: Final[Mapping[str, Mapping[str, str]]] = {
    "turn_on": {**_STARTED, "alarm_control_panel": "HassAlarmArmAway"},
    "turn_off": {**_ENDED, "alarm_control_panel": "HassAlarmDisarm"},
    "fel": {**_STARTED, "cover": "HassTurnOn"},
    "le": {**_ENDED, "cover": "HassTurnOff"},
    # "Set the hoover off", but "set the lamp off".
    "set_off": {
        **_ENDED, "vacuum": _STARTED["vacuum"], "lawn_mower": _STARTED["lawn_mower"],
        "alarm_control_panel": "HassAlarmDisarm",
        **dict.fromkeys(("button", "input_button", "script", "siren"), "HassTurnOn"),
    },
    # `lámpa be` switches, `függöny be` draws.
    "be": {**_STARTED, "cover": "HassTurnOff", "alarm_control_panel": "HassAlarmArmAway"},
    "toggle": dict.fromkeys((*SWITCHED, "cover"), "HassToggle"),
    "start": {**_STARTED, "media_player": "HassMediaUnpause"},
    "activate": {
        **dict.fromkeys(("scene", "script", "automation", "button", "input_button"), "HassTurnOn"),
        **dict.fromkeys(("switch", "fan", "humidifier", "valve"), "HassTurnOn"),
        "vacuum": "HassVacuumStart", "lawn_mower": "HassLawnMowerStartMowing",
    },
    "press": dict.fromkeys(("button", "input_button", "script"), "HassTurnOn"),
    "open": OPENED,
    "close": CLOSED,
    "raise": {"cover": "HassTurnOn"},
    "lower": {"cover": "HassTurnOff"},
    "lock": {"lock": "HassTurnOn"},
    "unlock": {"lock": "HassTurnOff"},
    "stop": {
        "cover": "HassStopMoving", "valve": "HassTurnOff", "media_player": "HassMediaPause",
        "script": "HassTurnOff", "fan": "HassTurnOff", "switch": "HassTurnOff",
        "vacuum": "HassVacuumPause", "lawn_mower": "HassLawnMowerPause", "automation": "HassTurnOff",
        "climate": "HassTurnOff", "humidifier": "HassTurnOff",
    },
    "pause": {
        "media_player": "HassMediaPause", "vacuum": "HassVacuumPause", "lawn_mower": "HassLawnMowerPause",
    },
    "set": {"scene": "HassTurnOn", "script": "HassTurnOn"},
    "play": {"media_player": "HassMediaUnpause"},
    "next": {"media_player": "HassMediaNext"},
    "previous": {"media_player": "HassMediaPrevious"},
    "mute": {"media_player": "HassMediaPlayerMute"},
    "unmute": {"media_player": "HassMediaPlayerUnmute"},
    "clean": {"vacuum": "HassVacuumStart"},
    "dock": {"vacuum": "HassVacuumReturnToBase", "lawn_mower": "HassLawnMowerDock"},
    "mow": {"lawn_mower": "HassLawnMowerStartMowing"},
    "water": {"valve": "HassTurnOn", "switch": "HassTurnOn"},
    "arm_away": {"alarm_control_panel": "HassAlarmArmAway"},
    "arm_home": {"alarm_control_panel": "HassAlarmArmHome"},
    "arm_night": {"alarm_control_panel": "HassAlarmArmNight"},
    "disarm": {"alarm_control_panel": "HassAlarmDisarm"},
}  # fmt: skip

ACTION_OF_STATE: Final = {
    "on": "turn_on", "off": "turn_off", "open": "open", "closed": "close", "locked": "lock",
    "unlocked": "unlock", "up": "raise", "down": "lower", "playing": "play", "paused": "pause",
    "armed": "arm_away", "disarmed": "disarm", "muted": "mute", "cleaning": "clean", "docked": "dock",
    "home": "dock",
}  # fmt: skip
"""What is to be done where only the wanted state was said."""

# By these a thing is to have more or less of something, where no amount is said.
_RAISING: Final = frozenset({"increase", "raise", "brighten", "louder", "warm", "boost"})
_LOWERING: Final = frozenset({"decrease", "lower", "dim", "quieter", "cool"})
# What is done to rooms by what heats and cools them, and never to a lamp.
_TEMPERING: Final = frozenset({"warm", "cool"})
_TEMPERED: Final = ("climate", "water_heater")
_SETTING: Final = frozenset({
    "set", "turn_on", "fel", "le", "turn_off", "open", "close", "start", "activate", *_RAISING, *_LOWERING,
})  # fmt: skip
# By these one of a thing's options is chosen.
_CHOOSING: Final = frozenset({
    "set", "turn_on", "fel", "activate", "start", "play", "arm_away", "arm_home", "arm_night",
})  # fmt: skip
# What is ended so is not set to a colour or a mode.
_UNDOING: Final = frozenset({"turn_off", "le", "stop", "close", "toggle", "pause"})
# What is turned off is not at the same time set to something.
_ENDING: Final = frozenset({"turn_off", "le"})

# How much "brighter" is, in per cent, and "warmer", in degrees; a lot is twice of it, a bit half, but no
# less than a whole degree.
_COLDEST: Final = 5
_STEP_PERCENT: Final = 20.0
_ALL: Final = 100.0
_STEP_DEGREES: Final = 1.0

OF_ATTRIBUTE: Final[Mapping[str, tuple[str, ...]]] = {
    "brightness": ("light",), "temperature": ("climate", "water_heater"), "volume": ("media_player",),
    "position": ("cover", "valve"), "speed": ("fan",), "humidity": ("humidifier",), "color": ("light",),
    "white": ("light",),
}  # fmt: skip
"""The domains whose things have an attribute."""

# What nothing can be done to: "turn off the kettle battery" is about no kettle.
_ONLY_ASKED: Final = frozenset({"battery", "power", "weather", "setpoint"})
_PERCENT_SLOT: Final = {
    "light": ("HassLightSet", "brightness"), "cover": ("HassSetPosition", "position"),
    "valve": ("HassSetPosition", "position"), "fan": ("HassFanSetSpeed", "percentage"),
    "media_player": ("HassSetVolume", "volume_level"), "humidifier": ("HassHumidifierSetpoint", "humidity"),
}  # fmt: skip
IMPLIED: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(
        ("pause", "play", "next", "previous", "mute", "unmute", "louder", "quieter"), ("media_player",)
    ),
    "brighten": ("light",), "dim": ("light",), "warm": ("climate",), "cool": ("climate",),
    "clean": ("vacuum",), "dock": ("vacuum", "lawn_mower"), "mow": ("lawn_mower",), "water": ("valve",),
    **dict.fromkeys(("arm_away", "arm_home", "arm_night", "disarm"), ("alarm_control_panel",)),
    "lock": ("lock",), "unlock": ("lock",),
}  # fmt: skip
"""The domains that an action by itself is about."""

_NUMERIC: Final = (
    "light", "climate", "water_heater", "media_player", "cover", "valve", "fan", "humidifier", *NUMBERS,
)  # fmt: skip


def implied_domains(actions: tuple[str, ...], clause: Clause) -> tuple[str, ...]:
    """What a clause without a thing is about, by what is to be done; empty where that does not tell."""
    for attribute in _attributes(clause):
        if attribute in OF_ATTRIBUTE:
            return OF_ATTRIBUTE[attribute]
    if any(value.unit == "degree" for value in clause.values):
        return ("climate",)
    if clause.colors or clause.whites:
        return ("light",)
    if clause.steps:
        return ("media_player",)
    for action in actions:
        if action in IMPLIED:
            return IMPLIED[action]
    return ()


def _attributes(clause: Clause) -> list[str]:
    named = [*clause.attributes, *(attribute for attribute, _ in clause.changes if attribute != "any")]
    if clause.indirect is not None and clause.indirect.attribute:
        named.append(clause.indirect.attribute)
    return named


def draft_for(actions: tuple[str, ...], domain: str, clause: Clause) -> Draft | None:
    """The intent that does what a clause asks for on one domain; None where that cannot be asked of it."""
    for is_unfit in _UNFIT:
        if is_unfit(actions, domain, clause):
            return None
    for asked, draft in _SPECIAL:
        if asked(clause):
            return draft(actions, domain, clause)
    absolute = next((value for value in clause.values if value.number is not None), None)
    if absolute is not None:
        return _amount(actions, domain, absolute, clause)
    if sign := _sign(actions, domain, clause):
        return _step(domain, sign, clause)
    names = (_SIMPLE.get(action, {}).get(domain) for action in actions)
    return next(((name, {}) for name in names if name is not None), None)


def _lacks_attribute(_actions: tuple[str, ...], domain: str, clause: Clause) -> bool:
    return not _has_attribute(domain, clause)


def _tempers_others(actions: tuple[str, ...], domain: str, _clause: Clause) -> bool:
    return bool(set(actions) & _TEMPERING) and domain not in _TEMPERED


def _says_several(clause: Clause) -> bool:
    """Whether two of the same were said, as in "from 19 to 21": which of them is meant is not known here."""
    numbers = sum(value.number is not None for value in clause.values)
    return max(numbers, len(clause.colors), len(clause.whites), len(clause.modes), len(clause.options)) > 1


def _may_be_a_mode(actions: tuple[str, ...], domain: str, clause: Clause) -> bool:
    """Whether "boost" may be a mode: which things have one is in their states."""
    return "boost" in actions and domain in {"water_heater", "humidifier"} and not clause.values


def _is_told(actions: tuple[str, ...], domain: str, clause: Clause) -> bool:
    """Whether it tells how a door is: "front door open"."""
    is_wish = clause.verbs or clause.tails or clause.is_polite
    return domain == "lock" and not is_wish and bool(set(actions) & {"open", "unlock"})


def _contradicts(actions: tuple[str, ...], clause: Clause) -> bool:
    """Whether more or less is asked of what is only on or off: "turn off more lights"."""
    switches = set(actions) & {"turn_on", "turn_off", "toggle", "lock", "unlock"}
    return bool(clause.changes) and bool(switches) and "set" not in actions


def _is_for_lists(actions: tuple[str, ...]) -> bool:
    return bool(actions) and all(action.startswith("list_") for action in actions)


def _counts_otherwise(_actions: tuple[str, ...], domain: str, clause: Clause) -> bool:
    """Whether a length of time or a weight was said, which only a number of the home may be in."""
    return domain not in NUMBERS and any(value.unit in COUNTED for value in clause.values)


_UNFIT: Final[tuple[Callable[[tuple[str, ...], str, Clause], bool], ...]] = (
    _lacks_attribute, _tempers_others, _may_be_a_mode, _is_told, _counts_otherwise,
)  # fmt: skip


def is_nothing_to_do(actions: tuple[str, ...], clause: Clause) -> bool:
    """Whether a clause asks for nothing that can be done to anything, whatever it is about."""
    return _says_several(clause) or _contradicts(actions, clause) or _is_for_lists(actions)


def _has_attribute(domain: str, clause: Clause) -> bool:
    if _ONLY_ASKED & set(clause.attributes):
        return False
    if domain in NUMBERS:
        return clause.indirect is None and all(attribute == "any" for attribute, _ in clause.changes)
    return all(domain in OF_ATTRIBUTE[one] for one in _attributes(clause) if one in OF_ATTRIBUTE)


def _sign(actions: tuple[str, ...], domain: str, clause: Clause) -> int:
    """Whether a thing is to have more (1) or less (-1) of something."""
    moves = domain in {"cover", "valve"}
    if clause.changes:
        # "Close it more" is further down.
        closes = moves and bool(set(actions) & {"close", "lower"})
        return -clause.changes[0][1] if closes else clause.changes[0][1]
    if moves and any(value.number is None for value in clause.values):
        return _way(actions)
    return _sign_of_action(actions, clause) if _is_changed(actions, domain, clause) else 0


def _is_changed(actions: tuple[str, ...], domain: str, clause: Clause) -> bool:
    """Whether an action may mean more or less of what a domain has, rather than what it does by itself."""
    if domain not in _NUMERIC:
        return False
    does_something = any(_SIMPLE.get(action, {}).get(domain) for action in actions)
    changes = set(actions) & (_RAISING | _LOWERING) and not set(actions) & _ENDING
    is_more = clause.attributes or clause.values or (domain not in {"cover", "valve"} and changes)
    return bool(is_more) or not does_something


def _sign_of_action(actions: tuple[str, ...], clause: Clause) -> int:
    for action in actions:
        if action in _RAISING or (action == "fel" and clause.attributes):
            return 1
        if action in _LOWERING or (action == "le" and clause.attributes):
            return -1
    return 0


def _option(actions: tuple[str, ...], domain: str, clause: Clause) -> Draft | None:
    """What is to be chosen on each thing of a domain."""
    choosing = CHOOSING.get(domain)
    if choosing is None or len(clause.options) != 1 or not set(actions) & _CHOOSING:
        return None
    if clause.values or clause.colors or clause.whites or clause.changes:
        return None
    of = {one: option for one, option in clause.options[0].items() if one.startswith(f"{domain}.")}
    return (choosing.intent, {choosing.slot: PerEntity(of)}) if of else None


def _media_step(_actions: tuple[str, ...], domain: str, clause: Clause) -> Draft | None:
    return (f"HassMedia{clause.steps[0].capitalize()}", {}) if domain == "media_player" else None


def _colour(actions: tuple[str, ...], domain: str, clause: Clause) -> Draft | None:
    if domain != "light" or set(actions) & _UNDOING:
        return None
    slots: dict[str, Any] = {}
    if clause.colors:
        slots["color"] = clause.colors[0]
    else:
        slots["temperature"] = clause.whites[0]
    number = next((value.number for value in clause.values if value.number is not None), None)
    if number is not None:
        slots["brightness"] = _plain(number)
    return "HassLightSet", slots


def _mode(actions: tuple[str, ...], domain: str, clause: Clause) -> Draft | None:
    if domain != "climate" or set(actions) & _UNDOING or clause.values:
        return None
    return "HassClimateSetHvacMode", {"hvac_mode": clause.modes[0]}


_Drafting: TypeAlias = Callable[[tuple[str, ...], str, Clause], Draft | None]
_SPECIAL: Final[tuple[tuple[Callable[[Clause], bool], _Drafting], ...]] = (
    (lambda clause: bool(clause.options), _option),
    (lambda clause: bool(clause.steps), _media_step),
    (lambda clause: bool(clause.colors or clause.whites), _colour),
    (lambda clause: bool(clause.modes), _mode),
)


def _amount(actions: tuple[str, ...], domain: str, value: Value, clause: Clause) -> Draft | None:
    """A number: where to, or by how much."""
    if value.number is None or (actions and not set(actions) & _SETTING):
        return None
    moves = domain in {"cover", "valve"}
    sign = _way(actions) if moves and value.mode is Case.WITH else _direction(actions, clause)
    if not moves and _is_no_amount(actions, domain, value, clause, sign):
        return None
    sign = sign or int(clause.adds)
    relative = sign != 0 and (
        value.mode is Case.WITH or (value.mode is Case.NONE and _is_relative(actions, domain, clause))
    )
    return _reached(actions, domain, value, sign if relative else 0, clause)


def _is_no_amount(actions: tuple[str, ...], domain: str, value: Value, clause: Clause, sign: int) -> bool:
    """Whether a number is none to which something is set: "turn off at 20", "turn on bedroom light 2"."""
    if set(actions) & _ENDING and not sign and value.mode is not Case.TO:
        return True
    is_bare = value.unit is None and value.mode is Case.NONE and not clause.attributes
    switches = set(actions) & {"turn_on", "turn_off"} and "set" not in actions
    return is_bare and bool(switches) and domain not in NUMBERS


def _reached(actions: tuple[str, ...], domain: str, value: Value, sign: int, clause: Clause) -> Draft | None:
    """A number as a domain has it, or so much more or less where there is a sign."""
    if domain in NUMBERS and value.number is not None:
        return _number(value.number, value.unit, sign)
    if domain in {"climate", "water_heater"}:
        return _degrees(value, sign)
    if domain == "light" and value.unit == "kelvin" and value.number is not None:
        return "HassLightSet", {"temperature": _plain(value.number)}
    return _percent(actions, domain, value, sign, clause)


def _number(number: float, unit: str | None, sign: int) -> Draft:
    """A number, or so much more or less where there is a sign; its state says whether it has that unit."""
    slots: dict[str, Any] = {"value_step": _plain(sign * number)} if sign else {"value": _plain(number)}
    return "HassSetNumber", slots if unit is None else {**slots, "unit": unit}


# Numbers up to this one, without "per cent", may be something else than a share.
_LEVELS: Final = 10
_LEVELLED: Final = frozenset({"fan", "media_player"})


def _says_loudness(value: Value, clause: Clause) -> bool:
    """Whether a number that is to be reached is one of a volume."""
    is_said = value.mode is Case.TO or value.unit == "percent" or clause.is_pronoun
    return is_said or "volume" in _attributes(clause)


def _percent(actions: tuple[str, ...], domain: str, value: Value, sign: int, clause: Clause) -> Draft | None:
    """A share, or so much more or less of it where there is a sign."""
    number = value.number
    if number is None or value.unit in {"degree", "kelvin"} or domain not in _PERCENT_SLOT:
        return None
    is_level = value.unit is None and 0 < number <= _LEVELS and "volume" not in _attributes(clause)
    if is_level and not sign and (domain in _LEVELLED or (domain == "light" and value.mode is Case.NONE)):
        # "Speed two", "bedroom light 2", "the TV to one": a level, a number of its own, a channel.
        return None
    if not 0 <= number <= _ALL:
        return None
    if sign:
        return _percent_more(domain, sign * number)
    if domain == "media_player" and not _says_loudness(value, clause):
        # "Radio four" is a station.
        return None
    name, slot = _PERCENT_SLOT[domain]
    closing = set(actions) & {"close", "lower", "turn_off"} and not set(actions) & {"open", "raise"}
    closing = closing and (value.mode is not Case.TO or "closed" in clause.states)
    if domain == "cover" and closing and value.unit in {"percent", None}:
        number = _ALL - number
    return name, {slot: _plain(number)}


def _degrees(value: Value, sign: int) -> Draft | None:
    """A temperature, or so many degrees more or less where there is a sign."""
    if value.unit in {"percent", "kelvin"} or value.number is None:
        return None
    if sign:
        return "HassClimateSetTemperature", {"temperature_step": _plain(sign * value.number)}
    if value.number < _COLDEST:
        # More likely so many degrees more than so cold.
        return None
    return "HassClimateSetTemperature", {"temperature": _plain(value.number)}


def _percent_more(domain: str, change: float) -> Draft:
    if domain == "media_player":
        return "HassSetVolumeRelative", {"volume_step": _plain(change)}
    name, slot = _PERCENT_SLOT[domain]
    return name, {f"{slot}_step": _plain(change)}


def _is_relative(actions: tuple[str, ...], domain: str, clause: Clause) -> bool:
    """Whether a number that nothing marks is by how much: "turn it down ten percent"."""
    if domain in {"cover", "valve"} or set(actions) & _TEMPERING:
        return False
    return bool(clause.changes) or bool(set(actions) & (_RAISING | _LOWERING))


def _way(actions: tuple[str, ...]) -> int:
    """Which way something that moves is sent."""
    if set(actions) & {"open", "raise", "increase", "fel"}:
        return 1
    return -1 if set(actions) & {"close", "lower", "decrease", "le"} else 0


def _direction(actions: tuple[str, ...], clause: Clause) -> int:
    if clause.changes:
        return clause.changes[0][1]
    for action in actions:
        if action in _RAISING:
            return 1
        if action in _LOWERING:
            return -1
    return 0


def _step(domain: str, sign: int, clause: Clause) -> Draft | None:
    """More or less of what a thing of this domain has, without a number."""
    vague = next((value for value in clause.values if value.number is None), None)
    factor = 1.0 if vague is None else 2.0 if vague.a_lot else 0.5
    if domain in {"climate", "water_heater"}:
        return "HassClimateSetTemperature", {
            "temperature_step": _plain(sign * _STEP_DEGREES * max(factor, 1.0))
        }
    if domain == "media_player":
        return "HassSetVolumeRelative", {"volume_step": "up" if sign > 0 else "down"}
    if domain in NUMBERS:
        return "HassSetNumber", {"value_step": "up" if sign > 0 else "down"}
    if domain not in _PERCENT_SLOT:
        return None
    name, slot = _PERCENT_SLOT[domain]
    return name, {f"{slot}_step": _plain(sign * _STEP_PERCENT * factor)}


def _plain(number: float) -> float | int:
    return int(number) if number == int(number) else number
