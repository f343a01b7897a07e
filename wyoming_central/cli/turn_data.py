"""What a turn leaves as plain data, read without trusting its shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def objects(data: Mapping[str, Any] | None, key: str) -> list[dict[str, Any]]:
    """Give the objects in the list under `key`; what is no list or no object is left out."""
    members = (data or {}).get(key)
    return [one for one in members if isinstance(one, dict)] if isinstance(members, list) else []


def stage_lines(stages: Any) -> list[str]:
    """Give a line for every stage that was tried, as `StageReport.as_json` has it, and one for a proposal."""
    lines = []
    for stage in stages or ():
        if not isinstance(stage, dict):
            continue
        reason = f" ({stage['reason']})" if stage.get("reason") else ""
        lines.append(f"{stage.get('stage')}: {stage.get('verdict')}, {stage.get('ms')} ms{reason}")
        detail = stage.get("detail")
        if isinstance(detail, dict) and (told := _told(detail)):
            lines.append(told)
    return lines


def _told(detail: Mapping[str, Any]) -> str:
    """What a model proposed, and how much it had to read and write for it."""
    parts = [*_proposed(detail.get("proposal"))]
    if isinstance(characters := detail.get("prompt_characters"), int):
        parts.append(f"prompt of {characters} characters")
    if isinstance(read := detail.get("prompt_tokens"), int):
        parts.append(f"{read} tokens read")
    if isinstance(written := detail.get("answer_tokens"), int):
        parts.append(f"{written} written")
    return f"  {', '.join(parts)}" if parts else ""


def _proposed(proposal: Any) -> Iterator[str]:
    if not isinstance(proposal, dict):
        return
    actions, targets = proposal.get("action"), proposal.get("target")
    for action in actions if isinstance(actions, list) else [actions]:
        if isinstance(action, dict):
            value = action.get("value")
            yield f"proposed {action.get('name')}" + ("" if value is None else f" {value}")
    if isinstance(targets, list) and targets:
        yield f"on {', '.join(map(str, targets))}"
    if proposal.get("response"):
        yield f"said “{proposal['response']}”"
