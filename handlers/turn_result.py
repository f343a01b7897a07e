"""How a turn ended, for everybody who has to do with that: the answer, the session, the audit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from handlers.peer import Identity
from handlers.prepared import Prepared
from handlers.status import Status
from handlers.understanding import Execution, Intent, OpenQuestion, ServiceCall, Understanding


@dataclass(frozen=True, slots=True)
class TurnResult:
    """How a turn ended, with all that the audit keeps of it.

    Attributes:
        request_id: Made by the server, unique; the audit row's key.
        identity: Whose turn it was.
        text: What was said.
        language: In which the answer is given.
        status: How it ended.
        speech: The answer; never empty.
        understanding, prepared, execution: As far as the turn came.
        error: One line for the audit.
        latency_ms: From the sentence's arrival to its answer.
        steps_ms: The share of each step in it, by the step's name.
        only_understood: Nothing was to be done, so the session goes on as if nothing had been said.
    """

    request_id: str
    identity: Identity
    text: str
    language: str
    status: Status
    speech: str
    understanding: Understanding | None = None
    prepared: Prepared | None = None
    execution: Execution | None = None
    error: str | None = None
    latency_ms: float = 0.0
    steps_ms: Mapping[str, float] = field(default_factory=dict)
    only_understood: bool = False

    @property
    def intents(self) -> tuple[Intent, ...]:
        """What was understood."""
        return self.understanding.intents if self.understanding else ()

    @property
    def said_something(self) -> bool:
        """Whether a session should remember it: something was meant, asked back, or talked about."""
        words = self.understanding.words if self.understanding else None
        return bool(self.intents or self.question or words)

    @property
    def llm_tokens(self) -> int | None:
        """Tokens that a model read and wrote for it; None where it was not asked, or did not say."""
        for report in self.understanding.stages if self.understanding else ():
            counted = [(report.detail or {}).get(key) for key in ("prompt_tokens", "answer_tokens")]
            if any(isinstance(one, int) for one in counted):
                return sum(one for one in counted if isinstance(one, int))
        return None

    @property
    def done(self) -> tuple[ServiceCall, ...]:
        """The calls that Home Assistant carried out."""
        return self.execution.done if self.execution else ()

    @property
    def question(self) -> OpenQuestion | None:
        """The question that the answer leaves open."""
        return self.prepared.resolution.question if self.prepared else None
