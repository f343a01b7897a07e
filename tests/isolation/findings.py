"""What must hold of every story: nothing of one person ever reached another."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from handlers.names import names_of
from handlers.open_question import OpenQuestionStage
from handlers.understanding import Utterance
from storage.records import AuditRow
from tests.isolation.homes import words_in
from tests.isolation.plans import CODE_WORD, DESK_LAMP
from tests.isolation.story import Device, Grant, Person, Story, covers, possible_grants
from tests.isolation.wire import Asked, Wire

# What is logged of somebody who showed nothing that counts: it is nobody's.
_OF_NOBODY: Final = frozenset({"authentication failed", "a turn without a valid credential was refused"})


class LeakError(AssertionError):
    """Something of one person reached another."""


def check(story: Story) -> None:
    """See that a story is one of people who live apart.

    Raises:
        LeakError: It is not; says everything that was found.
    """
    evidence = Evidence(story)
    found = [f"{rule.__name__}: {finding}" for rule in RULES for finding in rule(evidence)]
    if found:
        raise LeakError("\n".join(found))


@dataclass(frozen=True)
class Evidence:
    """A story with what each of its things belongs to."""

    story: Story

    @cached_property
    def person_of_user(self) -> dict[str, Person]:
        """By user id."""
        return {person.user_id: person for person in self.story.people}

    @cached_property
    def device_of_id(self) -> dict[str, Device]:
        """By device id."""
        return {device.id: device for device in self.story.devices}

    @cached_property
    def row_of(self) -> dict[str, AuditRow]:
        """By request id."""
        return {row.request_id: row for row in self.story.rows}

    @cached_property
    def cause_of(self) -> dict[str, Asked]:
        """What a turn was the answer to, by its request id.

        The answer says which turn it is of. Where there was none (nobody read it, or the line ended before),
        it is any sentence of these words that the turn can have been.
        """
        causes = {asked.request_id: asked for asked in self.story.asked if asked.request_id is not None}
        silent = [asked for asked in self.story.asked if asked.is_turn and asked.answered is None]
        row_of: dict[Asked, AuditRow] = {}

        def find_cause(row: AuditRow, tried: set[Asked]) -> bool:
            """Give a row a cause, and another one to the row that had it before, if need be."""
            for asked in silent:
                if asked not in tried and self._may_have_caused(asked, row):
                    tried.add(asked)
                    if asked not in row_of or find_cause(row_of[asked], tried):
                        row_of[asked] = row
                        return True
            return False

        for row in self.story.rows:
            if row.request_id not in causes:
                find_cause(row, set())
        return causes | {row.request_id: asked for asked, row in row_of.items()}

    def _may_have_caused(self, asked: Asked, row: AuditRow) -> bool:
        said = "" if asked.kind == "intent" else asked.text
        return row.input_text in {said, None} and self.grant_of(asked, row) is not None

    def grant_of(self, asked: Asked, row: AuditRow) -> Grant | None:
        """By what a sentence may have become this row: whose and which device's it says it is."""
        for grant in possible_grants(self.story, asked):
            if grant.person.user_id == row.user_id and grant.device.id == row.device_id:
                return grant
        return None

    def said_by(self, request_id: str) -> set[str]:
        """Whose words were said in a turn; to hear them again is no news to its speaker."""
        cause = self.cause_of.get(request_id)
        return words_in(cause.text) if cause else set()

    @cached_property
    def secrets(self) -> set[str]:
        """Every token that was made or shown, and what makes it one: its signature."""
        made = {token for device in self.story.devices for token in device.tokens}
        shown = {asked.token for asked in self.story.asked if asked.token and "." in asked.token}
        return made | shown | {token.rpartition(".")[2] for token in made}

    def has_secret(self, text: str) -> bool:
        """Whether a token is in a text."""
        return any(secret in text for secret in self.secrets)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


# --- the rules ------------------------------------------------------------------------------------------


def every_turn_is_its_speakers(evidence: Evidence) -> Iterator[str]:
    """A row says who spoke, and it is whom the credential stood for; a credential that had ended, nobody."""
    for row in evidence.story.rows:
        cause = evidence.cause_of.get(row.request_id)
        if cause is None:
            yield f"the turn {_shown(row)} was asked for by nobody who may have been that"
        elif evidence.grant_of(cause, row) is None:
            yield f"the turn {_shown(row)} came of {_shown_asked(cause)}, whose credential is not that"


def every_row_holds_what_its_user_said_and_has(evidence: Evidence) -> Iterator[str]:
    """What was understood, done and answered is of the home of whoever spoke; of who is gone, nothing."""
    for row in evidence.story.rows:
        person = evidence.person_of_user.get(row.user_id or "")
        if person is None:
            yield f"the turn {_shown(row)} is of nobody who lives here"
            continue
        held = (row.input_text, row.intent, row.ha_response, row.error_message, row.stages)
        if person.removed is not None:
            if any(one is not None for one in held):
                yield f"the turn {_shown(row)} still tells what was said by somebody who is gone"
            continue
        said = evidence.said_by(row.request_id)
        if strange := words_in(_text(held)) - {person.word} - said:
            yield f"the row {_shown(row)} of {person.word} has {strange} in it"
        if evidence.has_secret(_text(held)):
            yield f"the row {_shown(row)} has a token in it"


def every_call_is_of_a_turn_of_the_homes_owner(evidence: Evidence) -> Iterator[str]:
    """A home is reached by turns of its owner, at exposed entities of its own, as the audit says."""
    for person in evidence.story.people:
        for call in person.home.calls:
            row = evidence.row_of.get(call.request_id or "")
            if row is None or row.user_id != person.user_id:
                yield f"the home of {person.word} was called, {call}, by the turn {row and _shown(row)}"
            if call.user_id != person.user_id:
                yield f"the home of {person.word} was called as that of {call.user_id}: {call}"
            if not set(call.entity_ids) <= person.home.exposed:
                yield f"the home of {person.word} was called for what it does not expose: {call}"
            if row is not None and row.ha_response is not None and not _is_told(call.entity_ids, row):
                yield f"the home of {person.word} was called, {call}, and the audit does not say so"


def every_answer_is_of_the_speakers_home(evidence: Evidence) -> Iterator[str]:
    """Every word of an answer is of the home of whoever asked, or was said by them; it has no token."""
    for asked in evidence.story.asked:
        text = _text([event.to_dict() for event in asked.events])
        row = evidence.row_of.get(asked.request_id or "")
        own = {grant.person.word for grant in possible_grants(evidence.story, asked)}
        if row is not None and row.user_id in evidence.person_of_user:
            own = {evidence.person_of_user[row.user_id].word}
        if not asked.is_turn and asked.kind != "authenticate":
            own = set()
        if strange := words_in(text) - own - words_in(asked.text):
            yield f"{_shown_asked(asked)} was answered with words of {strange}: {text}"
        if evidence.has_secret(text):
            yield f"{_shown_asked(asked)} was answered with a token"
        if asked.request_id is not None and row is None:
            yield f"{_shown_asked(asked)} was answered for a turn that the audit does not know"
        if asked.request_id and asked.context.get("conversation_id") != asked.conversation_id:
            yield f"{_shown_asked(asked)} was answered in another conversation: {asked.context}"


def every_last_word_says_nothing_of_anybody(evidence: Evidence) -> Iterator[str]:
    """What comes without having been asked for is why a line ends, and nothing else."""
    for wire in evidence.story.wires:
        for event in wire.unasked:
            text = _text(event.to_dict())
            if event.type != "error" or words_in(text) or evidence.has_secret(text):
                yield f"a line heard what it had not asked for: {text}"


def every_question_is_answered_by_whom_it_was_put_to(evidence: Evidence) -> Iterator[str]:
    """An answer means something only to the device, and for the user, that had been asked before."""
    asked: set[tuple[str | None, str | None]] = set()
    for row in sorted(evidence.story.rows, key=lambda row: row.id or 0):
        whose = (row.user_id, row.device_id)
        if row.status == "asked":
            asked.add(whose)
        elif row.intent is not None and row.intent["parser"] == OpenQuestionStage.name and whose not in asked:
            yield f"the turn {_shown(row)} answered a question that was put to somebody else"


def every_session_is_of_its_user(evidence: Evidence) -> Iterator[str]:
    """A session is of the user whose device it is, and remembers what that user said and has."""
    for session in evidence.story.sessions:
        device = evidence.device_of_id[session.device_id]
        if device.person.user_id != session.user_id:
            yield f"the session of {device.name} is of {session.user_id}"
            continue
        for message in session.context["messages"]:
            # What a peer understood by itself has no words but those in it.
            said = message["said"] or _text(message["intents"])
            if strange := words_in(_text(message)) - {device.person.word} - words_in(said):
                yield f"the session of {device.name} remembers {strange}: {message}"
        question = session.context["question"]
        if strange := words_in(_text(question and question["candidates"])) - {device.person.word}:
            yield f"the session of {device.name} is about to ask of {strange}"
        if evidence.has_secret(_text(session.context)):
            yield f"the session of {device.name} has a token in it"


def every_line_of_the_log_is_of_one_person(evidence: Evidence) -> Iterator[str]:
    """A line that names somebody has nothing of another; one of a turn names whose turn it was."""
    for line in evidence.story.lines:
        text = _text(line)
        if evidence.has_secret(text):
            yield f"a line of the log has a token in it: {line['event']}"
        named = _named_in(line, text, evidence)
        if len(named) > 1:
            yield f"a line of the log is of several people, {named}: {text}"
        user_id, device_id = line.get("user_id"), line.get("device_id")
        if line["event"] in _OF_NOBODY and (user_id or device_id):
            yield f"a line of the log names {named} for a credential that is nobody's: {text}"
        row = evidence.row_of.get(line.get("request_id", ""))
        if row is None and line.get("request_id") and user_id:
            yield f"a line of the log names {named} for what was no turn of theirs: {text}"
        if row is not None and user_id and (row.user_id, row.device_id) != (user_id, device_id):
            yield f"a line of the log names {named} for the turn {_shown(row)}: {text}"


def nothing_went_wrong_unforeseen(evidence: Evidence) -> Iterator[str]:
    """No exception was swallowed on the way, and none came to the loop."""
    for line in evidence.story.lines:
        if line.get("level") in {"error", "critical"} or line.get("exc_info"):
            yield f"this was logged: {_text(line)}"
    for context in evidence.story.served.escaped:
        yield f"this came to the loop: {context}"
    evidence.story.served.escaped.clear()


def everything_kept_is_of_the_home_it_is_kept_for(evidence: Evidence) -> Iterator[str]:
    """What is kept for a home has nothing of another home, in the caches or in the index."""
    said = {(asked.language, asked.text) for asked in evidence.story.asked if asked.language}
    for person in evidence.story.people:
        for picture in person.home.pictures:
            if strange := words_in(" ".join(names_of(picture.registry).entities)) - {person.word}:
                yield f"the index of the home of {person.word} has names of {strange}"
            for language, text in said:
                utterance, served = Utterance(text, language), evidence.story.served
                kept = (served.cache.get(utterance, picture), served.prepared_for(utterance, picture))
                if strange := words_in(repr(kept)) - {person.word} - words_in(text):
                    yield f"a cache has {strange} for the home of {person.word}: {text}"


def only_those_are_cut_off_whose_credential_ended(evidence: Evidence) -> Iterator[str]:
    """The end of one person's credential ends no line of another."""
    for wire in evidence.story.wires:
        if any(event.data.get("code") == "revoked" for event in wire.unasked) and not _had_an_end(
            wire, evidence
        ):
            yield f"a line was cut off that had shown {_shown_token(wire.known_as, evidence)}"


def whoever_has_a_credential_is_served_at_home(evidence: Evidence) -> Iterator[str]:
    """A token that counts is let in, as its own device, and what everybody has is found at home."""
    for asked in evidence.story.asked:
        if asked.answered is None or not (asked.token or _is_let_in(asked)):
            continue
        grants = possible_grants(evidence.story, asked)
        if len(grants) == 1 and grants[0].must_count(asked.sent, asked.answered):
            yield from _not_served(asked, grants[0], evidence)


def _is_let_in(asked: Asked) -> bool:
    """Whether the token that this line had shown last was accepted."""
    return any(
        one.kind == "authenticate" and one.token == asked.known_as and one.events[-1].type == "user-event"
        for one in asked.wire.asked
        if one.events and asked.is_turn
    )


def _not_served(asked: Asked, grant: Grant, evidence: Evidence) -> Iterator[str]:
    answer = asked.events[-1]
    if asked.kind == "authenticate":
        if answer.data.get("name") != "authenticated" or answer.data["data"]["device"] != grant.name:
            yield f"{grant.name} was not let in: {answer.to_dict()}"
        return
    if asked.request_id is None:
        yield f"{grant.name} was not served: {answer.to_dict()}"
    elif asked.kind == "transcript" and asked.text in DESK_LAMP:
        calls = [call for call in grant.person.home.calls if call.request_id == asked.request_id]
        if [call.entity_ids for call in calls] != [(f"light.{grant.person.word}_desk",)]:
            yield f"{grant.name} spoke of its desk lamp, and this was done: {calls}"
    elif asked.kind == "transcript" and asked.text in CODE_WORD and not words_in(answer.data["text"]):
        yield f"{grant.name} asked for its code word, and heard: {answer.data['text']}"


RULES: Final[tuple[Callable[[Evidence], Iterator[str]], ...]] = (
    every_turn_is_its_speakers,
    every_row_holds_what_its_user_said_and_has,
    every_call_is_of_a_turn_of_the_homes_owner,
    every_answer_is_of_the_speakers_home,
    every_last_word_says_nothing_of_anybody,
    every_question_is_answered_by_whom_it_was_put_to,
    every_session_is_of_its_user,
    every_line_of_the_log_is_of_one_person,
    nothing_went_wrong_unforeseen,
    everything_kept_is_of_the_home_it_is_kept_for,
    only_those_are_cut_off_whose_credential_ended,
    whoever_has_a_credential_is_served_at_home,
)


# --- reading the evidence -------------------------------------------------------------------------------


def _is_told(entity_ids: tuple[str, ...], row: AuditRow) -> bool:
    """Whether the row has this call; what went from the home before it was sent is in the row, too."""
    return any(set(entity_ids) <= set(call["entity_id"]) for call in (row.ha_response or {})["calls"])


def _named_in(line: dict[str, Any], text: str, evidence: Evidence) -> set[str]:
    """Whom a line names: by id, by a word that they did not have from the sentence itself, by a turn."""
    story = evidence.story
    said = words_in(str(line.get("utterance", ""))) | evidence.said_by(line.get("request_id", ""))
    named = words_in(text) - said
    named |= {person.word for person in story.people if person.user_id and person.user_id in text}
    named |= {
        device.person.word
        for device in story.devices
        # One that changed hands was each one's once.
        if device.id in text and not device.changed_hands
    }
    row = evidence.row_of.get(line.get("request_id", ""))
    if row is not None and row.user_id in evidence.person_of_user:
        named.add(evidence.person_of_user[row.user_id].word)
    return named


def _had_an_end(wire: Wire, evidence: Evidence) -> bool:
    """Whether a credential that this line may have been known by came to its end."""
    shown = {asked.token for asked in wire.asked if asked.kind == "authenticate"}
    return any(
        grant.ending is not None and (grant.token in shown or covers(grant, wire))
        for grant in evidence.story.grants
    )


def _shown(row: AuditRow) -> str:
    return (
        f"{row.request_id[:8]} ({row.status}: {row.input_text!r}, user {row.user_id}, device {row.device_id})"
    )


def _shown_asked(asked: Asked) -> str:
    return f"{asked.kind} {asked.text!r} ({asked.sent}–{asked.answered})"


def _shown_token(token: str | None, evidence: Evidence) -> str:
    owners = [device.name for device in evidence.story.devices if token in device.tokens]
    return f"the token of {owners[0]}" if owners else "no token"
