"""Which stems a Hungarian word can have been made from, and in which case it would then stand."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from handlers.frames.case import Case
from handlers.frames.hungarian_forms import readings
from handlers.hungarian import (
    _ADVERBS,
    IRREGULAR_PARTS,
    accusative,
    inessive,
    is_back,
    lengthened,
    place_forms,
)

VOWELS = "aáeéiíoóöőuúüű"
DIGRAPHS = ("sz", "gy", "ny", "zs", "cs", "ly", "ty")
KNOWN = (
    "lámpa", "kapu", "redőny", "villany", "fény", "konyha", "nappali", "hálószoba", "pince", "fürdő", "ajtó",
    "tető", "idő", "erő", "fok", "százalék", "csillár", "hangszóró", "kávé", "tévé", "étkező", "terasz",
    "emelet", "udvar", "garázs", "sarok", "füst", "kert", "szekrény", "ventilátor", "ablak", "szék",
)  # fmt: skip
# A vowel among them, and none of the handful of two letters that change altogether (`tó` → `tavat`).
invented = st.from_regex(r"[bdfghjklmnprstvz]?[aáeéioóöőuúüű][bdfgjklmnprstvz][aáeéioóöőuúüűgklmnrstz]?",
                         fullmatch=True).filter(lambda word: len(word) >= 3)  # fmt: skip
any_text = st.text() | st.text(alphabet="aáeébiknortzlv", max_size=12)
nouns = st.sampled_from(KNOWN) | st.sampled_from(sorted(IRREGULAR_PARTS)) | invented


def cases_of(word: str) -> dict[str, tuple[Case, bool]]:
    return {stem: (case, plural) for stem, case, plural in readings(word)}


@pytest.mark.parametrize(
    ("word", "stem", "case"),
    [
        ("lámpát", "lámpa", Case.OBJECT),
        ("redőnyt", "redőny", Case.OBJECT),
        ("ablakot", "ablak", Case.OBJECT),
        ("füstöt", "füst", Case.OBJECT),
        ("konyhában", "konyha", Case.PLACE),
        ("kertben", "kert", Case.PLACE),
        ("konyhába", "konyha", Case.PLACE),
        ("udvaron", "udvar", Case.PLACE),
        ("tetőn", "tető", Case.PLACE),
        ("ablaknál", "ablak", Case.PLACE),
        ("konyhából", "konyha", Case.FROM),
        ("listáról", "lista", Case.FROM),
        ("kaputól", "kapu", Case.FROM),
        ("listára", "lista", Case.TO),
        ("ötvenre", "ötven", Case.TO),
        ("ötvenig", "ötven", Case.TO),
        ("ajtóhoz", "ajtó", Case.TO),
        ("lámpának", "lámpa", Case.TO),
        ("lámpával", "lámpa", Case.WITH),
        ("fokkal", "fok", Case.WITH),
        ("tízzel", "tíz", Case.WITH),
        ("négyessel", "négyes", Case.WITH),
        ("egésszel", "egész", Case.WITH),
        ("hússzal", "húsz", Case.WITH),
        ("fénnyel", "fény", Case.WITH),
        ("ággyal", "ágy", Case.WITH),
        ("villanyért", "villany", Case.OTHER),
        ("tízkor", "tíz", Case.OTHER),
        ("konyhai", "konyha", Case.ADJECTIVE),
        ("emeleti", "emelet", Case.ADJECTIVE),
    ],
)
def test_an_ending_makes_a_case(word: str, stem: str, case: Case) -> None:
    assert cases_of(word)[stem] == (case, False)


@pytest.mark.parametrize(
    ("word", "stem", "case"),
    [
        ("lámpák", "lámpa", Case.NONE),
        ("lámpákat", "lámpa", Case.OBJECT),
        ("redőnyök", "redőny", Case.NONE),
        ("házakat", "ház", Case.OBJECT),
        ("szobákban", "szoba", Case.PLACE),
        ("ablakokkal", "ablak", Case.WITH),
        ("konyhaiak", "konyha", Case.ADJECTIVE),
        ("konyhaiakat", "konyha", Case.ADJECTIVE),
        ("konyhaiakat", "konyhai", Case.OBJECT),
    ],
)
def test_a_plural_may_stand_before_the_case(word: str, stem: str, case: Case) -> None:
    assert cases_of(word)[stem] == (case, True)


@pytest.mark.parametrize(
    ("word", "stem", "case"),
    [
        ("lámpája", "lámpa", Case.OWN),
        ("lámpáját", "lámpa", Case.OWN),
        ("szobám", "szoba", Case.OWN),
        ("szobámban", "szoba", Case.PLACE),
        ("kapuja", "kapu", Case.OWN),
        ("cipője", "cipő", Case.OWN),
        ("hálószobáé", "hálószoba", Case.OWN),
        ("fényereje", "fényerő", Case.OWN),
        ("fényerejét", "fényerő", Case.OWN),
        ("fényerejére", "fényerő", Case.OWN),
        ("ideje", "idő", Case.OWN),
        ("teteje", "tető", Case.OWN),
        ("garázsajtaja", "garázsajtó", Case.OWN),
    ],
)
def test_an_owner_may_stand_before_the_case(word: str, stem: str, case: Case) -> None:
    assert cases_of(word)[stem] == (case, False)


@pytest.mark.parametrize(
    ("word", "stem"),
    [
        ("tükröt", "tükör"),
        ("tükrön", "tükör"),
        ("tükrök", "tükör"),
        ("tüzek", "tűz"),
        ("kezem", "kéz"),
        ("vizet", "víz"),
        ("sarkon", "sarok"),
        ("fedelek", "fedél"),
        ("csövet", "cső"),
        ("vízcsövet", "vízcső"),
    ],
)
def test_a_stem_that_changes_before_an_ending_is_changed_back(word: str, stem: str) -> None:
    assert stem in cases_of(word)


@pytest.mark.parametrize("word", ["lámpában", "lámpaban", "lámpáben", "lámpaben"])
def test_who_gets_harmony_or_length_wrong_is_heard(word: str) -> None:
    assert cases_of(word)["lámpa"] == (Case.PLACE, False)


@pytest.mark.parametrize("word", ["", "t", "at", "ra", "be", "ig", "a", "ai", "val", "vel"])
def test_an_ending_alone_is_no_form_of_anything(word: str) -> None:
    assert readings(word) == [(word, Case.NONE, False)]


@given(nouns)
@example("medence")
def test_what_is_made_an_object_reads_back_to_its_stem(noun: str) -> None:
    assert cases_of(accusative(noun))[noun] == (Case.OBJECT, False)


@given(nouns.filter(lambda noun: noun not in _ADVERBS))
def test_a_place_reads_back_to_its_stem(noun: str) -> None:
    assert cases_of(inessive(noun))[noun] == (Case.PLACE, False)


@given(nouns.filter(lambda noun: len(noun) >= 3))
def test_every_form_of_a_place_that_is_a_whole_word_reads_back_to_it(noun: str) -> None:
    assert all(noun in cases_of(form) for form in place_forms(noun) if form != lengthened(noun))


@given(nouns)
def test_what_is_made_a_plural_reads_back_to_its_stem(noun: str) -> None:
    plural = f"{lengthened(noun)}k" if noun[-1] in VOWELS else f"{noun}{'ok' if is_back(noun) else 'ek'}"
    assert cases_of(plural)[noun] == (Case.NONE, True)
    assert cases_of(f"{plural}{'at' if is_back(noun) else 'et'}")[noun] == (Case.OBJECT, True)


@given(nouns)
def test_what_something_is_done_with_reads_back_to_its_stem(noun: str) -> None:
    assume(noun[-1] in VOWELS or noun[-2] != noun[-1])
    ending = "al" if is_back(noun) else "el"
    if noun[-1] in VOWELS:
        made = f"{lengthened(noun)}v{ending}"
    elif noun.endswith(DIGRAPHS):
        made = f"{noun[:-2]}{noun[-2]}{noun[-2:]}{ending}"
    else:
        made = f"{noun}{noun[-1]}{ending}"
    assert noun in cases_of(made)


@given(any_text)
def test_any_text_is_first_read_as_it_is_and_no_stem_is_given_twice(text: str) -> None:
    found = readings(text)
    assert found[0] == (text, Case.NONE, False)
    assert len({stem for stem, _, _ in found}) == len(found)
    assert all(stem for stem, _, _ in found[1:])


@pytest.mark.parametrize(
    ("word", "stem"),
    [
        ("lámpáim", "lámpa"),
        ("lámpáimat", "lámpa"),
        ("lámpáid", "lámpa"),
        ("lámpái", "lámpa"),
        ("lámpáink", "lámpa"),
        ("lámpáitok", "lámpa"),
        ("kapuim", "kapu"),
        ("redőnyeim", "redőny"),
        ("redőnyeinket", "redőny"),
        ("redőnyei", "redőny"),
        ("ablakaik", "ablak"),
    ],
)
def test_what_is_somebodys_may_be_several(word: str, stem: str) -> None:
    assert (stem, Case.OWN, True) in readings(word)
