from __future__ import annotations

from pathlib import Path

import pytest

from handlers.interpret import Interpreter
from handlers.llm.errors import Failure, ModelError
from tests.handlers.llm.scripted_model import ScriptedModel
from tests.wyoming_central.evaluation.small_data import (
    EVENING,
    GLARE,
    write_both,
    write_effects,
    write_intents,
)
from wyoming_central.evaluation.data import data_sets
from wyoming_central.evaluation.judge import judged_all
from wyoming_central.evaluation.verdict import Verdict


async def verdicts(folder: Path, interpreter: Interpreter) -> dict[str, Verdict]:
    sets = data_sets([folder])
    return {
        one.said.text: one.verdict for each in sets for one in await judged_all(each.sentences, interpreter)
    }


async def verdict_of(folder: Path, block: str, interpreter: Interpreter) -> Verdict:
    """Of the one sentence of one block."""
    [verdict] = (await verdicts(write_effects(folder / "en", tests=block), interpreter)).values()
    return verdict


async def test_rules_are_right_about_all_but_what_only_hints(
    tmp_path: Path, interpreter: Interpreter
) -> None:
    found = await verdicts(write_both(tmp_path), interpreter)
    assert [text for text, verdict in found.items() if verdict is not Verdict.RIGHT] == [GLARE]
    assert found[GLARE] is Verdict.MISSED


async def test_a_question_whether_to_do_just_what_is_expected_is_neither_right_nor_wrong(
    tmp_path: Path, asking: Interpreter
) -> None:
    found = await verdicts(write_both(tmp_path), asking)
    assert found[GLARE] is Verdict.ASKED
    assert found[EVENING] is Verdict.RIGHT


async def test_a_question_whether_to_do_something_else_is_a_miss(tmp_path: Path, asking: Interpreter) -> None:
    expected = '- {sentences: ["the sun glares on my screen in here"], changes: {light.hall: {state: "on"}}}'
    assert await verdict_of(tmp_path, expected, asking) is Verdict.MISSED


async def test_a_question_where_one_is_expected_is_right(tmp_path: Path, asking: Interpreter) -> None:
    expected = '- {sentences: ["the sun glares on my screen in here"], outcome: ask}'
    assert await verdict_of(tmp_path, expected, asking) is Verdict.RIGHT


async def test_a_question_to_the_point_is_told_from_others_by_its_intent_too(
    tmp_path: Path, model: ScriptedModel, asking: Interpreter
) -> None:
    model.answering = {
        "outcome": "commands",
        "commands": [{"action": "turn_on", "targets": ["light.kitchen"]}],
        "response": "Jó.",
        "confidence": 0.9,
    }
    said = (
        'tests: [{intent: {name: %s, slots: {name: "konyhai lámpa"}}, sentences: [de fura szag van ma itt]}]'
    )
    dark = await verdicts(write_intents(tmp_path / "hu-1", tests=said % "HassTurnOn"), asking)
    assert list(dark.values()) == [Verdict.ASKED]
    other = await verdicts(write_intents(tmp_path / "hu-2", tests=said % "HassTurnOff"), asking)
    assert list(other.values()) == [Verdict.MISSED]


@pytest.mark.parametrize(
    ("block", "verdict"),
    [
        ('- {sentences: [turn on the hall lamp], changes: {light.hall: {state: "on|dimmed"}}}', "right"),
        ('- {sentences: [turn on the hall lamp], changes: {light.hall: {state: ["on", dim]}}}', "right"),
        ("- {sentences: [turn on the hall lamp], changes: [{light.study: {}}, {light.hall: {}}]}", "right"),
        ('- {sentences: [turn on the hall lamp], changes: {light.study: {state: "on"}}}', "wrong"),
        ('- {sentences: [turn on the hall lamp], changes: {light.hall: {state: "off"}}}', "wrong"),
        ("- {sentences: [turn on the hall lamp]}", "wrong"),
        ("- {sentences: [turn on the hall lamp], outcome: none}", "wrong"),
        ("- {sentences: [turn on the hall lamp], outcome: ask}", "wrong"),
        ('- {sentences: [is the blind open?], outcome: answer, says: "maybe|YES"}', "right"),
        ('- {sentences: [is the blind open?], outcome: answer, says: "shut"}', "missed"),
        ("- {sentences: [is the blind open?], outcome: none}", "missed"),
        ('- {sentences: [abracadabra], changes: {light.hall: {state: "on"}}}', "missed"),
        ("- {sentences: [close blind], changes: {cover.study: {attributes: {tilt: 9}}}}", "wrong"),
        ("- {sentences: [close blind], changes: {cover.study: {state: closed}}}", "right"),
        ("- {sentences: [open the blind halfway], changes: {cover.study: {state: closed}}}", "wrong"),
    ],
)  # fmt: skip
async def test_what_changes_is_held_against_what_must(
    tmp_path: Path, interpreter: Interpreter, block: str, verdict: str
) -> None:
    assert await verdict_of(tmp_path, block, interpreter) == verdict


@pytest.mark.parametrize(
    ("intent", "verdict"),
    [
        ("{name: HassTurnOn, slots: {name: [konyhai lámpa, nappali lámpa]}}", "right"),
        ("{name: HassTurnOn, slots: {area: konyha, domain: light}}", "right"),
        ("{name: HassTurnOff, slots: {name: konyhai lámpa}}", "missed"),
        ("{name: HassTurnOn, slots: {name: ajtó}}", "missed"),
        ("{name: HassGetState, slots: {name: ajtó}}", "wrong"),
        ("{name: HassTurnOn, slots: {brightness: 5}}", "missed"),
    ],
)
async def test_an_intent_is_held_against_what_is_reached(
    tmp_path: Path, interpreter: Interpreter, intent: str, verdict: str
) -> None:
    tests = f"tests: [{{intent: {intent}, sentences: [kapcsold fel a konyhai lámpát]}}]"
    found = await verdicts(write_intents(tmp_path / "hu", tests=tests), interpreter)
    assert list(found.values()) == [verdict]


@pytest.mark.parametrize("failure", [Failure.REFUSED, Failure.TIMEOUT, Failure.BUSY])
async def test_where_the_model_fails_nothing_done_is_no_merit(
    tmp_path: Path, model: ScriptedModel, asking: Interpreter, failure: Failure
) -> None:
    model.failure = ModelError(failure, "as the script says")
    [one, _] = data_sets([write_both(tmp_path)])
    judged = {each.said.text: each for each in await judged_all(one.sentences, asking)}
    assert judged[EVENING].verdict is Verdict.MISSED
    assert judged[EVENING].failure == f"{failure.value}: as the script says"
    assert judged["is the blind open?"].failure is None


async def test_what_the_model_writes_badly_is_no_failure_of_its_server(
    tmp_path: Path, model: ScriptedModel, asking: Interpreter
) -> None:
    model.answering = "{}"
    [one, _] = data_sets([write_both(tmp_path)])
    assert not [each for each in await judged_all(one.sentences, asking) if each.failure]


async def test_what_was_said_before_is_carried_out_before(tmp_path: Path, interpreter: Interpreter) -> None:
    block = (
        "- {sentences: [and off again], context: [turn on the hall lamp],"
        ' changes: {light.hall: {state: "off"}}}'
    )
    assert await verdict_of(tmp_path, block, interpreter) is Verdict.RIGHT
