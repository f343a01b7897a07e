"""The log of commands other than `serve`: warnings and worse, on stderr, for people."""

from __future__ import annotations

from wyoming_central.logs import configure_logs


def quiet_logs() -> None:
    """Keep stdout for results, and say on stderr only what is grave."""
    configure_logs(level="warning", log_format="console")
