"""`accuracy`: what is understood of sets of sentences, and what is done wrong.

The project's own sets (`tests/accuracy/sets`), and those below the folder that `PARSER_DATA` names, where
there is one; all in one cascade, as the server has it. Home Assistant's own sentence tests in that
folder are told apart by their `_fixtures.yaml`: there an intent and its slots are wanted, no effect.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Final

from handlers.answer import Answers
from handlers.cascade import cascade
from handlers.interpret import Interpreter
from tests.accuracy.home_assistants_own import Outcome, outcome_of
from tests.accuracy.judge import Judged, Verdict, judged
from tests.accuracy.sentences import SETS, read_set, sets_in
from tests.bench.figures import Figure, Listing, Results
from tests.bench.options import Options, Steps

_OWN: Final = "the project's own sets"
FIGURES: Final = (
    Figure("right_percent_en", "%", _OWN, "≥ 91"),
    Figure("right_percent_hu", "%", _OWN, "≥ 91"),
    Figure("wrong_percent", "%", _OWN, "≤ 1"),
    Figure("frames_percent", "%", "of what is understood, taken by the frame parser"),
)


async def measure(options: Options, steps: Steps) -> Results:
    """Say every sentence of every set and judge what comes of it."""
    del options
    own = sets_in(SETS)
    data = os.environ.get("PARSER_DATA")
    shared = sets_in(Path(data)) if data else []
    fixtures = sorted(Path(data).glob("**/_fixtures.yaml")) if data else []
    steps.expect(len(own) + len(shared) + len(fixtures))
    results: dict[str, list[Judged]] = {}
    with cascade() as recognizer:
        interpreter = Interpreter(recognizer=recognizer, answers=Answers.load())
        for folder in (*own, *shared):
            steps.begin(folder.name)
            name = folder.name if folder in own else f"PARSER_DATA: {folder.name}"
            results[name] = await judged(read_set(folder), interpreter)
            steps.done()
    intents: list[tuple[str, ...]] = []
    for path in fixtures:
        steps.begin(f"Home Assistant's own, {path.parent.name}")
        intents.append(_intents_row(path.parent.name, await outcome_of(path.parent)))
        steps.done()
    of_own = {name: each for name, each in results.items() if not name.startswith("PARSER_DATA")}
    every = [one for each in of_own.values() for one in each]
    understood = [one for one in every if one.parser is not None]
    return Results(
        values={
            "right_percent_en": _share(of_own, Verdict.RIGHT, "en"),
            "right_percent_hu": _share(of_own, Verdict.RIGHT, "hu"),
            "wrong_percent": _share(of_own, Verdict.WRONG, ""),
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


def _intents_row(language: str, outcome: Outcome) -> tuple[str, ...]:
    return (
        language,
        str(len(outcome.parsers)),
        f"{outcome.right_percent:.1f}",
        str(len(outcome.wrong)),
        f"{outcome.frames_percent:.1f}",
    )


def _share(results: dict[str, list[Judged]], verdict: Verdict, language: str) -> float:
    chosen = [one for name, each in results.items() if name.startswith(language) for one in each]
    return 100 * sum(one.verdict is verdict for one in chosen) / len(chosen)


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
