"""In which forms a Hungarian verb asks for something."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.frames.hungarian_verbs import asking_forms


@pytest.mark.parametrize(
    ("verb", "forms"),
    [
        ("kapcsol", {"kapcsold", "kapcsolj", "kapcsolja", "kapcsoljad", "kapcsoljuk", "kapcsoljon"}),
        ("nyit", {"nyisd", "nyiss", "nyissa", "nyissad", "nyissál", "nyissuk"}),
        ("süt", {"süsd", "süss", "süsse"}),
        ("olt", {"oltsd", "olts", "oltsa", "oltsad", "oltsuk"}),
        ("állít", {"állítsd", "állíts", "állítsa", "állítsuk"}),
        ("fűt", {"fűtsd", "fűts", "fűtse"}),
        ("ereszt", {"ereszd", "eressz", "eressze", "eresszük"}),
        ("oszt", {"oszd", "ossz", "ossza"}),
        ("húz", {"húzd", "húzz", "húzza", "húzzad", "húzzál", "húzzuk"}),
        ("mos", {"mosd", "moss", "mossa"}),
        ("játsz", {"játszd", "játssz", "játssza"}),
        ("edz", {"edzd", "eddz", "eddze"}),
        ("csuk", {"csukd", "csukj", "csukja"}),
        ("ad", {"add", "adj", "adja"}),
    ],
)
def test_the_imperative_changes_the_end_of_a_stem_by_its_sound(verb: str, forms: set[str]) -> None:
    assert forms <= asking_forms(verb)


@pytest.mark.parametrize(
    ("verb", "forms"),
    [
        ("kapcsol", {"kapcsolnád", "kapcsolnál", "kapcsolná", "kapcsolnátok", "kapcsolni", "kapcsolnám"}),
        ("enged", {"engednéd", "engednél", "engedné", "engedni"}),
        ("állít", {"állítanád", "állítanál", "állítani"}),
        ("ereszt", {"eresztenéd", "ereszteni"}),
    ],
)
def test_a_verb_asks_in_conditional_and_infinitive_with_and_without_a_linking_vowel(
    verb: str, forms: set[str]
) -> None:
    assert forms <= asking_forms(verb)


@pytest.mark.parametrize(
    ("verb", "forms"),
    [
        ("kapcsol", {"kapcsolod", "kapcsolsz", "kapcsolhatod", "kapcsolhatnád", "kapcsolhatnál"}),
        ("enged", {"engeded", "engedheted", "engedhetnéd", "engedhetjük"}),
        ("főz", {"főzöd", "főzöl", "főzhetnél"}),
    ],
)
def test_a_verb_asks_in_the_second_person_and_by_what_one_can_do(verb: str, forms: set[str]) -> None:
    assert forms <= asking_forms(verb)


@pytest.mark.parametrize("verb", ["kapcsol", "nyit", "állít", "ereszt", "húz", "enged"])
def test_what_only_tells_is_no_form_that_asks(verb: str) -> None:
    told = {verb, f"{verb}ok", f"{verb}ott", f"{verb}tam", f"{verb}ta", f"{verb}te", f"{verb}nak"}
    assert not told & asking_forms(verb)


@given(st.text(alphabet="abdefgiklmnoprstuvzáéíóőúű", min_size=2, max_size=8))
def test_every_form_begins_as_the_verb_does(verb: str) -> None:
    stem = verb.removesuffix("szt").removesuffix("t")
    kept = stem[:-2] if stem.endswith(("sz", "dz")) else stem
    forms = asking_forms(verb)
    assert all(form.startswith(kept) for form in forms)
    assert {f"{verb}ni", f"{verb}nád", f"{verb}néd"} <= forms
