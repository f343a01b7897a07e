"""The project's own sets of sentences."""

from __future__ import annotations

from pathlib import Path

SETS = Path(__file__).with_name("sets")
