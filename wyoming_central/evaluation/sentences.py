"""Sets of sentences: a home, what is said in it, and what must come of it.

A set is a folder whose name begins with its language. `home.yaml` describes the home as `interpret` takes it;
`tests.yaml` is a list of blocks:

- `sentences`: each must come to the same;
- `area`: where they are heard; `setup`: states and attributes to put in place first;
- `changes`: exactly what must differ afterwards, or a list of such changes, any one of which will do. Values
  may be lists of which one will do, and texts `a|b`; `brightness_pct` is held against `brightness`; `items`
  is all that was put on a list;
- `outcome`: instead of `changes`, `ask`, `none` or `answer`; for an answer `says` must occur in it;
- `explained: true`: a reason is given beside what is asked for ("shut the curtains, everyone can see in").
  Only a model can tell the two apart; without one it is enough that nothing wrong is done;
- `context`: what was said, and carried out, before.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

from config.languages import SUPPORTED
from handlers.errors import RequestError
from handlers.interpret import MAX_CONTEXT, parse_home
from handlers.sentence import MAX_SENTENCE_LENGTH
from wyoming_central.evaluation.effects import States
from wyoming_central.evaluation.errors import SentenceDataError
from wyoming_central.evaluation.given import Given, read_yaml

HOME: Final = "home.yaml"
TESTS: Final = "tests.yaml"

_OUTCOMES: Final = ("commands", "ask", "none", "answer")


@dataclass(frozen=True, slots=True)
class ExpectedEffect:
    """What must come of a sentence, by what changes in the home.

    Attributes:
        outcome: `commands`, `ask`, `none` or `answer`.
        changes: For commands: one of these must have come about. For all else nothing may change.
        says: For an answer: one of these texts must occur in it, without regard to case.
    """

    outcome: str
    changes: tuple[Mapping[str, Any], ...]
    says: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExpectedIntent:
    """What must come of a sentence, by what it means.

    Attributes:
        name: Of the intent.
        slots: Its slots.
        entities: The entities that must be reached, if any is named.
    """

    name: str
    slots: Mapping[str, Any]
    entities: frozenset[str]


Expected: TypeAlias = ExpectedEffect | ExpectedIntent


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence of a set with what must come of it.

    Attributes:
        text: The sentence.
        expected: What must come of it.
        area: Where it is heard.
        states: The home when it is said, before what `context` did; empty where it is as it is described.
        context: What was said before.
        explained: Whether the speaker also says why.
    """

    text: str
    expected: Expected
    area: str | None = None
    states: Mapping[str, dict[str, Any]] = field(default_factory=dict, repr=False)
    context: tuple[str, ...] = ()
    explained: bool = False


@dataclass(frozen=True, slots=True)
class SentenceSet:
    """A home and what is said in it."""

    name: str
    language: str
    home: Mapping[str, Any] = field(repr=False)
    said: tuple[Said, ...] = field(repr=False)


def sets_in(folder: Path) -> list[Path]:
    """The folders that are sets of this kind: the one that is given, and those below it."""
    return sorted(home.parent for home in folder.rglob(HOME))


def read_set(folder: Path) -> SentenceSet:
    """Read one set.

    Raises:
        SentenceDataError: A file of it cannot be used; says which, and where.
    """
    language = language_of(folder)
    home = _home(read_yaml(folder / HOME))
    blocks = read_yaml(folder / TESTS)
    said = tuple(one for block in blocks.items() for one in _of_block(block, home))
    return SentenceSet(folder.name, language, home, said)


def language_of(folder: Path) -> str:
    """The language of a set: what the name of its folder begins with.

    Raises:
        SentenceDataError: It begins with none.
    """
    language = folder.name[:2]
    if language not in SUPPORTED:
        raise SentenceDataError(
            folder,
            "",
            "the name of the folder does not begin with a language",
            remedy=f"let it begin with one of {', '.join(SUPPORTED)}",
        )
    return language


def demand_home(home: Mapping[str, Any], given: Given) -> None:
    """See that a home is one that can be spoken to.

    Raises:
        SentenceDataError: It is none.
    """
    try:
        parse_home(home)
    except RequestError as error:
        raise given.wrong(error.message) from None


def sentences_of(given: Given) -> tuple[str, ...]:
    """The sentences of a block, of which there is at least one.

    Raises:
        SentenceDataError: They are something else.
    """
    texts = given.texts()
    if not texts or max(map(len, texts)) > MAX_SENTENCE_LENGTH:
        raise given.wrong(f"is not a list of sentences of at most {MAX_SENTENCE_LENGTH} characters")
    return texts


def states_of(home: Mapping[str, Any]) -> States:
    """The states of a home as it is described."""
    return {
        entity["id"]: {"state": entity["state"], "attributes": copy.deepcopy(entity.get("attributes") or {})}
        for entity in home["entities"]
    }


def _home(given: Given) -> Mapping[str, Any]:
    """The home with a state, which is a text, for every entity."""
    demand_home(given.mapping(), given)
    entities = [
        {**entity.mapping(), "state": entity.member("state").state()}
        if "state" in entity.mapping()
        else {**entity.mapping(), "state": "unknown"}
        for entity in given.member("entities").items()
    ]
    return {**given.mapping(), "entities": entities}


def _of_block(block: Given, home: Mapping[str, Any]) -> Iterator[Said]:
    states = _states(block.member("setup"), home)
    expected = _expected(block, states)
    area = block.member("area").text_or_none()
    if area is not None and area not in {one["id"] for one in home.get("areas") or ()}:
        raise block.member("area").wrong(f"{area} is no area of the home")
    context = block.member("context")
    if len(context.texts()) > MAX_CONTEXT:
        raise context.wrong(f"has more than {MAX_CONTEXT} sentences")
    for text in sentences_of(block.member("sentences")):
        yield Said(
            text=text,
            expected=expected,
            area=area,
            states=states,
            context=context.texts(),
            explained=bool(block.member("explained").value),
        )


def _states(setup: Given, home: Mapping[str, Any]) -> States:
    states = states_of(home)
    for entity_id, change in setup.members():
        if entity_id not in states:
            raise change.wrong("is no entity of the home")
        if "state" in change.mapping():
            states[entity_id]["state"] = change.member("state").state()
        states[entity_id]["attributes"].update(change.member("attributes").mapping())
    return states


def _expected(block: Given, states: States) -> ExpectedEffect:
    outcome = block.member("outcome").text_or_none() or "commands"
    if outcome not in _OUTCOMES:
        raise block.member("outcome").wrong(f"is none of {', '.join(_OUTCOMES)}")
    says = block.member("says")
    if outcome == "answer" and says.value is None:
        raise block.wrong("wants an answer without what it `says`")
    changes = tuple(_changes(one, states) for one in block.member("changes").one_or_several())
    # No changes at all means that nothing may change.
    return ExpectedEffect(outcome, changes or ({},), tuple(str(says.value or "").split("|")))


def _changes(given: Given, states: States) -> Mapping[str, Any]:
    for entity_id, change in given.members():
        if entity_id not in states:
            raise change.wrong("is no entity of the home")
        for state in change.member("state").one_or_several():
            if state.value is not None:
                state.state()
        change.member("attributes").mapping()
    return given.mapping()
