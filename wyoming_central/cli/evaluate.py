"""`wyoming-central evaluate`: how much is understood of sentences that say what has to come of them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer

from config.schema import Origin
from config.settings import Settings, load_settings
from handlers.answer import Answers
from handlers.cascade import STAGES, cascade
from handlers.interpret import Interpreter
from handlers.llm.stage import ModelStage, ModelUse
from wyoming_central.cli.commands import examples, single
from wyoming_central.cli.evaluate_progress import Shown, shown_progress
from wyoming_central.cli.options import AsJson
from wyoming_central.cli.output import Column, note, or_dash, show_json, show_line, show_table
from wyoming_central.evaluation.conditions import Conditions, program_digest
from wyoming_central.evaluation.data import DataSet, data_sets
from wyoming_central.evaluation.errors import EvaluationError
from wyoming_central.evaluation.model import SteadyModel
from wyoming_central.evaluation.no_cache import NoCache
from wyoming_central.evaluation.record import Record
from wyoming_central.evaluation.report import Miss, Report, first_misses
from wyoming_central.evaluation.run import Part, chosen, run
from wyoming_central.evaluation.table import about_prompts, markdown, tables
from wyoming_central.event_loop import run as run_to_end
from wyoming_central.logs import configure_logs
from wyoming_central.model import model_pool, model_use

FOLDER: Final = "evaluate"
"""In the cache folder: what came of each sentence."""

app = single()


def _stages_of(value: str | None) -> str | None:
    names = [name.strip() for name in (value or "").split(",")]
    if value is not None and (unknown := [name for name in names if name not in STAGES]):
        raise typer.BadParameter(f"{unknown[0]!r} is none of {', '.join(STAGES)}")
    return value


def _url_of(value: str | None) -> str | None:
    if value is None:
        return None
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise typer.BadParameter("write it like http://127.0.0.1:11434")
    return value.rstrip("/")


@app.command(
    epilog=examples(
        "wyoming-central evaluate data/",
        "wyoming-central evaluate data/hu-home --stages frames,templates --misses 20",
        "wyoming-central evaluate data/ --model qwen3:4b --limit 200",
        "wyoming-central evaluate data/ --markdown > accuracy.md",
    )
)
def evaluate(
    *,
    data: Annotated[
        list[Path],
        typer.Argument(
            metavar="DATA",
            help="Folders of sentences, or folders around such folders.",
            exists=True,
            file_okay=False,
        ),
    ],
    stages: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help=f"Of {','.join(STAGES)}. Default: all; llm only where there is a server for it.",
            callback=_stages_of,
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="The language model. Default: OLLAMA_MODEL.")
    ] = None,
    ollama_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="The server that runs it. Default: the first of OLLAMA_URLS.",
            callback=_url_of,
        ),
    ] = None,
    candidates: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=200,
            help="Things of a home that the model chooses among. Default: LLM_CANDIDATES.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", "-n", min=1, help="So many sentences, spread evenly, for a quick look."),
    ] = None,
    misses: Annotated[int, typer.Option(min=0, max=100_000, help="Show so many of what was not right.")] = 0,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew instead of going on where it ended last.")
    ] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure what is understood of sentences that come with what is expected.

    A folder of sentences is named after its language (hu, en-flat) and holds home.yaml and tests.yaml, or
    Home Assistant's own sentence tests with their _fixtures.yaml. Nothing is done in any home.

    Wrong is a sentence that would do what is not expected; asked, one that is answered by asking whether to
    do just what is expected; missed, all else that is not right. Each stage is shown with the sentences that
    it took, and its own time.

    What came of each sentence is kept in the cache folder: when called again after Ctrl-C, it goes on.
    """
    # What is slow or fails is in the figures; a line for each sentence would hide the others.
    configure_logs(level="error", log_format="console")
    if as_json and as_markdown:
        raise typer.BadParameter("either JSON or Markdown", param_hint="--markdown")
    settings = _with_model(load_settings(), model, ollama_url, candidates)
    used = _used_stages(stages, settings)
    if ModelStage.name in used and not settings.ollama_urls:
        raise EvaluationError(
            "no server of language models is set up",
            remedy="give --ollama-url, set OLLAMA_URLS, or leave the model out with "
            "--stages frames,templates",
        )
    sets = data_sets(data)
    with shown_progress() as shown:
        try:
            report = run_to_end(_Evaluation(settings, used, shown).of(sets, limit=limit, fresh=fresh))
        except KeyboardInterrupt:
            shown.stop()
            if shown.total:
                done = f"{shown.done} of {shown.total} sentences"
                note(f"Interrupted after {done}; the same command goes on from there.")
            raise
    report = replace(report, misses=first_misses(report.results, misses))
    if as_json:
        show_json(report.as_json())
    elif as_markdown:
        for line in markdown(report):
            show_line(line)
        for miss in report.misses:
            note(" | ".join(_miss_row(miss)))
    else:
        _show(report)
    failures = sum(outcome.failure is not None for result in report.results for outcome in result.outcomes)
    if failures:
        note(f"To {failures} of the missed the model gave no answer; they are tried again the next time.")


def _with_model(settings: Settings, model: str | None, url: str | None, candidates: int | None) -> Settings:
    """The settings with what was given on the command line, and with one server alone."""
    values = {
        "ollama_model": model,
        "ollama_urls": (url,) if url is not None else settings.ollama_urls[:1],
        "llm_candidates": candidates,
    }
    given = {name: value for name, value in values.items() if value is not None}
    return settings.replaced(given, dict.fromkeys(given, Origin.GIVEN))


def _used_stages(wanted: str | None, settings: Settings) -> tuple[str, ...]:
    if wanted is None:
        return tuple(name for name in STAGES if name != ModelStage.name or settings.ollama_urls)
    names = {name.strip() for name in wanted.split(",")}
    return tuple(name for name in STAGES if name in names)


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """An evaluation with these settings and stages."""

    settings: Settings
    stages: tuple[str, ...]
    shown: Shown = field(repr=False)

    async def of(self, sets: Sequence[DataSet], *, limit: int | None, fresh: bool) -> Report:
        """Evaluate some sets, as far as that was not done before."""
        async with AsyncExitStack() as stack:
            use, model = None, None
            if ModelStage.name in self.stages:
                pool = model_pool(self.settings)
                stack.push_async_callback(pool.close)
                model = SteadyModel(pool.servers[0], pool.options)
                as_served = model_use(self.settings, pool)
                use = replace(as_served, model=model) if as_served is not None else None
            conditions = self._conditions(use)
            parts = self._parts(sets, conditions, limit=limit, fresh=fresh)
            self.shown.begin(parts)
            if model is not None and self.shown.done < self.shown.total:
                await model.load()
            recognizer = stack.enter_context(cascade(model=use, stages=self.stages, cache=NoCache()))
            interpreter = Interpreter(recognizer=recognizer, answers=Answers.load())
            results = await run(parts, interpreter, self.shown.advance)
        return Report(conditions, results)

    def _conditions(self, use: ModelUse | None) -> Conditions:
        if use is None:
            return Conditions(self.stages)
        return Conditions(
            self.stages,
            model=self.settings.ollama_model,
            candidates=use.candidates,
            context_tokens=self.settings.llm_context_tokens,
            home_characters=use.home_characters,
            within=use.within,
        )

    def _parts(
        self, sets: Sequence[DataSet], conditions: Conditions, *, limit: int | None, fresh: bool
    ) -> list[Part]:
        program = program_digest()
        folder = self.settings.cache_dir / FOLDER
        parts = []
        for one, which in zip(sets, chosen(sets, limit), strict=True):
            record = Record(folder / f"{conditions.key(one, program)}.jsonl")
            if fresh:
                record.forget()
            parts.append(Part(one, which, record, record.read()))
        return parts


# --- what is shown ------------------------------------------------------------------------------------------


_MISS_COLUMNS: Final = (
    Column("VERDICT"),
    Column("DATA"),
    Column("SENTENCE"),
    Column("BY"),
    Column("CAME OF IT"),
)


def _show(report: Report) -> None:
    show_line(report.title)
    for table in tables(report, prompts=False):
        show_line("")
        columns = [
            Column(head.upper(), right=place > 0, whole=place > 0) for place, head in enumerate(table.heads)
        ]
        show_table(columns, table.rows)
    about = about_prompts(report)
    if about is not None:
        show_line("")
        show_line(about)
    if report.misses:
        show_line("")
        show_table(_MISS_COLUMNS, map(_miss_row, report.misses))


def _miss_row(miss: Miss) -> tuple[str, ...]:
    one = miss.outcome
    return (one.verdict.value, miss.label, one.text, or_dash(one.parser), one.came)
