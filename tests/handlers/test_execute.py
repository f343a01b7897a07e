from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from types import MappingProxyType
from typing import Any

import aiohttp
import pytest

from handlers import execute as execute_module
from handlers.answer import Answers
from handlers.execute import execute
from handlers.expected import expected
from handlers.status import Status
from handlers.understanding import (
    Command,
    Execution,
    Intent,
    Outcome,
    Phrase,
    Resolution,
    ServiceCall,
)
from provisioning.errors import (
    EntityGoneError,
    HomeError,
    HomeStartingError,
    HomeTimeoutError,
    HomeUnauthorizedError,
    HomeUnreachableError,
    ServiceCallError,
)
from provisioning.home.follow import FollowTimes
from provisioning.home.live import HomeStatus, HomeTimes, LiveHome
from provisioning.home.registry import Entity, EntityState, HomePicture, Registry
from tests.provisioning.home.stand_in_home_assistant import (
    StandInEntity,
    StandInHomeAssistant,
    light,
)

NAMES = {
    "light.a": "Lamp A",
    "light.b": "Lamp B",
    "light.c": "Lamp C",
    "light.secret": "Secret lamp",
    "lock.door": "Front door",
    "cover.blind": "Blind",
}


class FakeHome:
    """A home that keeps a list of what it is told, and fails as it is told to."""

    def __init__(self, **states: str) -> None:
        self.status = HomeStatus.LIVE
        self.states = {
            key: EntityState("off" if key.startswith("light") else "closed", MappingProxyType({}))
            for key in NAMES
        }
        self.calls: list[tuple[str, tuple[str, ...]]] = []
        self.running = 0
        self.most_at_once = 0
        self.errors: dict[str, HomeError] = {}
        self.moves = True
        self.picture: HomePicture | None = HomePicture(
            Registry(
                revision="1",
                entities={
                    key: Entity(id=key, name=name, exposed=key != "light.secret")
                    for key, name in NAMES.items()
                },
            ),
            self.states,
        )
        self.waited: list[tuple[str, float]] = []

    def become(self, entity_id: str, state: str, **attributes: Any) -> None:
        self.states[entity_id] = EntityState(state, MappingProxyType(attributes))

    async def call_service(
        self,
        domain: str,
        service: str,
        entity_ids: Sequence[str],
        data: Mapping[str, Any] | None = None,
        *,
        within: float,
    ) -> None:
        self.calls.append((f"{domain}.{service}", tuple(entity_ids)))
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        broken = [self.errors[one] for one in entity_ids if one in self.errors]
        if self.moves:
            after = {"turn_on": "on", "turn_off": "off", "lock": "locked", "open_cover": "opening"}
            for one in entity_ids:
                if one not in self.errors and service in after:
                    self.become(one, after[service])
        if broken:
            raise broken[0]

    async def wait_until(
        self, entity_id: str, accept: Callable[[EntityState], bool], *, within: float
    ) -> bool:
        self.waited.append((entity_id, within))
        state = self.states.get(entity_id)
        return state is not None and accept(state)


def call(service: str, *entity_ids: str, **data: Any) -> ServiceCall:
    domain, name = service.split(".")
    return ServiceCall(domain, name, entity_ids, data)


def resolved(*calls: ServiceCall) -> Resolution:
    """A resolution with one command for each call."""
    commands = tuple(
        Command(
            intent=Intent("HassTurnOn"),
            calls=(one,),
            said=Phrase("done.light.turn_on", {"targets": tuple(NAMES[key] for key in one.entity_ids)}),
        )
        for one in calls
    )
    return Resolution(Outcome.COMMANDS, Status.OK, commands=commands)


def spoken(execution: Execution) -> str:
    return Answers.load().speak(execution.say, "en")


async def test_what_succeeds_says_what_the_command_says_of_itself() -> None:
    home = FakeHome()
    execution = await execute(resolved(call("light.turn_on", "light.a")), home, within=1)
    assert execution.status is Status.OK
    assert execution.error is None
    assert execution.done == (call("light.turn_on", "light.a"),)
    assert spoken(execution) == "Turned on the Lamp A."
    assert home.waited == []


async def test_calls_on_different_entities_run_at_once() -> None:
    home = FakeHome()
    calls = [call("light.turn_on", key) for key in ("light.a", "light.b", "light.c")]
    execution = await execute(resolved(*calls), home, within=1)
    assert home.most_at_once == 3
    assert execution.done == tuple(calls)


async def test_calls_on_the_same_entity_keep_their_order() -> None:
    home = FakeHome()
    calls = (call("light.turn_on", "light.a"), call("light.turn_off", "light.a"))
    await execute(resolved(*calls), home, within=1)
    assert home.most_at_once == 1
    assert [service for service, _ in home.calls] == ["light.turn_on", "light.turn_off"]


async def test_a_call_without_entities_keeps_its_order_with_all() -> None:
    home = FakeHome()
    calls = (call("light.turn_on", "light.a"), call("script.x"), call("light.turn_on", "light.b"))
    await execute(resolved(*calls), home, within=1)
    assert home.most_at_once == 1


async def test_nothing_is_tried_on_an_entity_on_which_the_call_before_failed() -> None:
    home = FakeHome()
    home.errors = {"light.a": ServiceCallError("home_assistant_error", "broken")}
    calls = (call("light.turn_on", "light.a"), call("light.turn_off", "light.a", "light.b"))
    execution = await execute(resolved(*calls), home, within=1)
    assert home.calls == [("light.turn_on", ("light.a",)), ("light.turn_off", ("light.b",))]
    assert execution.status is Status.CALL_FAILED
    assert execution.done == (call("light.turn_off", "light.b"),)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (HomeUnreachableError("gone"), Status.HOME_DOWN),
        (HomeTimeoutError("slow"), Status.HOME_SLOW),
        (HomeStartingError("not yet"), Status.HOME_STARTING),
        (HomeUnauthorizedError("no"), Status.HOME_UNAUTHORIZED),
        (EntityGoneError("gone"), Status.ENTITY_GONE),
        (ServiceCallError("not_found", "no such service"), Status.CALL_FAILED),
        (HomeError("something else"), Status.CALL_FAILED),
    ],
)
async def test_every_error_of_a_home_has_its_own_status_and_sentence(
    error: HomeError, status: Status
) -> None:
    home = FakeHome()
    home.errors = {"light.a": error}
    execution = await execute(resolved(call("light.turn_on", "light.a")), home, within=1)
    assert execution.status is status
    assert execution.done == ()
    assert error.message in (execution.error or "")
    for language in ("en", "hu"):
        assert Answers.load().speak(execution.say, language)
    assert len(home.calls) == 1


@pytest.mark.parametrize("state", ["unavailable", None])
async def test_an_unavailable_or_missing_entity_is_not_called(state: str | None) -> None:
    home = FakeHome()
    if state is None:
        del home.states["light.a"]
    else:
        home.become("light.a", state)
    execution = await execute(resolved(call("light.turn_on", "light.a")), home, within=1)
    assert execution.status is Status.ENTITY_GONE
    assert home.calls == []
    assert "Lamp A" in spoken(execution)


async def test_an_entity_that_is_not_exposed_any_more_is_not_called() -> None:
    home = FakeHome()
    execution = await execute(resolved(call("light.turn_on", "light.secret")), home, within=1)
    assert execution.status is Status.ENTITY_GONE
    assert home.calls == []


async def test_an_entity_missing_while_the_home_starts_is_told_as_starting() -> None:
    home = FakeHome()
    home.status = HomeStatus.STARTING
    home.become("light.a", "unavailable")
    execution = await execute(resolved(call("light.turn_on", "light.a")), home, within=1)
    assert execution.status is Status.HOME_STARTING


async def test_partial_success_says_what_was_done_and_what_was_not() -> None:
    home = FakeHome()
    home.become("light.b", "unavailable")
    execution = await execute(resolved(call("light.turn_on", "light.a", "light.b")), home, within=1)
    assert home.calls == [("light.turn_on", ("light.a",))]
    assert execution.status is Status.ENTITY_GONE
    assert execution.done == (call("light.turn_on", "light.a"),)
    assert spoken(execution).startswith("Turned on the Lamp A.")
    assert "Lamp B" in spoken(execution)


async def test_of_a_call_that_failed_on_one_of_several_the_others_are_told_as_done() -> None:
    home = FakeHome()
    home.errors = {"light.b": ServiceCallError("home_assistant_error", "broken bulb")}
    execution = await execute(
        resolved(call("light.turn_on", "light.a", "light.b", "light.c")), home, within=1
    )
    assert execution.status is Status.CALL_FAILED
    assert execution.done == (call("light.turn_on", "light.a", "light.c"),)
    assert execution.error == "call-failed: home_assistant_error: broken bulb (light.b)"
    assert spoken(execution).startswith("Turned on the Lamp A and the Lamp C.")


async def test_a_home_that_cannot_be_reached_is_told_once_however_many_calls() -> None:
    home = FakeHome()
    home.errors = {key: HomeUnreachableError("gone") for key in NAMES}
    calls = [call("light.turn_on", key) for key in ("light.a", "light.b")]
    execution = await execute(resolved(*calls), home, within=1)
    assert execution.say == (Phrase("status.home-down"),)
    assert execution.error == "home-down: gone (light.a, light.b)"


async def test_a_lock_is_confirmed_by_its_state() -> None:
    home = FakeHome()
    execution = await execute(resolved(call("lock.lock", "lock.door")), home, within=2)
    assert execution.status is Status.OK
    assert [entity_id for entity_id, _ in home.waited] == ["lock.door"]
    assert all(within <= 2 for _, within in home.waited)


async def test_a_lock_that_does_not_follow_is_not_confirmed_and_its_state_is_told() -> None:
    home = FakeHome()
    home.moves = False
    home.become("lock.door", "jammed")
    execution = await execute(resolved(call("lock.lock", "lock.door")), home, within=1)
    assert execution.status is Status.NOT_CONFIRMED
    assert execution.done == (call("lock.lock", "lock.door"),)
    assert "is jammed" in spoken(execution)
    assert "Turned on" not in spoken(execution)
    assert execution.error == "not-confirmed: Home Assistant reports jammed (lock.door)"


async def test_a_cover_that_begins_to_move_is_confirmed() -> None:
    home = FakeHome()
    execution = await execute(resolved(call("cover.open_cover", "cover.blind")), home, within=1)
    assert execution.status is Status.OK


async def test_what_home_assistant_only_assumes_is_not_awaited() -> None:
    home = FakeHome()
    home.moves = False
    home.become("cover.blind", "closed", assumed_state=True)
    execution = await execute(resolved(call("cover.open_cover", "cover.blind")), home, within=1)
    assert execution.status is Status.OK
    assert home.waited == []


async def test_a_mirror_that_was_not_live_makes_even_a_lamp_be_confirmed() -> None:
    home = FakeHome()
    home.status = HomeStatus.STALE
    home.moves = False
    execution = await execute(resolved(call("light.turn_on", "light.a")), home, within=1)
    assert execution.status is Status.NOT_CONFIRMED


async def test_what_did_not_happen_outranks_what_is_not_confirmed() -> None:
    home = FakeHome()
    home.moves = False
    home.become("light.a", "unavailable")
    calls = (call("lock.lock", "lock.door"), call("light.turn_on", "light.a"))
    execution = await execute(resolved(*calls), home, within=1)
    assert execution.status is Status.ENTITY_GONE


async def test_a_home_without_a_picture_has_no_entities() -> None:
    home = FakeHome()
    home.picture = None
    execution = await execute(resolved(call("light.turn_on", "light.a")), home, within=1)
    assert execution.status is Status.ENTITY_GONE


@pytest.mark.parametrize(
    ("one", "state", "attributes", "accepted"),
    [
        (call("lock.lock", "lock.a"), "locking", {}, False),
        (call("lock.unlock", "lock.a"), "unlocked", {}, True),
        (call("cover.close_cover", "cover.a"), "closing", {}, True),
        (call("cover.close_cover", "cover.a"), "open", {}, False),
        (call("cover.stop_cover", "cover.a"), "opening", {}, False),
        (call("cover.set_cover_position", "cover.a", position=40), "opening", {"current_position": 10}, True),
        (call("cover.set_cover_position", "cover.a", position=40), "open", {"current_position": 42}, True),
        (call("cover.set_cover_position", "cover.a", position=40), "open", {"current_position": 90}, False),
        (call("cover.set_cover_position", "cover.a", position=40), "open", {}, True),
        (call("valve.open_valve", "valve.a"), "open", {}, True),
    ],
)
def test_what_a_call_leads_to(
    one: ServiceCall, state: str, attributes: dict[str, Any], *, accepted: bool
) -> None:
    accept = expected(one)
    assert accept is not None
    assert accept(EntityState(state, attributes)) is accepted


@pytest.mark.parametrize(
    "one", [call("climate.turn_on", "climate.a"), call("media_player.turn_off", "m.a"), call("scene.apply")]
)
def test_of_some_calls_no_state_would_tell(one: ServiceCall) -> None:
    assert expected(one) is None


def test_every_sentence_of_an_execution_is_written_in_both_languages() -> None:
    named = (Status.ENTITY_GONE, Status.CALL_FAILED, Status.NOT_CONFIRMED)
    for language in ("en", "hu"):
        keys = Answers.load().keys(language)
        assert all(f"failed.{status}" in keys and "{targets" in keys[f"failed.{status}"] for status in named)


# --- on a home's connection -------------------------------------------------------------------------------


@asynccontextmanager
async def at_home() -> AsyncIterator[tuple[StandInHomeAssistant, LiveHome]]:
    entities = [light(key, name) for key, name in NAMES.items() if key.startswith("light")]
    entities.append(StandInEntity("lock.door", "Front door", state="unlocked"))
    times = HomeTimes(connect=0.3, first_delay=0.02, longest_delay=0.05, follow=FollowTimes(gather=0.001))
    async with StandInHomeAssistant(entities=entities) as ha, aiohttp.ClientSession() as http:
        home = LiveHome(user_id="u", url=ha.url, token=ha.token, http=http, times=times)
        running = asyncio.create_task(home.run())
        await home.wait_ready(2)
        try:
            yield ha, home
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


async def test_a_slow_home_is_told_within_the_time_given() -> None:
    async with at_home() as (ha, home):
        ha.delay = 5
        started = asyncio.get_running_loop().time()
        execution = await execute(resolved(call("light.turn_on", "light.a")), home, within=0.1)
        assert asyncio.get_running_loop().time() - started < 0.5
        assert execution.status is Status.HOME_SLOW
        assert len(ha.calls) == 1


async def test_a_home_that_dies_in_mid_call_is_told_at_once_and_nothing_is_sent_again() -> None:
    async with at_home() as (ha, home):
        ha.drop_on_call = True
        execution = await execute(resolved(call("light.turn_on", "light.a")), home, within=2)
        assert execution.status is Status.HOME_DOWN
        await home.wait_ready(2)
        assert len(ha.calls) == 1


async def test_a_lock_that_takes_its_time_is_awaited() -> None:
    async with at_home() as (ha, home):
        ha.idle_calls = True
        executing = asyncio.ensure_future(execute(resolved(call("lock.lock", "lock.door")), home, within=5))
        await ha.until(lambda ha: bool(ha.calls))
        await ha.set_state("lock.door", "locking")
        await ha.set_state("lock.door", "locked")
        execution = await executing
        assert execution.status is Status.OK


async def test_a_lock_that_never_moves_is_awaited_only_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute_module, "CONFIRM_SECONDS", 0.05)
    async with at_home() as (ha, home):
        ha.idle_calls = True
        execution = await execute(resolved(call("lock.lock", "lock.door")), home, within=5)
        assert execution.status is Status.NOT_CONFIRMED
        assert "Front door is unlocked" in spoken(execution)


async def test_an_entity_removed_in_the_meantime_is_gone() -> None:
    async with at_home() as (ha, home):
        await ha.remove("light.a")
        assert not await home.wait_until("light.a", lambda _state: False, within=1)
        execution = await execute(resolved(call("light.turn_on", "light.a")), home, within=1)
        assert execution.status is Status.ENTITY_GONE
        assert ha.calls == []
