from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Any

import aiohttp
import pytest

from provisioning.errors import (
    HomeTimeoutError,
    HomeUnauthorizedError,
    HomeUnreachableError,
    ServiceCallError,
)
from provisioning.home import follow as follow_module
from provisioning.home import mirror as mirror_module
from provisioning.home.follow import FollowTimes
from provisioning.home.live import HomeStatus, HomeTimes, LiveHome
from provisioning.home.registry import HomePicture, Registry
from tests.provisioning.home.stand_in_home_assistant import (
    ReceivedCall,
    StandInEntity,
    StandInHomeAssistant,
    light,
)

LAMP = "light.lamp"
QUICK = HomeTimes(
    connect=0.3,
    first_delay=0.02,
    longest_delay=0.05,
    unauthorized_delay=0.1,
    follow=FollowTimes(command=0.3, heartbeat=0.05, pong=0.1, gather=0.001),
)


def a_house(**more: Any) -> StandInHomeAssistant:
    return StandInHomeAssistant(
        entities=[
            light(LAMP, "Lamp", area_id="kitchen", aliases=["Reading light", None]),
            light("light.by_device", "By device", device_id="d1"),
            light("light.hidden", "Hidden", exposed=False),
            light("light.undecided", "Undecided", exposed=None),
            light("light.unregistered", "Unregistered", registered=False),
            StandInEntity("sensor.undecided", "Undecided", exposed=None),
        ],
        areas=[{"area_id": "kitchen", "name": "Kitchen", "floor_id": "ground", "aliases": ["cookery"]}],
        floors=[{"floor_id": "ground", "name": "Ground floor"}],
        devices=[{"id": "d1", "area_id": "kitchen"}],
        language="hu",
        **more,
    )


@asynccontextmanager
async def living(
    ha: StandInHomeAssistant, http: aiohttp.ClientSession, *, times: HomeTimes = QUICK, ready: bool = True
) -> AsyncIterator[LiveHome]:
    home = LiveHome(user_id="u1", url=ha.url, token=ha.token, http=http, random=Random(1), times=times)
    running = asyncio.create_task(home.run())
    try:
        if ready:
            await home.wait_ready(2)
        yield home
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something is so, without a task of the home's that would tell."""
    async with asyncio.timeout(3):
        while not holds():
            await asyncio.sleep(0.002)


def registry_of(home: LiveHome) -> Registry:
    assert home.picture is not None
    return home.picture.registry


def exposed_names(home: LiveHome) -> set[str]:
    return {entity.name for entity in registry_of(home).exposed_entities()}


async def test_a_home_is_mirrored_whole(http: aiohttp.ClientSession) -> None:
    async with a_house() as ha, living(ha, http) as home:
        registry = registry_of(home)
        assert registry.language == "hu"
        assert registry.country == "HU"
        assert registry.time_zone == "Europe/Budapest"
        assert registry.floors["ground"].name == "Ground floor"
        assert registry.areas["kitchen"].floor_id == "ground"
        assert registry.areas["kitchen"].aliases == ("cookery",)
        assert registry.entities[LAMP].aliases == ("Reading light",)
        assert registry.entities[LAMP].area_id == "kitchen"
        assert registry.entities["light.by_device"].area_id == "kitchen"
        assert exposed_names(home) == {"Lamp", "By device", "Undecided", "Unregistered"}
        assert not registry.entities["sensor.undecided"].exposed
        assert home.picture is not None
        state = home.picture.state_of(LAMP)
        assert state is not None
        assert state.state == "off"
        assert home.status is HomeStatus.LIVE
        assert home.reason is None
        assert home.version == "2026.1.0"


@pytest.mark.parametrize(
    "command",
    [
        "config/floor_registry/list",
        "config/device_registry/list",
        "homeassistant/expose_entity/list",
        "homeassistant/expose_new_entities/get",
        "supported_features",
        "subscribe_events",
        "get_config",
    ],
)
async def test_a_command_that_home_assistant_does_not_know_costs_only_what_it_would_give(
    http: aiohttp.ClientSession, command: str
) -> None:
    async with a_house() as ha:
        ha.fail_commands = {command: ("unknown_command", "Unknown command.")}
        async with living(ha, http) as home:
            assert registry_of(home).entities[LAMP].exposed


@pytest.mark.parametrize("nonsense", [None, 3, "x", [], [None, 3, {"a": "b"}], {"a": {"b": 3}}, [[[]]]])
@pytest.mark.parametrize(
    "command",
    [
        "get_config",
        "config/floor_registry/list",
        "config/area_registry/list",
        "config/device_registry/list",
        "config/entity_registry/get_entries",
        "homeassistant/expose_entity/list",
        "homeassistant/expose_new_entities/get",
    ],
)
async def test_an_answer_that_makes_no_sense_is_as_good_as_none(
    http: aiohttp.ClientSession, command: str, nonsense: Any
) -> None:
    async with a_house() as ha:
        ha.answers = {command: nonsense}
        async with living(ha, http) as home:
            assert LAMP in registry_of(home).entities


async def test_a_state_follows_and_leaves_the_revision_alone(http: aiohttp.ClientSession) -> None:
    async with a_house() as ha, living(ha, http) as home:
        revision = registry_of(home).revision
        await ha.set_state(LAMP, "on", brightness=128)
        assert await home.wait_until(LAMP, lambda state: state.attributes.get("brightness") == 128, within=1)
        await ha.fire("area_registry_updated")
        await ha.until(lambda ha: ha.received.count("config/area_registry/list") >= 2)
        await asyncio.sleep(0.02)
        assert registry_of(home).revision == revision


async def test_names_areas_exposure_and_language_follow(http: aiohttp.ClientSession) -> None:
    async with a_house() as ha, living(ha, http) as home:
        heard: list[HomePicture] = []
        home.on_registry_change(heard.append)
        revisions = [registry_of(home).revision]

        await ha.set_state(LAMP, "off", friendly_name="Olvasólámpa")
        await until(lambda: registry_of(home).entities[LAMP].name == "Olvasólámpa")
        revisions.append(registry_of(home).revision)

        await ha.change_entry(LAMP, aliases=("Kislámpa",), area_id=None)
        await until(lambda: registry_of(home).entities[LAMP].aliases == ("Kislámpa",))
        assert registry_of(home).entities[LAMP].area_id is None
        revisions.append(registry_of(home).revision)

        await ha.change_entry(LAMP, exposed=False)
        await until(lambda: not registry_of(home).entities[LAMP].exposed)
        revisions.append(registry_of(home).revision)

        ha.areas[0]["name"] = "Konyha"
        await ha.fire("area_registry_updated")
        await until(lambda: registry_of(home).areas["kitchen"].name == "Konyha")
        revisions.append(registry_of(home).revision)

        ha.devices[0]["area_id"] = None
        await ha.fire("device_registry_updated")
        await until(lambda: registry_of(home).entities["light.by_device"].area_id is None)

        ha.floors[0]["name"] = "Földszint"
        await ha.fire("floor_registry_updated")
        await until(lambda: registry_of(home).floors["ground"].name == "Földszint")

        ha.config["language"] = "en"
        await ha.fire("core_config_updated")
        await until(lambda: registry_of(home).language == "en")

        assert len(set(revisions)) == len(revisions)
        assert heard[-1] is home.picture


async def test_entities_come_and_go(http: aiohttp.ClientSession) -> None:
    async with a_house() as ha, living(ha, http) as home:
        await ha.put(light("light.new", "New", area_id="kitchen"))
        await until(lambda: "light.new" in registry_of(home).entities)
        assert registry_of(home).entities["light.new"].area_id == "kitchen"
        await ha.put(light("light.bare", "Bare", registered=False))
        await until(lambda: "Bare" in exposed_names(home))
        await ha.remove("light.new")
        await until(lambda: "light.new" not in registry_of(home).entities)


async def test_exposure_that_home_assistant_tells_nobody_is_seen_at_the_next_heartbeat(
    http: aiohttp.ClientSession,
) -> None:
    async with a_house() as ha, living(ha, http) as home:
        ha.answers = {"homeassistant/expose_entity/list": {"exposed_entities": {}}}
        await until(lambda: "Unregistered" not in exposed_names(home))


async def test_many_registry_events_are_one_refresh(http: aiohttp.ClientSession) -> None:
    async with a_house() as ha, living(ha, http) as home:
        before = ha.received.count("config/area_registry/list")
        ha.areas[0]["name"] = "Konyha"
        for _ in range(200):
            await ha.fire("area_registry_updated")
        await until(lambda: registry_of(home).areas["kitchen"].name == "Konyha")
        assert ha.received.count("config/area_registry/list") - before < 50


async def test_a_service_call_reaches_home_assistant_and_its_state_is_mirrored(
    http: aiohttp.ClientSession,
) -> None:
    async with a_house() as ha, living(ha, http) as home:
        await home.call_service("light", "turn_on", [LAMP], {"brightness_pct": 30}, within=1)
        assert ha.calls == [ReceivedCall("light", "turn_on", (LAMP,), {"brightness_pct": 30})]
        assert await home.wait_until(LAMP, lambda state: state.state == "on", within=1)


async def test_a_refused_service_call_says_why(http: aiohttp.ClientSession) -> None:
    async with a_house() as ha, living(ha, http) as home:
        ha.fail_calls = ("home_assistant_error", "the bulb is broken")
        with pytest.raises(ServiceCallError, match="the bulb is broken"):
            await home.call_service("light", "turn_on", [LAMP], within=1)


async def test_a_call_without_an_answer_ends_in_time_and_is_never_repeated(
    http: aiohttp.ClientSession,
) -> None:
    async with a_house() as ha, living(ha, http) as home:
        ha.delay = 5
        with pytest.raises(HomeTimeoutError):
            await home.call_service("light", "turn_on", [LAMP], within=0.05)
        assert len(ha.calls) == 1


async def test_a_call_that_was_cut_off_is_not_repeated_after_reconnecting(
    http: aiohttp.ClientSession,
) -> None:
    async with a_house() as ha, living(ha, http) as home:
        ha.drop_on_call = True
        with pytest.raises(HomeUnreachableError):
            await home.call_service("light", "turn_on", [LAMP], within=1)
        await home.wait_ready(2)
        assert len(ha.calls) == 1


async def test_a_call_while_the_line_is_down_for_a_moment_waits_for_it(http: aiohttp.ClientSession) -> None:
    async with a_house() as ha, living(ha, http) as home:
        await ha.drop()
        await until(lambda: home.status is not HomeStatus.LIVE)
        assert home.status is HomeStatus.STALE
        await home.call_service("light", "turn_on", [LAMP], within=1)
        assert len(ha.calls) == 1


async def test_waiting_for_a_state_ends_in_time(http: aiohttp.ClientSession) -> None:
    async with a_house() as ha, living(ha, http) as home:
        assert not await home.wait_until(LAMP, lambda state: state.state == "on", within=0.02)
        assert not await home.wait_until("light.nowhere", lambda _state: True, within=0.02)
        assert not home._waiting


async def test_waiting_for_the_state_of_an_entity_that_is_removed_ends_at_once(
    http: aiohttp.ClientSession,
) -> None:
    async with a_house() as ha, living(ha, http) as home:
        waiting = asyncio.ensure_future(home.wait_until(LAMP, lambda state: state.state == "on", within=30))
        await asyncio.sleep(0)
        await ha.remove(LAMP)
        async with asyncio.timeout(1):
            assert not await waiting


async def test_a_home_that_dies_is_stale_then_down_and_comes_back_by_itself(
    http: aiohttp.ClientSession,
) -> None:
    async with a_house() as ha, living(ha, http) as home:
        seen = _statuses(home)
        revision = registry_of(home).revision
        await ha.stop()
        await until(lambda: home.status is HomeStatus.DOWN)
        assert seen == [HomeStatus.STALE, HomeStatus.DOWN]
        assert home.reason
        assert registry_of(home).revision == revision
        with pytest.raises(HomeUnreachableError):
            await home.call_service("light", "turn_on", [LAMP], within=1)
        ha.entities[LAMP] = light(
            LAMP, "Lamp", state="on", area_id="kitchen", aliases=["Reading light", None]
        )
        await ha.start()
        await home.wait_ready(3)
        assert registry_of(home).revision == revision
        assert await home.wait_until(LAMP, lambda state: state.state == "on", within=0)


async def test_what_changed_while_the_line_was_down_is_seen_afterwards(http: aiohttp.ClientSession) -> None:
    async with a_house() as ha, living(ha, http) as home:
        revision = registry_of(home).revision
        await ha.stop()
        del ha.entities[LAMP]
        await until(lambda: home.status is HomeStatus.DOWN)
        await ha.start()
        await home.wait_ready(3)
        assert LAMP not in registry_of(home).entities
        assert registry_of(home).revision != revision


async def test_a_home_that_stops_answering_is_stale(http: aiohttp.ClientSession) -> None:
    async with a_house() as ha, living(ha, http) as home:
        ha.mute = True
        await until(lambda: home.status is HomeStatus.STALE)
        assert home.picture is not None
        with pytest.raises(HomeTimeoutError):
            await home.call_service("light", "turn_on", [LAMP], within=0.05)
        ha.mute = False
        await home.wait_ready(3)


async def test_a_revoked_token_is_unauthorized_and_told_once(http: aiohttp.ClientSession) -> None:
    async with a_house() as ha, living(ha, http) as home:
        told: list[None] = []
        home.on_unauthorized(lambda: told.append(None))
        await ha.revoke_token()
        await until(lambda: home.status is HomeStatus.UNAUTHORIZED)
        with pytest.raises(HomeUnauthorizedError):
            await home.call_service("light", "turn_on", [LAMP], within=1)
        with pytest.raises(HomeUnauthorizedError):
            await home.wait_ready(1)
        await asyncio.sleep(0.3)
        assert told == [None]


async def test_a_new_token_is_used_at_once(http: aiohttp.ClientSession) -> None:
    slow = HomeTimes(unauthorized_delay=999)
    async with a_house() as ha:
        ha.token = "another"
        home = LiveHome(user_id="u", url=ha.url, token="wrong", http=http, times=slow)
        running = asyncio.create_task(home.run())
        await until(lambda: home.status is HomeStatus.UNAUTHORIZED)
        home.use(token="another")
        await home.wait_ready(3)  # what was said of the old token is not said of the new one
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_home_that_has_not_finished_starting_says_so(http: aiohttp.ClientSession) -> None:
    async with a_house() as ha:
        ha.hass_state = "STARTING"
        async with living(ha, http, ready=False) as home:
            await until(lambda: home.status is HomeStatus.STARTING)
            with pytest.raises(HomeTimeoutError, match="starting"):
                await home.wait_ready(0.02)
            ha.hass_state = "RUNNING"
            await ha.fire("homeassistant_started")
            await home.wait_ready(1)


async def test_a_start_that_is_not_announced_is_noticed_by_the_heartbeat(http: aiohttp.ClientSession) -> None:
    async with a_house() as ha:
        ha.hass_state = "STARTING"
        async with living(ha, http, ready=False) as home:
            await until(lambda: home.status is HomeStatus.STARTING)
            ha.hass_state = "RUNNING"
            await home.wait_ready(1)


async def test_a_home_that_was_never_reached_is_down(http: aiohttp.ClientSession) -> None:
    async with a_house() as ha:
        await ha.stop()
        async with living(ha, http, ready=False) as home:
            assert home.status is HomeStatus.CONNECTING
            await until(lambda: home.status is HomeStatus.DOWN)
            assert home.picture is None
            await ha.start()
            await home.wait_ready(3)


@pytest.mark.parametrize(
    "frame",
    [
        "garbage",
        '{"id":3,"type":"event"}',
        '[{"id":2,"type":"event","event":{"a":{"light.x":3},"c":3,"r":{}}}]',
    ],
)
async def test_garbage_never_ends_the_home(http: aiohttp.ClientSession, frame: str) -> None:
    async with a_house() as ha, living(ha, http) as home:
        await ha.send_raw(frame)
        await asyncio.sleep(0.02)
        await home.wait_ready(2)
        assert LAMP in registry_of(home).entities


async def test_a_mistake_of_our_own_is_logged_and_tried_again(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    async with a_house() as ha, living(ha, http) as home:
        monkeypatch.setattr(mirror_module.Mirror, "compose", fail)
        await ha.fire("area_registry_updated")
        await until(lambda: home.status is HomeStatus.DOWN)
        monkeypatch.undo()
        await home.wait_ready(2)


async def test_a_listener_that_fails_costs_nobody_the_home(http: aiohttp.ClientSession) -> None:
    def fail(_picture: HomePicture) -> None:
        raise ZeroDivisionError

    async with a_house() as ha, living(ha, http) as home:
        home.on_registry_change(fail)
        ha.areas[0]["name"] = "Konyha"
        await ha.fire("area_registry_updated")
        await until(lambda: registry_of(home).areas["kitchen"].name == "Konyha")
        assert home.status is HomeStatus.LIVE


async def test_no_two_homes_share_a_revision(http: aiohttp.ClientSession) -> None:
    async with a_house() as ha, living(ha, http) as one, living(ha, http) as other:
        assert registry_of(one).entities == registry_of(other).entities
        assert registry_of(one).revision != registry_of(other).revision


async def test_a_home_that_drops_us_again_and_again_is_left_alone_longer(
    http: aiohttp.ClientSession,
) -> None:
    patient = HomeTimes(connect=0.3, first_delay=0.02, longest_delay=60, follow=QUICK.follow)
    async with a_house() as ha, living(ha, http, times=patient) as home:
        loop = asyncio.get_running_loop()
        for _ in range(5):
            await home.wait_ready(3)
            await ha.drop()
            await until(lambda: home.status is not HomeStatus.LIVE)
        started = loop.time()
        await home.wait_ready(5)
        assert loop.time() - started > 0.02


async def test_states_that_change_while_the_first_are_worked_in_stay_behind_them(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow_module, "ENTITIES_A_SLICE", 1)
    many = [light(f"light.n{number}", f"N {number}") for number in range(300)]
    async with StandInHomeAssistant(entities=many) as ha, living(ha, http, ready=False) as home:
        await ha.until(lambda ha: "subscribe_entities" in ha.received)
        await ha.set_state("light.n299", "on")
        await ha.remove("light.n298")
        await home.wait_ready(3)
        assert home.picture is not None
        assert home.picture.states["light.n299"].state == "on"
        assert "light.n298" not in home.picture.states


async def test_more_events_than_can_be_kept_while_mirroring_make_the_home_try_again(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow_module, "MAX_EARLY_EVENTS", 1)
    async with a_house() as ha, living(ha, http, ready=False) as home:
        await ha.until(lambda ha: "subscribe_entities" in ha.received)
        for _ in range(3):
            await ha.set_state(LAMP, "on")
        await until(lambda: home.status is HomeStatus.DOWN)
        await home.wait_ready(3)


async def test_a_snapshot_that_never_comes_is_given_up(http: aiohttp.ClientSession) -> None:
    async with a_house() as ha:
        ha.answers = {"subscribe_entities": None}
        async with living(ha, http, ready=False) as home:
            await until(lambda: home.status is HomeStatus.DOWN)
            assert "did not send its states" in (home.reason or "")
            ha.answers = {}
            await home.wait_ready(3)


async def test_neither_representation_nor_log_shows_the_token(
    http: aiohttp.ClientSession, capsys: pytest.CaptureFixture[str]
) -> None:
    async with a_house(token="very-secret-token") as ha, living(ha, http) as home:
        assert "very-secret-token" not in repr(home)
        await ha.revoke_token()
        await until(lambda: home.status is HomeStatus.UNAUTHORIZED)
    captured = capsys.readouterr()
    assert "very-secret-token" not in captured.out + captured.err


async def test_a_flood_of_states_does_not_bump_the_revision_and_is_kept_up_with(
    http: aiohttp.ClientSession,
) -> None:
    async with a_house() as ha, living(ha, http) as home:
        revision = registry_of(home).revision
        for number in range(3000):
            await ha.set_state(LAMP, "on" if number % 2 else "off", brightness=number)
        assert await home.wait_until(LAMP, lambda state: state.attributes.get("brightness") == 2999, within=2)
        assert registry_of(home).revision == revision


def _statuses(home: LiveHome) -> list[HomeStatus]:
    """Record every status from now on."""
    seen: list[HomeStatus] = []
    turn = home._turn

    def record(status: HomeStatus, reason: str) -> None:
        if status is not home.status:
            seen.append(status)
        turn(status, reason)

    home._turn = record  # type: ignore[method-assign]
    return seen
