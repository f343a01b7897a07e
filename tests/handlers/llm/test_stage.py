"""What becomes of a model's answer: done, asked about, looked at, spoken, or refused with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from handlers.llm.errors import Failure, ModelError
from handlers.llm.proposal import Refusal
from handlers.resolve import resolve
from handlers.status import Status
from handlers.understanding import (
    Intent,
    Outcome,
    PastTurn,
    SessionContext,
    Understanding,
    Utterance,
    Verdict,
)
from tests.handlers.frames.homes import home, reason
from tests.handlers.llm.scripted_model import (
    ScriptedModel,
    ask,
    cascaded,
    command,
    commands,
    nothing,
    proposed,
)


def _targets(understanding: Understanding) -> set[str]:
    return {target for intent in understanding.intents for target in intent.targets}


# --- done at once -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "text", "answer", "targets"),
    [
        (
            "en",
            "shut the bedroom blind, everyone can see in",
            command("close", "cover.blind"),
            {"cover.blind"},
        ),
        (
            "en",
            "my eyes are really tired, turn on the sofa lamp",
            command("turn_on", "light.sofa"),
            {"light.sofa"},
        ),
        (
            "hu",
            "kapcsold be a kávéfőzőt, mindjárt itt vannak Marikáék",
            command("turn_on", "switch.kave"),
            {"switch.kave"},
        ),
        (
            "hu",
            "húzd le a redőnyt a hálószobában, szemembe süt a nap",
            command("close", "cover.redony"),
            {"cover.redony"},
        ),
    ],
)
async def test_what_the_rules_understand_of_a_sentence_with_a_reason_is_done_if_the_model_says_the_same(
    language: str, text: str, answer: dict[str, Any], targets: set[str]
) -> None:
    understanding = await proposed(commands(answer), text, home(language), language)
    assert understanding.verdict is Verdict.COMMANDS
    assert _targets(understanding) == targets
    assert reason(understanding) == "the rules say the same"


@pytest.mark.parametrize(
    "text",
    [
        "shut the bedroom blind, but only when it gets dark outside",
        "shut the bedroom blind, she said to him yesterday",
        "shut the bedroom blind, no wait a bit",
        "Oliver, shut the bedroom blind",
        "shut the bedroom blind, in half an hour",
        "shut the bedroom blind of the neighbours",
    ],
)
async def test_a_rest_that_may_be_more_than_a_reason_makes_it_a_question(text: str) -> None:
    understanding = await proposed(commands(command("close", "cover.blind")), text, home("en"))
    assert understanding.verdict is Verdict.ASK


async def test_another_thing_than_the_rules_understand_is_asked_about() -> None:
    answer = commands(command("turn_on", "light.bedside"))
    understanding = await proposed(answer, "my eyes are really tired, turn on the sofa lamp", home("en"))
    assert understanding.verdict is Verdict.ASK


# --- asked whether ----------------------------------------------------------------------------------


async def test_what_the_model_alone_understands_is_asked_about_in_our_words_and_done_after_a_yes() -> None:
    picture = home("en")
    model = ScriptedModel(commands(command("turn_on", "light.bedside"), response="Okay, done."))
    said = Utterance("pop the bedside thing on would you love", "en")
    asked = await cascaded(model, said, picture)
    assert (asked.verdict, asked.parser) == (Verdict.ASK, "llm")
    resolution = resolve(asked, said, picture)
    assert (resolution.outcome, resolution.calls) == (Outcome.ASK, ())
    assert resolution.say is not None
    assert resolution.say.key.startswith("confirm.")
    yes = Utterance("yes please", "en", session=SessionContext((), resolution.question))
    understanding = await cascaded(model, yes, picture)
    assert understanding.parser == "question"
    calls = resolve(understanding, yes, picture).calls
    assert [(call.service, call.entity_ids) for call in calls] == [("turn_on", ("light.bedside",))]


async def test_nothing_is_meant_by_a_question_yet() -> None:
    understanding = await proposed(
        commands(command("turn_on", "light.bedside")), "pop the bedside thing on would you love", home("en")
    )
    assert understanding.intents == ()


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("unlock the front door, the plumber is here", command("unlock", "lock.front")),
        ("open the garage door, here comes mother", command("open", "cover.garage")),
    ],
)
async def test_what_lets_somebody_in_needs_a_yes_even_where_the_rules_say_the_same(
    text: str, answer: dict[str, Any]
) -> None:
    understanding = await proposed(commands(answer), text, home("en"))
    assert understanding.verdict is Verdict.ASK
    assert understanding.question is not None
    assert understanding.question.confirms


@pytest.mark.parametrize(
    "text", ["such a long day at the office", "I would love some tea", "pop the sofa thing on", "lock up"]
)
async def test_what_lets_somebody_in_is_not_even_asked_about_where_nobody_spoke_of_it(text: str) -> None:
    understanding = await proposed(commands(command("unlock", "lock.front")), text, home("en"))
    assert (understanding.verdict, understanding.status) == (Verdict.PASS_ON, Status.UNSURE)


@pytest.mark.parametrize("text", ["Banana!", "and once more, with feeling", "what an awfully nice carpet"])
async def test_standing_in_the_room_of_a_lock_is_no_reason_to_ask_whether_to_open_it(text: str) -> None:
    answer = commands(command("unlock", "lock.front"))
    understanding = await proposed(answer, text, home("en"), area_id="lounge")
    assert (understanding.verdict, understanding.status) == (Verdict.PASS_ON, Status.UNSURE)


async def test_several_things_that_nothing_leads_to_are_not_even_asked_about() -> None:
    answer = commands(command("turn_on", "light.bedside", "switch.kettle", "fan.ceiling"))
    understanding = await proposed(answer, "I would love some tea", home("en"))
    assert (understanding.verdict, understanding.status) == (Verdict.PASS_ON, Status.UNSURE)


async def test_a_thing_that_nothing_leads_to_is_asked_about() -> None:
    answer = commands(command("turn_on", "light.bedside"))
    understanding = await proposed(answer, "I would love some tea", home("en"))
    assert understanding.verdict is Verdict.ASK
    assert "nothing that was said" in reason(understanding)


async def test_a_verb_that_asks_for_something_else_makes_it_a_question() -> None:
    answer = commands(command("turn_off", "light.sofa"))
    text = "so gloomy in here, turn on the sofa lamp for heaven's sake"
    understanding = await proposed(answer, text, home("en"))
    assert understanding.verdict is Verdict.ASK
    assert "asks for something else" in reason(understanding)


# --- asked which ------------------------------------------------------------------------------------


async def test_a_model_that_asks_which_leaves_a_question_that_a_name_answers() -> None:
    picture = home("en")
    model = ScriptedModel(ask(command("turn_on", "light.spots", "light.worktop"), response="Which one?"))
    said = Utterance("a bit of brightness for the cooking love", "en")
    asked = await cascaded(model, said, picture)
    resolution = resolve(asked, said, picture)
    assert resolution.outcome is Outcome.ASK
    answer = Utterance("the worktop light", "en", session=SessionContext((), resolution.question))
    understanding = await cascaded(model, answer, picture)
    assert _targets(understanding) == {"light.worktop"}


async def test_which_door_to_unlock_is_asked_with_a_yes_at_its_end() -> None:
    answer = ask(command("unlock", "lock.front"))
    understanding = await proposed(answer, "could the front door be unlockish", home("en"))
    assert understanding.question is None or understanding.question.confirms


async def test_a_question_of_the_model_that_names_nothing_is_spoken() -> None:
    said = Utterance("make it nice", "en")
    understanding = await proposed(ask(response="Nice and warm, or nice and bright?"), said.text, home("en"))
    resolution = resolve(understanding, said, home("en"))
    assert resolution.outcome is Outcome.ASK
    assert resolution.say is not None
    assert resolution.say.values["words"] == "Nice and warm, or nice and bright?"


# --- looked at, spoken ------------------------------------------------------------------------------


async def test_what_is_only_looked_at_is_answered_from_the_home() -> None:
    answer = commands(command("read", "lock.front"), response="It is open.")
    understanding = await proposed(answer, "is that front door of ours secure I wonder", home("en"))
    assert understanding.verdict is Verdict.QUESTION
    resolution = resolve(understanding, Utterance("", "en"), home("en"))
    assert resolution.outcome is Outcome.ANSWER


async def test_what_nobody_spoke_of_is_not_looked_at() -> None:
    answer = commands(command("read", "person.maude"))
    understanding = await proposed(answer, "I would love some tea", home("en"))
    assert understanding.status is Status.UNSURE


async def test_small_talk_is_answered_in_the_words_of_the_model() -> None:
    understanding = await proposed(nothing("Very well, thank you."), "how are you today", home("en"))
    assert (understanding.verdict, understanding.words) == (Verdict.NOT_FOR_ME, "Very well, thank you.")


async def test_words_of_the_model_are_not_spoken_where_something_is_done() -> None:
    answer = commands(command("close", "cover.blind"), response="Visit me.")
    understanding = await proposed(answer, "shut the bedroom blind, everyone can see in", home("en"))
    assert understanding.words is None


async def test_words_that_cannot_be_spoken_leave_nothing_said() -> None:
    understanding = await proposed(nothing("See https://example.org"), "how are you today", home("en"))
    assert (understanding.verdict, understanding.words) == (Verdict.NOT_FOR_ME, None)


# --- refused ----------------------------------------------------------------------------------------

_TEXT = "pop the bedside thing on would you love"


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        ("", Refusal.NO_JSON),
        ("{", Refusal.NO_JSON),
        ("[]", Refusal.NO_JSON),
        ('{"outcome":"none","outcome":"none","response":"","confidence":1}', Refusal.NO_JSON),
        ('{"outcome":"none","response":"","confidence":NaN}', Refusal.NO_JSON),
        ("[" * 3000, Refusal.NO_JSON),
        ("{" + " " * 5000 + "}", Refusal.TOO_LONG),
        ({"outcome": "none"}, Refusal.OTHER_SHAPE),
        ({**nothing(), "more": 1}, Refusal.OTHER_SHAPE),
        ({**nothing(), "confidence": 1.5}, Refusal.OTHER_SHAPE),
        ({**nothing(), "confidence": True}, Refusal.OTHER_SHAPE),
        ({**nothing(), "response": "x" * 201}, Refusal.OTHER_SHAPE),
        ({**nothing(), "commands": [command("turn_on", "light.bedside")]}, Refusal.OTHER_SHAPE),
        (commands(), Refusal.OTHER_SHAPE),
        (commands(command("turn_on")), Refusal.OTHER_SHAPE),
        (commands(*[command("turn_on", "light.bedside")] * 5), Refusal.OTHER_SHAPE),
        (ask(*[command("turn_on", "light.bedside")] * 2), Refusal.OTHER_SHAPE),
        (commands(command("explode", "light.bedside")), Refusal.UNKNOWN_ACTION),
        (commands(command("turn_on", "light.nowhere")), Refusal.UNKNOWN_TARGET),
        (commands(command("turn_on", "light.cellar")), Refusal.UNKNOWN_TARGET),
        (commands(command("unlock", "lock.safe")), Refusal.UNKNOWN_TARGET),
        (commands(command("turn_on", "lock.front")), Refusal.CANNOT),
        (commands(command("unlock", "light.bedside")), Refusal.CANNOT),
        (commands(command("set_brightness", "light.bedside")), Refusal.NO_VALUE),
        (commands(command("turn_on", "light.bedside", value=3)), Refusal.NEEDLESS_VALUE),
        (commands(command("set_brightness", "light.bedside", value=101)), Refusal.OUT_OF_RANGE),
        (commands(command("set_brightness", "light.bedside", value="50")), Refusal.OUT_OF_RANGE),
        (commands(command("set_brightness", "light.bedside", value=40.5)), Refusal.OUT_OF_RANGE),
        (commands(command("set_brightness", "light.bedside", value=True)), Refusal.OTHER_SHAPE),
        (commands(command("set_color", "light.bedside", value="ultraviolet")), Refusal.OUT_OF_RANGE),
        (commands(command("set_temperature", "climate.lounge", value=1e308)), Refusal.OUT_OF_RANGE),
        (commands(command("add_item", "todo.shopping", value="caviar")), Refusal.NOT_SAID),
        (
            commands(command("turn_on", "light.bedside"), command("turn_off", "light.bedside")),
            Refusal.TWICE,
        ),
        (
            commands(command("turn_on", "light.bedside"), command("read", "light.sofa")),
            Refusal.LOOKS_AND_DOES,
        ),
    ],
    ids=str,
)
async def test_what_does_not_fit_is_refused_with_a_reason_and_never_mended(
    answer: str | dict[str, Any], refusal: Refusal
) -> None:
    understanding = await proposed(answer, _TEXT, home("en"))
    assert understanding.verdict is Verdict.PASS_ON
    assert reason(understanding) == f"refused: {refusal.value}"


async def test_a_thing_beyond_the_shortlist_is_refused_though_the_home_has_it() -> None:
    answer = commands(command("turn_on", "light.sofa"))
    model = ScriptedModel(answer)
    understanding = await cascaded(model, Utterance(_TEXT, "en"), home("en"), candidates=1)
    assert understanding.verdict is Verdict.PASS_ON


# --- the audit --------------------------------------------------------------------------------------


async def test_the_audit_keeps_what_was_proposed_and_how_much_was_asked() -> None:
    answer = commands(command("turn_on", "light.bedside"), response="hm", confidence=0.25)
    understanding = await proposed(answer, _TEXT, home("en"))
    detail = understanding.stages[0].detail
    assert detail is not None
    assert detail["proposal"] == {
        "intent": "commands",
        "target": ["light.bedside"],
        "action": {"name": "turn_on", "value": None},
        "confidence": 0.25,
        "response": "hm",
    }
    assert (detail["prompt_tokens"], detail["answer_tokens"]) == (7, 5)
    assert detail["prompt_characters"] > 1000


async def test_how_sure_the_model_is_changes_nothing() -> None:
    for confidence in (0.0, 1.0):
        answer = commands(command("turn_on", "light.bedside"), confidence=confidence)
        assert (await proposed(answer, _TEXT, home("en"))).verdict is Verdict.ASK


# --- no answer --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (Failure.OFF, None),
        (Failure.REFUSED, Status.MODEL_UNREACHABLE),
        (Failure.OPEN, Status.MODEL_UNREACHABLE),
        (Failure.MISSING, Status.MODEL_UNREACHABLE),
        (Failure.OUT_OF_MEMORY, Status.MODEL_UNREACHABLE),
        (Failure.TIMEOUT, Status.MODEL_SLOW),
        (Failure.BUSY, Status.MODEL_BUSY),
        (Failure.QUEUE_FULL, Status.MODEL_BUSY),
        (Failure.NO_OBJECT, Status.NOT_UNDERSTOOD),
    ],
)
async def test_without_an_answer_the_turn_ends_with_the_reason(
    failure: Failure, status: Status | None
) -> None:
    model = ScriptedModel()
    model.failure = ModelError(failure)
    understanding = await cascaded(model, Utterance(_TEXT, "en"), home("en"))
    assert (understanding.verdict, understanding.status) == (Verdict.PASS_ON, status)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "turn on the bedside lamp"),
        ("en", "don't turn on the bedside lamp"),
        ("en", "he said turn on the bedside lamp"),
        ("hu", "kapcsold fel az éjjeli lámpát"),
        ("hu", "ne kapcsold fel az éjjeli lámpát"),
    ],
)
async def test_what_rules_understand_or_know_to_be_for_somebody_else_never_gets_to_the_model(
    language: str, text: str
) -> None:
    model = ScriptedModel(nothing())
    await cascaded(model, Utterance(text, language), home(language))
    assert model.questions == []


async def test_a_session_ties_a_sentence_to_what_was_spoken_of() -> None:
    turns = (PastTurn("the bedside one", "", (Intent("HassTurnOn", {}, ("light.bedside",)),)),)
    understanding = await proposed(
        commands(command("turn_off", "light.bedside")),
        "enough of that brightness business",
        home("en"),
        session=SessionContext(turns),
    )
    assert understanding.verdict is Verdict.ASK
    assert "nothing that was said" not in reason(understanding)
