"""The words that an admin puts on top of a lexicon."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from config.errors import DataFileError
from handlers.frames.home_index import index_of
from handlers.frames.lexicon import Lexicon
from handlers.frames.lexicon_file import MAX_OWN_BYTES, lexicon_of, lexicons_with
from handlers.frames.stage import FrameStage, understood
from handlers.interpret import parse_home
from handlers.understanding import Understanding, Utterance, Verdict

HOME: dict[str, Any] = {
    "areas": [{"id": "den", "name": "Den"}],
    "entities": [{"id": "light.moon", "name": "Moon", "area": "den", "state": "off"}],
}


def own(folder: Path, language: str, text: str) -> Path:
    (folder / f"{language}.yaml").write_text(text, encoding="utf-8")
    return folder


def said(text: str, lexicon: Lexicon) -> Understanding:
    picture = parse_home(HOME)
    return understood(
        Utterance(text, lexicon.language, "den"), picture, index_of(picture.registry, lexicon), lexicon
    )


def test_an_own_phrase_is_understood_and_every_other_word_is_still_known(tmp_path: Path) -> None:
    phrase = 'indirect:\n  - {says: ["abracadabra"], do: turn_on, kind: light}\n'
    lexicon = lexicon_of("en", own(tmp_path, "en", phrase))
    assert said("abracadabra", lexicon).intents[0].targets == ("light.moon",)
    assert said("turn on the moon", lexicon).intents[0].targets == ("light.moon",)
    assert said("abracadabra", Lexicon.load("en")).verdict is Verdict.PASS_ON


def test_an_own_verb_of_an_action_that_is_there_already_is_added_to_it(tmp_path: Path) -> None:
    lexicon = lexicon_of("hu", own(tmp_path, "hu", "actions:\n  turn_on: [be+varázsol]\n"))
    assert said("varázsold be a moont", lexicon).intents[0].name == "HassTurnOn"
    assert said("kapcsold be a moont", lexicon).intents[0].name == "HassTurnOn"


def test_a_filler_of_ones_own_says_nothing(tmp_path: Path) -> None:
    lexicon = lexicon_of("en", own(tmp_path, "en", "fillers: [old bean]\n"))
    assert said("turn on the moon old bean", lexicon).verdict is Verdict.COMMANDS
    assert said("turn on the moon old bean", Lexicon.load("en")).verdict is Verdict.PASS_ON


@pytest.mark.parametrize("text", [None, "", "# nothing yet\n"])
def test_without_own_words_it_is_the_lexicon_as_it_comes(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        own(tmp_path, "en", text)
    assert lexicon_of("en", tmp_path).vocabulary == Lexicon.load("en").vocabulary


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense: [a]", ["nonsense", "no group"]),
        ("fillers: please", ["fillers", "a list"]),
        ("states: [lit]", ["states", "a mapping"]),
        ("states:\n  on: [lit]", ["states", "without quotes"]),
        ("fillers: [yes]", ["fillers", "without quotes"]),
        ("- a\n- b", ["mapping of groups"]),
        ("kinds: {tent: 3}", ["cannot be used"]),
        ("indirect: [{says: [a]}]", ["indirect", "says and do"]),
        ("indirect: [{says: [a], do: turn_on, kind: tent}]", ["indirect", "tent"]),
        ("kinds: {tent: {words: tent}}", ["kinds", "tent", "list"]),
        ("quantifiers: {few: [few]}", ["quantifiers", "few"]),
        ('fillers: ["(a|b"]', ["brackets", "(a|b"]),
        ("fillers: [", ["no YAML", "line 1"]),
    ],
)
def test_a_mistake_is_one_line_that_names_the_file_and_the_place(
    tmp_path: Path, text: str, words: list[str]
) -> None:
    folder = own(tmp_path, "en", text)
    with pytest.raises(DataFileError) as caught:
        lexicons_with(folder, ("hu", "en"))
    assert str(folder / "en.yaml") in str(caught.value)
    assert all(word in str(caught.value) for word in words)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_far_too_large_is_not_read(tmp_path: Path) -> None:
    folder = own(tmp_path, "en", "#" * (MAX_OWN_BYTES + 1))
    with pytest.raises(DataFileError, match="larger than"):
        lexicon_of("en", folder)


async def test_the_stage_knows_the_own_words(tmp_path: Path) -> None:
    phrase = 'indirect:\n  - {says: ["abracadabra"], do: turn_on, kind: light}\n'
    stage = FrameStage(lexicons_with(own(tmp_path, "en", phrase), ("hu", "en")))
    try:
        understanding = await stage.recognize(Utterance("abracadabra", "en", "den"), parse_home(HOME))
    finally:
        stage.close()
    assert understanding.verdict is Verdict.COMMANDS
