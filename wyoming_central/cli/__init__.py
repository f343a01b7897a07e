"""The command line: what people type, and what it prints.

One module a command, loaded only when it is asked for: `--help` and `interpret` must not wait for a database.
"""

from __future__ import annotations

from wyoming_central.cli.app import main

__all__ = ["main"]
