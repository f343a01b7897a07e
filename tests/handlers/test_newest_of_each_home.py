"""What is derived from a home is kept for its newest revision only."""

from __future__ import annotations

from handlers.newest_of_each_home import NewestOfEachHome
from provisioning.home.registry import Registry


def test_a_newer_revision_replaces_the_older_one_of_the_same_home() -> None:
    kept: NewestOfEachHome[str] = NewestOfEachHome(10)
    for number in range(100):
        kept.put(Registry(f"r{number}", home="anna"), f"of {number}")
    assert len(kept) == 1
    assert kept.get(Registry("r99", home="anna")) == "of 99"
    assert kept.get(Registry("r98", home="anna")) is None


def test_one_home_never_gets_what_is_anothers() -> None:
    kept: NewestOfEachHome[str] = NewestOfEachHome(10)
    kept.put(Registry("r1", home="anna"), "anna's")
    assert kept.get(Registry("r1", home="bela")) is None


def test_registries_of_nobody_are_told_apart_by_their_revision() -> None:
    kept: NewestOfEachHome[str] = NewestOfEachHome(10)
    kept.put(Registry("a"), "of a")
    kept.put(Registry("b"), "of b")
    assert (kept.get(Registry("a")), kept.get(Registry("b"))) == ("of a", "of b")


def test_of_too_many_homes_the_least_lately_used_goes_first() -> None:
    kept: NewestOfEachHome[int] = NewestOfEachHome(2)
    for number, home in enumerate("ab"):
        kept.put(Registry("r", home=home), number)
    kept.get(Registry("r", home="a"))
    kept.put(Registry("r", home="c"), 2)
    assert [kept.get(Registry("r", home=home)) for home in "abc"] == [0, None, 2]
