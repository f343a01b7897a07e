"""Which service call carries an intent out on one entity, and what is said when it succeeded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from handlers.choices import CHOOSING, WAYS_TO_ARM, options_of, spoken_option
from handlers.understanding import Intent, Phrase, SlotValue
from provisioning.home.registry import Entity, EntityState

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Service:
    """One service, ready to be called on an entity.

    Attributes:
        domain, name: As Home Assistant calls it.
        data: Its fields beside `entity_id`.
        said: The end of the phrase key that says it was done: `done.<said>`.
        values: What that phrase names beside `targets`.
    """

    domain: str
    name: str
    said: str
    data: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    values: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)


Maker: TypeAlias = Callable[[Intent, Entity, EntityState | None], Service | None]
Preference: TypeAlias = Callable[[Entity, EntityState | None], bool]


@dataclass(frozen=True, slots=True)
class Plan:
    """How an intent is carried out.

    Attributes:
        domains: What it can be carried out on.
        make: The service for one entity, or None if that entity cannot do it.
        single: One entity is meant even where no name is said.
        prefers: Which one, where several would do: "pause" means what is playing.
        loosely: What it is carried out on where only a place is said; all of `domains` if None.
    """

    domains: frozenset[str]
    make: Maker
    single: bool = False
    prefers: Preference | None = None
    loosely: frozenset[str] | None = None


# --- on, off, toggle -------------------------------------------------------------------------------

# Domains whose own `turn_on`, `turn_off` and `toggle` are what the words mean.
_SWITCHABLE: Final = frozenset({
    "automation", "camera", "climate", "fan", "humidifier", "input_boolean", "light", "media_player",
    "remote", "siren", "switch", "water_heater",
})  # fmt: skip
# Of these, the ones whose state says in which way they are on: `heat_cool`, `eco`, `paused`.
_ON_IN_A_MODE: Final = frozenset({"climate", "media_player", "water_heater"})
# What "on" and "off" mean elsewhere; as Home Assistant's own intents have it.
_ON: Final = {
    "button": ("press", "button.press"),
    "cover": ("open_cover", "open"),
    "input_button": ("press", "button.press"),
    "lawn_mower": ("start_mowing", "mower.start"),
    "lock": ("lock", "lock.lock"),
    "scene": ("turn_on", "scene.turn_on"),
    "script": ("turn_on", "script.turn_on"),
    "vacuum": ("start", "vacuum.start"),
    "valve": ("open_valve", "open"),
}
_OFF: Final = {
    "cover": ("close_cover", "close"),
    "lawn_mower": ("dock", "mower.dock"),
    "lock": ("unlock", "lock.unlock"),
    "script": ("turn_off", "turn_off"),
    "vacuum": ("return_to_base", "vacuum.return"),
    "valve": ("close_valve", "close"),
}
# How a cover that opens is spoken of: what hangs is raised, what is drawn is drawn, the rest is opened.
_RAISED: Final = frozenset({"awning", "blind", "shade", "shutter"})
_DRAWN: Final = frozenset({"curtain"})

# Home Assistant's feature bits (`CoverEntityFeature`, `FanEntityFeature`, …) that are asked for here.
_COVER_POSITION: Final = 4
_VALVE_POSITION: Final = 4
_FAN_SPEED: Final = 1
_CLIMATE_TEMPERATURE: Final = 1
_CLIMATE_FAN: Final = 8
_PLAYER_PAUSE: Final = 1
_PLAYER_VOLUME: Final = 4
_PLAYER_MUTE: Final = 8
_PLAYER_PREVIOUS: Final = 16
_PLAYER_NEXT: Final = 32
_PLAYER_PLAY_MEDIA: Final = 512
_PLAYER_STEP: Final = 1024
_PLAYER_PLAY: Final = 16384
_VACUUM_PAUSE: Final = 4
_VACUUM_RETURN: Final = 16
_VACUUM_START: Final = 8192


def _turn_on(_intent: Intent, entity: Entity, _state: EntityState | None) -> Service | None:
    if entity.domain in _SWITCHABLE:
        return Service(entity.domain, "turn_on", _switched(entity, "turn_on"))
    return _by_table(_ON, entity)


def _turn_off(_intent: Intent, entity: Entity, _state: EntityState | None) -> Service | None:
    if entity.domain in _SWITCHABLE:
        return Service(entity.domain, "turn_off", _switched(entity, "turn_off"))
    return _by_table(_OFF, entity)


def _toggle(intent: Intent, entity: Entity, state: EntityState | None) -> Service | None:
    if state is None:
        return None
    if entity.domain in _ON_IN_A_MODE:
        is_on = state.state not in {"off", "standby"}
    else:
        is_on = state.state in {"on", "open", "opening", "locked", "cleaning", "mowing"}
    return (_turn_off if is_on else _turn_on)(intent, entity, state)


def _open(_intent: Intent, entity: Entity, _state: EntityState | None) -> Service | None:
    return _by_table(_OFF if entity.domain == "lock" else _ON, entity)


def _close(_intent: Intent, entity: Entity, _state: EntityState | None) -> Service | None:
    return _by_table(_ON if entity.domain == "lock" else _OFF, entity)


def _by_table(table: Mapping[str, tuple[str, str]], entity: Entity) -> Service | None:
    if entity.domain not in table:
        return None
    name, said = table[entity.domain]
    if entity.domain in {"cover", "valve"}:
        said = f"{_manner(entity)}.{said}"
    return Service(entity.domain, name, said)


def _switched(entity: Entity, how: str) -> str:
    return f"light.{how}" if entity.domain == "light" else how


def _manner(entity: Entity) -> str:
    if entity.device_class in _RAISED:
        return "raised"
    return "drawn" if entity.device_class in _DRAWN else "opened"


# --- light ------------------------------------------------------------------------------------------

# Colours that have a word in `config/answers/`; others are spoken as they came.
COLOURS: Final = frozenset({
    "beige", "black", "blue", "brown", "cyan", "gold", "green", "lime", "magenta", "orange", "pink", "purple",
    "red", "turquoise", "violet", "white", "yellow",
})  # fmt: skip
_COLOURED_MODES: Final = frozenset({"hs", "rgb", "rgbw", "rgbww", "xy"})


def _set_light(intent: Intent, _entity: Entity, state: EntityState | None) -> Service | None:
    modes = frozenset(_words(_attribute(state, "supported_color_modes")))
    colour = intent.slots.get("color")
    if isinstance(colour, str) and colour.strip():
        return _coloured(colour, intent) if not modes or modes & _COLOURED_MODES else None
    kelvin = number(intent.slots.get("temperature"), 1000, 20000)
    if kelvin is not None:
        data: dict[str, Any] = {"color_temp_kelvin": int(kelvin)}
        brightness = number(intent.slots.get("brightness"), 0, 100)
        if brightness is not None:
            data["brightness_pct"] = brightness
        values = {"kelvin": int(kelvin)}
        return (
            Service("light", "turn_on", "light.kelvin", data, values)
            if not modes or "color_temp" in modes
            else None
        )
    return None if modes and modes <= {"onoff"} else _bright(intent)


def _coloured(colour: str, intent: Intent) -> Service:
    name = colour.replace(" ", "").casefold()
    spoken = Phrase(f"colour.{name}") if name in COLOURS else colour
    data: dict[str, Any] = {"color_name": name}
    brightness = number(intent.slots.get("brightness"), 0, 100)
    if brightness is not None:
        data["brightness_pct"] = brightness
    return Service("light", "turn_on", "light.colour", data, {"colour": spoken})


def _bright(intent: Intent) -> Service | None:
    step = number(intent.slots.get("brightness_step"), -100, 100)
    if step is not None:
        said = "light.brighter" if step > 0 else "light.dimmer"
        return Service("light", "turn_on", said, {"brightness_step_pct": step})
    brightness = number(intent.slots.get("brightness"), 0, 100)
    if brightness is None:
        return None
    return Service(
        "light", "turn_on", "light.brightness", {"brightness_pct": brightness}, {"percent": brightness}
    )


# --- covers, valves, fans, climate ------------------------------------------------------------------


def _set_position(intent: Intent, entity: Entity, state: EntityState | None) -> Service | None:
    position = _stepped(intent, "position", _attribute(state, "current_position"))
    if position is None:
        return None
    feature = _COVER_POSITION if entity.domain == "cover" else _VALVE_POSITION
    if _can(state, feature):
        name = f"set_{entity.domain}_position"
        return Service(entity.domain, name, "position", {"position": position}, {"percent": position})
    # What cannot stop half-way can still be opened and closed.
    if position == 100:
        return _by_table(_ON, entity)
    return _by_table(_OFF, entity) if position == 0 else None


def _stop_moving(_intent: Intent, entity: Entity, _state: EntityState | None) -> Service:
    return Service(entity.domain, f"stop_{entity.domain}", "stop")


def _set_fan_speed(intent: Intent, _entity: Entity, state: EntityState | None) -> Service | None:
    percentage = _stepped(intent, "percentage", _attribute(state, "percentage"))
    if percentage is None or not _can(state, _FAN_SPEED):
        return None
    return Service("fan", "set_percentage", "fan.speed", {"percentage": percentage}, {"percent": percentage})


def _set_temperature(intent: Intent, entity: Entity, state: EntityState | None) -> Service | None:
    temperature = _stepped(intent, "temperature", _attribute(state, "temperature"), -50, 250)
    if temperature is None or not _can(state, _CLIMATE_TEMPERATURE):
        return None
    coldest, warmest = _finite(_attribute(state, "min_temp")), _finite(_attribute(state, "max_temp"))
    if (coldest is not None and temperature < coldest) or (warmest is not None and temperature > warmest):
        return None
    return Service(
        entity.domain,
        "set_temperature",
        "temperature",
        {"temperature": temperature},
        {"degrees": temperature},
    )


def _set_hvac_mode(intent: Intent, _entity: Entity, state: EntityState | None) -> Service | None:
    mode = intent.slots.get("hvac_mode")
    known = _words(_attribute(state, "hvac_modes"))
    if not isinstance(mode, str) or (known and mode not in known):
        return _preset(mode, state)
    return Service(
        "climate", "set_hvac_mode", "hvac-mode", {"hvac_mode": mode}, {"mode": Phrase(f"mode.{mode}")}
    )


def _preset(mode: SlotValue | None, state: EntityState | None) -> Service | None:
    """What people call a mode and is a preset to some thermostats: "eco"."""
    if not isinstance(mode, str) or mode not in _words(_attribute(state, "preset_modes")):
        return None
    values = {"mode": spoken_option("climate", mode)}
    return Service("climate", "set_preset_mode", "hvac-mode", {"preset_mode": mode}, values)


def _set_fan_mode(intent: Intent, _entity: Entity, state: EntityState | None) -> Service | None:
    mode = intent.slots.get("fan_mode")
    known = _words(_attribute(state, "fan_modes"))
    if not isinstance(mode, str) or (known and mode not in known) or not _can(state, _CLIMATE_FAN):
        return None
    return Service("climate", "set_fan_mode", "fan-mode", {"fan_mode": mode}, {"mode": mode})


def _set_humidity(intent: Intent, _entity: Entity, state: EntityState | None) -> Service | None:
    humidity = _stepped(intent, "humidity", _attribute(state, "humidity"))
    if humidity is None:
        return None
    return Service("humidifier", "set_humidity", "humidity", {"humidity": humidity}, {"percent": humidity})


# --- what has options, what is a number ---------------------------------------------------------------


def _choose(intent: Intent, entity: Entity, state: EntityState | None) -> Service | None:
    """One of the options that a thing lists; of a thing that lists none, whatever was said."""
    choosing = CHOOSING[entity.domain]
    option = intent.slots.get(choosing.slot)
    if not isinstance(option, str):
        return None
    if entity.domain == "alarm_control_panel":
        return _arm(option)(intent, entity, state) if option in WAYS_TO_ARM else None
    known = options_of(entity, state)
    if option not in known if known else entity.domain != "humidifier":
        return None
    values = {"option": spoken_option(entity.domain, option)}
    return Service(entity.domain, choosing.service, choosing.said, {choosing.slot: option}, values)


# Beyond, numbers are none that anything at home is set to.
_FARTHEST: Final = 1e12
_UNITS: Final = {
    "percent": ("%",), "degree": ("°C", "°F", "°"), "kelvin": ("K",), "gram": ("g",), "kilogram": ("kg",),
    "litre": ("L", "l"), "watt": ("W",), "ampere": ("A",), "volt": ("V",), "metre": ("m",),
    "centimetre": ("cm",),
}  # fmt: skip
_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600}
# As Home Assistant has them, and as people write them at a number of their own.
_SECONDS_OF_OWN: Final = {
    **dict.fromkeys(("s", "sec", "second", "seconds", "mp", "másodperc"), 1),
    **dict.fromkeys(("min", "mins", "minute", "minutes", "perc", "p"), 60),
    **dict.fromkeys(("h", "hr", "hour", "hours", "óra", "ó"), 3600),
}


def _choose_alike(intent: Intent, entity: Entity, state: EntityState | None) -> Service | None:
    """The option that a thing has of a name, whatever the thing is."""
    wanted = str(intent.slots.get("option", "")).casefold()
    own = next((one for one in options_of(entity, state) if one.casefold() == wanted), None)
    slot = CHOOSING[entity.domain].slot
    return None if own is None else _choose(replace(intent, slots={slot: own}), entity, state)


def _set_number(intent: Intent, entity: Entity, state: EntityState | None) -> Service | None:
    value = _number_wanted(intent, state)
    low = _finite(_attribute(state, "min"))
    high = _finite(_attribute(state, "max"))
    if value is None or (low is not None and value < low) or (high is not None and value > high):
        return None
    return Service(entity.domain, "set_value", "number", {"value": value}, {"value": value})


def _number_wanted(intent: Intent, state: EntityState | None) -> float | int | None:
    """The number that is to be set, in the entity's own unit; None where that cannot be told."""
    factor = _into_unit(intent.slots.get("unit"), _attribute(state, "unit_of_measurement"))
    if factor is None:
        return None
    if "value" in intent.slots:
        value = _finite(intent.slots["value"])
        return None if value is None else _finite(round(value * factor, 6))
    present = _finite(state.state if state is not None else None)
    change = _change_of_number(intent.slots.get("value_step"), factor, _attribute(state, "step"))
    return None if present is None or change is None else _finite(round(present + change, 6))


def _change_of_number(step: SlotValue | None, factor: float, own_step: Any) -> float | None:
    """How much more a number is to be; "up" and "down" are one of its own steps."""
    if step in {"up", "down"}:
        own = number(own_step, 0, _FARTHEST) or 1
        return own if step == "up" else -own
    change = _finite(step)
    return None if change is None else change * factor


def _into_unit(said: SlotValue | None, own: Any) -> float | None:
    """By what a number is multiplied to be in an entity's unit; None where that is another kind of unit."""
    if said is None:
        return 1
    if said in _SECONDS:
        seconds = _SECONDS_OF_OWN.get(str(own).strip().casefold())
        return _SECONDS[str(said)] / seconds if seconds else None
    return 1 if not own or own in _UNITS.get(str(said), ()) else None


def _finite(value: Any) -> float | int | None:
    return number(value, -_FARTHEST, _FARTHEST)


# --- media players ----------------------------------------------------------------------------------


def _player(service: str, feature: int, said: str, data: Mapping[str, Any] = _NOTHING) -> Maker:
    def make(_intent: Intent, _entity: Entity, state: EntityState | None) -> Service | None:
        return Service("media_player", service, said, data) if _can(state, feature) else None

    return make


# What is said after "play" that is no music: "play with the dog".
_NO_MEDIA: Final = frozenset({
    "with", "fair", "nice", "nicely", "outside", "games", "hide", "dead", "dumb", "tag", "it", "by", "the",
    "a", "something", "anything", "that", "this", "az", "le", "valamit",
})  # fmt: skip
# Home Assistant's media types, by the classes of the templates.
_MEDIA_TYPES: Final = {
    "movie": "movie", "tv_show": "tvshow", "podcast": "podcast", "artist": "artist", "album": "album",
    "track": "track", "playlist": "playlist", "channel": "channel",
}  # fmt: skip


def _search_and_play(intent: Intent, _entity: Entity, state: EntityState | None) -> Service | None:
    """Hand the player the words: those that know a catalogue look them up in it, the others refuse."""
    query = intent.slots.get("search_query")
    if not isinstance(query, str) or not query.strip() or query.split()[0].casefold() in _NO_MEDIA:
        return None
    if not _can(state, _PLAYER_PLAY_MEDIA):
        return None
    kind = _MEDIA_TYPES.get(str(intent.slots.get("media_class")), "music")
    data = {"media_content_id": query.strip(), "media_content_type": kind}
    return Service("media_player", "play_media", "media.search", data, {"query": query.strip()})


def _set_volume(intent: Intent, _entity: Entity, state: EntityState | None) -> Service | None:
    percent = number(intent.slots.get("volume_level"), 0, 100)
    if percent is None or not _can(state, _PLAYER_VOLUME):
        return None
    return _volume(percent)


def _set_volume_relative(intent: Intent, _entity: Entity, state: EntityState | None) -> Service | None:
    step = intent.slots.get("volume_step")
    if step in {"up", "down"}:
        if not (_can(state, _PLAYER_STEP) or _can(state, _PLAYER_VOLUME)):
            return None
        return Service("media_player", f"volume_{step}", f"volume.{step}")
    change = number(step, -100, 100)
    level = number(_attribute(state, "volume_level"), 0, 1)
    if change is None or level is None or not _can(state, _PLAYER_VOLUME):
        return None
    return _volume(min(100, max(0, round(100 * level + change))))


def _volume(percent: float) -> Service:
    return Service(
        "media_player",
        "volume_set",
        "volume-set",
        {"volume_level": round(percent / 100, 2)},
        {"percent": percent},
    )


# --- vacuums, mowers, lists -------------------------------------------------------------------------


def _vacuum(service: str, feature: int, said: str) -> Maker:
    def make(_intent: Intent, _entity: Entity, state: EntityState | None) -> Service | None:
        return Service("vacuum", service, said) if _can(state, feature) else None

    return make


def _mower(service: str, said: str) -> Maker:
    def make(_intent: Intent, _entity: Entity, _state: EntityState | None) -> Service:
        return Service("lawn_mower", service, said)

    return make


def _alarm(service: str, feature: int, said: str) -> Maker:
    """Arm or disarm; where Home Assistant wants a code for it, that is no matter for a voice."""

    def make(_intent: Intent, _entity: Entity, state: EntityState | None) -> Service | None:
        wants_code = _attribute(state, "code_format") is not None
        if service != "alarm_disarm":
            # Home Assistant may want one for arming even where it has no format for it.
            required = _attribute(state, "code_arm_required")
            wants_code = required if isinstance(required, bool) else wants_code
        if wants_code or (feature and not _can(state, feature)):
            return None
        return Service("alarm_control_panel", service, said)

    return make


def _arm(way: str) -> Maker:
    return _alarm(f"alarm_arm_{way}", WAYS_TO_ARM[way], f"alarm.{way}")


def _list_item(service: str, said: str, more: Mapping[str, Any] = _NOTHING) -> Maker:
    def make(intent: Intent, _entity: Entity, _state: EntityState | None) -> Service | None:
        item = intent.slots.get("item")
        if not isinstance(item, str) or not item.strip():
            return None
        return Service("todo", service, said, {"item": item.strip(), **more}, {"item": item.strip()})

    return make


# --- the table --------------------------------------------------------------------------------------

_SWITCHED_ON: Final = _SWITCHABLE | frozenset(_ON)
_SWITCHED_OFF: Final = _SWITCHABLE | frozenset(_OFF)
_OPENED: Final = frozenset({"cover", "lock", "valve"})
_PLAYERS: Final = frozenset({"media_player"})
_ALARMS: Final = frozenset({"alarm_control_panel"})
_LISTS: Final = frozenset({"todo"})
# "Turn on the kitchen" is about its lamps; "turn off the kitchen" about all that may be left on there.
_LIT: Final = frozenset({"light"})
_LEFT_ON: Final = frozenset({"fan", "input_boolean", "light", "media_player", "switch"})
_SHOPPING: Final = ("shopping", "bevásárl")


def _playing(_entity: Entity, state: EntityState | None) -> bool:
    return state is not None and state.state in {"playing", "buffering"}


def _paused(_entity: Entity, state: EntityState | None) -> bool:
    return state is not None and state.state == "paused"


def _for_shopping(entity: Entity, _state: EntityState | None) -> bool:
    names = (entity.id, entity.name, *entity.aliases)
    return any(word in name.casefold() for name in names for word in _SHOPPING)


PLANS: Final[Mapping[str, Plan]] = {
    "HassTurnOn": Plan(_SWITCHED_ON, _turn_on, loosely=_LIT),
    "HassTurnOff": Plan(_SWITCHED_OFF, _turn_off, loosely=_LEFT_ON),
    "HassToggle": Plan(_SWITCHABLE | (frozenset(_ON) & frozenset(_OFF)), _toggle, loosely=_LIT),
    # Of ours: for a choice between things that open in different ways.
    "HassOpen": Plan(_OPENED, _open, single=True),
    "HassClose": Plan(_OPENED, _close, single=True),
    "HassLightSet": Plan(frozenset({"light"}), _set_light),
    "HassSetPosition": Plan(frozenset({"cover", "valve"}), _set_position),
    "HassStopMoving": Plan(frozenset({"cover", "valve"}), _stop_moving),
    "HassFanSetSpeed": Plan(frozenset({"fan"}), _set_fan_speed),
    "HassClimateSetTemperature": Plan(frozenset({"climate", "water_heater"}), _set_temperature, single=True),
    "HassClimateSetHvacMode": Plan(frozenset({"climate"}), _set_hvac_mode, single=True),
    "HassClimateSetFanMode": Plan(frozenset({"climate"}), _set_fan_mode, single=True),
    "HassHumidifierSetpoint": Plan(frozenset({"humidifier"}), _set_humidity, single=True),
    **{
        choosing.intent: Plan(
            frozenset(domain for domain, one in CHOOSING.items() if one.intent == choosing.intent),
            _choose,
            single=True,
        )
        for choosing in CHOOSING.values()
    },
    # For a choice between things with an option of the same name.
    "HassChoose": Plan(frozenset(CHOOSING), _choose_alike, single=True),
    "HassSetNumber": Plan(frozenset({"number", "input_number"}), _set_number, single=True),
    "HassMediaPause": Plan(_PLAYERS, _player("media_pause", _PLAYER_PAUSE, "media.pause"), True, _playing),
    "HassMediaUnpause": Plan(_PLAYERS, _player("media_play", _PLAYER_PLAY, "media.play"), True, _paused),
    "HassMediaNext": Plan(_PLAYERS, _player("media_next_track", _PLAYER_NEXT, "media.next"), True, _playing),
    "HassMediaPrevious": Plan(
        _PLAYERS, _player("media_previous_track", _PLAYER_PREVIOUS, "media.previous"), True, _playing
    ),
    "HassMediaPlayerMute": Plan(
        _PLAYERS,
        _player("volume_mute", _PLAYER_MUTE, "media.mute", {"is_volume_muted": True}),
        True,
        _playing,
    ),
    "HassMediaPlayerUnmute": Plan(
        _PLAYERS,
        _player("volume_mute", _PLAYER_MUTE, "media.unmute", {"is_volume_muted": False}),
        True,
        _playing,
    ),
    "HassMediaSearchAndPlay": Plan(_PLAYERS, _search_and_play, True, _playing),
    "HassSetVolume": Plan(_PLAYERS, _set_volume, True, _playing),
    "HassSetVolumeRelative": Plan(_PLAYERS, _set_volume_relative, True, _playing),
    "HassVacuumStart": Plan(
        frozenset({"vacuum"}), _vacuum("start", _VACUUM_START, "vacuum.start"), single=True
    ),
    "HassVacuumPause": Plan(
        frozenset({"vacuum"}), _vacuum("pause", _VACUUM_PAUSE, "vacuum.pause"), single=True
    ),
    "HassLawnMowerPause": Plan(frozenset({"lawn_mower"}), _mower("pause", "mower.pause"), single=True),
    "HassVacuumReturnToBase": Plan(
        frozenset({"vacuum"}), _vacuum("return_to_base", _VACUUM_RETURN, "vacuum.return"), single=True
    ),
    "HassLawnMowerStartMowing": Plan(
        frozenset({"lawn_mower"}), _mower("start_mowing", "mower.start"), single=True
    ),
    "HassLawnMowerDock": Plan(frozenset({"lawn_mower"}), _mower("dock", "mower.dock"), single=True),
    # Ours: Home Assistant has no intents for alarms.
    "HassAlarmArmAway": Plan(_ALARMS, _arm("away"), single=True),
    "HassAlarmArmHome": Plan(_ALARMS, _arm("home"), single=True),
    "HassAlarmArmNight": Plan(_ALARMS, _arm("night"), single=True),
    "HassAlarmDisarm": Plan(_ALARMS, _alarm("alarm_disarm", 0, "alarm.disarm"), single=True),
    "HassListAddItem": Plan(_LISTS, _list_item("add_item", "list.add"), single=True),
    "HassListCompleteItem": Plan(
        _LISTS, _list_item("update_item", "list.complete", {"status": "completed"}), single=True
    ),
    "HassListRemoveItem": Plan(_LISTS, _list_item("remove_item", "list.remove"), single=True),
    "HassShoppingListAddItem": Plan(_LISTS, _list_item("add_item", "list.add"), True, _for_shopping),
    "HassShoppingListCompleteItem": Plan(
        _LISTS, _list_item("update_item", "list.complete", {"status": "completed"}), True, _for_shopping
    ),
}
"""Every intent that is carried out, by name."""


# --- reading values that come from outside ------------------------------------------------------------


def number(value: Any, low: float, high: float) -> float | int | None:
    """A finite number within bounds, whole where it is whole; None for anything else."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        return None
    return int(value) if value == int(value) else value


def _stepped(intent: Intent, slot: str, now: Any, low: float = 0, high: float = 100) -> float | int | None:
    """What a slot says, or what there is now and so much more or less; None where neither can be told."""
    if slot in intent.slots:
        return number(intent.slots[slot], low, high)
    step = number(intent.slots.get(f"{slot}_step"), low - high, high - low)
    present = number(now, low, high)
    return None if step is None or present is None else number(min(high, max(low, present + step)), low, high)


def _can(state: EntityState | None, feature: int) -> bool:
    """Whether an entity says it has a feature; one that says nothing about features has them all."""
    features = _attribute(state, "supported_features")
    return not isinstance(features, int) or bool(features & feature)


def _attribute(state: EntityState | None, name: str) -> Any:
    return state.attributes.get(name) if state is not None else None


def _words(value: Any) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list | tuple | set | frozenset) else ()
