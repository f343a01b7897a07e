"""An audit row in the form that the database takes: bounded, free of what it refuses, and bare if need be."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import orjson
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.records import AuditRow, new_id
from storage.schema import audit_log

# Column → value, in the order of `COLUMNS`; JSON is already text.
AuditValues: TypeAlias = dict[str, Any]

COLUMNS = (
    "request_id",
    "timestamp",
    "user_id",
    "device_id",
    "input_text",
    "intent",
    "ha_response",
    "status",
    "latency_ms",
    "llm_tokens",
    "error_message",
    "stages",
    "language",
)
JSON_COLUMNS = ("intent", "ha_response", "stages")

# The status of the row that stands where rows were dropped.
GAP = "audit-gap"

# Columns that can hold what somebody said.
_WORDS = ("input_text", "intent", "ha_response", "error_message", "stages")

# Characters of `input_text` and `error_message` unless set otherwise: more than anybody says in a breath.
TEXT_LENGTH = 2000
# Bytes of each of `intent`, `ha_response` and `stages` as JSON.
JSON_BYTES = 16 * 1024
# The widths of the table's columns.
_ID_LENGTH = 32
_REQUEST_ID_LENGTH = 64
_STATUS_LENGTH = 32
_LANGUAGE_LENGTH = 8
_MAX_INTEGER = 2**31 - 1


def fit(row: AuditRow, *, now: datetime, text_length: int = TEXT_LENGTH) -> AuditValues:
    """Cut and clean a row so that the database takes it. What the row refers to may change afterwards.

    Args:
        row: Its texts may hold anything that a peer or a model made up.
        now: Stands in for a time that has no zone.
        text_length: Characters of `input_text` and of `error_message`; what is longer ends in an ellipsis.
    """
    return {
        "request_id": _text(row.request_id, _REQUEST_ID_LENGTH),
        "timestamp": row.timestamp if row.timestamp.tzinfo is not None else now,
        "user_id": _text(row.user_id, _ID_LENGTH),
        "device_id": _text(row.device_id, _ID_LENGTH),
        "input_text": _text(row.input_text, text_length),
        "intent": _json(row.intent),
        "ha_response": _json(row.ha_response),
        "status": _text(row.status, _STATUS_LENGTH),
        "latency_ms": float(row.latency_ms) if math.isfinite(row.latency_ms) else 0.0,
        "llm_tokens": None if row.llm_tokens is None else max(0, min(int(row.llm_tokens), _MAX_INTEGER)),
        "error_message": _text(row.error_message, text_length),
        "stages": _json(row.stages),
        "language": _text(row.language, _LANGUAGE_LENGTH),
    }


def bare(values: AuditValues) -> AuditValues:
    """The row without anything that somebody said: who, when, how it ended, how long it took."""
    return values | dict.fromkeys(_WORDS)


def gap(dropped: int, first: datetime, last: datetime) -> AuditValues:
    """The row that stands for `dropped` rows, which came between `first` and `last` and are not stored."""
    return fit(
        AuditRow(
            request_id=new_id(),
            timestamp=last,
            user_id=None,
            device_id=None,
            input_text=None,
            intent=None,
            ha_response=None,
            status=GAP,
            latency_ms=0.0,
            error_message=f"{dropped} audit rows from {first.isoformat()} to {last.isoformat()} were dropped",
        ),
        now=last,
    )


async def erase_what_was_said(session: AsyncSession, user_id: str) -> None:
    """In this transaction, leave only the bare rows of this user."""
    await session.execute(
        update(audit_log).where(audit_log.c.user_id == user_id).values(**dict.fromkeys(_WORDS))
    )


def _text(text: str | None, length: int) -> str | None:
    if text is None:
        return None
    if len(text) <= length and text.isascii() and "\0" not in text:
        return text
    # Neither database takes half a surrogate pair; PostgreSQL takes no NUL.
    clean = text[: length + 1].encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
    return clean if len(clean) <= length else clean[: length - 1] + "…"


def _json(data: Mapping[str, Any] | Sequence[Any] | None) -> str | None:
    if data is None:
        return None
    try:
        encoded = orjson.dumps(data, default=str, option=orjson.OPT_NON_STR_KEYS)
    except (TypeError, RecursionError):
        encoded = b'{"left_out":"no JSON"}'
    if len(encoded) > JSON_BYTES:
        encoded = b'{"left_out":"%d bytes"}' % len(encoded)
    return encoded.decode()
