"""`script/bench NAME`: run a benchmark and print what it found.

Tables on stdout for people, or with `--json` one object a line for programs; progress on stderr.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Coroutine, Sequence
from typing import Any, Final

from rich.console import Console

from tests.bench.figures import Results, filled, print_json, print_tables
from tests.bench.options import Options, Steps, shown_steps
from wyoming_central import event_loop
from wyoming_central.logs import configure_logs

BENCHMARKS: Final = {
    "protocol": "requests a second and latency of `ping` and of a whole turn, beside the stock server",
    "turn": "sentences to one real Home Assistant, through us and through its own agent; quick and slow",
    "idle": "what an idle connection costs, how long opening takes, and `ping` beside so many",
    "flood": "how long others wait while one device, or one Home Assistant, floods",
    "hostile": "`ping` of an honest peer, and memory, while everything hostile that is known is tried",
    "provision": "from a request to a ready instance beside `docker run`, and 101 users at once",
    "parse": "a sentence through the frame parser, beside the sentence templates; homes of 50 to 2,000",
    "llm": "our part of a call to the model, users who share it, its absence, the prompt's size",
    "accuracy": "what is understood of the sets of sentences, and what is done wrong",
    "audit": "rows a second, and what the audit costs a turn, beside a commit a row",
}
ALL: Final = "all"
_WIDTH: Final = 150


def parser() -> argparse.ArgumentParser:
    """What `script/bench` understands."""
    listing = "\n".join(f"  {name:<10} {summary}" for name, summary in BENCHMARKS.items())
    one = argparse.ArgumentParser(
        prog="script/bench",
        description="Measure the server, beside a peer that is measured in the same run.",
        epilog=f"benchmarks:\n{listing}\n  {ALL:<10} one after another",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    one.add_argument("name", nargs="?", choices=(*BENCHMARKS, ALL), metavar="NAME", help="see below")
    one.add_argument(
        "connections", nargs="?", type=int, default=10_000, metavar="N", help="idle: how many (10,000)"
    )
    one.add_argument("--json", action="store_true", help="one object a line instead of tables")
    one.add_argument("--seconds", type=float, help="length of one round")
    one.add_argument("--rounds", type=int, help="how many rounds")
    one.add_argument("--authenticated", action="store_true", help="idle: every connection shows a token")
    one.add_argument("--rate", type=float, default=1.0, help="flood: sentences a second of the other (1)")
    return one


def options_of(arguments: argparse.Namespace) -> Options:
    """The options as benchmarks take them."""
    return Options(
        seconds=arguments.seconds,
        rounds=arguments.rounds,
        connections=arguments.connections,
        authenticated=arguments.authenticated,
        rate=arguments.rate,
    )


def main(words: Sequence[str] | None = None) -> int:
    """Run what was asked for; 0 if everything could be measured, 1 if not, 2 if nothing was understood."""
    arguments = parser().parse_args(words)
    if arguments.name is None:
        parser().print_help()
        return 0
    # What our own code logs in this process must not come between the figures.
    configure_logs(level="error", log_format="json", utterances=False, stream=sys.stderr)
    names = list(BENCHMARKS) if arguments.name == ALL else [arguments.name]
    options = options_of(arguments)
    return max(run(name, options, as_json=arguments.json) for name in names)


def run(name: str, options: Options, *, as_json: bool) -> int:
    """Run one benchmark and print it; 1 if something could not be measured."""
    module = importlib.import_module(f"tests.bench.{name}")
    results, note = Results(), None
    with shown_steps(name) as steps:
        try:
            results = _measured(module, options, steps)
        except Exception as error:  # noqa: BLE001 - one that fails must not cost the figures of the others
            note = f"{type(error).__name__}: {error}".strip(": ")
            Console(stderr=True).print_exception(max_frames=8)
    figures = filled(module.FIGURES, results, note=note)
    if note is not None:
        Console(stderr=True).print(f"{name} failed: {note}", style="bold red", markup=False)
    if as_json:
        print_json(figures, sys.stdout)
    else:
        console = Console()
        if not console.is_terminal:
            console = Console(width=_WIDTH)
        print_tables(name, figures, results.listings, console)
    return int(any(figure.value is None for figure in figures))


def _measured(module: Any, options: Options, steps: Steps) -> Results:
    found: Results | Coroutine[Any, Any, Results] = module.measure(options, steps)
    return found if isinstance(found, Results) else event_loop.run(found)


if __name__ == "__main__":
    sys.exit(main())
