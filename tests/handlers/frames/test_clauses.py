"""What a sentence says, taken apart: its kind, its clauses, and what each of them says."""

from __future__ import annotations

from typing import Any

import pytest

from handlers.frames.case import Case
from handlers.frames.clause import Value
from handlers.frames.lexicon import Role
from tests.handlers.frames.homes import sentence


def named(text: str, language: str = "en") -> list[list[str]]:
    """For each clause what it mentions."""
    return [
        [" ".join(piece.text for piece in mention.pieces) for mention in clause.mentions]
        for clause in sentence(text, language).clauses
    ]


@pytest.mark.parametrize(
    ("text", "language", "mentions"),
    [
        ("turn on the sofa lamp", "en", [["sofa lamp"]]),
        ("turn on the sofa lamp and the kettle", "en", [["sofa lamp", "kettle"]]),
        ("turn on the sofa lamp and close the blind", "en", [["sofa lamp"], ["blind"]]),
        ("turn on the sofa lamp, then close the blind", "en", [["sofa lamp"], ["blind"]]),
        ("turn the kettle and the radio off", "en", [["kettle", "radio"]]),
        ("kapcsold le a rádiót és az olvasólámpát", "hu", [["rádiót", "olvasólámpát"]]),
        ("kapcsold le a rádiót és húzd le a redőnyt", "hu", [["rádiót"], ["redőnyt"]]),
    ],
)
def test_each_action_is_a_clause_with_its_things(text: str, language: str, mentions: list[list[str]]) -> None:
    assert named(text, language) == mentions


@pytest.mark.parametrize(
    ("text", "language", "verbs", "tails"),
    [
        ("turn on the lamp", "en", ["turn"], ["on"]),
        ("turn the lamp off", "en", ["turn"], ["off"]),
        ("open the door", "en", ["open"], []),
        ("nyisd ki az ajtót", "hu", ["nyit"], ["ki"]),
        ("az ajtót nyisd ki", "hu", ["nyit"], ["ki"]),
    ],
)
def test_an_action_is_a_verb_with_its_particle(
    text: str, language: str, verbs: list[str], tails: list[str]
) -> None:
    (clause,) = sentence(text, language).clauses
    assert (clause.verbs, clause.tails) == (verbs, tails)


@pytest.mark.parametrize(
    ("text", "language", "is_question"),
    [
        ("is the sofa lamp on", "en", True),
        ("which lights are on", "en", True),
        ("sofa lamp on?", "en", True),
        ("any lights on upstairs", "en", True),
        ("what time is it", "en", True),
        ("turn on the sofa lamp", "en", False),
        ("could you turn on the sofa lamp?", "en", False),
        ("hány lámpa ég", "hu", True),
        ("be van kapcsolva a rádió", "hu", True),
        ("kapcsold be a rádiót", "hu", False),
        ("bekapcsolnád a rádiót?", "hu", False),
    ],
)
def test_a_question_is_told_from_a_command(text: str, language: str, *, is_question: bool) -> None:
    assert sentence(text, language).is_question is is_question


@pytest.mark.parametrize(
    ("text", "language", "why"),
    [
        ("don't turn on the lamp", "en", "negated"),
        ("never open the garage door", "en", "negated"),
        ("my brother said that turn on the lamp", "en", "remark"),
        ("yesterday the lamp was on", "en", "remark"),
        ("the sofa lamp is on", "en", "statement"),
        ("ne kapcsold le a rádiót", "hu", "negated"),
        ("a rádiót ne kapcsold le", "hu", "negated"),
        ("tegnap kapcsold le a rádiót", "hu", "remark"),
        ("turn on the lamp", "en", None),
    ],
)
def test_a_sentence_is_not_for_the_assistant_for_a_reason(text: str, language: str, why: str | None) -> None:
    assert sentence(text, language).not_for_me == why


@pytest.mark.parametrize(
    ("text", "language", "values"),
    [
        ("set the sofa lamp to 40 percent", "en", [Value(40.0, "percent", Case.TO)]),
        ("set the heating to 21", "en", [Value(21.0, None, Case.TO)]),
        ("dim the sofa lamp by ten percent", "en", [Value(10.0, "percent", Case.WITH)]),
        ("turn the heating up by half a degree", "en", [Value(0.5, "degree", Case.WITH)]),
        ("turn the radio up a bit", "en", [Value(None)]),
        ("turn the radio up a lot", "en", [Value(None, a_lot=True)]),
        ("állítsd a termosztátot 21 fokra", "hu", [Value(21.0, "degree", Case.TO)]),
        ("állítsd a lámpát 40%-ra", "hu", [Value(40.0, "percent", Case.TO)]),
        ("turn on the sofa lamp", "en", []),
    ],
)
def test_how_much_is_a_value_with_its_unit_and_whether_up_to_or_by(
    text: str, language: str, values: list[Value]
) -> None:
    (clause,) = sentence(text, language).clauses
    assert clause.values == values


@pytest.mark.parametrize(
    ("text", "attribute", "expected"),
    [
        ("make the sofa lamp red", "colors", ["red"]),
        ("turn all the lights off", "quantifiers", {Role.ALL}),
        ("turn everything off", "quantifiers", {Role.ALL, Role.EVERYTHING}),
        ("turn both lamps off", "quantifiers", {Role.BOTH}),
        ("turn on the lights in here", "is_here", True),
        ("turn it off", "is_pronoun", True),
        ("the bedside lamp too", "is_also", True),
    ],
)
def test_a_clause_says_how_many_where_and_how(text: str, attribute: str, expected: Any) -> None:
    (clause,) = sentence(text).clauses
    assert getattr(clause, attribute) == expected


@pytest.mark.parametrize(
    ("text", "language", "left_out"),
    [
        ("turn off the lights except the sofa lamp", "en", ["sofa lamp"]),
        ("turn off everything but the radio", "en", ["radio"]),
        ("turn off the lights except the sofa lamp and the worktop light", "en",
         ["sofa lamp", "worktop light"]),
        ("kapcsold le az összes lámpát az olvasólámpa kivételével", "hu", ["olvasólámpa"]),
        ("kapcsolj le mindent kivéve a rádiót", "hu", ["rádiót"]),
    ],
)  # fmt: skip
def test_what_is_left_out_is_an_exception(text: str, language: str, left_out: list[str]) -> None:
    (clause,) = sentence(text, language).clauses
    assert [" ".join(piece.text for piece in one.pieces) for one in clause.exceptions] == left_out


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("turn on the unicorn", ["unicorn"]),
        ("turn on the", ["…"]),
        ("turn on the sofa lamp and", ["…"]),
        ("turn on the sofa lamp at seven", ["seven"]),
        ("turn on the sofa lamp for hours", ["hours"]),
        ("turn on the sofa lamp", []),
    ],
)
def test_what_nobody_can_explain_is_kept(text: str, unknown: list[str]) -> None:
    (clause,) = sentence(text).clauses
    assert set(unknown) <= set(clause.unknown)
    assert bool(clause.unknown) == bool(unknown)


@pytest.mark.parametrize(
    ("text", "language"),
    [("never mind", "en"), ("please cancel", "en"), ("mindegy", "hu"), ("hagyjuk", "hu")],
)
def test_what_was_begun_can_be_taken_back(text: str, language: str) -> None:
    assert sentence(text, language).never_mind


@pytest.mark.parametrize(
    ("text", "language", "begins"),
    [("and the bedside lamp", "en", True), ("the bedside lamp", "en", False), ("és a rádiót", "hu", True)],
)
def test_a_sentence_that_goes_on_from_another_begins_with_and(
    text: str, language: str, *, begins: bool
) -> None:
    assert sentence(text, language).begins_with_and is begins


@pytest.mark.parametrize(
    "text", ["no, turn on the kettle", "No, turn on the kettle", "um no, turn on the kettle"]
)
def test_a_no_before_what_is_wanted_negates_nothing(text: str) -> None:
    found = sentence(text)
    assert found.not_for_me is None
    assert [clause.verbs for clause in found.clauses] == [["turn"]]
