"""Questions: which intent answers them, about which entities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from handlers.frames.clause import Clause, Mention
from handlers.frames.home_index import HomeIndex, any_of
from handlers.frames.lexicon import Lexicon, Role
from handlers.frames.mentions import Meant, kinds_of, meant_by
from handlers.intents import DATE, STATE, TEMPERATURE, TIME, WEATHER
from handlers.understanding import Intent, SlotValue, Utterance
from provisioning.home.registry import Entity

_STATES: Final = {
    "on": "on", "off": "off", "open": "open", "closed": "closed", "locked": "locked", "unlocked": "unlocked",
    "playing": "playing", "paused": "paused", "cleaning": "cleaning", "docked": "docked", "home": "home",
    "away": "not_home", "low": "on", "wet": "on", "motion": "on", "occupied": "on", "up": "open",
    "down": "closed", "disarmed": "disarmed",
}  # fmt: skip
_ARMED: Final = (
    "armed_away", "armed_home", "armed_night", "armed_vacation", "armed_custom_bypass", "arming", "armed",
)  # fmt: skip
_SENSED: Final = frozenset({"open", "closed"})
# What can be in a state, beside what the words say.
_IN_STATE: Final = {
    **dict.fromkeys(("open", "closed"), ("cover", "valve", "binary_sensor", "lock")),
    **dict.fromkeys(("locked", "unlocked"), ("lock", "binary_sensor")),
    **dict.fromkeys(("playing", "paused"), ("media_player",)),
    **dict.fromkeys(("armed", "disarmed"), ("alarm_control_panel",)),
    "cleaning": ("vacuum",), "docked": ("vacuum", "lawn_mower"),
    **dict.fromkeys(("home", "away"), ("person",)),
    **dict.fromkeys(("low", "wet", "motion", "occupied"), ("binary_sensor",)),
    **dict.fromkeys(("up", "down"), ("cover",)),
    **dict.fromkeys(
        ("on", "off"),
        ("light", "switch", "fan", "climate", "media_player", "input_boolean", "humidifier", "automation",
         "siren", "vacuum", "lawn_mower"),
    ),
}  # fmt: skip
_MEASURED: Final = {
    "humidity": "humidity", "battery": "battery", "power": "power", "brightness": "illuminance",
}  # fmt: skip
_HEATING: Final = frozenset({"climate", "water_heater"})
_SET_BY_NAME: Final = ("number", "input_number", "select", "input_select", "sensor")
_SET: Final = (*_HEATING, *_SET_BY_NAME[:-1])
# Things with options, by what people call these.
_CHOSEN: Final = {
    "mode": ("climate", "fan", "humidifier", "water_heater", "select", "input_select"),
    "source": ("media_player",),
}  # fmt: skip
_OPPOSITES: Final = {
    "on": "off", "off": "on", "open": "closed", "closed": "open", "locked": "unlocked", "unlocked": "locked",
    "home": "away", "away": "home",
}  # fmt: skip
# What something is after it was done.
_DONE: Final = {"turn_off": "off", "turn_on": "on", "lock": "locked", "close": "closed", "unlock": "unlocked"}
# What is "on", or "still going", of what has no such state.
_AT_WORK: Final = {"vacuum": "cleaning", "lawn_mower": "mowing"}
_LOCKED: Final = frozenset({"locked", "unlocked"})
_SENSED_STATE: Final = {"open": "on", "closed": "off", "unlocked": "on", "locked": "off"}
_CLASSED: Final = frozenset({"cover", "binary_sensor"})
_OPENING: Final = frozenset({"window", "door", "garage_door", "opening", "garage", "gate"})


def asked_for(clause: Clause, index: HomeIndex, lexicon: Lexicon, utterance: Utterance) -> Intent | None:
    """The intent that answers a question; None where it is none that is known."""
    asks = set(clause.asks)
    if not clause.mentions and asks & {"time", "date"}:
        return Intent(TIME if "time" in asks else DATE)
    if clause.changes or clause.values or not _asks_only(clause, asks, index, lexicon):
        return None
    attribute = _attribute(clause, asks)
    if attribute is not None or "like" in asks:
        return _of_attribute(attribute or "temperature", clause, index, lexicon, utterance)
    if clause.states:
        return _in_states(clause, asks, index, lexicon, utterance)
    return _plainly(clause, asks, index, lexicon) if clause.mentions and not clause.attributes else None


def _asks_only(clause: Clause, asks: set[str], index: HomeIndex, lexicon: Lexicon) -> bool:
    """Whether nothing is to be done; a state that "did I lock it" asks for is added to the clause."""
    if "is" in asks and clause.verbs == ["set"] and _is_alarm(clause, index, lexicon):
        clause.states = ["armed"]
    if _only_asks(clause, lexicon):
        return True
    done = _brought_about(clause, lexicon)
    if done is not None:
        clause.states = [done]
    return done is not None


def _plainly(clause: Clause, asks: set[str], index: HomeIndex, lexicon: Lexicon) -> Intent | None:
    """How something is of which nothing but the name was said."""
    if "how_many" in asks:
        # "How many minutes is the watering time"
        return _what_it_is_on(clause, index, lexicon)
    return _plain_state(clause, asks, index, lexicon) if asks & {"what", "how", "where"} else None


def _is_alarm(clause: Clause, index: HomeIndex, lexicon: Lexicon) -> bool:
    meant = _meant(clause, index.domains.get("alarm_control_panel", 0), index, lexicon)
    return bool(clause.mentions) and meant is not None and meant.mask != 0


def _in_states(
    clause: Clause, asks: set[str], index: HomeIndex, lexicon: Lexicon, utterance: Utterance
) -> Intent | None:
    """Which things are in a state, or what one thing "is on"."""
    if clause.states == ["on"] and asks & {"what", "which"}:
        chosen = _what_it_is_on(clause, index, lexicon)
        if chosen is not None:
            return chosen
    return None if clause.attributes else _state(clause, asks, index, lexicon, utterance)


def asked_again(
    last: Intent, mention: Mention, index: HomeIndex, lexicon: Lexicon, utterance: Utterance
) -> Intent | None:
    """The same question about something else: "and in the bedroom?"; None where that cannot be asked."""
    if last.name == TEMPERATURE or last.slots.get("device_class") == "temperature":
        attribute = "setpoint" if last.asks == "setpoint" else "temperature"
        clause = Clause(asks=["what"], attributes=[attribute], mentions=[mention])
        return _of_attribute(attribute, clause, index, lexicon, utterance)
    if last.name != STATE or "state" not in last.slots:
        return None
    meant = meant_by(mention, _asked_of(last, index), index, lexicon)
    if not meant.mask or (last.asks == "one_yesno" and meant.mask.bit_count() > 1):
        return None
    members = index.members(meant.mask)
    slots = meant.where | kinds_of(members, classed=_CLASSED)
    # A state is said in the words of the domains that were asked.
    slots |= {name: value for name, value in last.slots.items() if name in {"state", "domain"}}
    if meant.by_name and len(members) == 1:
        slots["name"] = members[0].name
    return Intent(STATE, slots, tuple(one.id for one in members), asks=last.asks)


def _asked_of(last: Intent, index: HomeIndex) -> int:
    """All of the kinds of things that a question was about; about one by its name, all that are alike."""
    allowed = _of_any(last.slots.get("domain"), index.domains)
    classes = None if "name" in last.slots else last.slots.get("device_class")
    return allowed & _of_any(classes, index.classes) if classes else allowed


def _of_any(names: SlotValue | None, masks: Mapping[str, int]) -> int:
    return any_of(masks, names if isinstance(names, tuple) else (str(names),))


def _only_asks(clause: Clause, lexicon: Lexicon) -> bool:
    """Whether its verbs do nothing: "how much battery does it have"."""
    actions = {action for verb in clause.verbs for action in lexicon.actions.get((verb, None), ())}
    return not clause.verbs or (actions <= {"set"} and not clause.tails)


def _brought_about(clause: Clause, lexicon: Lexicon) -> str | None:
    """The state that "did I lock the door" asks for; None where it asks for none."""
    actions = {
        action
        for verb in clause.verbs
        for tail in (*clause.tails, None)
        for action in lexicon.actions.get((verb, tail), ())
    }
    return (
        next((_DONE[action] for action in actions if action in _DONE), None) if "is" in clause.asks else None
    )


def _of_attribute(
    attribute: str, clause: Clause, index: HomeIndex, lexicon: Lexicon, utterance: Utterance
) -> Intent | None:
    if attribute == "setpoint":
        return _setpoint(clause, index, lexicon)
    if attribute == "temperature":
        return _temperature(clause, index, lexicon, utterance)
    if attribute == "weather":
        return _weather(clause, index, lexicon)
    if attribute in _CHOSEN:
        return _chosen(attribute, clause, index, lexicon)
    return _measured(attribute, clause, index, lexicon) if attribute in _MEASURED else None


def _attribute(clause: Clause, asks: set[str]) -> str | None:
    """What of something is asked for, where nothing but that is asked."""
    if clause.states or clause.quantifiers:
        return None
    if any("battery" in mention.kinds for mention in clause.mentions) and asks & {"what", "how", "how_many"}:
        return "battery"
    if clause.attributes and asks & {"what", "how", "how_many", "which", "like"}:
        if "setpoint" in clause.attributes:
            return "setpoint"
        return next((one for one in clause.attributes if one != "percent"), "percent")
    if clause.adjectives and asks & {"what", "how", "which", "like"} and not (asks & {"how_many"}) - asks:
        return clause.adjectives[0]
    return None


def _weather(clause: Clause, index: HomeIndex, lexicon: Lexicon) -> Intent | None:
    if not clause.mentions:
        return Intent(WEATHER)
    meant = _meant(clause, index.domains.get("weather", 0), index, lexicon)
    if meant is None or meant.mask.bit_count() != 1:
        return None
    entity = index.members(meant.mask)[0]
    return Intent(WEATHER, {"name": entity.name}, (entity.id,))


def _temperature(clause: Clause, index: HomeIndex, lexicon: Lexicon, utterance: Utterance) -> Intent | None:
    sensors = index.domains.get("sensor", 0) & index.classes.get("temperature", 0)
    readable = sensors | index.domains.get("climate", 0) | index.domains.get("water_heater", 0)
    meant = _meant(clause, readable, index, lexicon)
    if meant is None:
        return None
    mask = meant.mask
    if not clause.mentions or _says_attribute_only(clause.mentions[0]):
        mask = readable & index.at(utterance.area_id) or mask
    if not mask:
        return None
    climates = mask & index.domains.get("climate", 0)
    if mask.bit_count() > 1 and climates.bit_count() == 1:
        mask = climates
    if mask.bit_count() > 1 and (mask & sensors).bit_count() == 1:
        mask &= sensors
    if mask.bit_count() != 1:
        return None
    entity = index.members(mask)[0]
    if entity.domain == "sensor":
        return plain_state(entity, "one")
    slots: dict[str, SlotValue] = {"name": entity.name} if meant.by_name else meant.where
    return Intent(TEMPERATURE, slots, (entity.id,))


def _chosen(attribute: str, clause: Clause, index: HomeIndex, lexicon: Lexicon) -> Intent | None:
    """Which of its options is chosen on a thing: "what mode is the humidifier in"."""
    meant = _meant(clause, any_of(index.domains, _CHOSEN[attribute]), index, lexicon)
    if meant is None or meant.mask.bit_count() != 1:
        return None
    return plain_state(index.members(meant.mask)[0], "chosen")


def _what_it_is_on(clause: Clause, index: HomeIndex, lexicon: Lexicon) -> Intent | None:
    """What is chosen on one thing: "what programme is the dishwasher on", "which input is the telly on"."""
    if len(clause.mentions) != 1 or clause.mentions[0].is_plural:
        return None
    named = meant_by(clause.mentions[0], any_of(index.domains, _SET_BY_NAME), index, lexicon)
    if named.mask.bit_count() == 1 and named.by_name:
        return plain_state(index.members(named.mask)[0], "one")
    chosen = next((one for one in clause.attributes if one in _CHOSEN), None)
    return None if chosen is None else _chosen(chosen, clause, index, lexicon)


def _setpoint(clause: Clause, index: HomeIndex, lexicon: Lexicon) -> Intent | None:
    """What a thermostat, a number or a selection is set to."""
    meant = _meant(clause, any_of(index.domains, _SET), index, lexicon)
    if meant is None or meant.mask.bit_count() != 1:
        return None
    entity = index.members(meant.mask)[0]
    if entity.domain not in _HEATING:
        return plain_state(entity, "one") if meant.by_name else None
    return Intent(TEMPERATURE, {"name": entity.name}, (entity.id,), asks="setpoint")


def _measured(attribute: str, clause: Clause, index: HomeIndex, lexicon: Lexicon) -> Intent | None:
    readable = index.domains.get("sensor", 0) & index.classes.get(_MEASURED[attribute], 0)
    meant = _meant(clause, readable, index, lexicon)
    if meant is not None and meant.mask.bit_count() == 1:
        return plain_state(index.members(meant.mask)[0], "one")
    if attribute != "humidity" or (meant is not None and meant.mask):
        return None
    # A humidifier feels how humid it is, too.
    meant = _meant(clause, index.domains.get("humidifier", 0), index, lexicon)
    if meant is None or meant.mask.bit_count() != 1:
        return None
    return plain_state(index.members(meant.mask)[0], "humidity")


def _meant(clause: Clause, allowed: int, index: HomeIndex, lexicon: Lexicon) -> Meant | None:
    if not clause.mentions or _says_attribute_only(clause.mentions[0]):
        return Meant(allowed)
    if len(clause.mentions) != 1:
        return None
    meant = meant_by(clause.mentions[0], allowed, index, lexicon)
    return meant if meant.mask else None


def _says_attribute_only(mention: Mention) -> bool:
    """Whether it is only the word for what is asked of something: "the temperature"."""
    return not mention.pieces and not any(piece.sense(Role.VAGUE) for piece in mention.soft)


def _state(
    clause: Clause, asks: set[str], index: HomeIndex, lexicon: Lexicon, utterance: Utterance
) -> Intent | None:
    """Whether, or which of, some things are in a state."""
    wanted = _OPPOSITES.get(clause.states[0], clause.states[0]) if clause.asks_opposite else clause.states[0]
    meant = _in_question(clause, wanted, index, lexicon)
    if meant is None:
        return None
    mask = meant.mask
    if meant.kinds and not meant.by_name:
        certain = 0
        for kind in meant.kinds:
            certain |= index.of_kind(lexicon.kinds[kind])[0]
        mask = mask & certain or mask
    if not meant.by_name and (locks := mask & index.domains.get("lock", 0)) and wanted in _LOCKED:
        mask = locks
    asked: str | None = _how(asks, clause, plural=any(mention.is_plural for mention in clause.mentions))
    if asked == "one_yesno" and mask.bit_count() > 1:
        mask, asked = _of_several(mask, meant, index, utterance)
    if asked is None:
        return None
    members = tuple(one.id for one in index.members(mask))
    return Intent(STATE, _slots(meant, mask, wanted, index), members, asks=asked)


def _in_question(clause: Clause, wanted: str, index: HomeIndex, lexicon: Lexicon) -> Meant | None:
    """What can be in the state that is asked for, of what was said."""
    allowed = 0
    for domain in _IN_STATE.get(wanted, ()):
        of_domain = index.domains.get(domain, 0)
        allowed |= of_domain & _sensing(wanted, index) if domain == "binary_sensor" else of_domain
    if not clause.mentions and wanted not in {"home", "away"}:
        return None
    return _meant(clause, allowed, index, lexicon)


def _of_several(mask: int, meant: Meant, index: HomeIndex, utterance: Utterance) -> tuple[int, str | None]:
    """Of several things that a singular fits: the one that is here, or any of them, or none of them."""
    local = mask & index.at(utterance.area_id)
    if local.bit_count() == 1:
        return local, "one_yesno"
    return mask, "any" if meant.kinds and not meant.by_name else None


def _sensing(state: str, index: HomeIndex) -> int:
    classes = {
        "low": ("battery",), "wet": ("moisture",), "motion": ("motion", "moving"),
        "occupied": ("occupancy", "presence"), "locked": ("lock",), "unlocked": ("lock",),
    }.get(state, tuple(_OPENING) if state in _SENSED else ())  # fmt: skip
    return any_of(index.classes, classes)


def _how(asks: set[str], clause: Clause, *, plural: bool) -> str:
    if "how_many" in asks and (plural or clause.mentions):
        return "how_many"
    if "which" in asks:
        return "which"
    if Role.ANY in clause.quantifiers:
        return "any"
    if Role.ALL in clause.quantifiers or Role.BOTH in clause.quantifiers:
        return "all"
    if "who" in asks:
        return "which"
    return "all" if plural else "one_yesno"


def _slots(meant: Meant, mask: int, state: str, index: HomeIndex) -> dict[str, SlotValue]:
    members = index.members(mask)
    slots: dict[str, Any] = {}
    if meant.by_name and len(members) == 1:
        slots["name"] = members[0].name
    slots |= meant.where | kinds_of(members, classed=_CLASSED)
    if state == "armed":
        return slots | {"state": _ARMED}
    value = _STATES[state]
    if slots["domain"] == "binary_sensor":
        value = _SENSED_STATE.get(value, value)
    elif slots["domain"] in _AT_WORK:
        value = {"on": _AT_WORK[str(slots["domain"])]}.get(value, value)
    elif slots["domain"] == "lock":
        value = {"open": "unlocked", "closed": "locked"}.get(value, value)
    slots["state"] = value
    return slots


def _plain_state(clause: Clause, asks: set[str], index: HomeIndex, lexicon: Lexicon) -> Intent | None:
    """How one thing is that is named: "what is the front door"."""
    meant = meant_by(clause.mentions[0], index.everything, index, lexicon)
    if len(clause.mentions) != 1 or meant.mask.bit_count() != 1 or not meant.by_name:
        return None
    entity = index.members(meant.mask)[0]
    return plain_state(entity, "where" if "where" in asks and entity.domain == "person" else "one")


def plain_state(entity: Entity, asks: str) -> Intent:
    """The question how one thing is."""
    slots: dict[str, SlotValue] = {"name": entity.name, "domain": entity.domain}
    if entity.device_class:
        slots["device_class"] = entity.device_class
    return Intent(STATE, slots, (entity.id,), asks=asks)
