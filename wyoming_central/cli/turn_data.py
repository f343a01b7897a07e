"""What a turn leaves as plain data, read without trusting its shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def objects(data: Mapping[str, Any] | None, key: str) -> list[dict[str, Any]]:
    """Give the objects in the list under `key`; what is no list or no object is left out."""
    members = (data or {}).get(key)
    return [one for one in members if isinstance(one, dict)] if isinstance(members, list) else []


def stage_lines(stages: Any) -> list[str]:
    """Give a line for every stage that was tried, as `StageReport.as_json` has them."""
    return [
        f"{stage.get('stage')}: {stage.get('verdict')}, {stage.get('ms')} ms"
        + (f" ({stage['reason']})" if stage.get("reason") else "")
        for stage in stages or ()
        if isinstance(stage, dict)
    ]
