"""Events in, events out: what each type is answered with, and that no credential ever comes back."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from wyoming.asr import Transcript
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.intent import Entity, Intent, Recognize
from wyoming.ping import Ping
from wyoming.user_event import UserEvent

from handlers.admission import Admission, AdmissionLimits, Refusal
from handlers.answer import Answers
from handlers.dispatch import Dispatcher
from handlers.errors import AuthenticationError
from handlers.failed_authentications import FailedAuthentications
from handlers.peer import Identity, Peer, Reply
from handlers.sentence import Sentence
from handlers.status import Status
from handlers.turn_result import TurnResult
from handlers.understanding import Intent as Meant
from handlers.understanding import Phrase, Understanding, Verdict
from wyoming_central.logs import add_log_context

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
        self.goes_on: asyncio.Event | None = None

    async def of_sentence(
        self, sentence: Sentence, identity: Identity, request_id: str, *, listener: Peer | None = None
    ) -> TurnResult:
        if self.goes_on is not None:
            await self.goes_on.wait()
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

    def refused(
        self, sentence: Sentence, identity: Identity, request_id: str, refusal: Refusal
    ) -> TurnResult:
        return TurnResult(
            request_id, identity, sentence.text, "hu", refusal.status, f"refused {refusal.status}"
        )

    def settle(self, result: TurnResult) -> None:
        self.settled.append(result)


@pytest.fixture
def authenticator() -> StandInAuthenticator:
    return StandInAuthenticator()


@pytest.fixture
def turns() -> StandInTurns:
    return StandInTurns()


class Clock:
    """Stands still unless it is moved."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


LIMITS = AdmissionLimits(
    device_per_second=1,
    device_burst=8,
    address_per_second=2,
    address_burst=12,
    turns=3,
    turns_per_user=2,
    recorded_per_second=0.001,
    recorded_burst=2,
)


def a_dispatcher(
    authenticator: StandInAuthenticator, turns: StandInTurns, answers: Answers, clock: Clock
) -> Dispatcher:
    numbers = itertools.count(1)
    return Dispatcher(
        authenticator=authenticator,  # type: ignore[arg-type]
        admission=Admission(LIMITS, clock=clock),
        turns=turns,  # type: ignore[arg-type]
        answers=answers,
        version="1",
        failures=FailedAuthentications(free=2, longest=3.0),
        new_request_id=lambda: f"r{next(numbers)}",
        clock=clock,
    )


@pytest.fixture
def dispatcher(
    authenticator: StandInAuthenticator, turns: StandInTurns, answers: Answers, clock: Clock
) -> Dispatcher:
    return a_dispatcher(authenticator, turns, answers, clock)


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


async def test_a_peer_whose_token_ended_does_not_become_the_device_that_its_address_is_bound_to(
    dispatcher: Dispatcher, peer: Peer, authenticator: StandInAuthenticator
) -> None:
    await dispatcher.handle(authenticate("annas-token"), peer)
    authenticator.bound, authenticator.holds = BELA, False
    assert only(await dispatcher.handle(Transcript("x").event(), peer)).type == "not-handled"
    authenticator.holds = True
    assert only(await dispatcher.handle(Transcript("x").event(), peer)).type == "not-handled"
    assert peer.identity is None


async def test_a_line_of_the_log_about_a_stranger_names_nobody_who_spoke_before(
    dispatcher: Dispatcher, peer: Peer
) -> None:
    with structlog.testing.capture_logs(processors=[add_log_context]) as lines:
        context = {"token": "annas-token"}
        reply = await dispatcher.handle(Transcript("x", context=context).event(), peer)
        assert reply.after is not None
        reply.after()
        await dispatcher.handle(Transcript("x").event(), peer)
    of_turn, of_stranger = lines
    assert of_turn["user_id"] == "anna"
    assert "user_id" not in of_stranger
    assert "device_id" not in of_stranger


async def test_a_bound_peer_needs_no_token(
    dispatcher: Dispatcher, peer: Peer, authenticator: StandInAuthenticator
) -> None:
    authenticator.bound = BELA
    dispatcher.arrived(peer)
    assert only(await dispatcher.handle(Transcript("x").event(), peer)).data["text"] == "bela"


async def test_a_binding_that_was_added_later_counts_for_the_next_sentence(
    dispatcher: Dispatcher, peer: Peer, authenticator: StandInAuthenticator
) -> None:
    dispatcher.arrived(peer)
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


# Too many.


async def test_one_sentence_too_many_of_a_device_is_asked_to_wait_in_its_language_and_soon_served_again(
    dispatcher: Dispatcher, peer: Peer, turns: StandInTurns, clock: Clock
) -> None:
    peer.identity = ANNA
    for _ in range(int(LIMITS.device_burst)):
        assert only(await dispatcher.handle(Transcript("x").event(), peer)).type == "handled"
    refused = only(await dispatcher.handle(Transcript("x").event(), peer))
    assert (refused.type, refused.data["text"]) == ("not-handled", "refused one-moment")
    clock.now += 1.0
    assert only(await dispatcher.handle(Transcript("x").event(), peer)).type == "handled"


async def test_another_device_is_served_meanwhile(dispatcher: Dispatcher, peer: Peer) -> None:
    peer.identity = ANNA
    for _ in range(9):
        await dispatcher.handle(Transcript("x").event(), peer)
    other = Peer("c2", "default", "127.0.0.1", origin="another", identity=BELA)
    assert only(await dispatcher.handle(Transcript("x").event(), other)).type == "handled"


@pytest.mark.parametrize(
    ("event", "answer"),
    [
        (Transcript("x").event(), "not-handled"),
        (Intent("HassTurnOn").event(), "not-handled"),
        (Recognize("x").event(), "not-recognized"),
    ],
)
async def test_all_that_asks_for_a_turn_counts_and_each_hears_no_in_its_own_way(
    dispatcher: Dispatcher, peer: Peer, event: Event, answer: str
) -> None:
    peer.identity = ANNA
    for _ in range(8):
        await dispatcher.handle(Transcript("x").event(), peer)
    assert only(await dispatcher.handle(event, peer)).type == answer


async def test_too_many_devices_at_one_address_are_asked_to_wait_together(dispatcher: Dispatcher) -> None:
    def say(device: str) -> Awaitable[Reply]:
        identity = replace(ANNA, device_id=device)
        return dispatcher.handle(
            Transcript("x").event(), Peer("c", "default", "127.0.0.1", identity=identity)
        )

    said = [only(await say(f"d{number}")).type for number in range(13)]
    assert said == ["handled"] * 12 + ["not-handled"]


async def test_a_device_that_floods_does_not_silence_its_neighbours(
    dispatcher: Dispatcher, peer: Peer
) -> None:
    peer.identity = ANNA
    for _ in range(100):
        await dispatcher.handle(Transcript("x").event(), peer)
    neighbour = Peer("c2", "default", "127.0.0.1", identity=BELA)
    assert only(await dispatcher.handle(Transcript("x").event(), neighbour)).type == "handled"


async def test_strangers_that_flood_are_asked_to_wait_and_do_not_silence_a_device_at_their_address(
    dispatcher: Dispatcher, peer: Peer, answers: Answers
) -> None:
    event = Transcript("x", language="en").event()
    said = [only(await dispatcher.handle(event, peer)).data["text"] for _ in range(100)]
    assert said[0] == answers.speak(Phrase("status.unauthenticated"), "en")
    assert said[-1] == answers.speak(Phrase("status.one-moment"), "en")
    neighbour = Peer("c2", "default", "127.0.0.1", identity=ANNA)
    assert only(await dispatcher.handle(event, neighbour)).type == "handled"


async def test_a_flood_leaves_one_line_a_minute_and_no_more_audit_rows_than_it_may(
    dispatcher: Dispatcher, peer: Peer, turns: StandInTurns, clock: Clock
) -> None:
    peer.identity = ANNA
    with structlog.testing.capture_logs() as lines:
        for _ in range(8):
            await dispatcher.handle(Transcript("x").event(), peer)
        lines.clear()
        settled = []
        for second in range(61):
            clock.now = 1000.0 + second
            for _ in range(12 if second == 0 else 2):
                peer.origin = f"elsewhere {second}"
                reply = await dispatcher.handle(Transcript("x").event(), peer)
                if only(reply).type == "not-handled" and reply.after is not None:
                    reply.after()
                    settled.append(second)
    told = [line for line in lines if line["event"] == "turns refused"]
    assert [(line["status"], line["count"]) for line in told] == [("one-moment", 1), ("one-moment", 71)]
    assert settled == [0, 0, 60]


async def test_turns_under_way_are_bounded_for_a_user_and_in_all(
    dispatcher: Dispatcher, turns: StandInTurns
) -> None:
    turns.goes_on = asyncio.Event()
    peers = [
        Peer("c", "default", "127.0.0.1", identity=replace(ANNA, device_id=f"a{number}")) for number in "123"
    ]
    belas = [
        Peer("c", "default", "127.0.0.1", identity=replace(BELA, device_id=f"b{number}")) for number in "12"
    ]

    async def say(peer: Peer) -> str:
        return str(only(await dispatcher.handle(Transcript("x").event(), peer)).data["text"])

    async with asyncio.TaskGroup() as group:
        first, second = (group.create_task(say(peer)) for peer in peers[:2])
        await asyncio.sleep(0)
        assert await say(peers[2]) == "refused busy", "two of this user are under way"
        third = group.create_task(say(belas[0]))
        await asyncio.sleep(0)
        assert await say(belas[1]) == "refused busy", "three are under way in all"
        turns.goes_on.set()
    assert [task.result() for task in (first, second, third)] == ["anna", "anna", "bela"]
    assert [await say(peer) for peer in (*peers, *belas)] == ["anna", "anna", "anna", "bela", "bela"]


async def test_a_turn_that_breaks_is_not_counted_for_ever(
    dispatcher: Dispatcher, peer: Peer, turns: StandInTurns
) -> None:
    peer.identity = ANNA
    turns.broken = True
    for _ in range(LIMITS.turns_per_user + 1):
        await dispatcher.handle(Transcript("x").event(), peer)
    turns.broken = False
    assert only(await dispatcher.handle(Transcript("x").event(), peer)).type == "handled"


async def test_refused_tokens_are_answered_later_and_later_and_valid_ones_at_once(
    dispatcher: Dispatcher, peer: Peer, clock: Clock
) -> None:
    delays = [(await dispatcher.handle(authenticate("nonsense"), peer)).hold_seconds for _ in range(4)]
    assert delays == [0.0, 0.0, 0.25, 0.5]
    spoken = Transcript("x", context={"token": "nonsense"}).event()
    assert (await dispatcher.handle(spoken, peer)).hold_seconds == 1.0, "however the token came"
    assert [(await dispatcher.handle(spoken, peer)).hold_seconds for _ in range(3)] == [2.0, 3.0, 3.0]
    neighbour = Peer("c2", "default", "127.0.0.1")
    assert (await dispatcher.handle(authenticate("annas-token"), neighbour)).hold_seconds == 0.0
    elsewhere = Peer("c3", "default", "127.0.0.2", origin="127.0.0.2")
    assert (await dispatcher.handle(authenticate("nonsense"), elsewhere)).hold_seconds == 0.0
    clock.now += 60
    assert (await dispatcher.handle(authenticate("nonsense"), peer)).hold_seconds == 0.0


async def test_a_sentence_with_a_valid_token_makes_its_connection_nobodys_but_no_strangers(
    dispatcher: Dispatcher, peer: Peer
) -> None:
    await dispatcher.handle(Transcript("x", context={"token": "annas-token"}).event(), peer)
    assert (peer.identity, peer.vouched_for) == (None, True)


async def test_a_stranger_that_goes_on_talking_leaves_one_line_a_minute(
    dispatcher: Dispatcher, peer: Peer
) -> None:
    with structlog.testing.capture_logs() as lines:
        for _ in range(5):
            await dispatcher.handle(Transcript("x").event(), peer)
    assert [line["event"] for line in lines] == ["a turn without a valid credential was refused"]


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
    dispatcher = a_dispatcher(StandInAuthenticator(), StandInTurns(), ANSWERS, Clock())
    peer = Peer("c1", "default", "127.0.0.1", identity=ANNA)
    reply = await dispatcher.handle(Event(kind, data), peer)
    assert reply == Reply() or reply.events


ANSWERS = Answers.load()
