"""The image that instances run, and what is to be known of it; with another one, only this differs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

from provisioning.fingerprint import fingerprint_of

OFFICIAL_IMAGE: Final = "homeassistant/home-assistant:2025.4"

# What the official image's init (s6) and Home Assistant in it need: it starts as root, gives files away, and
# listens for DHCP and pings what it looks for.
OFFICIAL_CAPABILITIES: Final = (
    "CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "NET_RAW", "SETGID", "SETUID",
)  # fmt: skip


ASK_HOME_ASSISTANT: Final = (
    "python3",
    "-c",
    "from urllib.request import urlopen; urlopen('http://127.0.0.1:8123/manifest.json', timeout=20)",
)
"""Ends with status 0 where Home Assistant answers. The official image has `python3`, and no health check."""


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
        health_command: What the engine runs inside to see whether it is well; None for the image's own.
    """

    reference: str = OFFICIAL_IMAGE
    command: tuple[str, ...] | None = None
    user: str | None = None
    config_mount: str = "/config"
    port: int = 8123
    capabilities: tuple[str, ...] = OFFICIAL_CAPABILITIES
    health_command: tuple[str, ...] | None = None

    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that differ when a container must be made anew to run this.

        What is behind a name that stays the same may change (a tag is moved, a digest is not): that reaches
        an instance when it is made anew for another reason, such as a restart that a person asks for.
        """
        return fingerprint_of(asdict(self))
