"""What of a request for a chat the real server would refuse."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from tests.ollama.random_answer import check_schema

_OPTIONS: Final = {
    "num_ctx": int, "num_batch": int, "num_gpu": int, "main_gpu": int, "num_thread": int, "use_mmap": bool,
    "num_keep": int, "num_predict": int, "seed": int, "repeat_last_n": int, "top_k": int,
    "top_p": (int, float),
    "min_p": (int, float), "typical_p": (int, float), "temperature": (int, float), "stop": list,
    "repeat_penalty": (int, float), "presence_penalty": (int, float), "frequency_penalty": (int, float),
}  # fmt: skip
_DURATION: Final = re.compile(
    r"[-+]?(0|(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))*"
)
_ROLES: Final = frozenset({"system", "user", "assistant", "tool"})


def wrong_with(body: Mapping[str, Any]) -> str | None:
    """What of a request the real one would refuse."""
    messages, options = body.get("messages"), body.get("options", {})
    if not isinstance(body.get("model"), str) or not body["model"]:
        return "model is required"
    if not isinstance(body.get("stream", True), bool):
        return "invalid stream"
    if not isinstance(messages, list) or not all(
        isinstance(one, dict) and one.get("role") in _ROLES and isinstance(one.get("content"), str)
        for one in messages
    ):
        return "invalid messages"
    if not isinstance(options, dict) or any(
        name not in _OPTIONS or not _fits(value, _OPTIONS[name]) for name, value in options.items()
    ):
        return "invalid option"
    return _wrong_keep_alive(body.get("keep_alive", 0)) or _wrong_format(body.get("format"))


def _wrong_keep_alive(wanted: Any) -> str | None:
    if isinstance(wanted, str):
        return None if _DURATION.fullmatch(wanted) else f'time: invalid duration "{wanted}"'
    return None if _fits(wanted, (int, float)) else "invalid keep_alive"


def _fits(value: Any, kind: Any) -> bool:
    """Whether an option is of a kind; true is no number, and a list is one of texts."""
    if isinstance(value, list):
        return kind is list and all(isinstance(one, str) for one in value)
    return isinstance(value, kind) and isinstance(value, bool) == (kind is bool)


def _wrong_format(wanted: Any) -> str | None:
    if wanted is None or wanted in ("", "json"):
        return None
    try:
        check_schema(wanted)
    except ValueError as error:
        return f"invalid format: {error}"
    return None
