"""How far a language model that is being fetched has come, for whoever started the server."""

from __future__ import annotations

from typing import Final

from handlers.llm.pool import ModelServer, Readiness
from provisioning.driver import Progress, ProgressListener

STEP_PERCENT: Final = 5
"""Between two words of it: a server tells sixteen times a second."""

_WHAT: Final = "the language model"
_ALL: Final = 100


class ModelProgress:
    """Hands on how far a fetched model is, in steps; the parts of a model come one after another.

    Args:
        report: Who wants to know.
    """

    def __init__(self, report: ProgressListener) -> None:
        self._report = report
        self._told: dict[str, int] = {}

    def changed(self, server: ModelServer) -> None:
        """Something is known of a server that was not before."""
        if server.readiness is Readiness.PULLING:
            # Its last part being complete is not yet the end.
            percent = min(_ALL - 1, _ALL * server.completed // max(1, server.total))
            step = percent // STEP_PERCENT
            if self._told.get(server.url) != step:
                self._told[server.url] = step
                self._report(Progress(_WHAT, percent))
        elif self._told.pop(server.url, None) is not None:
            self._report(Progress(_WHAT, _ALL))
