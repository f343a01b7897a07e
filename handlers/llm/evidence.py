"""Whether a sentence gives reason for what a model proposes; how certain the model is does not."""

from __future__ import annotations

from enum import StrEnum

from handlers.llm.actions import is_guarded
from handlers.llm.links import Links
from handlers.llm.proposal import Proposal


class Doubt(StrEnum):
    """Why a proposal is not simply done, as the audit has it."""

    UNFOUNDED = "nothing that was said has to do with the thing"
    CONTRADICTED = "a verb that was said asks for something else"
    GUARDED = "lets somebody in, or stops guarding"
    FAR_FETCHED = "nothing that was said has to do with these things"
    UNFOUNDED_AND_GUARDED = "would let somebody in, and nothing that was said asks for it"


NOT_EVEN_ASKED = frozenset({Doubt.FAR_FETCHED, Doubt.UNFOUNDED_AND_GUARDED})
"""With these, the speaker is not asked either: a question would be a surprise, or a trap."""


def doubts_about(proposal: Proposal, links: Links) -> tuple[Doubt, ...]:
    """What speaks against doing what was proposed at once; nothing where it is founded.

    A target is founded if a word of the sentence, the session or the satellite's room leads to it. An action
    is contradicted if the verbs that were said ask only for others. What lets somebody in always needs a
    spoken yes; where no word leads to it, since the room alone does not, it is not even asked about. Nor are
    several things of which none is founded.
    """
    entities = [entity for command in proposal.commands for entity in command.entities]
    founded = [links.holds(entity.id) for entity in entities]
    contradicted = bool(links.actions) and any(
        command.action.words and not command.action.words & links.actions for command in proposal.commands
    )
    guarded = [
        entity
        for command in proposal.commands
        for entity in command.entities
        if is_guarded(command.action, entity.domain, entity.device_class)
    ]
    unspoken = not all(links.speaks_of(entity.id) for entity in guarded)
    found = (
        (Doubt.UNFOUNDED, not all(founded)),
        (Doubt.CONTRADICTED, contradicted),
        (Doubt.GUARDED, bool(guarded)),
        (Doubt.FAR_FETCHED, len(entities) > 1 and not any(founded)),
        (Doubt.UNFOUNDED_AND_GUARDED, bool(guarded) and (unspoken or contradicted)),
    )
    return tuple(doubt for doubt, is_so in found if is_so)
