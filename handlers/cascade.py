"""The stages of recognition in their order; new ones are added here."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from handlers.cache import ExactCache
from handlers.frames.lexicon import Lexicon
from handlers.frames.stage import FrameStage
from handlers.llm.stage import ModelStage, ModelUse
from handlers.open_question import OpenQuestionStage
from handlers.recognize import Recognizer, Stage
from handlers.templates import TemplateStage

STAGES = ("frames", "templates", "llm")
"""The stages that understand, in their order."""


@contextmanager
def cascade(
    lexicons: Mapping[str, Lexicon] = MappingProxyType({}),
    *,
    model: ModelUse | None = None,
    stages: Collection[str] = STAGES,
    cache: ExactCache | None = None,
) -> Iterator[Recognizer]:
    """The recognizer that servers and `interpret` use, for as long as the block lasts.

    Exact cache, then the answer to an open question, then our frame parser, then Home Assistant's sentence
    templates, then a language model if there is one.

    Args:
        lexicons: By language, those that are not as they come, since an admin put words on top.
        model: Who is asked last; None for nobody.
        stages: Those of `STAGES` that are to be used.
        cache: Asked before them; None for a new one.
    """
    frames, templates = FrameStage(lexicons), TemplateStage()
    used: list[Stage] = [OpenQuestionStage()]
    used += [stage for stage in (frames, templates) if stage.name in stages]
    if model is not None and ModelStage.name in stages:
        used.append(ModelStage(model, frames))
    try:
        yield Recognizer(used, cache=ExactCache() if cache is None else cache)
    finally:
        frames.close()
        templates.close()
