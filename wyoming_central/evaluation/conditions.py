"""What the outcomes of an evaluation depend on: with any of it changed, earlier outcomes say nothing."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from importlib import resources
from importlib.metadata import version
from importlib.resources.abc import Traversable
from typing import Final

import orjson

from wyoming_central.evaluation.data import DataSet

# What understands and judges, with the words and prompts that it uses.
_PACKAGES: Final = ("config", "handlers", "provisioning.home", "wyoming_central.evaluation")
_SUFFIXES: Final = (".py", ".yaml", ".md")


@dataclass(frozen=True, slots=True)
class Conditions:
    """How sentences are understood in an evaluation.

    Attributes:
        stages: The stages that are used, in their order.
        model: The language model; None where it is not asked, and so for what follows.
        candidates: The most things that it may choose among.
        context_tokens: How many tokens it has.
        home_characters: Of a home that it is told as a whole.
        within: Seconds that it has for one sentence.
    """

    stages: tuple[str, ...]
    model: str | None = None
    candidates: int | None = None
    context_tokens: int | None = None
    home_characters: int | None = None
    within: float | None = None

    def key(self, data: DataSet, program: str) -> str:
        """What is the same as long as outcomes for a set are; `program` as `program_digest` has it."""
        parts = orjson.dumps([asdict(self), data.digest, program])
        return hashlib.sha256(parts).hexdigest()[:32]


def program_digest() -> str:
    """What changes with the program, its words and its prompts; reads some hundred files."""
    digest = hashlib.sha256(version("wyoming-central").encode())
    for package in _PACKAGES:
        _add(resources.files(package), package, digest)
    return digest.hexdigest()


def _add(folder: Traversable, place: str, digest: hashlib._Hash) -> None:
    for one in sorted(folder.iterdir(), key=lambda each: each.name):
        name = f"{place}/{one.name}"
        if one.is_dir() and one.name != "__pycache__":
            _add(one, name, digest)
        elif one.name.endswith(_SUFFIXES):
            digest.update(f"{name}\0".encode())
            digest.update(hashlib.sha256(one.read_bytes()).digest())
