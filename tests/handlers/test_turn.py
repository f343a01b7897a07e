"""A turn always ends in an answer: what was done, or why not, in the speaker's language."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from handlers.answer import Answers
from handlers.peer import Identity
from handlers.ready_home import area_id_of
from handlers.recognize import Recognizer
from handlers.sentence import Sentence
from handlers.session import SessionKeeper
from handlers.sightings import Sightings
from handlers.status import Status
from handlers.turn import TurnLimits, Turns
from handlers.turn_result import TurnResult
from handlers.understanding import Intent, Understanding, Utterance
from provisioning.errors import (
    EntityGoneError,
    HomeError,
    HomeStartingError,
    HomeTimeoutError,
    HomeUnauthorizedError,
    HomeUnreachableError,
    ServiceCallError,
)
from provisioning.home.live import HomeStatus
from provisioning.home.registry import Area, HomePicture, Registry
from provisioning.homes import Absence
from storage.records import AuditRow

ANNA = Identity("anna", "a1", "Konyha", "hu", area="nappali")
BELA = Identity("bela", "b1", "Kitchen", "en")

LAMP_ON = "Kapcsold be a nappali lámpát"


class Directory:
    """The homes of a test, by user."""

    def __init__(self) -> None:
        self.homes: dict[str, Any] = {}

    def home_of(self, user_id: str) -> Any:
        return self.homes.get(user_id, Absence(HomeStatus.MISSING))


class StandInAudit:
    def __init__(self) -> None:
        self.rows: list[AuditRow] = []

    def record(self, row: AuditRow) -> None:
        self.rows.append(row)


class NoSessions:
    async def live(self, device_id: str, now: object) -> None:
        return None


class NoDevices:
    async def touch(self, heard: object) -> None:
        return


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class House:
    """Turns with everything around them, for a test to look at."""

    def __init__(self, answers: Answers, recognizer: Any, *, deadline: float = 5.0) -> None:
        self.clock = Clock()
        self.directory = Directory()
        self.audit = StandInAudit()
        self.answers = answers
        self.sessions = SessionKeeper(
            NoSessions(),  # type: ignore[arg-type]
            ttl_seconds=300,
            question_ttl_seconds=30,
            clock=self.clock,
        )
        self.turns = Turns(
            homes=self.directory,
            recognizer=recognizer,
            answers=answers,
            sessions=self.sessions,
            sightings=Sightings(NoDevices()),  # type: ignore[arg-type]
            audit=self.audit,  # type: ignore[arg-type]
            limits=TurnLimits(deadline=deadline, home_call=deadline),
            clock=self.clock,
        )

    async def say(self, text: str, identity: Identity = ANNA, *, language: str | None = None) -> TurnResult:
        result = await self.turns.of_sentence(Sentence(text, language), identity, f"r{len(self.audit.rows)}")
        self.turns.settle(result)
        return result


@pytest.fixture
def house(answers: Answers, recognizer: Recognizer, annas_home: Any, belas_home: Any) -> House:
    one = House(answers, recognizer)
    one.directory.homes = {"anna": annas_home, "bela": belas_home}
    return one


async def test_a_sentence_reaches_the_lamp_of_its_speaker_and_nothing_else(
    house: House, annas_home: Any, belas_home: Any
) -> None:
    result = await house.say(LAMP_ON)
    assert result.status is Status.OK
    assert annas_home.calls == [("light", "turn_on", ("light.anna_nappali",))]
    assert belas_home.calls == []
    assert result.speech == "Felkapcsoltam a Nappali lámpát."


async def test_the_same_words_of_another_speaker_reach_the_other_home(
    house: House, annas_home: Any, belas_home: Any
) -> None:
    await house.say(LAMP_ON)
    await house.say(LAMP_ON, BELA, language="hu")
    assert annas_home.calls == [("light", "turn_on", ("light.anna_nappali",))]
    assert belas_home.calls == [("light", "turn_on", ("light.bela_nappali",))]


async def test_the_language_is_the_events_else_the_devices(house: House, annas_home: Any) -> None:
    assert (await house.say("Turn on the desk lamp", language="en")).language == "en"
    assert (await house.say("Turn on the desk lamp", BELA)).language == "en"
    assert (await house.say(LAMP_ON)).language == "hu"


async def test_an_unexposed_entity_is_as_if_it_were_not_there(house: House, annas_home: Any) -> None:
    result = await house.say("Kapcsold be az anna titkos lámpát")
    assert annas_home.calls == []
    assert not result.status.handled


async def test_what_is_not_understood_says_so_and_does_nothing(house: House, annas_home: Any) -> None:
    result = await house.say("blabla humbug")
    assert (result.status, annas_home.calls) == (Status.NOT_UNDERSTOOD, [])


ABSENCES = {
    HomeStatus.MISSING: Status.HOME_MISSING,
    HomeStatus.STARTING: Status.HOME_STARTING,
    HomeStatus.STOPPED: Status.HOME_STOPPED,
    HomeStatus.FAILED: Status.HOME_FAILED,
    HomeStatus.UNAUTHORIZED: Status.HOME_UNAUTHORIZED,
}


@pytest.mark.parametrize(("absence", "status"), ABSENCES.items())
async def test_a_home_that_is_not_there_is_answered_with_why(
    house: House, absence: HomeStatus, status: Status
) -> None:
    house.directory.homes["anna"] = Absence(absence, "port-taken")
    result = await house.say(LAMP_ON)
    assert result.status is status
    assert house.audit.rows[-1].status == status.value
    assert house.audit.rows[-1].error_message


async def test_a_home_of_the_users_own_that_does_not_answer_is_out_of_reach_rather_than_unable_to_start(
    house: House,
) -> None:
    house.directory.homes["anna"] = Absence(HomeStatus.FAILED, "unreachable")
    assert (await house.say(LAMP_ON)).status is Status.HOME_DOWN


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (HomeStatus.CONNECTING, Status.HOME_STARTING),
        (HomeStatus.STARTING, Status.HOME_STARTING),
        (HomeStatus.STALE, Status.HOME_DOWN),
        (HomeStatus.DOWN, Status.HOME_DOWN),
        (HomeStatus.UNAUTHORIZED, Status.HOME_UNAUTHORIZED),
    ],
)
async def test_a_home_that_cannot_be_used_now_is_answered_with_why(
    house: House, annas_home: Any, state: HomeStatus, status: Status
) -> None:
    annas_home.status = state
    result = await house.say(LAMP_ON)
    assert (result.status, annas_home.calls) == (status, [])


async def test_a_home_that_is_back_in_a_moment_is_waited_for(house: House, annas_home: Any) -> None:
    annas_home.status = HomeStatus.STALE
    annas_home.comes_back = True
    assert (await house.say(LAMP_ON)).status is Status.OK


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (HomeUnreachableError("gone"), Status.HOME_DOWN),
        (HomeTimeoutError("slow"), Status.HOME_SLOW),
        (HomeStartingError("starting"), Status.HOME_STARTING),
        (HomeUnauthorizedError("no"), Status.HOME_UNAUTHORIZED),
        (EntityGoneError("gone"), Status.ENTITY_GONE),
        (ServiceCallError("home_assistant_error", "no"), Status.CALL_FAILED),
    ],
)
async def test_every_failure_of_a_call_has_its_own_status_and_an_audit_message(
    house: House, annas_home: Any, failure: HomeError, status: Status
) -> None:
    annas_home.failure = failure
    result = await house.say(LAMP_ON)
    assert result.status is status
    assert (house.audit.rows[-1].status, bool(house.audit.rows[-1].error_message)) == (status.value, True)


def test_every_status_has_a_sentence_of_its_own_in_each_language(answers: Answers) -> None:
    from handlers.understanding import Phrase  # noqa: PLC0415 - used here alone

    for language in ("hu", "en"):
        sentences = {answers.speak(Phrase(f"status.{status}"), language) for status in Status}
        assert len(sentences) == len(Status)


async def test_a_home_that_never_answers_costs_the_deadline_and_not_more(
    answers: Answers, recognizer: Recognizer, annas_home: Any
) -> None:
    house = House(answers, recognizer, deadline=0.1)
    house.directory.homes = {"anna": annas_home}
    annas_home.hangs = True
    async with asyncio.timeout(5):
        result = await house.say(LAMP_ON)
    assert result.status is Status.DEADLINE
    assert house.audit.rows[-1].intent is not None, "what was understood is kept"


async def test_a_turn_that_is_cut_off_leaves_its_audit_row(house: House, annas_home: Any) -> None:
    annas_home.hangs = True
    turn = asyncio.create_task(house.say(LAMP_ON))
    await asyncio.wait_for(annas_home.called.wait(), 5)
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert [row.status for row in house.audit.rows] == ["interrupted"]


class BrokenRecognizer:
    async def recognize(self, utterance: Utterance, picture: HomePicture) -> Understanding:
        raise LookupError("a bug")


async def test_a_bug_of_ours_is_still_an_answer(answers: Answers, annas_home: Any) -> None:
    house = House(answers, BrokenRecognizer())
    house.directory.homes = {"anna": annas_home}
    result = await house.say(LAMP_ON)
    assert result.status is Status.INTERNAL
    assert result.speech
    assert house.audit.rows[-1].error_message == "LookupError"


async def test_an_intent_is_carried_out_without_being_understood_again(house: House, annas_home: Any) -> None:
    intent = Intent("HassTurnOn", {"name": "Desk Lamp"})
    result = await house.turns.of_intent(intent, Sentence("", "en"), ANNA, "r")
    assert result.status is Status.OK
    assert annas_home.calls == [("light", "turn_on", ("light.anna_desk",))]


async def test_recognition_alone_does_nothing(house: House, annas_home: Any) -> None:
    result = await house.turns.of_recognition(Sentence(LAMP_ON), ANNA, "r")
    assert [intent.name for intent in result.intents] == ["HassTurnOn"]
    assert annas_home.calls == []


class ImpatientRecognizer:
    async def recognize(self, utterance: Utterance, picture: HomePicture) -> Understanding:
        raise TimeoutError


async def test_a_timeout_of_something_else_is_not_the_turns_deadline(
    answers: Answers, annas_home: Any
) -> None:
    house = House(answers, ImpatientRecognizer())
    house.directory.homes = {"anna": annas_home}
    assert (await house.say(LAMP_ON)).status is Status.INTERNAL


async def test_an_ambiguous_name_is_asked_back_and_the_next_sentence_that_counts_answers(
    house: House, annas_home: Any
) -> None:
    kitchen = Identity("anna", "a2", "Konyha", "hu")
    areas = {"nappali": Area("nappali", "Nappali"), "konyha": Area("konyha", "Konyha")}
    entities = {
        entity_id: type(entity)(entity_id, "Állólámpa", area_id=area)
        for (entity_id, entity), area in zip(
            list(annas_home.picture.registry.entities.items())[:2], ("nappali", "konyha"), strict=True
        )
    }
    annas_home.picture = HomePicture(
        Registry("two", areas=areas, entities=entities), annas_home.picture.states
    )
    asked = await house.say("Kapcsold be az állólámpát", kitchen)
    assert (asked.status, annas_home.calls) == (Status.ASKED, [])
    house.turns.settle(await house.turns.of_recognition(Sentence(LAMP_ON), kitchen, "r"))
    answered = await house.say("a konyhait", kitchen)
    assert answered.status is Status.OK
    assert annas_home.calls == [("light", "turn_on", ("light.anna_desk",))]


async def test_the_audit_row_tells_the_whole_turn(house: House) -> None:
    result = await house.say(LAMP_ON)
    (row,) = house.audit.rows
    assert (row.user_id, row.device_id, row.input_text, row.status) == ("anna", "a1", LAMP_ON, "ok")
    assert row.intent is not None
    assert row.intent["intents"][0]["name"] == "HassTurnOn"
    assert row.ha_response is not None
    assert row.ha_response["calls"][0]["entity_id"] == ["light.anna_nappali"]
    assert set(row.ha_response["steps_ms"]) == {"recognize", "resolve", "execute"}
    assert row.ha_response["speech"] == result.speech


async def test_a_session_remembers_what_a_turn_reached(house: House) -> None:
    await house.say(LAMP_ON)
    context = await house.sessions.context_of(ANNA)
    assert [turn.targets for turn in context.turns] == [("light.anna_nappali",)]


@pytest.mark.parametrize(
    ("area", "found"),
    [(None, None), ("nappali", "nappali"), ("NAPPALI", "nappali"), ("Szoba", "nappali"), ("pince", None)],
)
def test_a_devices_area_is_found_by_id_name_or_alias(area: str | None, found: str | None) -> None:
    registry = Registry("r", areas={"nappali": Area("nappali", "Nappali", ("szoba",))})
    assert area_id_of(area, registry) == found
