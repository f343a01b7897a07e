from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.hungarian import accusative, article, inessive, nominative, place_forms, spoken_forms


@pytest.mark.parametrize(
    ("name", "object_"),
    [
        ("Étkező lámpa", "Étkező lámpát"),
        ("redőny", "redőnyt"),
        ("kapu", "kaput"),
        ("Mosógép", "Mosógépet"),
        ("Fényfüzér", "Fényfüzért"),
        ("tükör", "tükröt"),
        ("ajtózár", "ajtózárat"),
        ("Vízcső", "Vízcsövet"),
        ("parkoló", "parkolót"),
        ("Ablak", "Ablakot"),
        ("lámpák", "lámpákat"),
        ("fények", "fényeket"),
        ("termosztát", "termosztátot"),
        ("füst", "füstöt"),
        ("kert", "kertet"),
        ("TV", "TV-t"),
        ("LED", "LED-et"),
        ("lámpa 1", "lámpa 1-et"),
        ("lámpa 3", "lámpa 3-at"),
        ("lámpa 20", "lámpa 20-at"),
        ("lámpa 1000", "lámpa 1000-et"),
        ("Lépcső", "Lépcsőt"),
        ("Raktár", "Raktárat"),
        ("Műhely", "Műhelyt"),
        ("Kád", "Kádat"),
        ("Piros", "Pirosat"),
        ("Zöld", "Zöldet"),
        ("Mozaik", "Mozaikot"),
        ("MacBook", "MacBookot"),
        ("Shelly", "Shellyt"),
        ("Display", "Displayt"),
        ("Redőny", "Redőnyt"),
        ("IKEA", "IKEA-t"),
        ("HIFI", "HIFI-t"),
        ("USB", "USB-t"),
    ],
)
def test_an_object_takes_its_ending_with_harmony_and_changed_stems(name: str, object_: str) -> None:
    assert accusative(name) == object_


@pytest.mark.parametrize(
    ("place", "where"),
    [
        ("nappali", "nappaliban"),
        ("konyha", "konyhában"),
        ("pince", "pincében"),
        ("terasz", "teraszon"),
        ("emelet", "emeleten"),
        ("folyosó", "folyosón"),
        ("tetőtér", "tetőtérben"),
        ("kint", "kint"),
        ("WC", "WC-ben"),
        ("USB", "USB-ben"),
        ("HK", "HK-ban"),
        ("Szoba 2", "Szoba 2-ben"),
        ("Szoba 3", "Szoba 3-ban"),
        ("Szoba 100", "Szoba 100-ban"),
        ("Szoba 1000", "Szoba 1000-ben"),
        ("Szoba 0", "Szoba 0-ban"),
        ("Tető", "Tetőn"),
        ("Etető", "Etetőben"),
    ],
)
def test_a_place_takes_the_ending_of_where(place: str, where: str) -> None:
    assert inessive(place) == where


@pytest.mark.parametrize(
    ("text", "which"),
    [
        ("S lámpa", "az"),
        ("B lámpa", "a"),
        ("I. emelet", "az"),
        ("II. emelet", "a"),
        ("V. zóna", "az"),
        ("állólámpa", "az"),
        ("lámpa", "a"),
        ("1. lámpa", "az"),
        ("5 lámpa", "az"),
        ("10 lámpa", "a"),
        ("1000 lámpa", "az"),
        ("LG hangfal", "az"),
        ("TV", "a"),
        ("Üvegajtó", "az"),
        ("", "a"),
    ],
)
def test_the_article_goes_by_the_sound_that_follows(text: str, which: str) -> None:
    assert article(text) == which


@pytest.mark.parametrize(
    ("object_", "thing"),
    [
        ("tejet", "tej"),
        ("két liter friss tejet", "két liter friss tej"),
        ("kenyeret", "kenyér"),
        ("almát", "alma"),
        ("kávét", "kávé"),
        ("sajtot", "sajt"),
        ("banánokat", "banánok"),
        ("cukrot", "cukor"),
        ("rizs", "rizs"),
    ],
)
def test_what_is_put_on_a_list_loses_its_ending(object_: str, thing: str) -> None:
    assert nominative(object_) == thing


def test_forms_of_a_name_hold_what_a_sentence_may_hold() -> None:
    assert {"lámpa", "lámpát", "lámpá"} <= set(spoken_forms("lámpa"))
    assert {"konyha", "konyhában", "konyhá", "konyhai"} <= set(place_forms("konyha"))


@given(st.text(max_size=40))
def test_no_text_is_too_odd_to_be_inflected(text: str) -> None:
    for inflect in (accusative, inessive, nominative, article):
        assert isinstance(inflect(text), str)
    assert all(spoken_forms(text))
    assert all(place_forms(text))
