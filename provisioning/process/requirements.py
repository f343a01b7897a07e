"""What Home Assistant would install while it runs, to be installed before.

Integrations name their requirements in a `manifest.json` and Home Assistant installs them when it first needs
them, into the installation that all instances share. Instead everything is installed once, and instances
run with `--skip-pip`: they start sooner, need no network for it, and cannot change each other's code.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import orjson

# What Home Assistant always sets up (its `DEFAULT_INTEGRATIONS` and `CORE_INTEGRATIONS`), what
# `config/home_assistant/configuration.yaml` names, and the platforms behind those.
NEEDED: Final = frozenset({
    "analytics", "application_credentials", "assist_pipeline", "auth", "automation", "backup",
    "config", "conversation", "counter", "demo", "frontend", "generic_thermostat", "group",
    "hardware", "homeassistant", "http", "input_boolean", "input_button", "input_datetime",
    "input_number", "input_select", "input_text", "intent", "logger", "network", "onboarding",
    "persistent_notification", "person", "scene", "schedule", "script", "shopping_list", "sun",
    "system_health", "system_log", "tag", "template", "timer", "todo", "weather", "websocket_api",
    "wyoming", "zone",
})  # fmt: skip
"""An instance needs these; an installation without their requirements is not one."""

OFFERED: Final = frozenset({
    "energy", "generic_hygrostat", "history", "local_calendar", "local_todo", "logbook",
    "media_source", "met", "mobile_app", "mqtt", "recorder", "rest", "webhook", "zeroconf",
})  # fmt: skip
"""An owner may add these; a requirement of theirs that cannot be installed here is left out."""

# Home Assistant 2024.3 pins neither, and answers every request with 500 beside the newer ones.
_FOR_RELEASES_BEFORE_2025: Final = ("josepy<2", "setuptools<80")


def requirements_of(components: Path, integrations: Iterable[str]) -> list[str]:
    """What these integrations and those they depend on require, sorted.

    Args:
        components: The folder `homeassistant/components` of an installation.
        integrations: Their names; one that this release does not have requires nothing.
    """
    requirements: set[str] = set()
    seen: set[str] = set()
    waiting = list(integrations)
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        manifest = _manifest(components / name / "manifest.json")
        requirements.update(manifest.get("requirements", ()))
        waiting.extend(manifest.get("dependencies", ()))
    return sorted(requirements)


def pins_for(version: str) -> tuple[str, ...]:
    """What this release of Home Assistant needs pinned beside its own constraints."""
    return _FOR_RELEASES_BEFORE_2025 if version < "2025" else ()


def _manifest(path: Path) -> dict[str, Any]:
    try:
        manifest = orjson.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return manifest if isinstance(manifest, dict) else {}
