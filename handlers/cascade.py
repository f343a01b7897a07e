"""The stages of recognition in their order; new ones are added here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from handlers.cache import ExactCache
from handlers.frames.lexicon import Lexicon
from handlers.frames.stage import FrameStage
from handlers.open_question import OpenQuestionStage
from handlers.recognize import Recognizer
from handlers.templates import TemplateStage


@contextmanager
def cascade(lexicons: Mapping[str, Lexicon] = MappingProxyType({})) -> Iterator[Recognizer]:
    """The recognizer that servers and `interpret` use, for as long as the block lasts.

    Exact cache, then the answer to an open question, then our frame parser, then Home
    Assistant's sentence templates.

    Args:
        lexicons: By language, those that are not as they come, since an admin put words on top.
    """
    frames, templates = FrameStage(lexicons), TemplateStage()
    try:
        yield Recognizer((OpenQuestionStage(), frames, templates), cache=ExactCache())
    finally:
        frames.close()
        templates.close()
