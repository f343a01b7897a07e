"""What is told of a language model that is being fetched."""

from __future__ import annotations

from handlers.llm.chat import client_of
from handlers.llm.pool import ModelServer, Readiness
from provisioning.driver import Progress
from wyoming_central.model_progress import ModelProgress


def test_how_far_it_is_is_told_in_steps_and_at_last_that_it_is_over() -> None:
    told: list[Progress] = []
    progress = ModelProgress(told.append)
    server = ModelServer("http://h:1", client_of("http://h:1"))
    progress.changed(server)
    server.readiness, server.total = Readiness.PULLING, 1000
    for server.completed in range(0, 1001, 10):
        progress.changed(server)
    server.readiness = Readiness.READY
    progress.changed(server)
    progress.changed(server)
    percents = [one.percent for one in told]
    assert percents == [*range(0, 100, 5), 100]
    assert {one.phase for one in told} == {"the language model"}


def test_a_model_that_was_there_is_not_spoken_of() -> None:
    told: list[Progress] = []
    server = ModelServer("http://h:1", client_of("http://h:1"), readiness=Readiness.READY)
    ModelProgress(told.append).changed(server)
    assert told == []
