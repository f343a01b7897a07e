"""The language model as it is set up: its servers, how turns use it, how it is looked after."""

from __future__ import annotations

from typing import Final

from config.settings import Settings
from handlers.llm.pool import ModelPool
from handlers.llm.question import ModelOptions
from handlers.llm.stage import ModelUse
from handlers.llm.upkeep import UpkeepOptions

# What a turn has left for the home and the answer, when the model took as long as it may.
_SHARE_OF_TURN: Final = 0.9
# Characters of a home for each token of the context: two and a half are one, and half of them are others'.
_HOME_CHARACTERS_PER_TOKEN: Final = 1.5


def model_pool(settings: Settings) -> ModelPool:
    """The servers of the language model, as they are set up; to be closed."""
    return ModelPool(
        settings.ollama_urls,
        ModelOptions(settings.ollama_model, context_tokens=settings.llm_context_tokens),
        parallel=settings.llm_parallel,
        most_waiting=settings.llm_queue_size,
    )


def model_use(settings: Settings, pool: ModelPool) -> ModelUse | None:
    """How turns use the language model; None where there is none."""
    if not pool.servers:
        return None
    return ModelUse(
        pool,
        candidates=settings.llm_candidates,
        within=min(settings.llm_timeout_seconds, settings.turn_deadline_seconds * _SHARE_OF_TURN),
        home_characters=int(settings.llm_context_tokens * _HOME_CHARACTERS_PER_TOKEN),
    )


def upkeep_options(settings: Settings) -> UpkeepOptions:
    """How the language model is looked after, as it is set up."""
    return UpkeepOptions(probe_seconds=settings.llm_probe_seconds, may_pull=settings.ollama_pull == "missing")
