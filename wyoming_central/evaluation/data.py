"""The sets of sentences below some folders, in whichever of the two formats each of them is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from wyoming_central.evaluation.errors import EvaluationError
from wyoming_central.evaluation.home_assistants_own import (
    FIXTURES,
    intent_files,
    intent_sets_in,
    read_intent_set,
)
from wyoming_central.evaluation.sentences import HOME, TESTS, SentenceSet, read_set, sets_in


class Kind(StrEnum):
    """The format of a set."""

    NATURAL = "natural"
    INTENTS = "intents"


@dataclass(frozen=True, slots=True)
class DataSet:
    """A set of sentences as it was found.

    Attributes:
        label: The names of its folder and of the one around it.
        kind: Its format.
        sentences: What it holds.
        digest: The same for the same files under the same name.
    """

    label: str
    kind: Kind
    sentences: SentenceSet = field(repr=False)
    digest: str


def data_sets(folders: Sequence[Path]) -> list[DataSet]:
    """Read the sets that some folders are, or that are somewhere below them; each once.

    Raises:
        EvaluationError: There is none in one of the folders, or none of the sets holds a sentence.
        SentenceDataError: A file cannot be used; says which, and where.
    """
    found = dict.fromkeys(one for folder in folders for one in _sets_below(folder))
    sets = [_read(folder) for folder in found]
    if not any(one.sentences.said for one in sets):
        raise EvaluationError("the data holds no sentence", remedy="name another folder")
    return sets


def _sets_below(folder: Path) -> list[Path]:
    place = folder.resolve()
    sets = sorted({*sets_in(place), *intent_sets_in(place)})
    if not sets:
        raise EvaluationError(
            f"{folder} holds no sentences: neither {HOME} with {TESTS}, nor {FIXTURES}",
            remedy="name a folder that does, or one around such folders",
        )
    return sets


def _read(folder: Path) -> DataSet:
    natural = (folder / HOME).is_file()
    sentences = read_set(folder) if natural else read_intent_set(folder)
    files = [folder / HOME, folder / TESTS] if natural else [folder / FIXTURES, *intent_files(folder)]
    return DataSet(
        label=f"{folder.parent.name}/{folder.name}",
        kind=Kind.NATURAL if natural else Kind.INTENTS,
        sentences=sentences,
        digest=_digest(files),
    )


def _digest(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.parent.name}/{path.name}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
