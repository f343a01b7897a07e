"""The image that instances run, and what is to be known of it; with another one, only this differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

OFFICIAL_IMAGE: Final = "homeassistant/home-assistant:2025.4"

# What the official image's init (s6) and Home Assistant in it need: it starts as root, gives files away, and
# listens for DHCP and pings what it looks for.
OFFICIAL_CAPABILITIES: Final = (
    "CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "NET_RAW", "SETGID", "SETUID",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Image:
    """An image with Home Assistant in it.

    Attributes:
        reference: Its name with version or digest.
        command: What is run instead of the image's own command; None for that.
        user: As which user (`1000:1000`), or None for the image's own.
        config_mount: Where it has its configuration.
        port: Where it listens, inside.
        capabilities: What it may do beyond an ordinary process; all others are dropped.
        health_command: What is run inside to see whether it answers, as the words of a command; None for the
            image's own.
        environment: Variables that are set inside.
    """

    reference: str = OFFICIAL_IMAGE
    command: tuple[str, ...] | None = None
    user: str | None = None
    config_mount: str = "/config"
    port: int = 8123
    capabilities: tuple[str, ...] = OFFICIAL_CAPABILITIES
    health_command: tuple[str, ...] | None = None
    environment: Mapping[str, str] | None = None
