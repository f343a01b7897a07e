"""Why a model gave no answer."""

from __future__ import annotations

from enum import StrEnum

from config.errors import WyomingCentralError
from handlers.status import Status


class Failure(StrEnum):
    """What happened, as the log and the audit have it."""

    OFF = "no server of models is set up"
    REFUSED = "the connection was refused"
    BUSY = "the server of models is busy"
    MISSING = "the server does not have the model"
    OUT_OF_MEMORY = "the model does not fit into the server's memory"
    TIMEOUT = "took too long"
    BROKEN_OFF = "the answer was broken off"
    GARBLED = "the server answered something that is no answer"
    REJECTED = "the server rejected the request"
    NO_OBJECT = "the model wrote no JSON object"
    OPEN = "it failed before and is not asked until it is back"
    QUEUE_FULL = "too many sentences wait for the model"
    HUNG_UP = "whoever spoke is gone"


_STATUS = {
    Failure.TIMEOUT: Status.MODEL_SLOW,
    Failure.BUSY: Status.MODEL_BUSY,
    Failure.QUEUE_FULL: Status.MODEL_BUSY,
    Failure.NO_OBJECT: Status.NOT_UNDERSTOOD,
    Failure.HUNG_UP: Status.INTERRUPTED,
}

# What says something about the server rather than about one sentence.
_OF_THE_SERVER = frozenset({
    Failure.REFUSED, Failure.MISSING, Failure.OUT_OF_MEMORY, Failure.TIMEOUT, Failure.BROKEN_OFF,
    Failure.GARBLED, Failure.REJECTED,
})  # fmt: skip


class ModelError(WyomingCentralError):
    """A model gave no answer.

    Args:
        failure: What happened.
        detail: More of it for the log; never what was said, nor what a model wrote.
    """

    def __init__(self, failure: Failure, detail: str = "") -> None:
        super().__init__(f"{failure.value}: {detail}" if detail else failure.value)
        self.failure = failure

    @property
    def status(self) -> Status:
        """How a turn ends because of it."""
        return _STATUS.get(self.failure, Status.MODEL_UNREACHABLE)

    @property
    def is_of_the_server(self) -> bool:
        """Whether the next sentence would fare no better."""
        return self.failure in _OF_THE_SERVER

    @property
    def may_be_tried_again(self) -> bool:
        """Whether nothing has begun yet, so that another try, or another server, may do."""
        return self.failure in {Failure.REFUSED, Failure.BUSY}
