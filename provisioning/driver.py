"""What every way of running a Home Assistant has in common.

A driver makes instances run and stop, and says what it sees. It decides nothing: *what* should run is in the
table of instances, *when* something is tried again is the keeper's business (`provisioning/keeper.py`). So a
driver is stateless where it can be: after a crash of the server, `observe` finds what survived.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Protocol

from provisioning.fingerprint import fingerprint_of

RESTART_STATUS = 100
"""The exit status with which Home Assistant asks to be started again."""

_REPLACE_NOTHING = (
    "language",
    "country",
    "time_zone",
    "config_yaml",
    "memory_limit",
    "cpu_limit",
    "was_up",
)


@dataclass(frozen=True, slots=True)
class InstanceSpec:
    """What an instance is to be.

    Attributes:
        user_id: Whose it is.
        name: Deterministic and unique: the name of the container, of the process's folder, of the volume.
        host_port: Port on 127.0.0.1, or None where the instance is not run by us.
        language: Two letters; the language of the owner's account and of the house.
        country: ISO 3166 country or None.
        time_zone: IANA name, such as `Europe/Budapest`.
        config_yaml: `configuration.yaml` of a new instance, or None for the one in `config/home_assistant/`.
        generation: Grows when a person asks for a restart.
        memory_limit: Bytes, or None for no limit; some drivers enforce none.
        cpu_limit: Share of one core, or None for no limit.
        network_subnet: The subnet of the instance's own network, where the driver has such a thing.
        instance_id: Of its row; another one where a user has an instance anew, which shares nothing with the
            one before.
        was_up: It was up before, so that it has data; a driver that finds none says so.
    """

    user_id: str
    name: str
    host_port: int | None
    language: str = "en"
    country: str | None = None
    time_zone: str = "UTC"
    config_yaml: str | None = field(default=None, repr=False)
    generation: int = 1
    memory_limit: int | None = None
    cpu_limit: float | None = None
    network_subnet: str | None = None
    instance_id: str = ""
    was_up: bool = False

    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that differ when a running instance must be replaced to become this.

        What an instance is only *seeded* with (language, country, time zone, configuration) belongs to its
        owner from the first start on, and its limits are changed while it runs, so these replace nothing. The
        generation is part of it: a restart that was asked for is a replacement, and is not forgotten in a
        crash.
        """
        replaced_by = asdict(self)
        for kept in _REPLACE_NOTHING:
            del replaced_by[kept]
        return fingerprint_of(replaced_by)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an instance answers: its base address, such as `http://127.0.0.1:8200`, without a last slash."""

    url: str

    @classmethod
    def local(cls, port: int) -> Endpoint:
        """A port of this machine."""
        return cls(f"http://127.0.0.1:{port}")


class Condition(StrEnum):
    """What a driver sees of an instance."""

    ABSENT = "absent"
    """Nothing of it exists, or nothing but its data."""
    STOPPED = "stopped"
    """It exists and does not run."""
    RUNNING = "running"
    """It runs; whether Home Assistant in it answers is another question."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One instance, as a driver sees it now.

    Attributes:
        name: As in its spec.
        condition: Whether it runs.
        endpoint: Where it answers, while it runs and is known.
        listening: Whether what listens at the endpoint is known to be this instance and nobody else. Secrets
            are sent there only while this is true.
        port_taken: Somebody else listens where the instance is to listen. May be said by mistake, once, in
            the moment in which the instance itself begins to.
        fingerprint: Of the spec it was started with, or None where that cannot be told.
        container_id: The engine's own id of it (a process id, a container id), for people.
        version: Of Home Assistant in it, where the driver knows.
        memory_limit, cpu_limit: As in a spec, as they are in force; None where the driver cannot limit.
        ended: Why it does not run any more, one line for a person, where the driver knows.
        out_of_memory: It does not run because it was killed for want of memory.
        restart_wanted: It ended because its owner asked for a restart in Home Assistant.
    """

    name: str
    condition: Condition
    endpoint: Endpoint | None = None
    listening: bool = False
    port_taken: bool = False
    fingerprint: str | None = None
    container_id: str | None = None
    version: str | None = None
    memory_limit: int | None = None
    cpu_limit: float | None = None
    ended: str | None = None
    out_of_memory: bool = False
    restart_wanted: bool = False


class EventKind(StrEnum):
    """What a driver can notice by itself."""

    ENDED = "ended"
    """An instance stopped running; `observe` says why."""
    CHANGED = "changed"
    """Something else about an instance, or about the engine itself (then without a name)."""


@dataclass(frozen=True, slots=True)
class DriverEvent:
    """A hint that `observe` would now say something else; `name` is None where all may have changed."""

    kind: EventKind
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long step has come.

    Attributes:
        phase: What is being installed (or fetched), a few words for a person.
        percent: 0 to 100 of the whole, or None where that cannot be told; 100 comes last.
    """

    phase: str
    percent: float | None = None

    def __str__(self) -> str:
        return self.phase if self.percent is None else f"{self.phase} ({self.percent:.0f} %)"


ProgressListener = Callable[[Progress], None]
"""Called on the event loop with every advance; must be quick and must not raise."""


class Driver(Protocol):
    """One way of running a Home Assistant for a user.

    Every method may be called at any time, again after it succeeded, failed or was cancelled half-way, and
    for different instances at once. What cannot be done is an `InstanceError` whose reason is the word that
    the row of the instance gets.
    """

    @property
    def kind(self) -> str:
        """The word in `ha_instances.driver`: `process`, `docker`, `external`."""

    @property
    def onboards(self) -> bool:
        """Whether the server makes the owner account and the token, or a person brings the token."""

    @property
    def ends_with_server(self) -> bool:
        """Whether a clean end of the server stops the instances; otherwise they run on without it."""

    @property
    def enforces_limits(self) -> bool:
        """Whether an instance is held to its memory and processors; otherwise they are written down only."""

    async def prepare(self, report: ProgressListener) -> None:
        """Have everything that all instances share (an installation, an image), made once; quick afterwards.

        Raises:
            InstanceError: It cannot be had.
        """

    async def observe(self, names: Sequence[str] | None = None) -> Mapping[str, Observation]:
        """Look at these instances, or at all that this driver finds, whoever started them.

        Returns:
            An observation for every name asked for, ABSENT ones included; with None those that exist.

        Raises:
            InstanceError: It cannot be seen (the engine is down).
        """

    async def start(self, spec: InstanceSpec) -> Endpoint:
        """Make the instance exist and run as `spec` says, and give its address, without awaiting an answer.

        One that runs is left alone (adopted); the caller stops it first where the fingerprint differs.

        Raises:
            InstanceError: It cannot run.
        """

    async def adjust(self, spec: InstanceSpec) -> None:
        """Put the limits of a spec in force while the instance runs; one that does not run is left alone.

        Raises:
            InstanceError: They cannot be.
        """

    async def stop(self, name: str, *, within: float) -> None:
        """Have it not run, data kept: ask it to stop, and after `within` seconds no longer ask.

        Returns when it does not run. One that does not run or exist is fine.

        Raises:
            InstanceError: It cannot be stopped.
        """

    async def remove(self, name: str, *, keep_data: bool) -> None:
        """Stop it and forget it. With `keep_data`, what its owner made is put aside, not destroyed.

        Raises:
            InstanceError: It cannot be removed.
        """

    def events(self) -> AsyncIterator[DriverEvent]:
        """What happens to instances from now on, until cancelled. One listener is enough for a driver."""

    async def logs(self, name: str, *, tail: int) -> list[str]:
        """The last `tail` lines that the instance wrote, cleaned; empty where it never wrote any."""

    async def close(self) -> None:
        """Let go of everything in this process, and leave instances as they are: running ones run on."""
