"""Events in, events out: what each type is answered with, and that no credential ever comes back."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.asr import Transcript
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.intent import Entity, Intent, Recognize
from wyoming.ping import Ping
from wyoming.user_event import UserEvent

from handlers.answer import Answers
from handlers.dispatch import Dispatcher
from handlers.errors import AuthenticationError
from handlers.peer import Identity, Peer, Reply
from handlers.sentence import Sentence
from handlers.status import Status
from handlers.turn_result import TurnResult
from handlers.understanding import Intent as Meant
from handlers.understanding import Understanding, Verdict

ANNA = Identity("anna", "a1", "Konyha", "hu")
BELA = Identity("bela", "b1", "Kitchen", "en")
TOKENS = {"annas-token": ANNA, "belas-token": BELA}


class StandInAuthenticator:
    """Knows two tokens."""

    def __init__(self) -> None:
        self.bound: Identity | None = None
        self.holds = True

    async def by_token(self, text: str) -> Identity:
        if text not in TOKENS:
            raise AuthenticationError("the token was revoked")
        return TOKENS[text]

    def by_binding(self, peer: Peer) -> None:
        peer.identity = self.bound or peer.identity

    def renewed(self, peer: Peer) -> Identity | None:
        return peer.identity if self.holds else None


class StandInTurns:
    """Takes a turn by saying whose it was."""

    def __init__(self) -> None:
        self.status = Status.OK
        self.intents: tuple[Meant, ...] = ()
        self.settled: list[TurnResult] = []
        self.broken = False

    async def of_sentence(self, sentence: Sentence, identity: Identity, request_id: str) -> TurnResult:
        if self.broken:
            raise LookupError("a bug")
        understanding = Understanding(Verdict.COMMANDS, self.intents)
        return TurnResult(
            request_id, identity, sentence.text, "hu", self.status, identity.user_id, understanding
        )

    async def of_intent(
        self, intent: Meant, sentence: Sentence, identity: Identity, request_id: str
    ) -> TurnResult:
        return TurnResult(request_id, identity, intent.name, "hu", self.status, identity.user_id)

    of_recognition = of_sentence

    def settle(self, result: TurnResult) -> None:
        self.settled.append(result)


@pytest.fixture
def authenticator() -> StandInAuthenticator:
    return StandInAuthenticator()


@pytest.fixture
def turns() -> StandInTurns:
    return StandInTurns()


@pytest.fixture
def dispatcher(authenticator: StandInAuthenticator, turns: StandInTurns, answers: Answers) -> Dispatcher:
    numbers = itertools.count(1)
    return Dispatcher(
        authenticator=authenticator,  # type: ignore[arg-type]
        turns=turns,  # type: ignore[arg-type]
        answers=answers,
        version="1",
        new_request_id=lambda: f"r{next(numbers)}",
    )


@pytest.fixture
def peer() -> Peer:
    return Peer("c1", "default", "127.0.0.1")


def authenticate(token: Any) -> Event:
    return UserEvent(name="authenticate", data={"token": token}).event()


def only(reply: Reply) -> Event:
    (event,) = reply.events
    return event


async def test_a_token_authenticates_the_connection_for_all_that_follows(
    dispatcher: Dispatcher, peer: Peer
) -> None:
    reply = await dispatcher.handle(authenticate("annas-token"), peer)
    assert (only(reply).type, only(reply).data["name"], reply.close) == ("user-event", "authenticated", False)
    answer = await dispatcher.handle(Transcript("x").event(), peer)
    assert (only(answer).type, only(answer).data["text"]) == ("handled", "anna")


@pytest.mark.parametrize("token", ["forged", "", 5, None, ["annas-token"], {"a": 1}])
async def test_a_token_that_does_not_count_ends_the_connection_with_an_error(
    dispatcher: Dispatcher, peer: Peer, token: Any
) -> None:
    reply = await dispatcher.handle(authenticate(token), peer)
    assert (only(reply).type, reply.close, peer.identity) == ("error", True, None)
    assert "forged" not in json.dumps(only(reply).data)


async def test_a_token_in_the_context_counts_for_that_sentence_alone(
    dispatcher: Dispatcher, peer: Peer
) -> None:
    await dispatcher.handle(authenticate("annas-token"), peer)
    belas = Transcript("x", context={"token": "belas-token"}).event()
    assert only(await dispatcher.handle(belas, peer)).data["text"] == "bela"
    assert only(await dispatcher.handle(Transcript("x").event(), peer)).data["text"] == "anna"


async def test_a_wrong_token_in_the_context_is_not_made_good_by_the_connections_identity(
    dispatcher: Dispatcher, peer: Peer, turns: StandInTurns
) -> None:
    await dispatcher.handle(authenticate("annas-token"), peer)
    reply = await dispatcher.handle(Transcript("x", context={"token": "forged"}).event(), peer)
    assert only(reply).type == "not-handled"


async def test_fields_of_an_event_never_say_who_somebody_is(
    dispatcher: Dispatcher, peer: Peer, turns: StandInTurns
) -> None:
    event = Transcript(
        "x", context={"user_id": "anna", "device_id": "a1", "satellite_id": "a1", "user": "anna"}
    ).event()
    event.data["user_id"] = "anna"
    reply = await dispatcher.handle(event, peer)
    assert only(reply).type == "not-handled"


async def test_without_a_credential_there_is_no_turn_but_a_sentence_in_the_events_language(
    dispatcher: Dispatcher, peer: Peer, turns: StandInTurns
) -> None:
    hungarian = only(await dispatcher.handle(Transcript("x", language="hu").event(), peer))
    english = only(await dispatcher.handle(Transcript("x", language="en").event(), peer))
    assert hungarian.type == english.type == "not-handled"
    assert hungarian.data["text"] != english.data["text"]
    assert turns.settled == []


async def test_an_identity_that_no_longer_holds_ends_with_the_next_sentence(
    dispatcher: Dispatcher, peer: Peer, authenticator: StandInAuthenticator
) -> None:
    await dispatcher.handle(authenticate("annas-token"), peer)
    authenticator.holds = False
    assert only(await dispatcher.handle(Transcript("x").event(), peer)).type == "not-handled"


async def test_a_bound_peer_needs_no_token(
    dispatcher: Dispatcher, peer: Peer, authenticator: StandInAuthenticator
) -> None:
    authenticator.bound = BELA
    await dispatcher.arrived(peer)
    assert only(await dispatcher.handle(Transcript("x").event(), peer)).data["text"] == "bela"


async def test_a_binding_that_was_added_later_counts_for_the_next_sentence(
    dispatcher: Dispatcher, peer: Peer, authenticator: StandInAuthenticator
) -> None:
    await dispatcher.arrived(peer)
    assert only(await dispatcher.handle(Transcript("x").event(), peer)).type == "not-handled"
    authenticator.bound = BELA
    assert only(await dispatcher.handle(Transcript("x").event(), peer)).data["text"] == "bela"


async def test_the_answer_gives_back_the_conversation_and_never_the_token(
    dispatcher: Dispatcher, peer: Peer
) -> None:
    context = {"token": "annas-token", "conversation_id": "c7", "other": 1}
    event = only(await dispatcher.handle(Transcript("x", context=context).event(), peer))
    assert event.data["context"] == {"request_id": "r1", "conversation_id": "c7"}


async def test_what_was_not_handled_is_not_handled(
    dispatcher: Dispatcher, peer: Peer, turns: StandInTurns
) -> None:
    peer.identity = ANNA
    turns.status = Status.NOT_UNDERSTOOD
    assert only(await dispatcher.handle(Transcript("x").event(), peer)).type == "not-handled"


async def test_session_and_audit_wait_until_the_answer_has_left(
    dispatcher: Dispatcher, peer: Peer, turns: StandInTurns
) -> None:
    peer.identity = ANNA
    reply = await dispatcher.handle(Transcript("x").event(), peer)
    assert turns.settled == []
    assert reply.after is not None
    reply.after()
    assert [result.request_id for result in turns.settled] == ["r1"]


async def test_an_intent_is_carried_out_and_handled(dispatcher: Dispatcher, peer: Peer) -> None:
    peer.identity = ANNA
    event = Intent("HassTurnOn", entities=[Entity("name", "Lámpa")]).event()
    assert only(await dispatcher.handle(event, peer)).type == "handled"


async def test_recognize_answers_with_the_intents(
    dispatcher: Dispatcher, peer: Peer, turns: StandInTurns
) -> None:
    peer.identity = ANNA
    event = Recognize("x").event()
    assert only(await dispatcher.handle(event, peer)).type == "not-recognized"
    turns.intents = (Meant("HassTurnOn", {"name": "Lámpa", "domain": ("light",)}),)
    one = only(await dispatcher.handle(event, peer))
    assert (one.type, one.data["name"]) == ("intent", "HassTurnOn")
    assert one.data["entities"] == [
        {"name": "name", "value": "Lámpa"},
        {"name": "domain", "value": ["light"]},
    ]
    turns.intents *= 2
    reply = await dispatcher.handle(event, peer)
    assert [event.type for event in reply.events] == ["intents-start", "intent", "intent", "intents-stop"]


async def test_recognize_without_a_credential_says_nothing_of_any_home(
    dispatcher: Dispatcher, peer: Peer
) -> None:
    assert only(await dispatcher.handle(Recognize("x").event(), peer)).type == "not-recognized"


def test_ping_and_describe_are_answered_out_of_turn(dispatcher: Dispatcher, peer: Peer) -> None:
    (pong,) = dispatcher.immediate(Ping("abc").event(), peer) or ()
    assert (pong.type, pong.data["text"]) == ("pong", "abc")
    (info,) = dispatcher.immediate(Describe().event(), peer) or ()
    assert dispatcher.immediate(Transcript("x").event(), peer) is None
    assert dispatcher.immediate(Event("audio-chunk"), peer) == ()
    (program,) = Info.from_event(info).handle
    assert (program.supports_home_control, program.models[0].languages) == (True, ["hu", "en"])
    assert Info.from_event(info).satellite is None


async def test_unknown_events_are_ignored(dispatcher: Dispatcher, peer: Peer) -> None:
    for event in (Event("audio-chunk"), Event("no-such-thing", {"a": 1}), UserEvent("other").event()):
        assert await dispatcher.handle(event, peer) == Reply()


async def test_a_bug_of_ours_is_an_error_event(
    dispatcher: Dispatcher, peer: Peer, turns: StandInTurns
) -> None:
    peer.identity = ANNA
    turns.broken = True
    reply = await dispatcher.handle(Transcript("x").event(), peer)
    assert (only(reply).type, only(reply).data["code"], reply.close) == ("error", "internal", True)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(
    st.sampled_from(["transcript", "recognize", "intent", "user-event"]),
    st.dictionaries(
        st.sampled_from(["text", "language", "context", "name", "entities", "data"]), json_values
    ),
)
async def test_arbitrary_data_is_answered_and_never_raises(kind: str, data: dict[str, Any]) -> None:
    dispatcher = Dispatcher(
        authenticator=StandInAuthenticator(),  # type: ignore[arg-type]
        turns=StandInTurns(),  # type: ignore[arg-type]
        answers=ANSWERS,
        version="1",
    )
    peer = Peer("c1", "default", "127.0.0.1", identity=ANNA)
    reply = await dispatcher.handle(Event(kind, data), peer)
    assert reply == Reply() or reply.events


ANSWERS = Answers.load()
