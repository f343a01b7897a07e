from __future__ import annotations

from dataclasses import replace

import pytest

from handlers.cache import ExactCache
from handlers.understanding import Intent, Understanding, Utterance, Verdict
from provisioning.home.registry import HomePicture, Registry

HOME = HomePicture(Registry("one"))
HEARD = Utterance("turn on the lamp", "en", "parlour")
UNDERSTOOD = Understanding(Verdict.COMMANDS, (Intent("HassTurnOn"),), cacheable=True)


def test_the_same_sentence_is_known_again_whatever_its_blanks() -> None:
    cache = ExactCache()
    cache.put(HEARD, HOME, UNDERSTOOD)
    assert cache.get(replace(HEARD, text="  turn on   the lamp "), HOME) is UNDERSTOOD


@pytest.mark.parametrize(
    ("heard", "home"),
    [
        (replace(HEARD, text="turn off the lamp"), HOME),
        (replace(HEARD, language="hu"), HOME),
        (replace(HEARD, area_id="attic"), HOME),
        (replace(HEARD, area_id=None), HOME),
        (HEARD, HomePicture(Registry("two"))),
    ],
)
def test_another_text_language_area_or_revision_is_another_sentence(
    heard: Utterance, home: HomePicture
) -> None:
    cache = ExactCache()
    cache.put(HEARD, HOME, UNDERSTOOD)
    assert cache.get(heard, home) is None


def test_what_may_not_be_kept_is_not_kept() -> None:
    cache = ExactCache()
    cache.put(HEARD, HOME, replace(UNDERSTOOD, cacheable=False))
    assert len(cache) == 0


def test_a_full_cache_forgets_what_was_used_least_lately() -> None:
    cache = ExactCache(size=2)
    first, second, third = (replace(HEARD, text=text) for text in ("first", "second", "third"))
    cache.put(first, HOME, UNDERSTOOD)
    cache.put(second, HOME, UNDERSTOOD)
    cache.get(first, HOME)
    cache.put(third, HOME, UNDERSTOOD)
    assert len(cache) == 2
    assert cache.get(second, HOME) is None
    assert cache.get(first, HOME) is UNDERSTOOD


def test_a_cache_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        ExactCache(size=0)
