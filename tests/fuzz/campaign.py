"""A campaign of all fuzz targets: python -m tests.fuzz.campaign [SECONDS]

Each target gets its share of the time and begins with the frames in `seeds/`. What it finds, an input on
which the target raises, hangs or grows, is shown and kept; the rest of what it made is thrown away.

Exit status: 0 where nothing was found, or atheris is not installed; 1 where something was; 2 for a wrong use.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SECONDS: Final = 60
TARGETS: Final = ("frames", "events")

_HERE: Final = Path(__file__).parent
# A peer's frame may be larger; what is to be found in a decoder is found in short ones, and sooner.
_MOST_BYTES: Final = 1024
# For one input, which takes a tenth of a millisecond; more is a find.
_INPUT_SECONDS: Final = 10
_MEMORY_MB: Final = 1024
# An engine that does not end by itself when its time is over is ended.
_GRACE_SECONDS: Final = 60

_FIND: Final = re.compile(r"Test unit written to (\S+)")
_COVERAGE: Final = re.compile(
    r"^#\d+\s+(?:INITED|DONE|NEW|pulse|REDUCE)\s+cov: (\d+) ft: (\d+)", re.MULTILINE
)
_STATISTIC: Final = re.compile(r"^stat::(\w+):\s+(\d+)", re.MULTILINE)
_EXCEPTION: Final = re.compile(r"Uncaught Python exception: ===\n(.+)")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one target.

    Attributes:
        target: Its name.
        ended_well: Whether the engine ended by itself and without a find.
        output: All that the engine said.
        finds: Inputs that it found, each in a file.
    """

    target: str
    ended_well: bool
    output: str
    finds: tuple[Path, ...]


def main(arguments: Sequence[str]) -> int:
    """Run the campaign and say what came of it; gives the exit status."""
    try:
        seconds = int(arguments[0]) if arguments else SECONDS
    except ValueError:
        seconds = 0
    if len(arguments) > 1 or seconds < len(TARGETS):
        sys.stderr.write(
            f"usage: script/fuzz [SECONDS], at least {len(TARGETS)}; {SECONDS} where none are given\n"
        )
        return 2
    if importlib.util.find_spec("atheris") is None:
        sys.stdout.write("skipped: atheris is not installed here\n")
        return 0
    folder = Path(tempfile.mkdtemp(prefix="wyoming-central-fuzz-"))
    outcomes = [_fuzz(target, seconds // len(TARGETS), folder) for target in TARGETS]
    for outcome in outcomes:
        sys.stdout.write(_told(outcome))
    if all(outcome.ended_well for outcome in outcomes):
        shutil.rmtree(folder)
        return 0
    return 1


def seeds() -> dict[str, bytes]:
    """The frames that a campaign begins with, by name."""
    return {path.stem: path.read_bytes() for path in sorted((_HERE / "seeds").glob("*.frame"))}


def inputs(target: str) -> dict[str, bytes]:
    """What a campaign of a target begins with: the seeds, as that target takes them, by name."""
    # The target's own module, which says the same, is not to be loaded here, without its instruments.
    hows = [bytes([bounds, size, size, size, size]) for bounds in range(4) for size in (0, 3)]
    return {
        f"{name}-{how.hex()}": how + frame
        for name, frame in seeds().items()
        for how in (hows if target == "frames" else [b""])
    }


def _fuzz(target: str, seconds: int, folder: Path) -> Outcome:
    corpus, finds = folder / target / "corpus", folder / target / "finds"
    corpus.mkdir(parents=True)
    finds.mkdir()
    for name, data in inputs(target).items():
        (corpus / name).write_bytes(data)
    command = [
        *_engine(target),
        str(corpus),
        f"-max_total_time={seconds}",
        f"-max_len={_MOST_BYTES}",
        f"-timeout={_INPUT_SECONDS}",
        f"-rss_limit_mb={_MEMORY_MB}",
        f"-dict={_HERE / 'words.dict'}",
        f"-artifact_prefix={finds}/",
        "-print_final_stats=1",
    ]
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            errors="replace",
            text=True,
            check=False,
            timeout=seconds + _GRACE_SECONDS,
        )
    except subprocess.TimeoutExpired as late:
        said = late.stdout or b""
        output = said if isinstance(said, str) else said.decode(errors="replace")
        return Outcome(target, ended_well=False, output=output, finds=tuple(sorted(finds.iterdir())))
    found = tuple(sorted(finds.iterdir()))
    return Outcome(target, ended_well=done.returncode == 0 and not found, output=done.stdout, finds=found)


def _engine(target: str) -> list[str]:
    return [sys.executable, "-m", "tests.fuzz.engine", target]


def _told(outcome: Outcome) -> str:
    """One line of figures, and what was found."""
    figures = {name: int(number) for name, number in _STATISTIC.findall(outcome.output)}
    executions = figures.get("number_of_executed_units", 0)
    speed = figures.get("average_exec_per_sec", 0)
    how_many = f"{len(outcome.finds) or 'no'} find{'s' if len(outcome.finds) > 1 else ''}"
    lines = [
        f"{outcome.target:<8}{executions:>12,} executions{speed:>9,}/s   {_reached(outcome)}   {how_many}"
    ]
    if not outcome.ended_well:
        raised = _EXCEPTION.search(outcome.output)
        lines.append(f"  {raised[1] if raised else 'the engine did not end well; it said last:'}")
        if not raised:
            lines.extend(f"    {line}" for line in outcome.output.splitlines()[-20:])
    for find in outcome.finds:
        lines.append(f"  input    {find.read_bytes()!r}")
        lines.append(f"  again    {' '.join(_engine(outcome.target))} {find}")
    return "".join(f"{line}\n" for line in lines)


def _reached(outcome: Outcome) -> str:
    """How far the seeds came, and how far what was made of them."""
    steps = _COVERAGE.findall(outcome.output)
    if not steps:
        return "ended among the seeds"
    (before, before_all), (after, after_all) = steps[0], steps[-1]
    return f"coverage {before} → {after}, features {before_all} → {after_all}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
