"""`wyoming-central interpret`: what a sentence would do, with nothing done."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final

import orjson
import typer
import yaml

from config.errors import WyomingCentralError
from config.languages import DEFAULT as DEFAULT_LANGUAGE
from config.languages import SUPPORTED
from handlers.answer import Answers
from handlers.cascade import cascade
from handlers.frames.explain import Explanation
from handlers.frames.lexicon import Lexicon
from handlers.frames.lexicon_file import lexicon_of, lexicons_with
from handlers.interpret import Interpreter
from handlers.llm.stage import ModelUse
from handlers.understanding import Outcome
from wyoming_central.cli.commands import examples, single
from wyoming_central.cli.explanation import explanation_fields
from wyoming_central.cli.options import AsJson, Language
from wyoming_central.cli.output import several, show_fields, show_json
from wyoming_central.cli.quiet import quiet_logs
from wyoming_central.cli.turn_data import objects, stage_lines

# A home of 20,000 entities with attributes is about half of this.
MAX_LINE_BYTES: Final = 16 * 1024 * 1024

_EXAMPLE: Final = "`wyoming-central interpret --help` shows a home"
_TOO_LONG: Final = f"the line is longer than {MAX_LINE_BYTES} bytes"

app = single()


@app.command(
    epilog=examples(
        'wyoming-central interpret --home home.yaml --area konyha "villanyt fel"',
        'wyoming-central interpret --home home.yaml --explain "redőnyt le"',
        'wyoming-central interpret --home home.yaml --llm "jól jönne egy kis fény"',
        "wyoming-central interpret --jsonl < requests.jsonl",
        "",
        "A home.yaml:",
        "  areas:",
        "    - {id: konyha, name: Konyha}",
        "  entities:",
        "    - {id: light.konyha, name: Konyhai lámpa, area: konyha, state: off}",
    )
)
def interpret(
    *,
    sentence: Annotated[str | None, typer.Argument(metavar="SENTENCE", help="What is said.")] = None,
    home: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The home, as YAML or JSON: floors, areas, devices, entities."),
    ] = None,
    language: Language = DEFAULT_LANGUAGE,
    area: Annotated[
        str | None,
        typer.Option("--area", "-a", metavar="AREA", help="Where it is heard: id or name."),
    ] = None,
    context: Annotated[
        list[str] | None,
        typer.Option("--context", metavar="SENTENCE", help="Said before it; may be given several times."),
    ] = None,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="For programs: one JSON request a line in, one answer a line out.")
    ] = False,
    lexicon: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="With hu.yaml or en.yaml: words on top of the lexicon's."),
    ] = None,
    llm: Annotated[
        bool,
        typer.Option("--llm", help="Ask the language model, too (OLLAMA_URLS), where no rule understands."),
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show how the frame parser understands it, step by step.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what a sentence would do in a home that a file describes. Nothing is done.

    With --jsonl a request has `home` (or leaves it out: the one before), `text`, `language`, and may have
    `area`, `states` and `context`. The answers come in the order of the requests; what cannot be read is
    answered with the outcome `error`, and the next line is read.
    """
    quiet_logs()
    lexicons = lexicons_with(lexicon, SUPPORTED) if lexicon is not None else {}
    if jsonl:
        if sentence is not None or home is not None:
            raise typer.BadParameter("sentence and home come on stdin", param_hint="--jsonl")
        if explain:
            raise typer.BadParameter("one sentence is explained, not lines of them", param_hint="--explain")
        _answer_lines(sys.stdin.buffer, sys.stdout.buffer, lexicons, llm=llm)
        return
    if sentence is None or home is None:
        raise typer.BadParameter("both are needed without --jsonl", param_hint="SENTENCE and --home")
    described = _read_home(home)
    request = {
        "home": described,
        "text": sentence,
        "language": language,
        "area": _area_id(described, area),
        "context": context or [],
    }
    with _interpreter(lexicons, llm=llm) as (runner, interpreter):
        answer = runner.run(interpreter.answer(request))
        if answer["outcome"] == Outcome.ERROR.value:
            raise WyomingCentralError(
                f"this cannot be interpreted: {answer.get('error', 'unknown reason')}", remedy=_EXAMPLE
            )
        explanation = None
        if explain:
            spoken = language or DEFAULT_LANGUAGE
            words = lexicons.get(spoken) or lexicon_of(spoken)
            explanation = runner.run(interpreter.explain(request, words))
    if as_json:
        show_json(answer if explanation is None else answer | {"explanation": explanation.as_json()})
    else:
        _show(answer, explanation)


@contextmanager
def _interpreter(
    lexicons: Mapping[str, Lexicon], *, llm: bool
) -> Iterator[tuple[asyncio.Runner, Interpreter]]:
    """An interpreter, and what it runs in."""
    with (
        asyncio.Runner() as runner,
        _model(runner) if llm else nullcontext() as use,
        cascade(lexicons, model=use) as recognizer,
    ):
        yield runner, Interpreter(recognizer=recognizer, answers=Answers.load())


@contextmanager
def _model(runner: asyncio.Runner) -> Iterator[ModelUse]:
    """The language model as the settings have it."""
    # Slow to load, and rules need neither.
    from config.settings import load_settings  # noqa: PLC0415
    from wyoming_central.model import model_pool, model_use  # noqa: PLC0415

    settings = load_settings()
    pool = model_pool(settings)
    use = model_use(settings, pool)
    if use is None:
        raise WyomingCentralError("there is no language model", remedy="set OLLAMA_URLS to its server")
    try:
        yield use
    finally:
        runner.run(pool.close())


def _answer_lines(
    requests: BinaryIO, answers: BinaryIO, lexicons: Mapping[str, Lexicon], *, llm: bool
) -> None:
    """Answer every line, each before the next one is read."""
    with _interpreter(lexicons, llm=llm) as (runner, interpreter):
        for line in _lines(requests):
            answer = _answer_line(line, lambda request: runner.run(interpreter.answer(request)))
            answers.write(orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE, default=str))
            answers.flush()


def _answer_line(
    line: bytes | None, answer_of: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    if line is None:
        return _refusal(_TOO_LONG)
    try:
        request = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return _refusal(f"the line is not JSON: {error}")
    if not isinstance(request, dict):
        return _refusal("the request is not an object")
    try:
        return answer_of(request)
    except Exception as error:  # noqa: BLE001 - one bad request must not end the process that others wait for
        return _refusal(f"unexpected {type(error).__name__}: {error}")


def _lines(stream: BinaryIO) -> Iterator[bytes | None]:
    """Each line of a stream; None for one that is too long to be read."""
    while line := stream.readline(MAX_LINE_BYTES):
        if len(line) < MAX_LINE_BYTES or line.endswith(b"\n"):
            yield line
            continue
        while (rest := stream.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
            pass
        yield None


def _refusal(reason: str) -> dict[str, Any]:
    return {
        "outcome": Outcome.ERROR.value,
        "intents": [],
        "calls": [],
        "speech": "",
        "parser": None,
        "stages": [],
        "ms": 0.0,
        "error": reason,
    }


def _read_home(path: Path) -> dict[str, Any]:
    try:
        # YAML is a superset of JSON as far as homes are concerned.
        described = yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe loaders
    except OSError as error:
        raise WyomingCentralError(f"cannot read {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise WyomingCentralError(
            f"{path} is no YAML: {' '.join(str(error).split())[:200]}",
            remedy=_EXAMPLE,
        ) from None
    if not isinstance(described, dict):
        raise WyomingCentralError(f"{path} holds no home: floors, areas, devices, entities", remedy=_EXAMPLE)
    for entity in objects(described, "entities"):
        if isinstance(entity.get("state"), bool):
            # An unquoted on or off is a truth value in YAML.
            entity["state"] = "on" if entity["state"] else "off"
    return described


def _area_id(described: Mapping[str, Any], wanted: str | None) -> str | None:
    """The id of the area with this id or name; left as it is where there is none, to be refused as such."""
    if wanted is None:
        return None
    for area in objects(described, "areas"):
        if wanted.casefold() in {str(area.get("id")).casefold(), str(area.get("name")).casefold()}:
            return str(area.get("id"))
    return wanted


def _show(answer: Mapping[str, Any], explanation: Explanation | None) -> None:
    by = f"by {answer['parser']}, " if answer["parser"] else ""
    show_fields(
        (
            ("Outcome", f"{answer['outcome']} ({by}{answer['ms']:.1f} ms)"),
            *several("Understood", [f"{one['name']}  {_pairs(one['slots'])}" for one in answer["intents"]]),
            *several(
                "Would do",
                [
                    f"{one['domain']}.{one['service']}  {', '.join(one['entity_id'])}  {_pairs(one['data'])}"
                    for one in answer["calls"]
                ],
            ),
            ("Would say", answer["speech"]),
            *several("Stages", stage_lines(answer["stages"])),
            *(explanation_fields(explanation) if explanation else ()),
        )
    )


def _pairs(values: Mapping[str, Any]) -> str:
    return "  ".join(f"{name}={_value(value)}" for name, value in values.items())


def _value(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
