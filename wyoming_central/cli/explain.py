"""`wyoming-central explain`: how a sentence that was said was understood."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer

from config.errors import WyomingCentralError
from config.languages import DEFAULT as DEFAULT_LANGUAGE
from config.languages import normalise_language
from handlers.frames.explain import Explanation, explained
from handlers.frames.home_index import index_of
from handlers.frames.lexicon_file import lexicon_of
from handlers.ready_home import area_id_of
from handlers.session import intent_from_json
from handlers.understanding import PastTurn, SessionContext, Utterance
from provisioning.errors import HomeError
from provisioning.home.live import LiveHome
from provisioning.home.registry import HomePicture
from provisioning.home_http import session_for_homes
from storage.errors import NotFoundError
from storage.records import AuditRow, DeviceRecord
from wyoming_central.cli.commands import examples, single
from wyoming_central.cli.explanation import explanation_fields
from wyoming_central.cli.find import find_turn
from wyoming_central.cli.options import AsJson
from wyoming_central.cli.output import moment, or_dash, several, show_fields, show_json
from wyoming_central.cli.store import Store, open_store
from wyoming_central.cli.turn_data import objects, stage_lines

_HOME_SECONDS: Final = 15.0
# Of a user's newest turns, among which those before the one that is explained are looked for.
_SEARCHED_TURNS: Final = 500
_REMEMBERED_TURNS: Final = 5

app = single()


@app.command(
    epilog=examples(
        "wyoming-central audit tail            # the ids of requests",
        "wyoming-central explain 3f9c1a02",
    )
)
def explain(
    *,
    request: Annotated[str, typer.Argument(metavar="REQUEST", help="Id of the turn, or its beginning.")],
    as_json: AsJson = False,
) -> None:
    """Show how a sentence was understood: tokens, links to words and things, frames, what was left over.

    It is read once more, by the rules and in the home as they are now, with what was said before it.
    What came of it at the time stands beside it.
    """
    asyncio.run(_explain(request, as_json=as_json))


async def _explain(wanted: str, *, as_json: bool) -> None:
    async with open_store() as store:
        row = await find_turn(store, wanted)
        if not row.input_text or row.user_id is None:
            raise WyomingCentralError(
                "nothing was said in this turn", remedy="see `wyoming-central audit tail`"
            )
        picture = await _picture(store, row.user_id)
        utterance = await _utterance(store, row, picture)
        own_words = store.settings.data_dir / "lexicon"
    explanation = await asyncio.to_thread(_explained, utterance, picture, own_words)
    if as_json:
        show_json({"request_id": row.request_id, "input_text": row.input_text, "stages": row.stages or [],
                   "explanation": explanation.as_json()})  # fmt: skip
        return
    show_fields(
        (
            ("Request", row.request_id),
            ("Time", moment(row.timestamp)),
            ("Said", row.input_text),
            ("Heard in", or_dash(_area_name(utterance, picture))),
            *several("Stages then", stage_lines(row.stages)),
            *explanation_fields(explanation),
        )
    )


def _explained(utterance: Utterance, picture: HomePicture, own_words: Path) -> Explanation:
    lexicon = lexicon_of(utterance.language, own_words)
    return explained(utterance, picture, index_of(picture.registry, lexicon), lexicon)


async def _picture(store: Store, user_id: str) -> HomePicture:
    """The home of a user as it is now."""
    user, token = await store.users.get(user_id), await store.users.home_token(user_id)
    if user.ha_instance_url is None or token is None:
        raise WyomingCentralError(
            f"{user.email} has no Home Assistant yet", remedy="see `wyoming-central instance list`"
        )
    async with session_for_homes() as http:
        home = LiveHome(user_id=user_id, url=user.ha_instance_url, token=token, http=http)
        following = asyncio.create_task(home.run())
        try:
            await home.wait_ready(_HOME_SECONDS)
        except HomeError as error:
            raise WyomingCentralError(
                f"the Home Assistant of {user.email} does not answer: {error.message}",
                remedy=f"see `wyoming-central instance show {user.email}`",
            ) from None
        finally:
            following.cancel()
            await asyncio.wait([following])
    if home.picture is None:
        raise AssertionError("a live home has a picture")
    return home.picture


async def _utterance(store: Store, row: AuditRow, picture: HomePicture) -> Utterance:
    device = await _device(store, row.device_id)
    return Utterance(
        text=row.input_text or "",
        language=normalise_language(row.language or "") or DEFAULT_LANGUAGE,
        area_id=area_id_of(device.area if device else None, picture.registry),
        session=await _before(store, row),
        now=row.timestamp.timestamp(),
    )


async def _device(store: Store, device_id: str | None) -> DeviceRecord | None:
    if device_id is None:
        return None
    try:
        return await store.devices.get(device_id)
    except NotFoundError:
        return None


async def _before(store: Store, row: AuditRow) -> SessionContext:
    """What the device had heard shortly before, as far as the audit log still has it."""
    since = row.timestamp.timestamp() - store.settings.session_ttl_seconds
    rows = [
        one
        for one in await store.audit.tail(_SEARCHED_TURNS, user_id=row.user_id)
        if one.device_id == row.device_id
        and (one.id or 0) < (row.id or 0)
        and one.timestamp.timestamp() >= since
    ]
    return SessionContext(tuple(_past(one) for one in rows[-_REMEMBERED_TURNS:]))


def _past(row: AuditRow) -> PastTurn:
    calls = objects(row.ha_response, "calls")
    return PastTurn(
        text=row.input_text or "",
        speech=str((row.ha_response or {}).get("speech") or ""),
        intents=tuple(intent_from_json(one) for one in objects(row.intent, "intents")),
        targets=tuple(dict.fromkeys(str(one) for call in calls for one in call.get("entity_id") or ())),
        at=row.timestamp.timestamp(),
    )


def _area_name(utterance: Utterance, picture: HomePicture) -> str | None:
    area = picture.registry.areas.get(utterance.area_id or "")
    return area.name if area else None
