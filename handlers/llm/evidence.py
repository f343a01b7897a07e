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
    UNFOUNDED_AND_GUARDED = "would let somebody in, and nothing that was said asks for it"


def doubts_about(proposal: Proposal, links: Links) -> tuple[Doubt, ...]:
    """What speaks against doing what was proposed at once; nothing where it is founded.

    A target is founded if a word of the sentence, the session or the satellite's room leads to it. An action
    is contradicted if the verbs that were said ask only for others. What lets somebody in always needs a
    spoken yes, and is not even asked about where the sentence has nothing to do with it.
    """
    unfounded = not all(
        links.holds(entity.id) for command in proposal.commands for entity in command.entities
    )
    contradicted = bool(links.actions) and any(
        command.action.words and not command.action.words & links.actions for command in proposal.commands
    )
    guarded = any(
        is_guarded(command.action, entity.domain, entity.device_class)
        for command in proposal.commands
        for entity in command.entities
    )
    found = (
        (Doubt.UNFOUNDED, unfounded),
        (Doubt.CONTRADICTED, contradicted),
        (Doubt.GUARDED, guarded),
        (Doubt.UNFOUNDED_AND_GUARDED, guarded and (unfounded or contradicted)),
    )
    return tuple(doubt for doubt, is_so in found if is_so)
