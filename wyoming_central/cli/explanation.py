"""An explanation of the frame parser's, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.frames.explain import Explanation
from wyoming_central.cli.output import or_dash, several


def explanation_fields(explanation: Explanation) -> list[tuple[str, str]]:
    """Give the fields of an explanation for `show_fields`."""
    return [
        ("Tokens", " | ".join(explanation.tokens) or "–"),
        *several("Links", list(_links(explanation))),
        *several("Frames", list(_frames(explanation))),
        ("Left over", ", ".join(explanation.left_over) or "–"),
        ("Frames say", explanation.verdict),
        ("Because", or_dash(explanation.reason)),
    ]


def _links(explanation: Explanation) -> Iterator[str]:
    width = max((len(one.text) for one in explanation.words), default=0)
    for one in explanation.words:
        slip = f" (said: {one.slip})" if one.slip else ""
        yield f"{one.text:{width}}  {'; '.join(one.meanings) or 'unknown'}{slip}"


def _frames(explanation: Explanation) -> Iterator[str]:
    for number, frame in enumerate(explanation.frames, start=1):
        yield f"{number}. {', '.join(f'{name}: {value}' for name, value in frame.slots) or 'no action'}"
        for one in frame.mentions:
            shown = ", ".join(one.candidates) or "nothing is called so"
            more = f" and {one.count - len(one.candidates)} more" if one.count > len(one.candidates) else ""
            yield f"   {'except ' if one.is_exception else ''}“{one.text}” → {shown}{more}"
