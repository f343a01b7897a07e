"""A home in this process that does at once what it is told, in place of a connection to a Home Assistant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from provisioning.home.live import HomeStatus, LiveHome
from provisioning.home.registry import Area, Entity, EntityState, HomePicture, Registry
from provisioning.homes import Absence

_AREAS: Final = {
    "living": Area("living", "Nappali"),
    "kitchen": Area("kitchen", "Konyha"),
    "bedroom": Area("bedroom", "Hálószoba"),
    "office": Area("office", "Office"),
    "garage": Area("garage", "Garage"),
}

# As many things as a furnished flat has, half of them named in each language.
_THINGS: Final[tuple[tuple[str, str, str, str], ...]] = (
    ("light.living", "Nappali lámpa", "living", "off"),
    ("light.floor", "Állólámpa", "living", "off"),
    ("light.kitchen", "Konyhai lámpa", "kitchen", "off"),
    ("light.reading", "Olvasólámpa", "bedroom", "off"),
    ("light.desk", "Desk Lamp", "office", "on"),
    ("light.office", "Ceiling Light", "office", "off"),
    ("light.garage", "Garage Light", "garage", "off"),
    ("switch.coffee", "Kávéfőző", "kitchen", "off"),
    ("switch.heater", "Fan Heater", "office", "off"),
    ("switch.radio", "Rádió", "bedroom", "off"),
    ("fan.office", "Office Fan", "office", "off"),
    ("cover.living", "Nappali redőny", "living", "open"),
    ("cover.garage", "Garage Door", "garage", "closed"),
    ("climate.living", "Nappali termosztát", "living", "heat"),
    ("climate.office", "Office Thermostat", "office", "heat"),
    ("sensor.living", "Nappali hőmérséklet", "living", "21.5"),
    ("sensor.office", "Office Temperature", "office", "20.5"),
    ("lock.front", "Bejárati ajtó", "living", "locked"),
    ("lock.back", "Back Door", "garage", "locked"),
    ("media_player.living", "Tévé", "living", "off"),
)

_ATTRIBUTES: Final[Mapping[str, Mapping[str, Any]]] = {
    "climate": {"temperature": 21.0, "current_temperature": 20.5},
    "light": {"supported_color_modes": ["rgb"], "brightness": 128},
    "sensor": {"device_class": "temperature", "unit_of_measurement": "°C"},
    "cover": {"supported_features": 15, "current_position": 0},
}
_CLASSES: Final = {
    "cover.garage": "garage",
    "cover.living": "shutter",
    "sensor.living": "temperature",
    "sensor.office": "temperature",
}
_STATE_AFTER: Final = {
    "turn_on": "on",
    "turn_off": "off",
    "open_cover": "open",
    "close_cover": "closed",
    "lock": "locked",
    "unlock": "unlocked",
}


class StandInHome:
    """A home that is always there, answers every call at once and is then as it was told to be.

    Attributes:
        calls: How many service calls came.
    """

    status = HomeStatus.LIVE

    def __init__(self, owner: str) -> None:
        self.calls = 0
        self._states = {
            entity_id: EntityState(state, {"friendly_name": name, **_ATTRIBUTES.get(_domain(entity_id), {})})
            for entity_id, name, _, state in _THINGS
        }
        entities = {
            entity_id: Entity(entity_id, name, area_id=area, device_class=_CLASSES.get(entity_id))
            for entity_id, name, area, _ in _THINGS
        }
        registry = Registry(
            f"revision-of-{owner}",
            areas=_AREAS,
            entities=entities,
            time_zone="Europe/Budapest",
            home=owner,
        )
        self.picture = HomePicture(registry, self._states)

    async def call_service(
        self,
        domain: str,
        service: str,
        entity_ids: Sequence[str],
        data: Mapping[str, Any] | None = None,
        *,
        within: float,
    ) -> None:
        self.calls += 1
        after = _STATE_AFTER.get(service)
        if after is None:
            return
        for entity_id in entity_ids:
            self._states[entity_id] = EntityState(after, self._states[entity_id].attributes)

    async def wait_until(
        self, entity_id: str, accept: Callable[[EntityState], bool], *, within: float
    ) -> bool:
        return True

    async def wait_ready(self, within: float) -> None:
        return


class Homes:
    """Where turns find the homes of the users; one is made for whoever comes first."""

    def __init__(self) -> None:
        self._homes: dict[str, StandInHome | LiveHome] = {}

    def home_of(self, user_id: str) -> Any:
        home = self._homes.get(user_id)
        return home if home is not None else Absence(HomeStatus.MISSING)

    def put(self, user_id: str, home: StandInHome | LiveHome) -> None:
        self._homes[user_id] = home


def _domain(entity_id: str) -> str:
    return entity_id.partition(".")[0]


# Twenty different sentences that this home understands; every one is answered with `handled`.
SENTENCES: Final[tuple[tuple[str, str], ...]] = (
    ("en", "Turn on the desk lamp"),
    ("hu", "Kapcsold be a nappali lámpát"),
    ("en", "Turn off the desk lamp"),
    ("hu", "Kapcsold le a nappali lámpát"),
    ("en", "Set the desk lamp brightness to 40 percent"),
    ("hu", "Állítsd az állólámpa fényerejét 30 százalékra"),
    ("en", "Turn on the lights in the office"),
    ("hu", "Kapcsold le a lámpákat a konyhában"),
    ("en", "Open the garage door"),
    ("hu", "Csukd be a nappali redőnyt"),
    ("en", "Which lights are on?"),
    ("hu", "Kapcsold be a kávéfőzőt"),
    ("en", "Is the fan heater on?"),
    ("hu", "Hány fok van a nappaliban?"),
    ("en", "Set the office temperature to 21 degrees"),
    ("hu", "Állítsd a nappali hőmérsékletét 22 fokra"),
    ("en", "Lock the back door"),
    ("hu", "Zárd be a bejárati ajtót"),
    ("en", "Turn on the office fan"),
    ("hu", "Kapcsold ki a rádiót"),
)
