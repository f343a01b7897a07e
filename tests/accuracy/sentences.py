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
from typing import Any

import yaml

from tests.accuracy.effects import States

SETS = Path(__file__).with_name("sets")


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence of a set with what must come of it.

    Attributes:
        states: The home when it is said, before what `context` did.
        changes: One of these must have come about; empty where nothing may change.
        outcome: `commands`, `ask`, `none` or `answer`.
        explained: Whether the speaker also says why.
        says: For an answer: one of these texts must occur in it, without regard to case.
    """

    text: str
    area: str | None
    states: States
    changes: tuple[Mapping[str, Any], ...] = ()
    outcome: str = "commands"
    says: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    explained: bool = False


@dataclass(frozen=True, slots=True)
class SentenceSet:
    """A home and what is said in it."""

    name: str
    language: str
    home: Mapping[str, Any]
    said: tuple[Said, ...] = field(repr=False)


def read_set(folder: Path) -> SentenceSet:
    """Read one set."""
    home = _read(folder / "home.yaml")
    for entity in home["entities"]:
        entity["state"] = str(entity.get("state", "unknown"))
    blocks = _read(folder / "tests.yaml")
    said = tuple(one for block in blocks for one in _of_block(block, home))
    return SentenceSet(folder.name, folder.name[:2], home, said)


def _read(path: Path) -> Any:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - both are safe loaders


def sets_in(folder: Path) -> list[Path]:
    """The folders below one that are sets of this kind."""
    return sorted(home.parent for home in folder.rglob("home.yaml"))


def states_of(home: Mapping[str, Any]) -> States:
    """The states of a home as it is described."""
    return {
        entity["id"]: {"state": entity["state"], "attributes": copy.deepcopy(entity.get("attributes") or {})}
        for entity in home["entities"]
    }


def _of_block(block: Mapping[str, Any], home: Mapping[str, Any]) -> Iterator[Said]:
    states = states_of(home)
    for entity_id, change in (block.get("setup") or {}).items():
        if "state" in change:
            states[entity_id]["state"] = str(change["state"])
        states[entity_id]["attributes"].update(change.get("attributes") or {})
    wanted = block.get("changes") or {}
    for text in block["sentences"]:
        yield Said(
            text=text,
            area=block.get("area"),
            states=states,
            changes=tuple(wanted) if isinstance(wanted, list) else (wanted,),
            outcome=block.get("outcome", "commands"),
            says=tuple(str(block.get("says", "")).split("|")),
            context=tuple(block.get("context") or ()),
            explained=bool(block.get("explained")),
        )
