"""What a turn left in the audit, in lines for people."""

from __future__ import annotations

from typing import Any

import pytest

from wyoming_central.cli.turn_data import stage_lines


def test_a_stage_has_a_line_with_its_word_its_time_and_its_reason() -> None:
    stages = [
        {"stage": "frames", "verdict": "pass-on", "ms": 0.4, "reason": "left over: tea"},
        {"stage": "templates", "verdict": "pass-on", "ms": 7.1, "reason": None},
    ]
    assert stage_lines(stages) == ["frames: pass-on, 0.4 ms (left over: tea)", "templates: pass-on, 7.1 ms"]


def test_what_a_model_proposed_has_a_line_below_it() -> None:
    proposal = {
        "intent": "commands",
        "target": ["light.bedside"],
        "action": {"name": "set_brightness", "value": 40},
        "confidence": 0.9,
        "response": "Sleep well.",
    }
    detail = {"prompt_characters": 3400, "prompt_tokens": 12, "answer_tokens": 40, "proposal": proposal}
    stages = [{"stage": "llm", "verdict": "ask", "ms": 812.5, "reason": "so it is", "detail": detail}]
    first, second = stage_lines(stages)
    assert first == "llm: ask, 812.5 ms (so it is)"
    assert second.strip().split(", ") == [
        "proposed set_brightness 40",
        "on light.bedside",
        "said “Sleep well.”",
        "prompt of 3400 characters",
        "12 tokens read",
        "40 written",
    ]


@pytest.mark.parametrize(
    "detail", [None, {}, [], "x", {"proposal": []}, {"proposal": {"action": [1, None]}, "prompt_tokens": "7"}]
)
def test_what_another_server_wrote_otherwise_is_left_out(detail: Any) -> None:
    stages = [{"stage": "llm", "verdict": "ask", "ms": 1, "reason": None, "detail": detail}, "x", None]
    assert stage_lines(stages) == ["llm: ask, 1 ms"]
