from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.answer import Answers
from handlers.cascade import cascade
from handlers.errors import RequestError
from handlers.interpret import Interpreter, parse_home

HOME = yaml.safe_load((Path(__file__).parent / "homes" / "en.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def interpreter() -> Iterator[Interpreter]:
    with cascade() as recognizer:
        yield Interpreter(recognizer=recognizer, answers=Answers.load(), clock=lambda: 1772715900.0)


def request(text: str, **more: Any) -> dict[str, Any]:
    return {"home": HOME, "text": text, "language": "en", **more}


async def test_a_command_is_told_with_what_would_be_called_and_said(interpreter: Interpreter) -> None:
    answer = await interpreter.answer(request("turn on the samovar"))
    assert answer.pop("ms") > 0
    stages = answer.pop("stages")
    assert [(one["stage"], one["verdict"]) for one in stages] == [
        ("question", "pass-on"),
        ("frames", "commands"),
    ]
    assert answer == {
        "outcome": "commands",
        "intents": [{"name": "HassTurnOn", "slots": {"name": "Samovar"}}],
        "calls": [
            {"domain": "switch", "service": "turn_on", "entity_id": ["switch.samovar"], "data": {}},
        ],
        "speech": "Turned on the Samovar.",
        "parser": "frames",
    }


async def test_an_answer_is_plain_json(interpreter: Interpreter) -> None:
    for text in ("which windows are open", "set reading lamp to 40%", "what's the weather like"):
        answer = await interpreter.answer(request(text))
        assert json.loads(json.dumps(answer)) == answer


async def test_intents_are_told_even_where_nothing_fits(interpreter: Interpreter) -> None:
    answer = await interpreter.answer(request("turn on the lights in the yard"))
    assert answer["outcome"] == "none"
    assert answer["calls"] == []
    assert answer["intents"][0]["slots"] == {"area": "Yard", "domain": "light"}


async def test_the_home_before_is_the_home_of_a_request_without_one(interpreter: Interpreter) -> None:
    await interpreter.answer(request("hello"))
    answer = await interpreter.answer({"text": "turn on the samovar", "language": "en"})
    assert answer["outcome"] == "commands"


async def test_the_same_home_told_again_is_known_and_so_is_the_sentence(interpreter: Interpreter) -> None:
    await interpreter.answer(request("turn on the samovar"))
    again = await interpreter.answer(request("turn on the samovar", home=json.loads(json.dumps(HOME))))
    assert again["parser"] == "cache"


async def test_given_states_come_before_those_of_the_home(interpreter: Interpreter) -> None:
    states = {"binary_sensor.hatch": {"state": "off", "attributes": {"device_class": "window"}}}
    answer = await interpreter.answer(request("is the galley hatch open", states=states))
    assert answer["speech"] == "No, the Galley hatch is closed."


async def test_the_area_of_the_device_counts(interpreter: Interpreter) -> None:
    answer = await interpreter.answer(request("turn on the lights", area="attic"))
    assert answer["calls"][0]["entity_id"] == ["light.attic_ceiling"]


async def test_a_question_left_open_by_the_context_is_answered(interpreter: Interpreter) -> None:
    answer = await interpreter.answer(request("the one in the attic", context=["turn on the ceiling light"]))
    assert answer["calls"][0]["entity_id"] == ["light.attic_ceiling"]
    assert answer["parser"] is None


async def test_a_question_back_carries_no_call(interpreter: Interpreter) -> None:
    answer = await interpreter.answer(request("turn on the ceiling light"))
    assert (answer["outcome"], answer["calls"]) == ("ask", [])


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"text": "hello", "language": "en"}, "no home"),
        (request("hello", language="xx"), "language"),
        (request("hello", language=5), "language"),
        ({"home": HOME, "language": "en"}, "no text"),
        (request("hello", area="nowhere"), "area"),
        (request("hello", states=[1]), "states"),
        (request("hello", states={"light.a": 3}), "light.a"),
        (request("hello", context="before"), "context"),
        (request("hello", home="a house"), "object"),
    ],
)
async def test_what_cannot_be_read_is_an_error_that_says_why(
    interpreter: Interpreter, wrong: dict[str, Any], why: str
) -> None:
    answer = await interpreter.answer(wrong)
    assert answer["outcome"] == "error"
    assert why in answer["error"]
    assert answer["speech"]
    assert answer["calls"] == answer["intents"] == []


@pytest.mark.parametrize(
    ("home", "why"),
    [
        ({"entities": "many"}, "list"),
        ({"entities": [{"name": "no id"}]}, "no id"),
        ({"entities": [{"id": "lamp", "name": "Lamp"}]}, "not the id"),
        ({"entities": [{"id": "light.a"}]}, "no name"),
        ({"entities": [{"id": "light.a", "name": "A"}, {"id": "light.a", "name": "B"}]}, "twice"),
        ({"entities": [{"id": "light.a", "name": "A", "aliases": "B"}]}, "aliases"),
        ({"entities": [{"id": "light.a", "name": "A", "aliases": [3]}]}, "alias"),
        ({"entities": [{"id": "light.a", "name": "A", "exposed": "no"}]}, "exposed"),
        ({"entities": [{"id": "light.a", "name": "A", "area": 3}]}, "area"),
        ({"entities": [{"id": "light.a", "name": "A", "attributes": []}]}, None),
        ({"entities": [{"id": "light.a", "name": "A", "attributes": [1]}]}, "attributes"),
        ({"entities": [{"id": "light.a", "name": "A", "state": float("inf")}]}, "state"),
        ({"areas": [{"id": "a", "name": "x" * 300}]}, "name"),
        ([], "object"),
    ],
)
def test_a_home_is_checked_before_it_is_lived_in(home: Any, why: str | None) -> None:
    if why is None:
        parse_home(home)
        return
    with pytest.raises(RequestError, match=why):
        parse_home(home)


def test_an_entity_is_where_its_device_is() -> None:
    picture = parse_home(HOME)
    assert picture.registry.entities["climate.attic"].area_id == "attic"


def test_the_same_home_has_the_same_revision_and_another_has_another() -> None:
    first, again = parse_home(HOME), parse_home(json.loads(json.dumps(HOME)))
    other = parse_home({**HOME, "floors": []})
    assert first.registry.revision == again.registry.revision != other.registry.revision


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["id", "name", "aliases", "area", "device", "state", "attributes", "exposed", "entities", "areas"]
    ), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(_JSON)
def test_no_description_of_a_home_does_worse_than_being_refused(data: Any) -> None:
    with contextlib.suppress(RequestError):
        parse_home(data)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["text", "language", "home", "area", "states", "context"]), _JSON))
async def test_no_request_makes_it_raise(interpreter: Interpreter, data: dict[str, Any]) -> None:
    answer = await interpreter.answer({"language": "hu", **data})
    assert answer["outcome"] in {"commands", "answer", "ask", "none", "error"}
