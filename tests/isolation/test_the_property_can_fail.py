"""The property of isolation finds it where a server mixes people up, in each of the ways that it may.

Every mutant is one mistake that somebody could make. A server runs with it, and as many plans are played
there as it takes to see it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
import structlog
from hypothesis import Phase, given, settings
from wyoming.event import Event

from handlers import cache, dispatch, prepared, targets, turn
from handlers.admission import Admission
from handlers.authenticate import Authenticator
from handlers.device_token import TokenKeys
from handlers.dispatch import Dispatcher
from handlers.errors import AuthenticationError
from handlers.frames.lexicon import Lexicon
from handlers.frames.stage import FrameStage
from handlers.log_context import belong_to, no_longer
from handlers.names import names_of
from handlers.peer import Identity, Peer
from handlers.roster import Roster
from handlers.session import SessionKeeper
from handlers.templates import TemplateStage
from handlers.turn import Turns
from handlers.understanding import Understanding, Verdict
from provisioning.home.registry import HomePicture, Registry
from storage import users
from tests.isolation.findings import LeakError, check
from tests.isolation.plans import Plan, plans
from tests.isolation.playing import play
from tests.isolation.serving import a_server
from wyoming_central.server import Server

pytestmark = pytest.mark.slow

MOST_PLANS: Final = 500

Mutate = Callable[[pytest.MonkeyPatch], None]
MUTANTS: dict[str, tuple[Mutate, frozenset[str]]] = {}


def mutant(*found_by: str) -> Callable[[Mutate], Mutate]:
    """A mistake, and the rules of which at least one has to find it."""

    def known(mutate: Mutate) -> Mutate:
        MUTANTS[mutate.__name__] = (mutate, frozenset(found_by))
        return mutate

    return known


@mutant("everything_kept_is_of_the_home_it_is_kept_for")
def the_cache_is_one_for_all_homes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(cache, "_key", lambda utterance, _picture: ("", utterance.language, None, utterance.text))


@mutant("everything_kept_is_of_the_home_it_is_kept_for")
def what_was_prepared_is_one_for_all_homes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        prepared, "_key", lambda utterance, _picture: ("", utterance.language, None, utterance.text)
    )


@mutant("every_call_is_of_a_turn_of_the_homes_owner", "every_answer_is_of_the_speakers_home")
def the_index_of_names_is_one_for_all_homes(patch: pytest.MonkeyPatch) -> None:
    first: list[Any] = []

    def of(registry: Registry) -> Any:
        first.append(names_of(registry))
        return first[0]

    patch.setattr(targets, "names_of", of)


@mutant("everything_kept_is_of_the_home_it_is_kept_for", "every_row_holds_what_its_user_said_and_has")
def the_lists_of_the_templates_are_one_for_all_homes(patch: pytest.MonkeyPatch) -> None:
    lists_of = TemplateStage._lists_of
    first: dict[str, Registry] = {}

    def of(stage: TemplateStage, registry: Registry, language: str) -> Any:
        known = first.setdefault(language, registry) if registry.entities else registry
        return lists_of(stage, known, language)

    async def passed_on(*_: object) -> Understanding:
        # They take nearly everything that is said here.
        return Understanding(Verdict.PASS_ON)

    patch.setattr(TemplateStage, "_lists_of", of)
    patch.setattr(FrameStage, "recognize", passed_on)


@mutant("everything_kept_is_of_the_home_it_is_kept_for", "every_row_holds_what_its_user_said_and_has")
def the_indexes_of_the_frames_are_one_for_all_homes(patch: pytest.MonkeyPatch) -> None:
    index_of = FrameStage._index_of
    first: dict[str, HomePicture] = {}

    def of(stage: FrameStage, picture: HomePicture, lexicon: Lexicon) -> Any:
        has_things = bool(picture.registry.entities)
        known = first.setdefault(lexicon.language, picture) if has_things else picture
        return index_of(stage, known, lexicon)

    patch.setattr(FrameStage, "_index_of", of)


@mutant("every_question_is_answered_by_whom_it_was_put_to")
def the_session_is_one_for_all_devices(patch: pytest.MonkeyPatch) -> None:
    def shared(function: Any) -> Any:
        def with_one_device(keeper: SessionKeeper, identity: Identity, *arguments: Any) -> Any:
            return function(keeper, replace(identity, user_id="0", device_id="0"), *arguments)

        return with_one_device

    async def unwritten(keeper: SessionKeeper) -> None:
        # There is no such device, and its session would be dropped for that.
        keeper._changed.clear()

    patch.setattr(SessionKeeper, "flush", unwritten)
    for name in ("context_of", "remember"):
        patch.setattr(SessionKeeper, name, shared(getattr(SessionKeeper, name)))


@mutant("every_question_is_answered_by_whom_it_was_put_to", "every_session_is_of_its_user")
def the_session_stays_with_a_device_that_changes_hands(patch: pytest.MonkeyPatch) -> None:
    context_of = SessionKeeper.context_of

    async def of(keeper: SessionKeeper, identity: Identity) -> Any:
        held = keeper._held.get(identity.device_id)
        return await context_of(keeper, replace(identity, user_id=held.user_id) if held else identity)

    patch.setattr(SessionKeeper, "context_of", of)


@mutant("every_turn_is_its_speakers")
def the_roster_takes_everybody_for_its_first_user(patch: pytest.MonkeyPatch) -> None:
    identity_of = Roster._identity

    def first(roster: Roster, *arguments: Any, **more: Any) -> Identity:
        return replace(identity_of(roster, *arguments, **more), user_id=next(iter(roster.users)))

    patch.setattr(Roster, "_identity", first)


@mutant("every_turn_is_its_speakers")
def an_event_says_itself_whose_it_is(patch: pytest.MonkeyPatch) -> None:
    claimed: ContextVar[str | None] = ContextVar("claimed", default=None)
    handle, renewed, by_token = Dispatcher.handle, Authenticator.renewed, Authenticator.by_token

    async def believing(dispatcher: Dispatcher, event: Event, peer: Peer) -> Any:
        claimed.set(event.data.get("user_id"))
        return await handle(dispatcher, event, peer)

    def as_claimed(identity: Identity | None) -> Any:
        user_id = claimed.get()
        return replace(identity, user_id=user_id) if identity and user_id else identity

    async def by_claimed_token(authenticator: Authenticator, text: str) -> Any:
        return as_claimed(await by_token(authenticator, text))

    patch.setattr(Dispatcher, "handle", believing)
    patch.setattr(Authenticator, "by_token", by_claimed_token)
    patch.setattr(Authenticator, "renewed", lambda *arguments: as_claimed(renewed(*arguments)))


@mutant("every_turn_is_its_speakers")
def a_revocation_leaves_open_connections_alone(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Roster, "refreshed", lambda _roster, identity: identity)


@mutant("every_turn_is_its_speakers")
def a_token_counts_as_long_as_its_device_is_there(patch: pytest.MonkeyPatch) -> None:
    def unchecked(roster: Roster, device_id: str, token_id: str, expires_at: float | None) -> Identity:
        return roster._identity(roster._device(device_id), token_id=token_id, expires_at=expires_at)

    patch.setattr(Roster, "identity_of_token", unchecked)


@mutant("every_turn_is_its_speakers")
def a_signature_is_not_looked_at(patch: pytest.MonkeyPatch) -> None:
    verify = TokenKeys.verify

    def credulous(keys: TokenKeys, text: str, *, now: float) -> Any:
        try:
            return verify(keys, text, now=now)
        except AuthenticationError:
            return verify(keys, _signed_again(keys, text), now=now)

    patch.setattr(TokenKeys, "verify", credulous)


def _signed_again(keys: TokenKeys, text: str) -> str:
    import jwt  # noqa: PLC0415 - used here alone

    claims = jwt.decode(text, options={"verify_signature": False})
    return jwt.encode(claims, keys._keys[keys._newest], "HS256", headers={"kid": keys._newest})


@mutant("every_line_of_the_log_is_of_one_person")
def the_log_goes_on_to_name_whom_it_named_last(patch: pytest.MonkeyPatch) -> None:
    of_sentence = Turns.of_sentence
    last: dict[str, Any] = {}

    async def named(turns: Turns, sentence: Any, identity: Identity, request_id: str, **more: Any) -> Any:
        before = belong_to(**last)
        structlog.get_logger().info("a turn begins")
        no_longer(before)
        last.update(user_id=identity.user_id, device_id=identity.device_id)
        return await of_sentence(turns, sentence, identity, request_id, **more)

    patch.setattr(Turns, "of_sentence", named)


@mutant("every_line_of_the_log_is_of_one_person")
def a_token_is_logged(patch: pytest.MonkeyPatch) -> None:
    by_token = Authenticator.by_token

    async def talkative(authenticator: Authenticator, text: str) -> Identity:
        structlog.get_logger().debug("a credential was shown", credential=text)
        return await by_token(authenticator, text)

    patch.setattr(Authenticator, "by_token", talkative)


@mutant("every_answer_is_of_the_speakers_home")
def a_refusal_repeats_the_token(patch: pytest.MonkeyPatch) -> None:
    by_token = Authenticator.by_token

    async def talkative(authenticator: Authenticator, text: str) -> Identity:
        try:
            return await by_token(authenticator, text)
        except AuthenticationError as error:
            raise AuthenticationError(f"{error.message}: {text}") from None

    patch.setattr(Authenticator, "by_token", talkative)


# Whoever carries it out does not find there what was meant, and leaves it; so nobody is served.
@mutant("every_call_is_of_a_turn_of_the_homes_owner", "whoever_has_a_credential_is_served_at_home")
def two_turns_at_once_share_a_home(patch: pytest.MonkeyPatch) -> None:
    ready_home, execute = turn.ready_home, turn.execute
    last: list[Any] = []

    async def remembered(*arguments: Any) -> Any:
        last[:] = [await ready_home(*arguments)]
        return last[0]

    patch.setattr(turn, "ready_home", remembered)
    patch.setattr(
        turn, "execute", lambda resolution, _, within: execute(resolution, last[0].live, within=within)
    )


@mutant("every_turn_is_its_speakers", "every_row_holds_what_its_user_said_and_has")
def two_turns_at_once_share_a_row(patch: pytest.MonkeyPatch) -> None:
    of_device, audit_row = Admission.of_device, turn.audit_row
    last: list[Identity] = []

    def remembered(admission: Admission, identity: Identity, *more: Any) -> Any:
        last[:] = [identity]
        return of_device(admission, identity, *more)

    patch.setattr(Admission, "of_device", remembered)
    patch.setattr(turn, "audit_row", lambda result, at: audit_row(replace(result, identity=last[0]), at))


@mutant("every_answer_is_of_the_speakers_home")
def two_turns_at_once_share_a_conversation(patch: pytest.MonkeyPatch) -> None:
    last: list[str | None] = [None]
    sentence_of, context = dispatch.sentence_of, dispatch._context

    def remembered(event: Event) -> Any:
        sentence = sentence_of(event)
        last[:] = [sentence.conversation_id]
        return sentence

    patch.setattr(dispatch, "sentence_of", remembered)
    patch.setattr(
        dispatch,
        "_context",
        lambda request_id, sentence: context(request_id, replace(sentence, conversation_id=last[0])),
    )


@mutant("every_row_holds_what_its_user_said_and_has")
def what_was_said_outlives_its_user(patch: pytest.MonkeyPatch) -> None:
    async def kept(*_: Any) -> None:
        return

    patch.setattr(users, "erase_what_was_said", kept)


@mutant("only_those_are_cut_off_whose_credential_ended")
def a_revocation_ends_everybodys_connections(patch: pytest.MonkeyPatch) -> None:
    close_matching = Server.close_matching

    def all_of_them(server: Server, concerns: Any, message: str) -> int:
        concerned = any(concerns(one.peer.identity) for one in server._connections if one.peer.identity)
        return close_matching(server, lambda _: concerned, message)

    patch.setattr(Server, "close_matching", all_of_them)


@mutant("every_call_is_of_a_turn_of_the_homes_owner")
def what_is_not_exposed_is_reached(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Registry, "exposed_entities", lambda registry: tuple(registry.entities.values()))
    patch.setattr("handlers.execute._CarryingOut._missing", lambda *_: None)


class SeenError(BaseException):
    """Enough was played. No `Exception`, for those Hypothesis would look into."""


@pytest.mark.parametrize("name", MUTANTS)
def test_the_property_finds_that(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mutate, found_by = MUTANTS[name]
    mutate(monkeypatch)
    found: list[str] = []
    with a_server(tmp_path / "data") as served:

        @settings(max_examples=MOST_PLANS, phases=[Phase.generate], database=None, derandomize=True)
        @given(plan=plans())
        def play_until_seen(plan: Plan) -> None:
            try:
                check(served.run(play(plan, served)))
            except LeakError as leak:
                found.extend(str(leak).splitlines())
            if found_by & {finding.partition(":")[0] for finding in found}:
                raise SeenError

        with pytest.raises(SeenError):
            play_until_seen()
