"""The composition root: everything a server is made of, wired together, started and stopped in order."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version as version_of
from typing import Final

import aiohttp
import structlog

from config.errors import WyomingCentralError
from config.languages import SUPPORTED
from config.listen import ListenAddress
from config.settings import Settings
from handlers.admission import Admission, AdmissionLimits
from handlers.answer import Answers
from handlers.authenticate import Authenticator
from handlers.cascade import cascade
from handlers.device_token import TokenKeys
from handlers.dispatch import Dispatcher
from handlers.failed_authentications import FailedAuthentications
from handlers.frames.lexicon_file import lexicons_with
from handlers.llm.pool import ModelServer
from handlers.llm.upkeep import Upkeep
from handlers.ready_home import HomeDirectory
from handlers.roster import RosterKeeper
from handlers.session import SessionKeeper
from handlers.sightings import Sightings
from handlers.turn import TurnLimits, Turns
from handlers.warm_up import WarmUp
from provisioning.docker.driver import DockerDriver, DockerOptions
from provisioning.docker.engine import Engine
from provisioning.docker.image import ASK_HOME_ASSISTANT, Image
from provisioning.docker.labels import Deployment
from provisioning.docker.pull import PullPolicy
from provisioning.driver import Driver, ProgressListener
from provisioning.external import ExternalDriver
from provisioning.home.live import LiveHome
from provisioning.home_http import session_for_homes
from provisioning.process.driver import ProcessDriver
from provisioning.process.installation import Installer
from provisioning.provisioner import Provisioner, ProvisionerOptions
from storage.audit import AuditLog, AuditWriter
from storage.bindings import Bindings
from storage.changes import Changes
from storage.database import Database
from storage.devices import Devices
from storage.instances import Instances
from storage.journal import Journal
from storage.lease import SERVER_LEASE, Lease
from storage.migrate import upgrade
from storage.records import Change, ChangeKind
from storage.revocations import Revocations
from storage.secret_box import SecretBox
from storage.sessions import Sessions
from storage.users import Users
from wyoming_central.background import background
from wyoming_central.changes_feed import ChangesFeed
from wyoming_central.collector import settle_collector
from wyoming_central.discovery import Advertisement, server_id
from wyoming_central.frame import FrameBounds
from wyoming_central.leadership import Leadership
from wyoming_central.limits import Limits
from wyoming_central.loop_watch import LoopWatch
from wyoming_central.model import model_pool, model_use, upkeep_options
from wyoming_central.model_progress import ModelProgress
from wyoming_central.model_status import MODEL_STATUS_FILE, ModelStatus
from wyoming_central.open_files import RESERVED_FILES, raise_open_files
from wyoming_central.retention import Retention
from wyoming_central.server import Server

_log = structlog.get_logger(__name__)

VERSION: Final = version_of("wyoming-central")
# A server that was killed is succeeded after this long, and a paused one loses its claim.
LEASE_SECONDS: Final = 5.0
LEASE_RENEW_SECONDS: Final = LEASE_SECONDS / 3
# SIGHUP too: a closed terminal must not leave Home Assistants behind without their server.
_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# What another process changed takes effect within a second; this is how often a server looks.
CHANGES_POLL_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Repositories:
    """Everything that is stored, by what it is."""

    users: Users
    devices: Devices
    bindings: Bindings
    revocations: Revocations
    instances: Instances
    journal: Journal
    sessions: Sessions
    audit: AuditLog
    changes: Changes


@dataclass(frozen=True, slots=True)
class Application:
    """A server that runs.

    Attributes:
        settings: What it runs with, secrets included.
        listening: Where it really listens: addresses, and the ports that were chosen.
        repositories: Its database.
        keys: What device tokens are signed with.
        provisioner: Its instances.
        http: A session for requests to Home Assistants.
    """

    settings: Settings
    listening: tuple[ListenAddress, ...]
    repositories: Repositories
    keys: TokenKeys
    provisioner: Provisioner
    http: aiohttp.ClientSession


def repositories_on(database: Database, box: SecretBox) -> Repositories:
    """The repositories of a database, encrypting with `box`."""
    return Repositories(
        users=Users(database, box),
        devices=Devices(database),
        bindings=Bindings(database),
        revocations=Revocations(database),
        instances=Instances(database, box),
        journal=Journal(database),
        sessions=Sessions(database),
        audit=AuditLog(database),
        changes=Changes(database),
    )


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    report: ProgressListener | None = None,
    homes: HomeDirectory | None = None,
) -> AsyncIterator[Application]:
    """A server that accepts connections for as long as the block lasts, and ends in good order after it.

    Args:
        settings: With secrets (`ensure_secrets`).
        report: Told how the installation of Home Assistant advances, where it has to be made.
        homes: Where turns find their homes: the provisioner, unless a benchmark or a test has its own.

    Raises:
        WyomingCentralError: It cannot start: the database, a listener, a data file.
    """
    async with AsyncExitStack() as stack:
        parts = await _assemble(settings, stack, report or _log_progress, homes)
        # What others changed from here on is told; what they changed before is read at once.
        await parts.feed.start()
        await parts.roster.reload()
        async with background(audit=parts.audit.run, sessions=parts.sessions.run):
            try:
                async with (
                    background(
                        leadership=parts.leadership.run,
                        changes=parts.feed.run,
                        retention=parts.retention.run,
                        warm_up=parts.warm_up.run,
                        sightings=parts.sightings.run,
                        loop_watch=LoopWatch(threshold=settings.loop_lag_seconds).run,
                        upkeep=parts.upkeep.run,
                        model_status=parts.model_status.run,
                    ),
                    parts.server,
                ):
                    listening = await _listen(parts.server, settings.listen)
                    async with await _advertisement(settings, listening):
                        yield Application(
                            settings, listening, parts.stored, parts.keys, parts.provisioner, parts.http
                        )
                    cut = await parts.server.drain(settings.drain_seconds)
                    _log.info("drained", turns_cut=cut)
            finally:
                _log.info("ending what runs")
                if parts.leadership.leads:
                    # Who lost the lease must not stop what is another server's by now; and nobody is to
                    # take it while a hundred instances stop.
                    async with background(lease=parts.leadership.keep):
                        await parts.provisioner.stop_all()
                await parts.leadership.resign()
                await _settle(parts)
                _log.info("stopped")


async def serve(settings: Settings, *, report: ProgressListener | None = None) -> None:
    """Run a server until SIGTERM, SIGINT or SIGHUP, then end it in good order.

    Args, Raises:
        As `running`.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def heed() -> None:
        stop.set()
        # Whoever asks a second time does not want to wait: then the signal does what it does by itself.
        for number in _STOP_SIGNALS:
            loop.remove_signal_handler(number)

    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, heed)
    try:
        async with running(settings, report=report):
            await stop.wait()
            _log.info("stopping")
    finally:
        for number in _STOP_SIGNALS:
            loop.remove_signal_handler(number)


async def _settle(parts: _Parts) -> None:
    """Write what is not written yet; what the database does not take now is said in the log."""
    await parts.sightings.flush()
    try:
        await parts.sessions.flush()
    except WyomingCentralError as error:
        _log.error("sessions were lost", error=error.message)
    await parts.audit.close()


# --- putting it together --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a server consists of, wired, with nothing of it started."""

    stored: Repositories
    http: aiohttp.ClientSession
    keys: TokenKeys
    roster: RosterKeeper
    sessions: SessionKeeper
    sightings: Sightings
    audit: AuditWriter
    warm_up: WarmUp
    provisioner: Provisioner
    server: Server
    leadership: Leadership
    feed: ChangesFeed
    retention: Retention
    upkeep: Upkeep
    model_status: ModelStatus


async def _assemble(
    settings: Settings, stack: AsyncExitStack, report: ProgressListener, homes: HomeDirectory | None
) -> _Parts:
    """Make all parts; what has to be closed in the end is put on `stack`."""
    database = await _opened(settings, stack)
    stored = repositories_on(database, SecretBox(settings.encryption_keys))
    http = await stack.enter_async_context(session_for_homes())
    lexicons = await asyncio.to_thread(lexicons_with, settings.data_dir / "lexicon", SUPPORTED)
    pool = model_pool(settings)
    stack.push_async_callback(pool.close)
    recognizer = stack.enter_context(cascade(lexicons, model=model_use(settings, pool)))
    warm_up = WarmUp(recognizer, SUPPORTED, when_warm=settle_collector)
    drivers = await asyncio.to_thread(drivers_of, settings, stored.users)
    provisioner = _provisioner(settings, stored, http, warm_up, report, drivers)
    roster = RosterKeeper(
        users=stored.users, devices=stored.devices, revocations=stored.revocations, bindings=stored.bindings
    )
    sessions = SessionKeeper(
        stored.sessions,
        ttl_seconds=settings.session_ttl_seconds,
        question_ttl_seconds=settings.question_ttl_seconds,
    )
    sightings = Sightings(stored.devices)
    audit = AuditWriter(
        database, queue_size=settings.audit_queue_size, text_length=settings.audit_text_length
    )
    answers = Answers.load()
    keys = TokenKeys(settings.jwt_secrets)
    turns = Turns(
        homes=homes or provisioner,
        recognizer=recognizer,
        answers=answers,
        sessions=sessions,
        sightings=sightings,
        audit=audit,
        limits=TurnLimits(
            deadline=settings.turn_deadline_seconds, home_call=settings.home_call_timeout_seconds
        ),
    )
    authenticator = Authenticator(keys=keys, roster=roster)
    dispatcher = Dispatcher(
        authenticator=authenticator,
        admission=Admission(_admission_limits(settings)),
        turns=turns,
        answers=answers,
        version=VERSION,
        failures=FailedAuthentications(
            free=settings.failed_authentications, longest=settings.failed_authentication_seconds
        ),
    )
    server = Server(
        dispatcher, limits=_limits(settings, open_files=await asyncio.to_thread(raise_open_files))
    )
    model_status = ModelStatus(settings.data_dir / MODEL_STATUS_FILE, pool.servers)
    lease = Lease(database, name=SERVER_LEASE, holder=_holder(), ttl_seconds=LEASE_SECONDS)
    listener = _ChangesListener(roster, sessions, server, provisioner)
    return _Parts(
        stored=stored,
        http=http,
        keys=keys,
        roster=roster,
        sessions=sessions,
        sightings=sightings,
        audit=audit,
        warm_up=warm_up,
        provisioner=provisioner,
        server=server,
        leadership=Leadership(lease, provisioner.run, renew_seconds=LEASE_RENEW_SECONDS),
        feed=ChangesFeed(stored.changes, listener, every_seconds=CHANGES_POLL_SECONDS),
        retention=Retention(
            audit=stored.audit,
            sessions=stored.sessions,
            journal=stored.journal,
            revocations=stored.revocations,
            changes=stored.changes,
            audit_days=settings.audit_retention_days,
        ),
        upkeep=Upkeep(pool, upkeep_options(settings), changed=_both(model_status, ModelProgress(report))),
        model_status=model_status,
    )


def _both(status: ModelStatus, progress: ModelProgress) -> Callable[[ModelServer], None]:
    def changed(server: ModelServer) -> None:
        status.changed(server)
        progress.changed(server)

    return changed


@dataclass(frozen=True, slots=True)
class _ChangesListener:
    """What a server does about what another process changed."""

    roster: RosterKeeper
    sessions: SessionKeeper
    server: Server
    provisioner: Provisioner

    async def __call__(self, changes: list[Change]) -> None:
        if any(change.kind is not ChangeKind.INSTANCE for change in changes):
            roster = await self.roster.reload()
            self.server.close_matching(
                lambda identity: roster.refreshed(identity) is None, "the credential no longer holds"
            )
            self.sessions.keep_only(roster.users)
        # Only those that changed: what else failed keeps waiting for its own next attempt.
        for user_id in {
            change.subject_id for change in changes if change.kind in {ChangeKind.USER, ChangeKind.INSTANCE}
        }:
            self.provisioner.kick(user_id)


async def _opened(settings: Settings, stack: AsyncExitStack) -> Database:
    """The database, brought up to date after a copy of it was put aside."""
    url = settings.database_url.get_secret_value()
    await upgrade(url, backup_dir=settings.data_dir / "backups")
    database = Database(url)
    stack.push_async_callback(database.close)
    return database


def _provisioner(
    settings: Settings,
    stored: Repositories,
    http: aiohttp.ClientSession,
    warm_up: WarmUp,
    report: ProgressListener,
    drivers: Mapping[str, Driver],
) -> Provisioner:
    def make_home(user_id: str, url: str, token: str) -> LiveHome:
        home = LiveHome(user_id=user_id, url=url, token=token, http=http)
        home.on_registry_change(partial(warm_up.changed, user_id))
        return home

    return Provisioner(
        drivers=drivers,
        instances=stored.instances,
        journal=stored.journal,
        users=stored.users,
        http=http,
        options=provisioner_options(settings),
        report=report,
        make_home=make_home,
    )


def provisioner_options(settings: Settings) -> ProvisionerOptions:
    """What instances are held to, as it is set up."""
    return ProvisionerOptions(
        port_range=settings.ha_port_range,
        start_concurrency=settings.ha_start_concurrency,
        boot_timeout_seconds=settings.ha_boot_timeout_seconds,
        network_pool=settings.ha_network_pool,
        memory_limit=settings.ha_memory_limit,
        cpu_limit=settings.ha_cpu_limit,
    )


async def _listen(server: Server, addresses: Iterable[ListenAddress]) -> tuple[ListenAddress, ...]:
    listening = []
    for address in addresses:
        host, port = await server.listen(address.uri, name=address.name)
        listening.append(replace(address, host=host, port=port))
    return tuple(listening)


async def _advertisement(settings: Settings, listening: Sequence[ListenAddress]) -> Advertisement:
    return Advertisement(
        listening,
        name=settings.server_name,
        identifier=await asyncio.to_thread(server_id, settings.data_dir),
        version=VERSION,
        mode=settings.zeroconf,
        chosen=settings.zeroconf_interfaces,
    )


def _limits(settings: Settings, *, open_files: int) -> Limits:
    frame = FrameBounds(
        header_bytes=settings.max_header_bytes,
        data_bytes=settings.max_data_bytes,
        payload_bytes=settings.max_payload_bytes,
    )
    room = max(1, open_files - RESERVED_FILES)
    if room < settings.max_connections:
        _log.warning(
            "fewer connections than MAX_CONNECTIONS",
            connections=room,
            reason=f"the system lets this process have {open_files} files open",
        )
    return Limits(
        frame=frame,
        unauthenticated_frame=frame.narrowed(settings.max_unauthenticated_bytes),
        connections=min(room, settings.max_connections),
        connections_per_address=settings.max_connections_per_address,
        connections_per_device=settings.max_connections_per_device,
        unauthenticated_seconds=settings.unauthenticated_seconds,
        idle_seconds=settings.idle_seconds,
        device_idle_seconds=settings.device_idle_seconds,
        half_frame_seconds=settings.half_frame_seconds,
        write_seconds=settings.write_seconds,
        waiting_events=settings.max_waiting_events,
        waiting_bytes=settings.max_waiting_bytes,
        frames_per_second=settings.max_frames_per_second,
    )


def _admission_limits(settings: Settings) -> AdmissionLimits:
    return AdmissionLimits(
        device_per_second=settings.device_turns_per_second,
        device_burst=settings.device_turns_burst,
        address_per_second=settings.address_turns_per_second,
        address_burst=settings.address_turns_burst,
        turns=settings.max_turns,
        turns_per_user=settings.max_turns_per_user,
    )


def drivers_of(settings: Settings, users: Users) -> dict[str, Driver]:
    """The ways to run an instance that are set up, by their words. Reads a file."""
    drivers: list[Driver] = [process_driver(settings), ExternalDriver(credentials=users)]
    if settings.serves_docker:
        # Elsewhere an engine that is not there would be missed all the time.
        drivers.append(docker_driver(settings, deployment=server_id(settings.data_dir)))
    return {driver.kind: driver for driver in drivers}


def process_driver(settings: Settings) -> ProcessDriver:
    """The process driver as it is set up."""
    return ProcessDriver(
        data_dir=settings.data_dir,
        installer=Installer(
            folder=settings.cache_dir / "home-assistant",
            python=str(settings.ha_python) if settings.ha_python else None,
        ),
    )


def docker_driver(settings: Settings, *, deployment: str) -> DockerDriver:
    """The Docker driver as it is set up.

    Args:
        settings: Where the engine is, and what instances run.
        deployment: The identifier of this server.
    """
    image = Image(
        settings.ha_image,
        command=settings.ha_image_command,
        user=settings.ha_image_user,
        config_mount=settings.ha_image_config,
        health_command=settings.ha_image_health or ASK_HOME_ASSISTANT,
    )
    return DockerDriver(
        engine=Engine(settings.docker_host),
        deployment=Deployment(deployment),
        options=DockerOptions(image, PullPolicy(settings.ha_image_pull), settings.ha_image_pull_seconds),
    )


def _holder() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


def _log_progress(progress: object) -> None:
    _log.info("installing", progress=str(progress))
