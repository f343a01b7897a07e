"""What the model may propose: actions by name, on which domains, with which value, and what says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, TypeAlias

from handlers.choices import CHOOSING
from handlers.intents import STATE
from handlers.services import COLOURS, PLANS
from handlers.understanding import Intent, SlotValue

MOST_TARGETS: Final = 12
"""Things that one command is about; more is "everything", which the rules understand."""

MOST_COMMANDS: Final = 4
"""Commands of one sentence."""

LONGEST_TEXT: Final = 80
"""Characters of what is written onto a list."""

_NOTHING: Final[Mapping[str, SlotValue]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class NumberValue:
    """A number within bounds; `whole` where it has no decimals."""

    low: float
    high: float
    whole: bool = True


@dataclass(frozen=True, slots=True)
class WordValue:
    """One of these words; empty where they are the options of the target itself."""

    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TextValue:
    """Words of the sentence, at most `LONGEST_TEXT` characters."""


Value: TypeAlias = NumberValue | WordValue | TextValue


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be done.

    Attributes:
        name: As the model calls it.
        intents: The intent that does it, by the domain of its target.
        slot: Where the value goes; for `choose` the slot of the domain.
        value: What it takes; None for nothing.
        fixed: Slots that are always the same.
        words: The lexicon's actions that say so; a verb of any other speaks against it.
        guarded: The domains on which it lets somebody in.
    """

    name: str
    intents: Mapping[str, str]
    slot: str = ""
    value: Value | None = None
    fixed: Mapping[str, SlotValue] = field(default_factory=lambda: _NOTHING)
    words: frozenset[str] = frozenset()
    guarded: frozenset[str] = frozenset()

    @property
    def domains(self) -> frozenset[str]:
        """On what it can be done."""
        return frozenset(self.intents)

    def slot_on(self, domain: str) -> str:
        """Where its value goes in the intent for a domain."""
        return CHOOSING[domain].slot if self.name == "choose" else self.slot


_READABLE: Final = frozenset({
    "alarm_control_panel", "binary_sensor", "climate", "cover", "fan", "humidifier", "input_boolean",
    "input_number", "input_select", "lawn_mower", "light", "lock", "media_player", "number", "person",
    "select", "sensor", "switch", "vacuum", "valve", "water_heater", "weather",
})  # fmt: skip
_PRESSED: Final = frozenset({"button", "input_button"})
_OPENING: Final = frozenset({"cover", "valve"})
_HVAC_MODES: Final = ("off", "heat", "cool", "heat_cool", "auto", "dry", "fan_only")
_LOCKS: Final = frozenset({"lock"})
_ALARMS: Final = frozenset({"alarm_control_panel"})
_ON: Final = frozenset({
    "turn_on", "fel", "be", "start", "activate", "press", "set", "set_off", "play", "water", "clean", "mow",
    "warm", "cool", "brighten", "increase",
})  # fmt: skip
_OFF: Final = frozenset({"turn_off", "le", "set_off", "stop", "pause", "set"})
_MORE: Final = frozenset({
    "increase", "brighten", "warm", "louder", "raise", "fel", "boost", "set", "turn_on", "decrease", "dim",
    "cool", "quieter", "lower", "le", "turn_off",
})  # fmt: skip
_SET: Final = _MORE | {"open", "close", "start", "activate", "play"}


def _on(names: frozenset[str] | tuple[str, ...], intent: str) -> dict[str, str]:
    return dict.fromkeys(sorted(names), intent)


def _switched(intent: str) -> dict[str, str]:
    """What is turned on or off; what opens, locks or drives about has words of its own here."""
    own = {"cover", "valve", "lock", "vacuum", "lawn_mower"}
    return _on(PLANS[intent].domains - own - (_PRESSED if intent == "HassTurnOff" else set()), intent)


_ALL: Final = (
    Action("turn_on", _switched("HassTurnOn"), words=_ON),
    Action("turn_off", _switched("HassTurnOff"), words=_OFF),
    Action("toggle", _switched("HassToggle"), words=frozenset({"toggle"})),
    Action(
        "open",
        _on(_OPENING, "HassTurnOn"),
        words=frozenset({"open", "raise", "fel", "turn_on", "increase", "be", "set"}),
        guarded=frozenset({"cover"}),
    ),
    Action(
        "close",
        _on(_OPENING, "HassTurnOff"),
        words=frozenset({"close", "lower", "le", "be", "turn_off", "decrease", "set"}),
    ),
    Action("stop", _on(_OPENING, "HassStopMoving"), words=frozenset({"stop", "pause"})),
    Action("lock", _on(_LOCKS, "HassTurnOn"), words=frozenset({"lock", "close", "be"})),
    Action(
        "unlock",
        _on(_LOCKS, "HassTurnOff"),
        words=frozenset({"unlock", "open", "be"}),
        guarded=_LOCKS,
    ),
    Action(
        "set_position",
        _on(_OPENING, "HassSetPosition"),
        "position",
        NumberValue(0, 100),
        words=_SET,
        guarded=frozenset({"cover"}),
    ),
    Action("set_brightness", {"light": "HassLightSet"}, "brightness", NumberValue(0, 100), words=_SET),
    Action(
        "change_brightness", {"light": "HassLightSet"}, "brightness_step", NumberValue(-100, 100), words=_MORE
    ),
    Action("set_color", {"light": "HassLightSet"}, "color", WordValue(tuple(sorted(COLOURS))), words=_SET),
    Action(
        "set_color_temperature", {"light": "HassLightSet"}, "temperature", NumberValue(2000, 6500), words=_SET
    ),
    Action(
        "set_temperature",
        _on(("climate", "water_heater"), "HassClimateSetTemperature"),
        "temperature",
        NumberValue(5, 90, whole=False),
        words=_SET,
    ),
    Action(
        "change_temperature",
        _on(("climate", "water_heater"), "HassClimateSetTemperature"),
        "temperature_step",
        NumberValue(-10, 10, whole=False),
        words=_MORE,
    ),
    Action(
        "set_hvac_mode",
        {"climate": "HassClimateSetHvacMode"},
        "hvac_mode",
        WordValue(_HVAC_MODES),
        words=_SET,
    ),
    Action("set_fan_speed", {"fan": "HassFanSetSpeed"}, "percentage", NumberValue(0, 100), words=_SET),
    Action(
        "set_humidity", {"humidifier": "HassHumidifierSetpoint"}, "humidity", NumberValue(0, 100), words=_SET
    ),
    Action("set_volume", {"media_player": "HassSetVolume"}, "volume_level", NumberValue(0, 100), words=_SET),
    Action(
        "change_volume",
        {"media_player": "HassSetVolumeRelative"},
        "volume_step",
        NumberValue(-100, 100),
        words=_MORE,
    ),
    Action(
        "volume_up",
        {"media_player": "HassSetVolumeRelative"},
        fixed={"volume_step": "up"},
        words=frozenset({"louder", "increase", "raise", "fel", "turn_on", "boost"}),
    ),
    Action(
        "volume_down",
        {"media_player": "HassSetVolumeRelative"},
        fixed={"volume_step": "down"},
        words=frozenset({"quieter", "decrease", "lower", "le", "turn_off"}),
    ),
    Action(
        "play",
        {"media_player": "HassMediaUnpause"},
        words=frozenset({"play", "start", "turn_on", "activate"}),
    ),
    Action(
        "pause",
        {"media_player": "HassMediaPause", "vacuum": "HassVacuumPause", "lawn_mower": "HassLawnMowerPause"},
        words=frozenset({"pause", "stop"}),
    ),
    Action("next", {"media_player": "HassMediaNext"}, words=frozenset({"next"})),
    Action("previous", {"media_player": "HassMediaPrevious"}, words=frozenset({"previous"})),
    Action("mute", {"media_player": "HassMediaPlayerMute"}, words=frozenset({"mute", "quieter", "turn_off"})),
    Action("unmute", {"media_player": "HassMediaPlayerUnmute"}, words=frozenset({"unmute", "turn_on"})),
    Action(
        "start",
        {"vacuum": "HassVacuumStart", "lawn_mower": "HassLawnMowerStartMowing"},
        words=frozenset({"start", "clean", "mow", "turn_on", "activate", "be", "fel", "set_off"}),
    ),
    Action(
        "dock",
        {"vacuum": "HassVacuumReturnToBase", "lawn_mower": "HassLawnMowerDock"},
        words=frozenset({"dock", "turn_off", "le"}),
    ),
    *(
        Action(f"arm_{way}", _on(_ALARMS, f"HassAlarmArm{way.capitalize()}"), words=frozenset({f"arm_{way}"}))
        for way in ("away", "home", "night")
    ),
    Action("disarm", _on(_ALARMS, "HassAlarmDisarm"), words=frozenset({"disarm"}), guarded=_ALARMS),
    Action(
        "add_item", {"todo": "HassListAddItem"}, "item", TextValue(), words=frozenset({"list_add", "set"})
    ),
    Action(
        "choose",
        {domain: choosing.intent for domain, choosing in CHOOSING.items() if choosing.listed},
        value=WordValue(),
        words=_SET,
    ),
    Action(
        "set_number",
        _on(("input_number", "number"), "HassSetNumber"),
        "value",
        NumberValue(-1e6, 1e6, whole=False),
        words=_SET,
    ),
    Action("read", _on(_READABLE, STATE)),
)

ACTIONS: Final[Mapping[str, Action]] = MappingProxyType({action.name: action for action in _ALL})
"""Every action, by its name."""

READ: Final = "read"
"""The action that does nothing but look."""

# A cover lets somebody in if it is one of these; a blind does not.
_GUARDED_CLASSES: Final = frozenset({"door", "garage", "garage_door", "gate"})


def is_guarded(action: Action, domain: str, device_class: str | None) -> bool:
    """Whether an action on a thing lets somebody in or stops guarding: it needs a spoken yes."""
    if domain not in action.guarded:
        return False
    return domain != "cover" or device_class is None or device_class in _GUARDED_CLASSES


def action_of(intent: Intent, domain: str) -> str | None:
    """The name of the action that an intent on a domain is, for what was done before; None for none."""
    for action in _ALL:
        if action.intents.get(domain) != intent.name:
            continue
        if action.fixed and any(intent.slots.get(slot) != value for slot, value in action.fixed.items()):
            continue
        if action.value is None or action.slot_on(domain) in intent.slots:
            return action.name
    return None
