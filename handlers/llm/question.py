"""What a model is asked and what it wrote, as plain data; and how it is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """How a model is run; the same for every call, since a change of it loads the model anew.

    Attributes:
        model: Its name.
        context_tokens: How many tokens prompt and answer may have together.
        answer_tokens: How many the answer may have.
        seed: For the same answer to the same question.
        keep_alive: Seconds for which it stays loaded; -1 for ever.
    """

    model: str
    context_tokens: int = 8192
    answer_tokens: int = 512
    seed: int = 7
    keep_alive: int = -1

    def as_json(self, answer_tokens: int | None = None) -> dict[str, Any]:
        """As Ollama takes them."""
        return {
            "num_ctx": self.context_tokens,
            "num_predict": answer_tokens or self.answer_tokens,
            "seed": self.seed,
            "temperature": 0,
        }


@dataclass(frozen=True, slots=True)
class Question:
    """What a model is asked.

    Attributes:
        messages: As Ollama takes them.
        schema: Of the answer; None where any word will do.
        answer_tokens: Of the answer, where they are other than usual.
    """

    messages: Sequence[Mapping[str, str]]
    schema: Mapping[str, Any] | None = field(default=None, repr=False)
    answer_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What a model wrote.

    Attributes:
        text: The JSON object, exactly.
        prompt_tokens: How many of the prompt were read anew, the rest being known from before; None where the
            server did not say in time.
        answer_tokens: How many were written.
    """

    text: str
    prompt_tokens: int | None = None
    answer_tokens: int | None = None

    @property
    def tokens(self) -> int | None:
        """All of them, for the audit."""
        if self.prompt_tokens is None and self.answer_tokens is None:
            return None
        return (self.prompt_tokens or 0) + (self.answer_tokens or 0)
