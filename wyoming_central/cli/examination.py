"""What `doctor` looks at. Every question stands by itself: one that cannot be answered is a finding, too."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

import orjson
from pydantic import SecretStr

from config.errors import WyomingCentralError
from config.generated_secrets import new_encryption_key
from config.languages import SUPPORTED
from config.listen import ListenAddress
from config.schema import Origin
from config.settings import Reading, Settings, ensure_secrets, read_settings
from config.shown import without_password
from handlers.frames.lexicon_file import lexicon_of
from handlers.llm.chat import client_of
from handlers.llm.errors import ModelError
from handlers.llm.fetch import has_model
from handlers.llm.pool import Readiness
from provisioning.docker.engine import Engine
from provisioning.docker.pull import is_there
from provisioning.errors import InstanceError
from provisioning.process.installation import MARKER, RECIPE
from provisioning.process.interpreter import find_interpreters
from storage.errors import SecretError
from storage.migrate import revision
from storage.records import InstanceRecord, InstanceStatus
from storage.revision import CURRENT
from wyoming_central.cli.follow import described
from wyoming_central.cli.reach import own_uri
from wyoming_central.cli.remedies import remedy_of
from wyoming_central.cli.store import Store, store_on
from wyoming_central.client import connect
from wyoming_central.discovery import interfaces_up, plan
from wyoming_central.errors import ClientError, FrameError
from wyoming_central.model_status import MODEL_STATUS_FILE, KnownModel, known_models

_GIGABYTE: Final = 1024**3
# Below the first the database is in danger; below the second Home Assistant may not fit in any more.
_ROOM_FOR_DATA: Final = _GIGABYTE // 4
_ROOM_FOR_COMFORT: Final = 2 * _GIGABYTE
_LOOK_SECONDS: Final = 2.0
_MODEL: Final = "language model"

# Which release an interpreter can run, by the `Requires-Python` of the releases up to November 2026.
_RELEASES: Final = (
    ((3, 14, 2), "2026.11 or newer"),
    ((3, 13, 2), "2026.2"),
    ((3, 13, 0), "2025.4"),
    ((3, 12, 0), "2025.1"),
    ((3, 11, 0), "2024.3"),
)
_RECENT: Final = (3, 13, 0)


class Grade(StrEnum):
    """How grave a finding is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer of the examination.

    Attributes:
        subject: What was looked at, a word or two.
        message: What was found, one line.
        remedy: What to do about it, one line; None where there is nothing to do.
    """

    subject: str
    grade: Grade
    message: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class _Stored:
    """What the database says.

    Attributes:
        owners: The address of each user, by id.
        served: Whether a server runs on it.
    """

    findings: list[Finding]
    instances: tuple[InstanceRecord, ...] = ()
    owners: Mapping[str, str] = field(default_factory=dict)
    served: bool = False


async def examine() -> list[Finding]:
    """Look at everything a server needs, in the order in which it would be missed. Changes nothing."""
    reading = read_settings()
    settings = reading.settings
    stored = await _database(settings)
    return [
        *_settings(reading),
        _folder("data folder", settings.data_dir),
        _folder("cache folder", settings.cache_dir),
        _secrets(settings),
        *await asyncio.to_thread(lambda: list(_own_words(settings.data_dir / "lexicon"))),
        *stored.findings,
        *await _processes(settings, stored),
        *await _engine(settings),
        _ports(settings, stored),
        *[await _listener(address, served=stored.served) for address in settings.listen],
        _discovery(settings),
        *await _ollama(settings, served=stored.served),
        *_instances(stored),
    ]


def _settings(reading: Reading) -> Iterator[Finding]:
    for problem in reading.problems:
        yield Finding("settings", Grade.PROBLEM, f"{problem.name}: {problem.message}", problem.remedy)
    for warning in reading.warnings:
        yield Finding("settings", Grade.WARNING, f"{warning.name}: {warning.message}", warning.remedy)
    if not reading.problems:
        yield Finding("settings", Grade.OK, f"can be used ({reading.settings.environment})")


def _folder(subject: str, path: Path) -> Finding:
    """Its room; whether it can be written to is a question to the settings."""
    existing = next(folder for folder in (path, *path.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    message = f"{path}, {free / _GIGABYTE:.1f} GB free" + ("" if existing == path else "; made when needed")
    if free < _ROOM_FOR_DATA:
        return Finding(subject, Grade.PROBLEM, message, "make room on that disk")
    if free < _ROOM_FOR_COMFORT:
        return Finding(subject, Grade.WARNING, message, "a Home Assistant is installed in 2 GB")
    return Finding(subject, Grade.OK, message)


def _secrets(settings: Settings) -> Finding:
    missing = [name for name in ("jwt_secret", "encryption_key") if getattr(settings, name) is None]
    if not missing:
        return Finding("secrets", Grade.OK, "JWT_SECRET and ENCRYPTION_KEY are set")
    names = " and ".join(name.upper() for name in missing)
    if settings.production:
        return Finding("secrets", Grade.PROBLEM, f"production lacks {names}", "set them, or NAME_FILE")
    made = all((settings.secrets_dir / name).is_file() for name in missing)
    place = f"generated in {settings.secrets_dir}" if made else f"{names} will be generated"
    return Finding("secrets", Grade.OK, place)


def _own_words(folder: Path) -> Iterator[Finding]:
    """Words that an admin put on top of a language, which are read when a server starts."""
    for path in (folder / f"{language}.yaml" for language in SUPPORTED):
        if not path.exists():
            continue
        try:
            lexicon_of(path.stem, folder)
        except WyomingCentralError as error:
            yield Finding("lexicon", Grade.PROBLEM, error.message, error.remedy)
        else:
            yield Finding("lexicon", Grade.OK, f"{path} can be used")


async def _database(settings: Settings) -> _Stored:
    try:
        found = await revision(settings.database_url.get_secret_value())
        if found is None:
            message = "is not there yet; `serve` and `user add` make it"
            return _Stored([Finding("database", Grade.OK, message), _not_served()])
        if found != CURRENT:
            message = f"has revision {found}, {CURRENT} is needed"
            remedy = "run `wyoming-central db upgrade`"
            return _Stored([Finding("database", Grade.PROBLEM, message, remedy), _not_served()])
        async with store_on(_with_keys(settings)) as store:
            return await _contents(store, found)
    except WyomingCentralError as error:
        return _Stored([Finding("database", Grade.PROBLEM, error.message, error.remedy)])


def _with_keys(settings: Settings) -> Settings:
    """Settings with the keys there are; a new one, which opens nothing, where there is none."""
    keys_there = settings.encryption_key is not None or (settings.secrets_dir / "encryption_key").is_file()
    if keys_there and not (settings.production and settings.encryption_key is None):
        return ensure_secrets(settings)
    return settings.replaced(
        {"encryption_key": SecretStr(new_encryption_key())}, {"encryption_key": Origin.GENERATED}
    )


async def _contents(store: Store, found: str) -> _Stored:
    findings = [Finding("database", Grade.OK, f"revision {found}"), *await _unreadable(store)]
    server = await store.server()
    if server is None:
        findings.append(_not_served())
    else:
        findings.append(Finding("server", Grade.OK, f"runs: {server.holder}"))
    owners = {user.id: user.email for user in await store.users.list()}
    return _Stored(findings, await store.instances.list(), owners, served=server is not None)


async def _unreadable(store: Store) -> list[Finding]:
    """A finding where the tokens of homes cannot be decrypted with the keys at hand."""
    owners = [user for user in await store.users.list() if user.has_ha_token]
    lost = []
    for user in owners:
        try:
            await store.users.home_token(user.id)
        except SecretError:
            lost.append(user.email)
    if not lost:
        return []
    message = f"the Home Assistant tokens of {len(lost)} users cannot be decrypted"
    return [Finding("secrets", Grade.PROBLEM, message, "put the former ENCRYPTION_KEY behind the new one")]


def _not_served() -> Finding:
    return Finding("server", Grade.WARNING, "none is running", "start it with `wyoming-central serve`")


async def _processes(settings: Settings, stored: _Stored) -> list[Finding]:
    """What is found of what runs Home Assistants as processes, where one is, or is to be, run so."""
    if settings.ha_driver != "process" and not any(one.driver == "process" for one in stored.instances):
        return []
    return [await _interpreter(settings), _installation(settings)]


async def _interpreter(settings: Settings) -> Finding:
    forced = str(settings.ha_python) if settings.ha_python else None
    try:
        best = (await find_interpreters(forced))[0]
    except WyomingCentralError as error:
        return Finding("interpreter", Grade.PROBLEM, error.message, error.remedy)
    gives = next(release for version, release in _RELEASES if best.version >= version)
    message = f"Python {best.version_text} ({best.path}) gives Home Assistant {gives}"
    if best.version < _RECENT:
        return Finding("interpreter", Grade.WARNING, message, "Python 3.13 or newer gives a later one")
    return Finding("interpreter", Grade.OK, message)


def _installation(settings: Settings) -> Finding:
    versions = set()
    for marker in (settings.cache_dir / "home-assistant").glob(f"*/venv-{RECIPE}/{MARKER}"):
        try:
            versions.add(str(orjson.loads(marker.read_bytes())["home_assistant"]))
        except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
            continue
    if not versions:
        message = "not installed yet; the server does it for the first user, in a few minutes"
        return Finding("Home Assistant", Grade.OK, message)
    return Finding("Home Assistant", Grade.OK, f"installed: {', '.join(sorted(versions))}")


async def _engine(settings: Settings) -> list[Finding]:
    """What is found of the Docker engine, where the settings want one."""
    if not settings.serves_docker:
        return []
    engine = Engine(settings.docker_host, within=_LOOK_SECONDS)
    try:
        async with engine.asked() as docker:
            version = str((await docker.version()).get("Version"))
            has_image = await is_there(docker, settings.ha_image)
    except InstanceError as error:
        return [Finding("Docker", Grade.PROBLEM, error.message, error.remedy)]
    finally:
        await engine.close()
    found = Finding("Docker", Grade.OK, f"engine {version}")
    if has_image:
        return [found, Finding("image", Grade.OK, f"{settings.ha_image} is there")]
    message = f"{settings.ha_image} is not there"
    if settings.ha_image_pull == "never":
        return [found, Finding("image", Grade.PROBLEM, message, "load it, or set HA_IMAGE_PULL=missing")]
    return [found, Finding("image", Grade.OK, f"{message} yet: it is fetched for the first instance")]


def _ports(settings: Settings, stored: _Stored) -> Finding:
    ours = {one.host_port for one in stored.instances}
    others = [port for port in settings.ha_port_range if port not in ours]
    free = [port for port in others if _is_free("127.0.0.1", port)]
    span = f"{settings.ha_port_range_start} to {settings.ha_port_range_end}"
    message = f"{len(free)} of {len(settings.ha_port_range)} free ({span})"
    if not free:
        return Finding("ports", Grade.WARNING, message, "widen HA_PORT_RANGE_START to HA_PORT_RANGE_END")
    return Finding("ports", Grade.OK, message)


async def _listener(address: ListenAddress, *, served: bool) -> Finding:
    subject = f"listener {address.name}"
    if await _answers(address):
        if served:
            return Finding(subject, Grade.OK, f"{address.uri} answers")
        message = f"a Wyoming server that is not of this database answers at {address.uri}"
        return Finding(subject, Grade.PROBLEM, message, "end it, or set LISTEN to another port")
    if served:
        message = f"{address.uri} does not answer, though a server is running"
        return Finding(subject, Grade.WARNING, message, "was LISTEN changed? then start it again")
    if address.port and not _is_free(address.host, address.port):
        message = f"{address.uri} is taken by another program"
        return Finding(subject, Grade.PROBLEM, message, "end it, or set LISTEN to another port")
    return Finding(subject, Grade.OK, f"{address.uri} is free")


async def _answers(address: ListenAddress) -> bool:
    try:
        async with connect(own_uri(address), within=_LOOK_SECONDS) as client:
            await client.describe(within=_LOOK_SECONDS)
    except (ClientError, FrameError):
        return False
    return True


def _discovery(settings: Settings) -> Finding:
    if settings.zeroconf == "off":
        return Finding("discovery", Grade.OK, "is off (ZEROCONF)")
    announced = plan(
        settings.listen,
        interfaces_up(),
        mode=settings.zeroconf,
        chosen=settings.zeroconf_interfaces,
        name=settings.server_name,
        identifier="00000000",
    )
    places = sorted({f"{address}" for service in announced.services for address in service.addresses})
    if places:
        return Finding("discovery", Grade.OK, f"announced at {', '.join(places)}")
    if all(address.loopback for address in settings.listen):
        message = "nothing is announced: the server listens on this machine only"
        return Finding("discovery", Grade.OK, message)
    message = "nothing can be announced: no network of LISTEN is up"
    return Finding("discovery", Grade.WARNING, message, "check the network, LISTEN and ZEROCONF_INTERFACES")


async def _ollama(settings: Settings, *, served: bool) -> Iterable[Finding]:
    """What can be said of the language model: by each Ollama, and by the server that looks after them."""
    if not settings.ollama_urls:
        return (Finding(_MODEL, Grade.OK, "is off (OLLAMA_URLS)"),)
    noted = {
        one.url: one for one in await asyncio.to_thread(known_models, settings.data_dir / MODEL_STATUS_FILE)
    }
    return [
        await _ollama_at(url, settings, noted.get(without_password(url)) if served else None)
        for url in settings.ollama_urls
    ]


async def _ollama_at(url: str, settings: Settings, noted: KnownModel | None) -> Finding:
    shown = without_password(url)
    client = client_of(url)
    try:
        async with asyncio.timeout(_LOOK_SECONDS):
            is_there = await has_model(client, settings.ollama_model)
    except (ModelError, TimeoutError) as error:
        why = error.failure.value if isinstance(error, ModelError) else "it took too long"
        return _silent_ollama(f"{shown} does not answer: {why}", settings)
    finally:
        await client.close()  # type: ignore[no-untyped-call]
    if noted is not None and noted.readiness is Readiness.PULLING:
        message = f"{shown} is fetching {settings.ollama_model}{_progress(noted)}"
        return Finding(_MODEL, Grade.OK, message)
    return _answering_ollama(shown, settings, noted) if is_there else _ollama_without(shown, settings)


def _silent_ollama(message: str, settings: Settings) -> Finding:
    if settings.origin("ollama_urls") is Origin.DEFAULT:
        # Nobody has said yet that there is to be one.
        return Finding(_MODEL, Grade.OK, f"{message}; sentences are understood by rules only")
    remedy = "start Ollama, correct OLLAMA_URLS, or set it to off; until then only rules understand"
    return Finding(_MODEL, Grade.WARNING, message, remedy)


def _ollama_without(shown: str, settings: Settings) -> Finding:
    message = f"{shown} does not have {settings.ollama_model}"
    if settings.ollama_pull == "missing":
        return Finding(_MODEL, Grade.WARNING, message, "a server that starts has it fetched (OLLAMA_PULL)")
    return Finding(_MODEL, Grade.WARNING, message, f"ollama pull {settings.ollama_model}")


def _answering_ollama(shown: str, settings: Settings, noted: KnownModel | None) -> Finding:
    message = f"{shown} has {settings.ollama_model}"
    if noted is not None and noted.readiness in {Readiness.AWAY, Readiness.MISSING}:
        remedy = "see the log of Ollama; it is tried again by itself"
        return Finding(_MODEL, Grade.WARNING, f"{message}, but is not asked now: {noted.why}", remedy)
    return Finding(_MODEL, Grade.OK, message)


def _progress(noted: KnownModel) -> str:
    if not noted.total:
        return ""
    return f": {noted.completed / noted.total:.0%} of {noted.total / _GIGABYTE:.1f} GB"


def _instances(stored: _Stored) -> Iterator[Finding]:
    for one in stored.instances:
        subject = f"home of {stored.owners.get(one.user_id, 'a removed user')}"
        if one.status is InstanceStatus.FAILED:
            message = f"failed: {one.failure_reason}: {one.failure_detail}"
            yield Finding(subject, Grade.PROBLEM, message, remedy_of(one))
        else:
            yield Finding(subject, Grade.OK, described(one))


def _is_free(host: str, port: int) -> bool:
    """Whether a listener could be bound there now."""
    try:
        family, kind, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(family, kind)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError:
        return False
    return True
