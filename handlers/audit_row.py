"""What the audit keeps of a turn."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from handlers.session import intent_to_json
from handlers.turn_result import TurnResult
from storage.records import AuditRow


def audit_row(result: TurnResult, timestamp: datetime) -> AuditRow:
    """The row of a turn, as of `timestamp`; bare JSON data, no secret in it."""
    understanding = result.understanding
    return AuditRow(
        request_id=result.request_id,
        timestamp=timestamp,
        user_id=result.identity.user_id,
        device_id=result.identity.device_id,
        input_text=result.text,
        intent=_intent_json(result),
        ha_response=_response_json(result),
        status=result.status.value,
        latency_ms=result.latency_ms,
        llm_tokens=result.llm_tokens,
        error_message=result.error,
        stages=None if understanding is None else [one.as_json() for one in understanding.stages],
        language=result.language,
    )


def _intent_json(result: TurnResult) -> dict[str, Any] | None:
    understanding, prepared = result.understanding, result.prepared
    if understanding is None:
        return None
    return {
        "verdict": understanding.verdict.value,
        "parser": understanding.parser,
        "intents": prepared.intents_json
        if prepared is not None
        else [intent_to_json(intent) for intent in understanding.intents],
    }


def _response_json(result: TurnResult) -> dict[str, Any]:
    return {
        "speech": result.speech,
        "calls": result.prepared.calls_json if result.prepared is not None else (),
        "done": len(result.done),
        "steps_ms": result.steps_ms,
    }
