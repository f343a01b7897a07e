"""Runs every instance as a process of this machine, on one shared installation of Home Assistant."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

import structlog

from provisioning.driver import (
    RESTART_STATUS,
    Condition,
    DriverEvent,
    Endpoint,
    EventKind,
    InstanceSpec,
    Observation,
    ProgressListener,
)
from provisioning.errors import FailureReason, InstanceError
from provisioning.process import child, config_folder, log_file
from provisioning.process.child import Child, Ended
from provisioning.process.environment import for_instance
from provisioning.process.installation import Installation

REMOVE_SECONDS: Final = 10.0
"""How long an instance that is removed may take to stop by itself; it needs about 3 s."""

TRIM_SECONDS: Final = 60.0
"""How often the logs of instances are looked at; see `log_file.MAX_BYTES`."""

_ROOT: Final = "WYOMING_CENTRAL_INSTANCES"
_NAME: Final = "WYOMING_CENTRAL_INSTANCE"
_FINGERPRINT: Final = "WYOMING_CENTRAL_FINGERPRINT"
_PORT: Final = "WYOMING_CENTRAL_PORT"
_VERSION: Final = "WYOMING_CENTRAL_VERSION"

_LOGS: Final = (config_folder.CONSOLE_FILE, "home-assistant.log")

_logger = structlog.get_logger(__name__)


class Installs(Protocol):
    """What makes the installation; `installation.Installer` is the real one."""

    async def install(self, report: ProgressListener) -> Installation:
        """Give the installation, made now if need be."""


class ProcessDriver:
    """One process a user, in a folder of its own, on 127.0.0.1 only.

    Processes belong to the account that the server runs as, and neither their memory nor their share of the
    processor is limited (`InstanceSpec.memory_limit`, `cpu_limit`): this driver is for one house and for
    trying out; the `docker` driver keeps users apart.

    Args:
        data_dir: Instances live in `instances/NAME` under it, removed ones in `removed/`.
        installer: Where the Home Assistant comes from.
    """

    kind = "process"
    onboards = True
    ends_with_server = True
    enforces_limits = False

    def __init__(self, *, data_dir: Path, installer: Installs) -> None:
        self._instances = (data_dir / "instances").absolute()
        self._removed = (data_dir / "removed").absolute()
        self._installer = installer
        self._installation: Installation | None = None
        self._children: dict[str, Child] = {}
        self._ended: dict[str, Ended] = {}
        self._events: asyncio.Queue[DriverEvent] = asyncio.Queue()
        self._busy: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._preparing = asyncio.Lock()
        self._looking = asyncio.Lock()
        self._looked = False

    async def prepare(self, report: ProgressListener) -> None:
        """Have Home Assistant installed."""
        async with self._preparing:
            if self._installation is None:
                self._installation = await self._installer.install(report)

    async def observe(self, names: Sequence[str] | None = None) -> Mapping[str, Observation]:
        """Look at these instances, or at all that have a folder or a process."""
        await self._adopt_survivors()
        try:
            if names is None:
                names = sorted({*self._children, *await asyncio.to_thread(_folders, self._instances)})
            return {name: await self._observe(name) for name in names}
        except OSError as error:
            raise InstanceError(
                FailureReason.CONFIGURATION,
                f"the folders of instances cannot be looked at: {error.strerror}",
                remedy="look at who owns the data folder",
            ) from error

    async def start(self, spec: InstanceSpec) -> Endpoint:
        """Start the instance's process, unless it runs."""
        await self._adopt_survivors()
        async with self._busy[spec.name]:
            running = self._running(spec.name)
            if running is not None:
                return Endpoint.local(int(running.marks[_PORT]))
            if self._installation is None or spec.host_port is None:
                raise AssertionError("prepare comes first, and an instance of this driver has a port")
            await self._spawn(spec, spec.host_port, self._installation)
            return Endpoint.local(spec.host_port)

    async def adjust(self, spec: InstanceSpec) -> None:
        """Nothing: this driver limits nobody."""

    async def stop(self, name: str, *, within: float) -> None:
        """Ask the process to end, and kill it with its group when it has not."""
        await self._adopt_survivors()
        async with self._busy[name]:
            running = self._running(name)
            if running is None:
                return
            if not await running.stop(within=within):
                raise InstanceError(
                    FailureReason.DIED,
                    f"the process {running.pid} of {name} cannot be killed",
                    remedy="it hangs in the kernel, as with a disk that does not answer",
                )
            # It is gone because it was told to.
            self._ended.pop(name, None)

    async def remove(self, name: str, *, keep_data: bool) -> None:
        """Stop the process; its folder goes to `removed/`, or for ever."""
        await self.stop(name, within=REMOVE_SECONDS)
        async with self._busy[name]:
            self._ended.pop(name, None)
            folder = self._instances / name
            try:
                if keep_data:
                    await asyncio.to_thread(config_folder.put_aside, folder, self._removed)
                else:
                    await asyncio.to_thread(config_folder.destroy, folder)
            except OSError as error:
                raise InstanceError(
                    FailureReason.CONFIGURATION, f"the folder of {name} cannot be removed: {error.strerror}"
                ) from error

    async def events(self) -> AsyncIterator[DriverEvent]:
        """Ends of processes, as they come; keeps the logs short beside it, however often they come."""
        clock = asyncio.get_running_loop().time
        trim_at = clock() + TRIM_SECONDS
        while True:
            if clock() >= trim_at:
                await asyncio.to_thread(self._trim_logs)
                trim_at = clock() + TRIM_SECONDS
            try:
                async with asyncio.timeout_at(trim_at):
                    event = await self._events.get()
            except TimeoutError:
                continue
            yield event

    async def logs(self, name: str, *, tail: int) -> list[str]:
        """The end of what the process printed."""
        return await asyncio.to_thread(
            log_file.tail, self._instances / name / config_folder.CONSOLE_FILE, tail
        )

    async def close(self) -> None:
        """Stop watching; processes keep running."""
        for running in self._children.values():
            running.release()
        self._children.clear()
        self._looked = False

    def _running(self, name: str) -> Child | None:
        running = self._children.get(name)
        return running if running is not None and running.ended is None else None

    async def _spawn(self, spec: InstanceSpec, port: int, installation: Installation) -> None:
        await asyncio.to_thread(_refuse_taken, port)
        folder = self._instances / spec.name
        await asyncio.to_thread(config_folder.seed, folder, spec, version=installation.version)
        console = folder / config_folder.CONSOLE_FILE
        await asyncio.to_thread(log_file.trim, console)
        marks = {
            _ROOT: str(self._instances),
            _NAME: spec.name,
            _FINGERPRINT: spec.fingerprint(),
            _PORT: str(port),
            _VERSION: installation.version,
        }
        try:
            claim = await asyncio.to_thread(config_folder.claim, folder)
            if claim is None:
                self._looked = False
                raise InstanceError(
                    FailureReason.CONFIGURATION,
                    f"another process runs on the folder of {spec.name}",
                    remedy="it is looked for, and adopted if another server started it",
                )
            try:
                started = child.spawn(
                    installation.command(folder),
                    environment=for_instance(),
                    marks=marks,
                    log=console,
                    claim=claim,
                )
            finally:
                os.close(claim)
        except OSError as error:
            # Whatever it was that vanished, the next attempt looks for it again.
            self._installation = None
            raise InstanceError(
                FailureReason.DISK_FULL if error.errno == errno.ENOSPC else FailureReason.INSTALL,
                f"Home Assistant cannot be started: {error.strerror}",
                remedy="look at whether its installation and the data folder are still there",
            ) from error
        self._watch(spec.name, started)
        _logger.info("instance_process_started", instance=spec.name, pid=started.pid, port=port)

    def _watch(self, name: str, running: Child) -> None:
        self._children[name] = running
        self._ended.pop(name, None)

        def tell(ended: Ended) -> None:
            self._children.pop(name, None)
            self._ended[name] = ended
            self._events.put_nowait(DriverEvent(EventKind.ENDED, name))

        running.on_end(tell)

    async def _adopt_survivors(self) -> None:
        """Find, once, what an earlier server started and left running."""
        async with self._looking:
            if self._looked:
                return
            found = await asyncio.to_thread(lambda: list(child.survivors(_ROOT, str(self._instances))))
            for process, marks in found:
                name = marks.get(_NAME, "")
                if name and marks.get(_PORT, "").isdigit() and name not in self._children:
                    self._watch(name, child.adopt(process, marks))
                    _logger.info("instance_process_adopted", instance=name, pid=process.pid)
            self._looked = True

    async def _observe(self, name: str) -> Observation:
        running = self._running(name)
        if running is not None:
            port = int(running.marks[_PORT])
            listening = await running.listens_on(port)
            return Observation(
                name,
                Condition.RUNNING,
                endpoint=Endpoint.local(port),
                listening=listening,
                port_taken=not listening and await asyncio.to_thread(_taken, port),
                fingerprint=running.marks.get(_FINGERPRINT),
                container_id=str(running.pid),
                version=running.marks.get(_VERSION),
            )
        exists = await asyncio.to_thread((self._instances / name).is_dir)
        ended = self._ended.get(name)
        return Observation(
            name,
            Condition.STOPPED if exists else Condition.ABSENT,
            ended=None if ended is None else await self._epitaph(name, ended),
            restart_wanted=ended is not None and ended.status == RESTART_STATUS,
        )

    async def _epitaph(self, name: str, ended: Ended) -> str:
        """Why a process ended, in one line: how, and the last it said."""
        said = await self.logs(name, tail=3)
        return ": ".join([_how(ended), " / ".join(said)] if said else [_how(ended)])

    def _trim_logs(self) -> None:
        for name in list(self._children):
            for log in _LOGS:
                log_file.trim(self._instances / name / log)


def _how(ended: Ended) -> str:
    if ended.status is None:
        return "Home Assistant ended"
    if ended.status >= 0:
        return f"Home Assistant ended with status {ended.status}"
    name = signal.Signals(-ended.status).name
    hint = ", perhaps for want of memory" if -ended.status == signal.SIGKILL else ""
    return f"Home Assistant was killed by {name}{hint}"


def _folders(instances: Path) -> list[str]:
    return [entry.name for entry in instances.iterdir() if entry.is_dir()] if instances.is_dir() else []


def _refuse_taken(port: int) -> None:
    """See that nobody listens on the port; Home Assistant itself would run on without one.

    Raises:
        InstanceError: Somebody does (`port-taken`).
    """
    if _taken(port):
        raise InstanceError(
            FailureReason.PORT_TAKEN,
            f"another program uses port {port}",
            remedy="stop it, or give instances other ports with HA_PORT_RANGE_START and _END",
        )


def _taken(port: int) -> bool:
    """Whether anybody listens on the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
