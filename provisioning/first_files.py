"""What a new Home Assistant is seeded with; it belongs to the owner of the home from the first start on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

import orjson

from config.data_file import read_text
from provisioning.driver import InstanceSpec

_SPOKEN_NAME: Final = {"hu": "Otthon", "en": "Home"}
_US_CUSTOMARY: Final = frozenset({"US", "LR", "MM"})
_EDITED_IN_THE_UI: Final = {
    "automations.yaml": "[]\n",
    "scenes.yaml": "[]\n",
    "scripts.yaml": "{}\n",
    "groups.yaml": "{}\n",
    "secrets.yaml": "# Write `name: value` here, and `!secret name` in configuration.yaml.\n",
}

# Of Home Assistant's own storage, the oldest version that holds what is seeded: newer releases migrate it.
_CORE_CONFIG_VERSION: Final = (1, 3)
_ONBOARDING_VERSION: Final = (4, 1)


def first_files(spec: InstanceSpec) -> Mapping[str, bytes]:
    """The files of a new config folder by their paths in it, in the order in which they are to be written."""
    # Leaves the users step alone: `core_config` would start integrations that reach for the internet.
    done = {"done": ["core_config", "analytics", "integration"]}
    return {
        ".storage/onboarding": stored("onboarding", _ONBOARDING_VERSION, done),
        ".storage/core.config": stored("core.config", _CORE_CONFIG_VERSION, _core_config(spec)),
        **{name: content.encode() for name, content in _EDITED_IN_THE_UI.items()},
        "configuration.yaml": _configuration(spec).encode(),
    }


def stored(key: str, version: tuple[int, int], data: Mapping[str, Any]) -> bytes:
    """A file of Home Assistant's `.storage`."""
    major, minor = version
    return orjson.dumps(
        {"version": major, "minor_version": minor, "key": key, "data": data}, option=orjson.OPT_INDENT_2
    )


def _core_config(spec: InstanceSpec) -> dict[str, Any]:
    latitude, longitude, country_of_zone = _place(spec.time_zone)
    country = spec.country or country_of_zone
    return {
        "latitude": latitude,
        "longitude": longitude,
        "elevation": 0,
        "unit_system_v2": "us_customary" if country in _US_CUSTOMARY else "metric",
        "location_name": _SPOKEN_NAME.get(spec.language, _SPOKEN_NAME["en"]),
        "time_zone": spec.time_zone,
        "external_url": None,
        "internal_url": None,
        "currency": "HUF" if country == "HU" else "USD" if country == "US" else "EUR",
        "country": country,
        "language": spec.language,
    }


def _place(time_zone: str) -> tuple[float, float, str | None]:
    """About where a time zone is, from the table of the time zone database: good enough for sunset."""
    table = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    for line in table.splitlines():
        fields = line.split("\t")
        if not line.startswith("#") and len(fields) >= 3 and fields[2] == time_zone:
            match = re.fullmatch(r"([+-]\d+)([+-]\d+)", fields[1])
            if match:
                return _degrees(match[1], 2), _degrees(match[2], 3), fields[0]
    return 0.0, 0.0, None


def _degrees(text: str, digits: int) -> float:
    """Read `+4730` or `-0740023`: `digits` of degrees, two of minutes, perhaps two of seconds (ISO 6709)."""
    sign = -1 if text[0] == "-" else 1
    degrees, minutes, seconds = text[1 : digits + 1], text[digits + 1 : digits + 3], text[digits + 3 :] or "0"
    return round(sign * (int(degrees) + int(minutes) / 60 + int(seconds) / 3600), 4)


def _configuration(spec: InstanceSpec) -> str:
    if spec.config_yaml is not None:
        return spec.config_yaml
    return read_text("home_assistant/configuration.yaml")
