"""What a clause must not be for anything to be done: a report, an exception of nothing, half understood."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from handlers.frames.case import Case
from handlers.frames.clause import Clause, Sentence
from handlers.frames.lexicon import Lexicon, Role
from handlers.frames.pass_on import PassOnError
from handlers.understanding import PastTurn


def tells_how(clause: Clause) -> bool:
    """Whether a value without a verb is one that there is: "it's twenty degrees", `húsz fok van`."""
    return clause.has_copula or any(piece.text in {"it's", "it is"} for piece in clause.texts)


def is_told(clause: Clause, lexicon: Lexicon) -> bool:
    """Whether an option without a verb is what a thing is: `csendes a ház`, `tűz van a nappaliban`."""
    if lexicon.language != "hu":
        return False
    pieces = clause.texts
    said_where_to = any(
        piece.case in {Case.TO, Case.PLACE, Case.OBJECT}
        if piece.sense(Role.OPTION)
        else piece.case is Case.OBJECT
        for piece in pieces
    )
    has_article = any(piece.sense(Role.DETERMINER) for piece in pieces)
    return clause.has_copula or (has_article and not said_where_to)


def is_had_enough_of(clause: Clause) -> bool:
    """Whether there is enough of what is named: `elég a zenéből`."""
    return all(piece.case is Case.FROM for mention in clause.mentions for piece in mention.pieces)


def is_about_something(turn: PastTurn) -> bool:
    """Whether a turn was about things, or about something that was not understood."""
    return bool(turn.targets) or not turn.intents or any(intent.targets for intent in turn.intents)


def only_writes(actions: AbstractSet[str]) -> bool:
    """Whether a verb is one for lists alone: "write it down" lowers nothing."""
    return bool(actions) and all(action.startswith("list_") for action in actions)


def demand_no_report(clause: Clause) -> None:
    """See that a state without a verb is a wish, and does not tell that it is so still, or again.

    Raises:
        PassOnError: It tells.
    """
    if not clause.mentions or clause.is_polite:
        return
    again = "open" in clause.states and any(piece.text == "again" for piece in clause.texts)
    if again or any(piece.sense(Role.REPORT) for piece in clause.texts) or "unlocked" in clause.states:
        raise PassOnError("says how something is")


def demand_no_exception(clause: Clause) -> None:
    """See that nothing is left out where nothing can be.

    Raises:
        PassOnError: Something is.
    """
    if clause.exceptions:
        raise PassOnError("nothing that something could be left out of")


def demand_nothing_left(sentence: Sentence) -> None:
    """See that every word of a sentence was explained.

    Raises:
        PassOnError: Some were not; it says which.
    """
    left_over = [text for clause in sentence.clauses for text in clause.unknown]
    if left_over:
        raise PassOnError(f"left over: {', '.join(left_over)}")
