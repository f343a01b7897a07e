"""Answers to questions, from the mirror of the home alone: nothing is called, nothing changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

from handlers.choices import CHOOSING, spoken_option
from handlers.intents import DATE, RESPOND, STATE, TEMPERATURE, TIME, WEATHER
from handlers.names import fold
from handlers.naming import MAX_CANDIDATES_SPOKEN, distinct_names
from handlers.targets import Ambiguous, Found, Missing, targets_of, texts
from handlers.understanding import Intent, Phrase, Utterance
from provisioning.home.registry import Entity, EntityState, HomePicture

Answer: TypeAlias = Phrase | Missing | Ambiguous
Answerer: TypeAlias = Callable[[Intent, Utterance, HomePicture], Answer]

_UNKNOWN: Final = frozenset({"unavailable", "unknown", ""})

# States that have words in `config/answers/` (`state.<domain>.<state>`); all others are said as they are.
STATE_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "any": frozenset({"on", "off", "open", "closed", "opening", "closing", "home", "not_home"}),
    "alarm_control_panel": frozenset({
        "armed_away", "armed_home", "armed_night", "armed_vacation", "arming", "disarmed", "pending",
        "triggered",
    }),
    "climate": frozenset({"off", "heat", "cool", "heat_cool", "auto", "dry", "fan_only"}),
    "lawn_mower": frozenset({"mowing", "docked", "returning", "paused", "error"}),
    "lock": frozenset({"locked", "unlocked", "locking", "unlocking", "jammed", "open", "opening"}),
    "media_player": frozenset({"playing", "paused", "idle", "off", "on", "standby", "buffering"}),
    "vacuum": frozenset({"cleaning", "docked", "returning", "paused", "idle", "error"}),
}  # fmt: skip
# Binary sensors whose "on" and "off" have words of their own (`state.binary_sensor.<class>-on`).
BINARY_WORDS: Final = frozenset({
    "battery", "battery_charging", "carbon_monoxide", "cold", "connectivity", "door", "garage_door", "gas",
    "heat", "light", "lock", "moisture", "motion", "moving", "occupancy", "opening", "plug", "power",
    "presence", "problem", "running", "safety", "smoke", "sound", "tamper", "update", "vibration", "window",
})  # fmt: skip
# Conditions of Home Assistant's weather entities.
CONDITIONS: Final = frozenset({
    "clear-night", "cloudy", "exceptional", "fog", "hail", "lightning", "lightning-rainy", "partlycloudy",
    "pouring", "rainy", "snowy", "snowy-rainy", "sunny", "windy", "windy-variant",
})  # fmt: skip
RESPONSES: Final = frozenset({"hello", "listening", "data", "commands", "creator"})

# What people say for "home" and "away" where Home Assistant has its own words.
_PLACES_OF_PERSONS: Final = {
    "home": "home", "at home": "home", "otthon": "home", "itthon": "home",
    "away": "not_home", "not home": "not_home", "not_home": "not_home", "távol": "not_home",
    "házon kívül": "not_home",
}  # fmt: skip
# Where "on" means any state but these.
_ON_UNLESS: Final = frozenset({"off", "standby"})
_ON_UNLESS_DOMAINS: Final = frozenset({"climate", "humidifier", "media_player", "water_heater"})
_BINARY_STATES: Final = {"open": "on", "closed": "off"}

_COMPASS: Final = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")


# --- states -----------------------------------------------------------------------------------------


def _of_state(intent: Intent, utterance: Utterance, picture: HomePicture) -> Answer:
    asks = intent.asks or ("one_yesno" if texts(intent.slots.get("state")) else "one")
    about_one = asks in {"one", "one_yesno", "one_yesno_where", "where", "chosen", "humidity"}
    if not intent.targets and not any(intent.slots.get(key) for key in ("name", "domain", "device_class")):
        return Missing(Phrase("missing.kind", {"kind": Phrase("kind.any")}))
    found = targets_of(intent, utterance, picture.registry, domains=None, single=about_one)
    if isinstance(found, Missing) and (sensed := _as_sensed(intent)) is not None:
        by_sensors = targets_of(sensed, utterance, picture.registry, domains=None, single=about_one)
        found = found if isinstance(by_sensors, Missing) else by_sensors
    if not isinstance(found, Found):
        return found
    wanted = _wanted(intent)
    if _asks_for_nowhere(found.entities, wanted, picture):
        return Missing(Phrase("missing.place", {"place": wanted[0]}))
    if about_one:
        return _about_one(asks, found.entities[0], wanted, picture)
    those = [entity for entity in found.entities if _is_in(entity, picture.state_of(entity.id), wanted)]
    return _about_many(asks, found.entities, those, picture)


def _as_sensed(intent: Intent) -> Intent | None:
    """The same question about contacts: templates ask for windows that move, homes have sensors on them."""
    classes = texts(intent.slots.get("device_class"))
    if texts(intent.slots.get("domain")) != ("cover",) or not classes:
        return None
    sensed = tuple("garage_door" if one == "garage" else one for one in classes)
    return replace(intent, slots={**intent.slots, "domain": "binary_sensor", "device_class": sensed})


def _about_one(asks: str, entity: Entity, wanted: Sequence[str], picture: HomePicture) -> Phrase:
    state = picture.state_of(entity.id)
    if state is None or state.state in _UNKNOWN:
        return Phrase("answer.unknown", {"name": entity.name})
    if asks == "chosen" and (chosen := _said_option(entity, state)) is not None:
        return Phrase("answer.value", {"name": entity.name, "value": chosen})
    if asks == "humidity":
        humidity = measured_number(state.attributes.get("current_humidity"))
        if humidity is None:
            return Phrase("answer.unknown", {"name": entity.name})
        return Phrase("answer.measure", {"name": entity.name, "value": humidity, "unit": "%"})
    person = "person." if entity.domain == "person" else ""
    values = {"name": entity.name, **_said_state(entity, state, picture)}
    if asks in {"one_yesno", "one_yesno_where"} and wanted:
        is_so = _is_in(entity, state, wanted)
        return Phrase(f"answer.{person}{'yes' if is_so else 'no'}-{values.pop('kind')}", values)
    return Phrase(f"answer.{person}{values.pop('kind')}", values)


def _said_option(entity: Entity, state: EntityState) -> Phrase | str | None:
    """The option that is chosen on a thing, where its state says which."""
    choosing = CHOOSING.get(entity.domain)
    option = state.attributes.get(choosing.slot) if choosing is not None else None
    return spoken_option(entity.domain, option) if isinstance(option, str) else None


def _about_many(
    asks: str, entities: Sequence[Entity], those: Sequence[Entity], picture: HomePicture
) -> Phrase:
    names = _listed(those, picture)
    if asks in {"all", "all_where"}:
        if len(those) == len(entities):
            return Phrase("answer.all")
        others = [entity for entity in entities if entity not in those]
        return (
            Phrase("answer.not-these", {"names": _listed(others, picture)})
            if those
            else Phrase("answer.no-none")
        )
    if asks == "how_many":
        if not those:
            return Phrase("answer.count-none")
        return Phrase("answer.count", {"count": len(those), "names": names})
    if asks == "any":
        return Phrase("answer.yes-these", {"names": names}) if those else Phrase("answer.no-none")
    return Phrase("answer.these", {"names": names}) if those else Phrase("answer.none")


def _listed(entities: Sequence[Entity], picture: HomePicture) -> tuple[str | Phrase, ...] | Phrase:
    names = distinct_names(entities, picture.registry)
    if len(names) <= MAX_CANDIDATES_SPOKEN:
        return names
    spoken = names[:MAX_CANDIDATES_SPOKEN]
    return Phrase("answer.and-more", {"names": spoken, "more": len(names) - len(spoken)})


def _wanted(intent: Intent) -> tuple[str, ...]:
    return tuple(fold(one) for one in texts(intent.slots.get("state")))


def _is_in(entity: Entity, state: EntityState | None, wanted: Sequence[str]) -> bool:
    if state is None or state.state in _UNKNOWN:
        return False
    if not wanted:
        return True
    actual = fold(state.state)
    if entity.domain == "person":
        return _place(actual) in {_place(one) for one in wanted}
    if entity.domain == "binary_sensor":
        return actual in {_BINARY_STATES.get(one, one) for one in wanted}
    if entity.domain in _ON_UNLESS_DOMAINS and "on" in wanted:
        return actual not in _ON_UNLESS
    return actual in wanted


def _place(zone: str) -> str:
    return _PLACES_OF_PERSONS.get(zone, zone)


def _asks_for_nowhere(entities: Sequence[Entity], wanted: Sequence[str], picture: HomePicture) -> bool:
    """Whether people were asked for at a place that neither Home Assistant nor anybody of them knows.

    The templates take any words for a zone: "who is out of milk" would ask for the zone "out of milk".
    """
    if not wanted or any(entity.domain != "person" for entity in entities):
        return False
    places = {_place(one) for one in wanted}
    if places & set(_PLACES_OF_PERSONS.values()):
        return False
    zones = {fold(entity.name) for entity in picture.registry.entities.values() if entity.domain == "zone"}
    states = [picture.state_of(entity.id) for entity in entities]
    return not places & (zones | {fold(state.state) for state in states if state is not None})


def _said_state(entity: Entity, state: EntityState, picture: HomePicture) -> dict[str, Any]:
    """The kind of phrase that says a state (`state`, `value`, `zone`), and what it names."""
    if entity.domain == "person":
        where = _place(fold(state.state))
        return (
            {"kind": where.replace("_", "-")}
            if where in STATE_WORDS["any"]
            else {"kind": "zone", "zone": state.state}
        )
    words = _state_words(entity, state.state)
    if words is not None:
        return {"kind": "state", "state": words}
    unit = state.attributes.get("unit_of_measurement")
    value = _value(entity, state.state, picture)
    if isinstance(unit, str) and unit.strip():
        return {"kind": "measure", "value": value, "unit": unit}
    return {"kind": "value", "value": value}


def _state_words(entity: Entity, state: str) -> Phrase | None:
    if entity.domain == "binary_sensor":
        if entity.device_class in BINARY_WORDS and state in {"on", "off"}:
            return Phrase(f"state.binary_sensor.{entity.device_class}-{state}")
    elif state in STATE_WORDS.get(entity.domain, ()):
        return Phrase(f"state.{entity.domain}.{state}")
    if state in STATE_WORDS["any"] and entity.domain != "sensor":
        return Phrase(f"state.any.{state}")
    return None


def _value(entity: Entity, state: str, picture: HomePicture) -> Decimal | Phrase | str:
    measured = measured_number(state)
    if measured is not None:
        return measured
    if entity.device_class in {"date", "timestamp"}:
        try:
            moment = datetime.fromisoformat(state)
        except ValueError:
            return state
        if entity.device_class == "date":
            return _said_date(moment.date())
        return _said_moment(moment, picture)
    return state


# --- temperature and weather ------------------------------------------------------------------------


def _of_temperature(intent: Intent, utterance: Utterance, picture: HomePicture) -> Answer:
    """The temperature of a place or a thing: a thermostat's before a thermometer's; or what it is set to."""
    read = _set_temperature if intent.asks == "setpoint" else _temperature
    readable = [entity for entity in picture.registry.exposed_entities() if read(entity, picture) is not None]
    if not readable:
        return Missing(Phrase("missing.temperature"))
    thermostats = {entity.id for entity in readable if entity.domain == "climate"}
    found = targets_of(
        intent,
        utterance,
        picture.registry,
        domains=frozenset({"climate", "sensor", "water_heater"}),
        single=True,
        prefers=lambda entity: entity.id in thermostats,
        among=frozenset(entity.id for entity in readable),
    )
    if not isinstance(found, Found):
        return found
    if len(found.entities) > 1:
        return Ambiguous(found.entities)
    entity = found.entities[0]
    values = {"value": read(entity, picture)}
    area = picture.registry.areas.get(entity.area_id or "")
    if texts(intent.slots.get("name")) or area is None:
        return Phrase("answer.temperature-of", {**values, "name": entity.name})
    return Phrase("answer.temperature-in", {**values, "place": area.name})


def _temperature(entity: Entity, picture: HomePicture) -> Decimal | None:
    state = picture.state_of(entity.id)
    if state is None:
        return None
    if entity.domain in {"climate", "water_heater"}:
        return measured_number(state.attributes.get("current_temperature"))
    if entity.domain == "sensor" and entity.device_class == "temperature":
        return measured_number(state.state)
    return None


def _set_temperature(entity: Entity, picture: HomePicture) -> Decimal | None:
    state = picture.state_of(entity.id)
    if state is None or entity.domain not in {"climate", "water_heater"}:
        return None
    return measured_number(state.attributes.get("temperature"))


def _of_weather(intent: Intent, utterance: Utterance, picture: HomePicture) -> Answer:
    found = targets_of(intent, utterance, picture.registry, domains=frozenset({"weather"}))
    if isinstance(found, Ambiguous) and not texts(intent.slots.get("name")):
        # Nobody asks for the weather of one provider: any of them knows.
        found = Found(found.candidates)
    if not isinstance(found, Found):
        return found
    entity = found.entities[0]
    state = picture.state_of(entity.id)
    if state is None or state.state in _UNKNOWN:
        return Phrase("answer.unknown", {"name": entity.name})
    return _WEATHER_ASPECTS.get(intent.asks or "", _weather_now)(entity, state)


def _weather_now(_entity: Entity, state: EntityState) -> Phrase:
    condition = Phrase(f"weather.{state.state}") if state.state in CONDITIONS else state.state.casefold()
    temperature = measured_number(state.attributes.get("temperature"))
    if temperature is None:
        return Phrase("answer.weather-condition", {"condition": condition})
    return Phrase("answer.weather", {"condition": condition, "value": temperature})


def _weather_in_detail(entity: Entity, state: EntityState) -> Phrase:
    humidity = measured_number(state.attributes.get("humidity"))
    wind = measured_number(state.attributes.get("wind_speed"))
    now = _weather_now(entity, state)
    if humidity is None or wind is None or "value" not in now.values:
        return now
    return Phrase(
        "answer.weather-in-detail",
        {**now.values, "humidity": humidity, "wind": wind, "unit": _wind_unit(state)},
    )


def _wind(entity: Entity, state: EntityState) -> Phrase:
    speed = measured_number(state.attributes.get("wind_speed"))
    bearing = measured_number(state.attributes.get("wind_bearing"))
    if speed is None:
        return Phrase("answer.unknown", {"name": entity.name})
    values = {"value": speed, "unit": _wind_unit(state)}
    if bearing is None:
        return Phrase("answer.wind", values)
    point = _COMPASS[round(float(bearing) % 360 / 45) % 8]
    return Phrase("answer.wind-from", {**values, "direction": Phrase(f"direction.{point}")})


def _uv(entity: Entity, state: EntityState) -> Phrase:
    index = measured_number(state.attributes.get("uv_index"))
    return (
        Phrase("answer.uv", {"value": index})
        if index is not None
        else Phrase("answer.unknown", {"name": entity.name})
    )


def _wind_unit(state: EntityState) -> str:
    unit = state.attributes.get("wind_speed_unit")
    return unit if isinstance(unit, str) else "km/h"


_WEATHER_ASPECTS: Final[Mapping[str, Callable[[Entity, EntityState], Phrase]]] = {
    "detailed_weather": _weather_in_detail,
    "wind": _wind,
    "uv": _uv,
}


# --- time, date, small talk -------------------------------------------------------------------------


def _of_time(_intent: Intent, utterance: Utterance, picture: HomePicture) -> Phrase:
    return Phrase("answer.time", {"time": _clock(datetime.fromtimestamp(utterance.now, _zone(picture)))})


def _of_date(_intent: Intent, utterance: Utterance, picture: HomePicture) -> Phrase:
    today = datetime.fromtimestamp(utterance.now, _zone(picture)).date()
    return Phrase("answer.date", _said_date(today).values)


def _response(intent: Intent, _utterance: Utterance, _picture: HomePicture) -> Phrase:
    return Phrase(f"respond.{intent.asks if intent.asks in RESPONSES else 'hello'}")


def _zone(picture: HomePicture) -> ZoneInfo | Any:
    try:
        return ZoneInfo(picture.registry.time_zone)
    except (KeyError, ValueError, OSError):
        return UTC


def _said_date(day: date) -> Phrase:
    return Phrase(
        "date.long",
        {
            "year": str(day.year),
            "month": Phrase(f"month.{day.month}"),
            "day": day.day,
            "weekday": Phrase(f"weekday.{day.isoweekday()}"),
        },
    )


def _said_moment(moment: datetime, picture: HomePicture) -> Phrase:
    local = moment.astimezone(_zone(picture)) if moment.tzinfo else moment
    return Phrase("date.moment", {**_said_date(local.date()).values, "time": _clock(local)})


def _clock(moment: datetime) -> str:
    return f"{moment.hour}:{moment.minute:02}"


def measured_number(value: Any) -> Decimal | None:
    """A measured value as a number of at most two decimals; None for what is no finite number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number) >= Decimal(10) ** 15:
        return None
    return number if number.as_tuple().exponent >= -2 else round(number, 2)  # type: ignore[operator]


ANSWERERS: Final[Mapping[str, Answerer]] = {
    STATE: _of_state,
    TEMPERATURE: _of_temperature,
    WEATHER: _of_weather,
    TIME: _of_time,
    DATE: _of_date,
    RESPOND: _response,
}
"""What answers a question, by the intent's name."""
