"""The stages of recognition in their order; new ones are added here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from handlers.cache import ExactCache
from handlers.open_question import OpenQuestionStage
from handlers.recognize import Recognizer
from handlers.templates import TemplateStage


@contextmanager
def cascade() -> Iterator[Recognizer]:
    """The recognizer that servers and `interpret` use, for as long as the block lasts.

    Exact cache, then the answer to an open question, then Home Assistant's sentence templates.
    """
    templates = TemplateStage()
    try:
        yield Recognizer((OpenQuestionStage(), templates), cache=ExactCache())
    finally:
        templates.close()
