"""The stages of recognition in their order; new ones are added here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from handlers.cache import ExactCache
from handlers.frames.stage import FrameStage
from handlers.open_question import OpenQuestionStage
from handlers.recognize import Recognizer
from handlers.templates import TemplateStage


@contextmanager
def cascade(own_words: Path | None = None) -> Iterator[Recognizer]:
    """The recognizer that servers and `interpret` use, for as long as the block lasts.

    Exact cache, then the answer to an open question, then our frame parser, then Home
    Assistant's sentence templates.

    Args:
        own_words: The folder of the words that an admin put on top of the lexicons, if there is one.
    """
    frames, templates = FrameStage(own_words), TemplateStage()
    try:
        yield Recognizer((OpenQuestionStage(), frames, templates), cache=ExactCache())
    finally:
        frames.close()
        templates.close()
