"""What the frame parser never does, whatever is said: act on the wrong thing, or where nothing was asked."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import pytest
from hypothesis import assume, given
from hypothesis import settings as tried
from hypothesis import strategies as st
from rapidfuzz import process
from rapidfuzz.distance import OSA

from handlers.interpret import parse_home
from handlers.understanding import Verdict
from tests.handlers.frames.homes import DESCRIBED, index, lexicon, targets, understand
from tests.thorough import examples

# What is done to the home at once, or as soon as the speaker has chosen.
ACTS: Final = frozenset({Verdict.COMMANDS, Verdict.ASK})

TEMPLATES: Final = {
    "en": (
        "turn on {}", "turn off the {}", "switch {} off", "toggle the {}", "open the {}", "close the {}",
        "lock the {}", "unlock {}", "set {} to 40 percent", "set the {} to 21 degrees", "make the {} red",
        "dim the {}", "start the {}", "pause the {}", "send the {} home", "activate {}", "{} on", "{} off",
        "{}", "turn off everything but the {}", "turn on the {} and the radio", "is the {} on",
    ),
    "hu": (
        "kapcsold be a {}", "kapcsold le a {}", "kapcsold fel az {}", "nyisd ki a {}", "zárd be a {}",
        "húzd le a {}", "állítsd a {} 40 százalékra", "indítsd el a {}", "{} be", "{} le", "{}",
        "kapcsolj le mindent a {} kivételével", "küldd haza a {}", "kapcsold le a {} és a rádiót",
        "be van kapcsolva a {}",
    ),
}  # fmt: skip
COMMANDS: Final = {
    "en": (
        "turn on the sofa lamp", "switch the kettle off", "turn off all the lights", "turn everything off",
        "open the garage door", "close the bedroom blind", "unlock the front door", "lock the front door",
        "set the lounge heating to 21 degrees", "set the bedside lamp to 40%", "make the sofa lamp red",
        "dim the lights in the lounge", "pause the radio", "turn the radio up", "send Dusty home",
        "start Dusty", "activate movie night", "raise the blind in the bedroom", "start the ceiling fan",
    ),
    "hu": (
        "kapcsold fel az olvasólámpát", "kapcsold le a kávéfőzőt", "kapcsold le az összes lámpát",
        "kapcsolj le mindent", "nyisd ki a garázskaput", "húzd le a hálószobai redőnyt",
        "nyisd ki a bejárati ajtót", "zárd be a bejárati ajtót", "állítsd a termosztátot 21 fokra",
        "állítsd az éjjeli lámpát 40 százalékra", "indítsd el a gombócot", "kapcsold be a ventilátort",
        "hangosítsd fel a rádiót", "olts le minden lámpát az emeleten",
    ),
}  # fmt: skip
LIST_COMMANDS: Final = {
    "en": ("add milk to the shopping list", "put eggs on the shopping list"),
    "hu": ("írd fel a tejet a bevásárlólistára", "tedd fel a tojást a bevásárlólistára"),
}
NEGATED: Final = {
    "en": (
        "don't {}", "do not {}", "dont {}", "please don't {}", "don’t {}", "Do NOT {}!", "never {}",
        "you must not {}", "please do not {} now", "don't ever {}", "don't you {}", "okay, don't {}",
    ),
    "hu": (
        "ne {}", "kérlek ne {}", "Ne {}!", "soha ne {}", "most ne {}", "ne, ne {}", "légy szíves ne {}",
        "nehogy {}",
    ),
}  # fmt: skip
REMARKS: Final = {
    "en": (
        "my brother said that {}", "yesterday {}", "my wife told me to {}", "she always says {}",
        "if it rains {}", "when I come home {}", "last week I asked it to {}", "i forgot to {}",
        "he said {}", "did you {}", "I wish they would {}", "{} was what he said", "should I {}",
    ),
    "hu": (
        "a bátyám azt mondta hogy {}", "tegnap {}", "anyám mindig azt mondja hogy {}", "ha esik az eső {}",
        "amikor hazaérek {}", "holnap {}", "szerintem {}", "múltkor azt kértem hogy {}", "vajon {}",
    ),
}  # fmt: skip
LETTERS: Final = "aeioubcdfghjklmnpqrstvwxyz"
LANGUAGES: Final = ("en", "hu")

languages = st.sampled_from(LANGUAGES)
made_up_words = st.text(LETTERS, min_size=5, max_size=11)


def described(name: str, language: str, *, exposed: bool) -> dict[str, Any]:
    """The home of a language with one more light."""
    more = {"id": "light.more", "name": name, "area": "kitchen", "exposed": exposed}
    return DESCRIBED[language] | {"entities": [*DESCRIBED[language]["entities"], more]}


@cache
def names(language: str) -> st.SearchStrategy[str]:
    """Names of entities: of this home, of the other, of nobody, and what is put together of their words."""
    known = [entity["name"] for home in DESCRIBED.values() for entity in home["entities"]]
    words = sorted({word.lower() for name in known for word in name.split()} | lexicon(language).vocabulary)
    return st.one_of(
        st.sampled_from(known),
        st.lists(st.sampled_from(words), min_size=1, max_size=3).map(" ".join),
        st.text(min_size=1, max_size=20).filter(lambda text: bool(text.strip())),
    )


@cache
def known_words(language: str) -> tuple[str, ...]:
    home = index(language)
    return tuple({*home.named, *home.places, *lexicon(language).vocabulary})


def is_far_from_all(word: str, language: str) -> bool:
    """Whether a word is none that is known, nor a slip, a form, a beginning or a compound of one."""
    stems = {form.stem for form in lexicon(language).forms_of(word)}
    known = known_words(language)
    if any(process.extractOne(stem, known, scorer=OSA.distance, score_cutoff=2) for stem in stems):
        return False
    return not any(len(one) > 2 and (one in word or word in one) for one in known)


@cache
def foreign_words(language: str) -> st.SearchStrategy[str]:
    return made_up_words.filter(lambda word: is_far_from_all(word, language))


@st.composite
def cases(draw: st.DrawFn, *tables: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """A language, and something of each table in it."""
    language = draw(languages)
    return (language, *(draw(st.sampled_from(table[language])) for table in tables))


@tried(max_examples=examples(40))
@given(st.data())
def test_no_sentence_is_about_what_is_not_exposed_or_not_there(data: st.DataObject) -> None:
    language, template = data.draw(cases(TEMPLATES))
    name = data.draw(names(language))
    area = data.draw(st.sampled_from([None, *(area["id"] for area in DESCRIBED[language]["areas"])]))
    understanding = understand(template.format(name), language, area=area)
    exposed = {entity.id for entity in index(language).entities}
    assert targets(understanding) <= exposed


@tried(max_examples=examples(40))
@given(st.data())
def test_an_entity_that_is_not_exposed_changes_nothing_of_what_is_understood(data: st.DataObject) -> None:
    language, template = data.draw(cases(TEMPLATES))
    name = data.draw(names(language))
    text = template.format(name)
    hiding = parse_home(described(name, language, exposed=False))
    assert understand(text, language, picture=hiding) == understand(text, language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("hidden", ["Wine cellar", "Strongbox", "Boroshordó", "Páncélszekrény"])
def test_the_name_of_what_is_not_exposed_reaches_nothing_at_all(hidden: str, language: str) -> None:
    acting = [
        text
        for template in TEMPLATES[language]
        if (understanding := understand(text := template.format(hidden), language)).verdict in ACTS
        or targets(understanding)
    ]
    assert acting == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_commands_of_these_properties_are_commands(language: str) -> None:
    commands = (*COMMANDS[language], *LIST_COMMANDS[language])
    assert [one for one in commands if understand(one, language).verdict is not Verdict.COMMANDS] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_command_that_is_negated_is_none(language: str) -> None:
    acting = [
        text
        for negation in NEGATED[language]
        for command in (*COMMANDS[language], *LIST_COMMANDS[language])
        if understand(text := negation.format(command), language).verdict in ACTS
    ]
    assert acting == []


@tried(max_examples=examples(40))
@given(st.data())
def test_whatever_is_negated_is_no_command(data: st.DataObject) -> None:
    language, template = data.draw(cases(TEMPLATES))
    exposed = [entity.name for entity in index(language).entities]
    command = template.format(data.draw(st.sampled_from(exposed)))
    negation = data.draw(st.sampled_from(NEGATED[language]))
    area = data.draw(st.sampled_from([None, *(area["id"] for area in DESCRIBED[language]["areas"])]))
    assert understand(negation.format(command), language, area=area).verdict is not Verdict.COMMANDS


@tried(max_examples=examples(40))
@given(st.data())
def test_a_name_that_is_far_from_all_that_are_known_reaches_nothing(data: st.DataObject) -> None:
    language, template = data.draw(cases(TEMPLATES))
    name = " ".join(data.draw(st.lists(foreign_words(language), min_size=1, max_size=2)))
    understanding = understand(template.format(name), language)
    assert understanding.verdict not in ACTS
    assert targets(understanding) == set()


@tried(max_examples=examples(40))
@given(st.data())
def test_a_foreign_word_beside_a_known_name_keeps_it_from_being_reached(data: st.DataObject) -> None:
    language, template = data.draw(cases(TEMPLATES))
    # A list is the one place where words may be unknown.
    known = data.draw(st.sampled_from([one.name for one in index(language).entities if one.domain != "todo"]))
    foreign = data.draw(foreign_words(language))
    name = f"{foreign} {known}" if data.draw(st.booleans()) else f"{known} {foreign}"
    understanding = understand(template.format(name), language)
    assert understanding.verdict not in ACTS
    assert targets(understanding) == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_remark_about_a_command_is_none(language: str) -> None:
    acting = [
        text
        for remark in REMARKS[language]
        for command in (*COMMANDS[language], *LIST_COMMANDS[language])
        if understand(text := remark.format(command), language).verdict in ACTS
    ]
    assert acting == []


@tried(max_examples=examples(40))
@given(st.data())
def test_a_command_among_words_that_nobody_knows_is_none(data: st.DataObject) -> None:
    language, command = data.draw(cases(COMMANDS))
    words = st.lists(foreign_words(language), max_size=3)
    before, after = data.draw(words), data.draw(words)
    assume(before or after)
    between = data.draw(st.sampled_from([" ", ", ", ". "]))
    parts = [" ".join(before), command, " ".join(after)]
    text = between.join(part for part in parts if part)
    assert understand(text, language).verdict not in ACTS


@tried(max_examples=examples(40))
@given(st.data())
def test_a_command_with_a_foreign_word_anywhere_within_is_none(data: st.DataObject) -> None:
    language, command = data.draw(cases(COMMANDS))
    words = command.split()
    words.insert(data.draw(st.integers(0, len(words))), data.draw(foreign_words(language)))
    assert understand(" ".join(words), language).verdict not in ACTS
