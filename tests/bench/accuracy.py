"""`accuracy`: what is understood of sets of sentences, and what is done wrong.

The project's own sets (`tests/accuracy/sets`), and those below the folder that `PARSER_DATA` names, where
there is one; all in one cascade, as the server has it. Home Assistant's own sentence tests in that
folder are told apart by their `_fixtures.yaml`: there an intent and its slots are wanted, no effect.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from handlers.answer import Answers
from handlers.cascade import STAGES, cascade
from handlers.interpret import Interpreter
from handlers.recognize import CACHE
from tests.accuracy.own_sets import SETS
from tests.bench.figures import Figure, Listing, Results
from tests.bench.options import Options, Steps
from wyoming_central.evaluation.home_assistants_own import intent_sets_in, read_intent_set
from wyoming_central.evaluation.judge import Judged, judged_all
from wyoming_central.evaluation.sentences import read_set, sets_in
from wyoming_central.evaluation.verdict import Verdict

_OWN: Final = "the project's own sets, where no reason is given beside what is asked for"
FIGURES: Final = (
    Figure("right_percent_en", "%", _OWN, "≥ 91"),
    Figure("right_percent_hu", "%", _OWN, "≥ 91"),
    Figure("wrong_percent", "%", "the project's own sets, all of them", "≤ 1"),
    Figure("explained_percent", "%", "right where a reason is given, which without a model is passed on"),
    Figure("frames_percent", "%", "of what is understood, taken by the frame parser"),
)


async def measure(options: Options, steps: Steps) -> Results:
    """Say every sentence of every set and judge what comes of it."""
    del options
    own = sets_in(SETS)
    data = os.environ.get("PARSER_DATA")
    shared = sets_in(Path(data)) if data else []
    fixtures = intent_sets_in(Path(data)) if data else []
    steps.expect(len(own) + len(shared) + len(fixtures))
    results: dict[str, list[Judged]] = {}
    with cascade() as recognizer:
        interpreter = Interpreter(recognizer=recognizer, answers=Answers.load())
        for folder in (*own, *shared):
            steps.begin(folder.name)
            name = folder.name if folder in own else f"PARSER_DATA: {folder.name}"
            results[name] = await judged_all(read_set(folder), interpreter)
            steps.done()
        intents: list[tuple[str, ...]] = []
        for folder in fixtures:
            steps.begin(f"Home Assistant's own, {folder.name}")
            intents.append(_intents_row(folder.name, await judged_all(read_intent_set(folder), interpreter)))
            steps.done()
    of_own = {name: each for name, each in results.items() if not name.startswith("PARSER_DATA")}
    every = [one for each in of_own.values() for one in each]
    explained = [one for one in every if one.said.explained]
    # Without what answers a question that was asked back: no stage has to understand that.
    understood = [one for one in every if one.parser in {CACHE, *STAGES}]
    return Results(
        values={
            "right_percent_en": _share(_plain(of_own, "en"), Verdict.RIGHT),
            "right_percent_hu": _share(_plain(of_own, "hu"), Verdict.RIGHT),
            "wrong_percent": _share(every, Verdict.WRONG),
            "explained_percent": _share(explained, Verdict.RIGHT),
            "frames_percent": 100 * sum(one.parser == "frames" for one in understood) / len(understood),
        },
        listings=(
            Listing(
                "sentences, by set",
                ("set", "sentences", "right", "wrong", "missed", "right %", "by frames"),
                [_row(name, each) for name, each in results.items()],
                "" if data else "PARSER_DATA names no folder with more",
            ),
            *(
                [
                    Listing(
                        "Home Assistant's own sentence tests",
                        ("language", "sentences", "right %", "wrong", "taken by frames %"),
                        intents,
                    )
                ]
                if intents
                else []
            ),
        ),
    )


def _intents_row(language: str, results: list[Judged]) -> tuple[str, ...]:
    taken = [one for one in results if one.parser is not None]
    return (
        language,
        str(len(results)),
        f"{_share(results, Verdict.RIGHT):.1f}",
        str(sum(one.verdict is Verdict.WRONG for one in results)),
        f"{100 * sum(one.parser == 'frames' for one in taken) / len(taken):.1f}",
    )


def _plain(results: dict[str, list[Judged]], language: str) -> list[Judged]:
    """What was said in a language without giving a reason."""
    each = (each for name, each in results.items() if name.startswith(language))
    return [one for several in each for one in several if not one.said.explained]


def _share(results: Sequence[Judged], verdict: Verdict) -> float:
    return 100 * sum(one.verdict is verdict for one in results) / len(results)


def _row(name: str, results: list[Judged]) -> tuple[str, ...]:
    counts = Counter(one.verdict for one in results)
    frames = sum(one.parser == "frames" for one in results)
    return (
        name,
        str(len(results)),
        *(str(counts[verdict]) for verdict in (Verdict.RIGHT, Verdict.WRONG, Verdict.MISSED)),
        f"{100 * counts[Verdict.RIGHT] / len(results):.1f}",
        str(frames),
    )
