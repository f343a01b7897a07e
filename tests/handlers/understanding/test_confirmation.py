"""A question that is answered by yes or no: what is asked, what a yes does, and what is neither."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from handlers import yes_or_no as words
from handlers.intents import NEVERMIND
from handlers.interpret import parse_home
from handlers.open_question import OpenQuestionStage
from handlers.resolve import resolve
from handlers.status import Status
from handlers.understanding import (
    Intent,
    OpenQuestion,
    Outcome,
    Phrase,
    SessionContext,
    Understanding,
    Utterance,
    Verdict,
)
from handlers.yes_or_no import yes_or_no

NOW: Final = 1772715900.0


def asked_about(*intents: Intent) -> OpenQuestion:
    return OpenQuestion(intents[0], (), NOW - 5, confirms=intents)


UNLOCK: Final = asked_about(Intent("HassTurnOff", targets=("lock.porch",)))
KINYIT: Final = asked_about(Intent("HassTurnOff", targets=("lock.hatso",)))


# --- what is a yes, what is a no -------------------------------------------------------------------

YES: Final = [
    ("yes", "en"), ("Yes.", "en"), ("YES!", "en"), ("yeah", "en"), ("yep", "en"), ("sure", "en"),
    ("OK", "en"), ("O.K.", "en"), ("okay", "en"), ("go ahead", "en"), ("do it", "en"), ("please", "en"),
    ("please do", "en"), ("of course", "en"), ("right", "en"), ("That's right.", "en"), ("correct", "en"),
    ("exactly", "en"), ("absolutely", "en"), ("Yes please do that", "en"), ("yes, please", "en"),
    ("Yes — do it now, thank you!", "en"), ("sure, go ahead", "en"), ("okay then, do it", "en"),
    ("yes yes", "en"), ("yes, that’s right", "en"), ("alright", "en"), ("yeah, sure", "en"),
    ("igen", "hu"), ("Igen, kérlek.", "hu"), ("ja", "hu"), ("persze", "hu"), ("aha", "hu"), ("oké", "hu"),
    ("jó", "hu"), ("rendben", "hu"), ("kérem", "hu"), ("kérlek", "hu"), ("légyszi", "hu"), ("csináld", "hu"),
    ("mehet", "hu"), ("naná", "hu"), ("hogyne", "hu"), ("helyes", "hu"), ("pontosan", "hu"),
    ("tedd meg", "hu"), ("egen", "hu"), ("igen, légy szíves", "hu"), ("Jó, csináld meg!", "hu"),
    ("igen, tedd meg, köszönöm szépen", "hu"), ("ja, igen", "hu"), ("persze, mehet", "hu"),
    ("dehogynem", "hu"), ("igen, most", "hu"), ("IGEN", "hu"),
]  # fmt: skip
NO: Final = [
    ("no", "en"), ("Nope.", "en"), ("nah", "en"), ("don't", "en"), ("don’t", "en"), ("dont", "en"),
    ("don't do it", "en"), ("please don't", "en"), ("please do not", "en"), ("never mind", "en"),
    ("cancel", "en"), ("leave it", "en"), ("not now", "en"), ("no, not now please", "en"),
    ("No thank you.", "en"), ("of course not", "en"), ("no no no", "en"), ("no, don't do that", "en"),
    ("nem", "hu"), ("Ne!", "hu"), ("mégse", "hu"), ("mégsem", "hu"), ("hagyd", "hu"), ("hagyjuk", "hu"),
    ("dehogy", "hu"), ("ne csináld", "hu"), ("semmiképp", "hu"), ("nem, köszönöm", "hu"),
    ("nem kérem", "hu"), ("ne most", "hu"), ("most ne", "hu"), ("nem, mégse kell", "hu"),
    ("kérlek, ne", "hu"), ("nem jó", "hu"), ("persze, hogy nem", "hu"),
]  # fmt: skip
NEITHER: Final = [
    # Something more was said, or both.
    ("yes but the other one", "en"), ("yes but", "en"), ("yeah right", "en"), ("yes, right", "en"),
    ("no, the other one", "en"), ("yes no", "en"), ("yeah no", "en"), ("no, do it", "en"),
    ("ok never mind", "en"), ("yes and the lamp", "en"), ("is that a yes", "en"), ("say yes", "en"),
    ("yes the", "en"), ("yes if it rains", "en"), ("yes unless", "en"), ("yes just", "en"),
    ("yesterday", "en"), ("yes/no", "en"), ("yes_no", "en"), ("yes + no", "en"), ("ok Google", "en"),
    ("right now", "en"), ("please now", "en"), ("thanks", "en"), ("oh right", "en"), ("oh please", "en"),
    ("yeah, yeah", "en"), ("I'm okay", "en"), ("that's okay", "en"), ("all right, thanks", "en"),
    ("please turn on the samovar", "en"), ("turn on the samovar", "en"), ("not", "en"), ("not yes", "en"),
    ("don't you do it", "en"), ("okay now", "en"), ("the right", "en"), ("right one", "en"),
    ("igen, de csak a konyhait", "hu"), ("igen ne", "hu"), ("igen, nem", "hu"), ("nem, igen", "hu"),
    ("jó, mégse", "hu"), ("igen, de", "hu"), ("igen, csak", "hu"), ("igen, ha", "hu"), ("nem igen", "hu"),
    ("ja, persze", "hu"), ("na persze", "hu"), ("jó, jó", "hu"), ("dehogy nem", "hu"), ("hogy ne", "hu"),
    ("jó éjszakát", "hu"), ("jó reggelt", "hu"), ("köszönöm", "hu"), ("köszönöm, jó", "hu"),
    ("jó így, köszönöm", "hu"), ("nem a konyhait", "hu"), ("az igen", "hu"), ("persze hogy", "hu"),
    ("aha, köszi", "hu"), ("nyugodtan", "hu"), ("ne, inkább a másikat", "hu"), ("igenis nem", "hu"),
    # A question is no answer.
    ("yes?", "en"), ("right ?", "en"), ("okay?", "en"), ("kérem?", "hu"), ("igen?", "hu"), ("jó?", "hu"),
    # Another language's word.
    ("igen", "en"), ("yes", "hu"), ("nem", "en"), ("no", "hu"), ("yes", "de"), ("no", "fr"), ("yes", ""),
    # Nothing, or more than anybody says for it.
    ("", "en"), ("...", "hu"), ("?", "en"), ("yes " * 20, "en"), ("nem " * 100, "hu"),
    # What only looks like it.
    ("y\u200bes", "en"), ("ｙｅｓ", "en"), ("уes", "en"), ("ig\u0336en", "hu"), ("yes 2", "en"),
    ("yes 👎", "en"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "language"), YES)
def test_a_whole_yes_is_one(text: str, language: str) -> None:
    assert yes_or_no(text, language) is True


@pytest.mark.parametrize(("text", "language"), NO)
def test_a_whole_no_is_one(text: str, language: str) -> None:
    assert yes_or_no(text, language) is False


@pytest.mark.parametrize(("text", "language"), NEITHER)
def test_anything_more_or_else_is_neither(text: str, language: str) -> None:
    assert yes_or_no(text, language) is None


_LANGUAGES: Final = ("en", "hu")
_SAYS_YES: Final = {one: sorted(words._YES[one] | words._YES_ALONE[one]) for one in _LANGUAGES}
_SAYS_NO: Final = {one: sorted(words._NO[one]) for one in _LANGUAGES}
_BESIDES: Final = {
    one: sorted(words._PLEASE[one] | words._THANKS[one] | words._AT_ONCE[one]) for one in _LANGUAGES
}
_KNOWN: Final = {
    one: {word for phrase in (*_SAYS_YES[one], *_SAYS_NO[one], *_BESIDES[one]) for word in phrase}
    for one in _LANGUAGES
}
# What turns a yes into something else when it is said before or after it.
_TURNS: Final = [
    "but", "not", "the", "other", "and", "or", "if", "unless", "only", "except", "it", "on", "then", "wait",
    "later", "tomorrow", "half", "both", "lamp", "de", "csak", "ha", "mégis", "a", "másikat", "előbb", "is",
    "holnap", "vagy", "se", "és", "hogy", "várj", "inkább", "lámpát", "fel", "7", "?", "yes?", "no_", "n't",
]  # fmt: skip


@pytest.mark.parametrize("language", _LANGUAGES)
def test_every_phrase_says_what_its_table_says(language: str) -> None:
    assert {yes_or_no(" ".join(phrase), language) for phrase in _SAYS_YES[language]} == {True}
    assert {yes_or_no(" ".join(phrase), language) for phrase in _SAYS_NO[language]} == {False}
    assert {yes_or_no(" ".join(phrase), language) for phrase in words._NOT_MEANT[language]} == {None}


@pytest.mark.parametrize("language", _LANGUAGES)
def test_a_yes_and_a_no_are_never_a_yes(language: str) -> None:
    for yes in _SAYS_YES[language]:
        for no in _SAYS_NO[language]:
            assert yes_or_no(" ".join((*yes, *no)), language) is not True
            assert yes_or_no(" ".join((*no, *yes)), language) is not True


@given(st.data())
def test_a_yes_with_any_other_word_is_no_yes_and_a_no_with_it_no_no(data: st.DataObject) -> None:
    language = data.draw(st.sampled_from(_LANGUAGES))
    says = data.draw(st.sampled_from([_SAYS_YES, _SAYS_NO]))[language]
    explained = st.lists(st.sampled_from([*says, *_BESIDES[language]]), min_size=1, max_size=3)
    said = [word for phrase in data.draw(explained) for word in phrase]
    letters = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=8)
    other = data.draw(st.sampled_from(_TURNS) | letters)
    assume(set(words._words(other)) - _KNOWN[language])
    said.insert(data.draw(st.integers(0, len(said))), other)
    assert yes_or_no(" ".join(said), language) is None


@given(st.text(max_size=40), st.sampled_from(["en", "hu", "de", ""]))
def test_whatever_is_said_nothing_raises_and_only_known_words_are_an_answer(text: str, language: str) -> None:
    if yes_or_no(text, language) is not None:
        assert set(words._words(text)) <= _KNOWN[language]


@given(st.data())
def test_case_and_signs_do_not_matter(data: st.DataObject) -> None:
    text, language = data.draw(st.sampled_from(YES + NO))
    signs = st.sampled_from([" ", ", ", ". ", "! ", " – ", "… "])
    loud = data.draw(st.sampled_from([str.upper, str.lower, str.title]))
    changed = data.draw(signs).join(loud(text).split()) + data.draw(signs)
    assert yes_or_no(changed, language) == yes_or_no(text, language)


# --- what an answer does ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "language", "question"),
    [("Yes, please.", "en", UNLOCK), ("igen, kérlek", "hu", KINYIT), ("Mehet!", "hu", KINYIT)],
)
async def test_a_yes_is_what_was_asked_about(
    listener: Any, text: str, language: str, question: OpenQuestion
) -> None:
    understanding = await listener.understand(text, language, question=question)
    assert understanding == Understanding(Verdict.COMMANDS, question.confirms)


async def test_a_yes_carries_out_all_of_it_in_order(listener: Any, reached: Any) -> None:
    both = asked_about(
        Intent("HassTurnOff", targets=("lock.porch",)), Intent("HassTurnOn", targets=("light.reading",))
    )
    resolution = await listener.hear("go ahead", question=both)
    assert resolution.outcome is Outcome.COMMANDS
    assert list(reached(resolution).items()) == [
        ("lock.unlock", ["lock.porch"]),
        ("light.turn_on", ["light.reading"]),
    ]


@pytest.mark.parametrize(
    ("text", "language", "question", "said"),
    [
        ("no thanks", "en", UNLOCK, "All right, never mind."),
        ("ne csináld", "hu", KINYIT, "Rendben, hagyjuk."),
    ],
)
async def test_a_no_does_nothing_and_says_so(
    listener: Any, text: str, language: str, question: OpenQuestion, said: str
) -> None:
    understanding = await listener.understand(text, language, question=question)
    assert understanding.intents == (Intent(NEVERMIND),)
    resolution = await listener.hear(text, language, question=question)
    assert (resolution.outcome, resolution.calls, resolution.question) == (Outcome.NONE, (), None)
    assert listener.say(resolution, language) == said


@pytest.mark.parametrize(("text", "language"), NEITHER)
async def test_what_is_neither_is_passed_on(text: str, language: str) -> None:
    utterance = Utterance(text, language, session=SessionContext(open_question=UNLOCK), now=NOW)
    understanding = await OpenQuestionStage().recognize(utterance, parse_home({"entities": []}))
    assert (understanding.verdict, understanding.intents) == (Verdict.PASS_ON, ())
    assert understanding.stages[0].reason == "is neither a yes nor a no"


async def test_a_sentence_of_its_own_is_understood_as_such(listener: Any, reached: Any) -> None:
    resolution = await listener.hear("turn on the samovar", question=UNLOCK)
    assert reached(resolution) == {"switch.turn_on": ["switch.samovar"]}


async def test_a_yes_to_nothing_is_no_answer(listener: Any) -> None:
    assert (await listener.understand("yes")).verdict is Verdict.PASS_ON


async def test_a_yes_chooses_none_of_several(listener: Any) -> None:
    which = OpenQuestion(Intent("HassTurnOn"), ("light.galley_ceiling", "light.attic_ceiling"), NOW - 5)
    assert (await listener.understand("yes", question=which)).verdict is Verdict.PASS_ON


@pytest.mark.parametrize("target", ["lock.elsewhere", "light.cellar"])
async def test_what_is_gone_or_hidden_by_the_time_of_the_yes_is_said(listener: Any, target: str) -> None:
    gone = asked_about(Intent("HassTurnOff", targets=(target,)))
    resolution = await listener.hear("yes", question=gone)
    assert (resolution.outcome, resolution.status, resolution.calls) == (Outcome.NONE, Status.NO_TARGET, ())
    assert listener.say(resolution) == "I can't find any such device in your home."


async def test_a_yes_to_several_of_which_one_is_gone_does_none(listener: Any) -> None:
    both = asked_about(
        Intent("HassTurnOn", targets=("light.reading",)),
        Intent("HassTurnOff", {"name": "Shed door"}, targets=("lock.shed",)),
    )
    resolution = await listener.hear("yes", question=both)
    assert (resolution.status, resolution.calls) == (Status.NO_TARGET, ())
    assert listener.say(resolution) == "I can't find anything called Shed door."


# --- what is asked ---------------------------------------------------------------------------------


def ask(listener: Any, question: OpenQuestion, language: str = "en", **more: Any) -> Any:
    understanding = Understanding(Verdict.ASK, question=question, **more)
    return resolve(understanding, Utterance("", language, now=NOW), listener.pictures[language])


@pytest.mark.parametrize(
    ("intent", "language", "said"),
    [
        (UNLOCK.intent, "en", "Shall I unlock the Porch door?"),
        (KINYIT.intent, "hu", "Kinyissam a Hátsó ajtót?"),
        (Intent("HassTurnOn", targets=("light.etkezo",)), "hu", "Felkapcsoljam az Étkező lámpát?"),
        (Intent("HassTurnOn", targets=("switch.szamovar",)), "hu", "Bekapcsoljam a Szamovárt?"),
        (Intent("HassTurnOff", targets=("cover.etkezo",)), "hu", "Leengedjem az Étkező redőnyt?"),
        (
            Intent("HassClimateSetTemperature", {"temperature": 21}, ("climate.etkezo",)),
            "hu",
            "Beállítsam az Étkező fűtést 21 fokra?",
        ),
        (
            Intent("HassClimateSetHvacMode", {"hvac_mode": "cool"}, ("climate.etkezo",)),
            "hu",
            "Átállítsam az Étkező fűtést erre: hűtés?",
        ),
        (
            Intent("HassLightSet", {"color": "red"}, ("light.fuzer",)),
            "hu",
            "Átállítsam a Fényfüzért piros színre?",
        ),
        (
            Intent("HassLightSet", {"brightness_step": 20}, ("light.etkezo",)),
            "hu",
            "Feljebb vegyem az Étkező lámpa fényét?",
        ),
        (
            Intent("HassSetVolume", {"volume_level": 30}, ("media_player.radio",)),
            "hu",
            "Beállítsam az Öreg rádió hangerejét 30 százalékra?",
        ),
        (Intent("HassListAddItem", {"item": "tej"}, ("todo.bolt",)), "hu", "Felírjam ezt: tej?"),
    ],
)
def test_what_would_be_done_is_asked(listener: Any, intent: Intent, language: str, said: str) -> None:
    question = asked_about(intent)
    resolution = ask(listener, question, language)
    assert (resolution.outcome, resolution.status) == (Outcome.ASK, Status.ASKED)
    assert (resolution.commands, resolution.calls, resolution.targets) == ((), (), ())
    assert resolution.question is question
    assert listener.say(resolution, language) == said


def test_several_things_are_asked_one_after_another_each_once(listener: Any) -> None:
    lamp = Intent("HassTurnOn", targets=("light.reading",))
    blind = Intent("HassTurnOff", targets=("cover.parlour",))
    resolution = ask(listener, asked_about(UNLOCK.intent, lamp, blind, lamp))
    assert listener.say(resolution) == (
        "Shall I unlock the Porch door? Shall I turn on the Reading lamp? Shall I close the Parlour blind?"
    )


def test_any_number_of_things_can_be_asked(listener: Any) -> None:
    intents = [
        Intent("HassLightSet", {"brightness": percent, "name": str(copy)}, ("light.reading",))
        for percent in range(1, 101)
        for copy in range(5)
    ]
    assert listener.say(ask(listener, asked_about(*intents))).count("?") == 100


def test_a_yes_or_no_is_asked_in_our_words_whatever_the_model_says(listener: Any) -> None:
    resolution = ask(listener, UNLOCK, words="Shall I dim the light?")
    assert listener.say(resolution) == "Shall I unlock the Porch door?"


@pytest.mark.parametrize(
    ("intent", "status"),
    [
        (Intent("HassTurnOff", targets=("lock.elsewhere",)), Status.NO_TARGET),
        (Intent("HassLightSet", {"brightness": 5}, ("light.bulb",)), Status.CANNOT),
        (Intent("HassStartTimer"), Status.NOT_SERVED),
        (Intent("HassGetCurrentTime"), Status.ANSWERED),
    ],
)
def test_what_cannot_be_done_is_not_asked(listener: Any, intent: Intent, status: Status) -> None:
    as_a_command = listener.resolve(intent)
    resolution = ask(listener, asked_about(intent))
    assert resolution == as_a_command
    assert (resolution.status, resolution.question) == (status, None)
    several = ask(listener, asked_about(UNLOCK.intent, intent))
    assert (several.status, several.question, several.calls) == (status, None, ())


# --- the model's own words -------------------------------------------------------------------------


def test_which_one_is_asked_in_the_models_words_where_it_has_some(listener: Any) -> None:
    which = OpenQuestion(Intent("HassTurnOn"), ("light.galley_ceiling", "light.attic_ceiling"), NOW)
    resolution = ask(listener, which, words="the one upstairs or {name}?")
    assert (resolution.outcome, resolution.status) == (Outcome.ASK, Status.ASKED)
    assert resolution.question is which
    assert listener.say(resolution) == "The one upstairs or {name}?"
    gone = ask(listener, replace(which, candidates=("light.was_here",)), words="Which one?")
    assert (gone.status, gone.question) == (Status.ENTITY_GONE, None)


def test_words_without_a_question_are_asked_and_nothing_waits_for_the_answer(english: Any) -> None:
    understanding = Understanding(Verdict.ASK, words="What would you like to hear?")
    resolution = resolve(understanding, Utterance("", "en"), english)
    assert (resolution.outcome, resolution.status, resolution.question) == (Outcome.ASK, Status.ASKED, None)
    assert resolution.say == Phrase("said.words", {"words": "What would you like to hear?"})


def test_who_is_not_spoken_to_may_still_say_a_word(listener: Any, english: Any) -> None:
    understanding = Understanding(Verdict.NOT_FOR_ME, words="You're welcome.")
    resolution = resolve(understanding, Utterance("", "en"), english)
    assert (resolution.outcome, resolution.status) == (Outcome.NONE, Status.NOT_FOR_ME)
    assert listener.say(resolution) == "You're welcome."


@pytest.mark.parametrize("verdict", [Verdict.PASS_ON, Verdict.ASK, Verdict.COMMANDS])
@pytest.mark.parametrize(
    "status", [Status.MODEL_UNREACHABLE, Status.MODEL_SLOW, Status.MODEL_BUSY, Status.UNSURE]
)
def test_why_nothing_is_understood_is_said(english: Any, verdict: Verdict, status: Status) -> None:
    resolution = resolve(Understanding(verdict, status=status), Utterance("", "en"), english)
    assert (resolution.outcome, resolution.status) == (Outcome.NONE, status)
    assert resolution.said == (Phrase(f"status.{status}"),)
    assert not status.handled
