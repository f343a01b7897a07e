"""Runs every instance as a container of a Docker engine."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Any, Final

import structlog
from aiodocker import Docker
from aiodocker.exceptions import DockerError
from aiodocker.networks import DockerNetwork
from aiodocker.volumes import DockerVolume

from provisioning.docker import labels
from provisioning.docker.body import (
    container_body,
    limits_body,
    network_body,
    volume_body,
    volume_called,
    volume_name,
)
from provisioning.docker.engine import Engine, is_absence, is_conflict
from provisioning.docker.events import engine_events
from provisioning.docker.image import Image
from provisioning.docker.labels import Deployment
from provisioning.docker.observation import Container
from provisioning.docker.pull import ImageSource, PullPolicy
from provisioning.docker.routes import routed_networks
from provisioning.docker.seed import MARK, archive_of
from provisioning.docker.usage import Usage, usage_of
from provisioning.driver import (
    Condition,
    DriverEvent,
    Endpoint,
    InstanceSpec,
    Observation,
    ProgressListener,
)
from provisioning.errors import FailureReason, InstanceError
from provisioning.home.text import clean_text
from provisioning.plan import loses_a_limit

REMOVE_SECONDS: Final = 10
"""How long an instance that is removed may take to stop by itself; it needs about 3 s."""

STOP_MARGIN_SECONDS: Final = 20.0
"""What the engine may take beyond the time that an instance is given to stop."""

_LINE_CHARACTERS: Final = 2_000

_logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DockerOptions:
    """What is the same for all instances.

    Attributes:
        image: What they run.
        pull: When the image is fetched.
        pull_seconds: What fetching it may take.
    """

    image: Image = field(default_factory=Image)
    pull: PullPolicy = PullPolicy.MISSING
    pull_seconds: float = 3600.0


class DockerDriver:
    """One container a user, with a volume and a network of its own, published on 127.0.0.1 only.

    Whatever lacks the labels of this deployment is somebody else's, and is neither used nor touched, whatever
    it is called.

    Args:
        engine: The engine.
        deployment: Whose containers they are.
        options: The image, and when to fetch it.
        routes: The networks that this machine reaches already.
    """

    kind = "docker"
    onboards = True
    ends_with_server = False
    enforces_limits = True

    def __init__(
        self,
        *,
        engine: Engine,
        deployment: Deployment,
        options: DockerOptions | None = None,
        routes: Callable[[], Sequence[IPv4Network]] = routed_networks,
    ) -> None:
        self._engine = engine
        self._deployment = deployment
        self._options = options or DockerOptions()
        self._routes = routes
        self._busy: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._source = ImageSource(
            engine,
            self._options.image.reference,
            policy=self._options.pull,
            seconds=self._options.pull_seconds,
        )
        # Container ids: what we stopped did not end by itself.
        self._stopped: set[str] = set()

    async def prepare(self, report: ProgressListener) -> None:
        """Have the image."""
        await self._source.have(report)

    async def observe(self, names: Sequence[str] | None = None) -> Mapping[str, Observation]:
        """Look at these instances, or at all containers of this deployment."""
        async with self._engine.asked() as docker:
            if names is None:
                found = await docker.containers.list(all=1, filters=self._deployment.filters)
                described = [await _described(docker, one.id) for one in found]
                containers = [one for one in described if one is not None]
                return {seen.name: seen for seen in map(self._observed, containers)}
            seen = {}
            for name in names:
                container = await self._ours(docker, name)
                seen[name] = (
                    Observation(name, Condition.ABSENT) if container is None else self._observed(container)
                )
            return seen

    async def start(self, spec: InstanceSpec) -> Endpoint:
        """Start the instance's container, made anew where there is none that is as the spec says."""
        if spec.host_port is None or spec.network_subnet is None:
            raise AssertionError("an instance of this driver has a port and a subnet")
        async with self._busy[spec.name], self._engine.asked() as docker:
            container = await self._ours(docker, spec.name, or_refuse=True)
            if container is not None and container.is_running:
                return Endpoint.local(container.host_port or spec.host_port)
            if container is not None and not await self._is_as_wanted(docker, container, spec):
                await _remove_container(docker, container.id)
                container = None
            await self._have_network(docker, spec)
            if container is None:
                container = await self._make(docker, spec)
            if not container.was_started:
                await self._seed(docker, container, spec)
            await docker.containers.container(container.id).start()
            self._stopped.discard(container.id)
        _logger.info("instance_container_started", instance=spec.name, container=container.id[:12])
        return Endpoint.local(spec.host_port)

    async def adjust(self, spec: InstanceSpec) -> None:
        """Put the limits of a spec in force while the instance runs."""
        async with self._busy[spec.name], self._engine.asked() as docker:
            container = await self._ours(docker, spec.name)
            if container is not None:
                await _limit(docker, container.id, spec)

    async def stop(self, name: str, *, within: float) -> None:
        """Ask the container to stop; the engine kills it when it has not."""
        async with self._busy[name], self._engine.asked(within=within + STOP_MARGIN_SECONDS) as docker:
            container = await self._ours(docker, name)
            if container is None:
                return
            self._stopped.add(container.id)
            try:
                await docker.containers.container(container.id).stop(t=round(within))
            except DockerError as error:
                if not is_absence(error):
                    raise

    async def remove(self, name: str, *, keep_data: bool) -> None:
        """Take the container and its network away, and its volume too unless its data is kept.

        Volumes that earlier instances of this name left stay in any case: somebody wanted them kept.
        """
        await self.stop(name, within=REMOVE_SECONDS)
        async with self._busy[name], self._engine.asked() as docker:
            container, network = await self._ours(docker, name), await self._our_network(docker, name)
            if container is not None:
                await _remove_container(docker, container.id)
                self._stopped.discard(container.id)
            if not keep_data:
                # The network goes last: it tells which volume it is to one who was cut off before that.
                await self._remove_volume_of(docker, container, network)
            await self._remove_network(docker, name)

    def events(self) -> AsyncIterator[DriverEvent]:
        """What the engine tells of our containers and networks, and when it went away or came back."""
        return engine_events(self._engine, self._deployment)

    async def logs(self, name: str, *, tail: int) -> list[str]:
        """The end of what the container printed."""
        async with self._engine.asked() as docker:
            container = await self._ours(docker, name)
            if container is None or tail < 1:
                return []
            lines = await docker.containers.container(container.id).log(
                stdout=True, stderr=True, tail=str(tail)
            )
        return [clean_text(line.rstrip("\n"), _LINE_CHARACTERS) for line in lines][-tail:]

    async def usage(self, name: str) -> Usage | None:
        """What the instance uses; None where it does not run. The engine measures for a second or two."""
        async with self._engine.asked() as docker:
            container = await self._ours(docker, name)
            if container is None or not container.is_running:
                return None
            (stats,) = await docker.containers.container(container.id).stats(stream=False)
        return usage_of(stats)

    async def close(self) -> None:
        """Let go of the engine; containers run on."""
        await self._engine.close()

    # Containers.

    def _observed(self, container: Container) -> Observation:
        return container.observed(self._options.image, stopped_by_us=container.id in self._stopped)

    async def _ours(self, docker: Docker, name: str, *, or_refuse: bool = False) -> Container | None:
        """Our container of this name; somebody else's is as none, or refused.

        Raises:
            InstanceError: It is somebody else's (`name-taken`).
        """
        container = await _described(docker, name)
        if container is None or self._deployment.owns(container.labels):
            return container
        if or_refuse:
            raise _name_taken("container", name)
        return None

    async def _is_as_wanted(self, docker: Docker, container: Container, spec: InstanceSpec) -> bool:
        """Whether a container that does not run can be started as it is; its limits are seen to."""
        seen = self._observed(container)
        if seen.fingerprint != spec.fingerprint() or loses_a_limit(spec, seen):
            return False
        if (seen.memory_limit, seen.cpu_limit) != (spec.memory_limit, spec.cpu_limit):
            await _limit(docker, container.id, spec)
        return True

    async def _make(self, docker: Docker, spec: InstanceSpec) -> Container:
        await self._have_volume(docker, spec)
        body = container_body(spec, self._options.image, self._deployment)
        made = await docker.containers.create(body, name=spec.name)
        container = await _described(docker, made.id)
        if container is None:
            raise InstanceError(FailureReason.ENGINE, f"the container {spec.name} vanished as it was made")
        return container

    async def _seed(self, docker: Docker, container: Container, spec: InstanceSpec) -> None:
        """Unpack the first files into a volume that was never seeded to the end."""
        image, handle = self._options.image, docker.containers.container(container.id)
        try:
            await handle.get_archive(f"{image.config_mount}/{MARK}")
        except DockerError as error:
            if not is_absence(error):
                raise
        else:
            return
        archive = await asyncio.to_thread(archive_of, spec, user=image.user)
        await handle.put_archive(image.config_mount, archive)

    # Networks and volumes.

    async def _have_network(self, docker: Docker, spec: InstanceSpec) -> None:
        """Have the network of the instance, with its subnet.

        Raises:
            InstanceError: Somebody else has the name (`name-taken`) or the subnet (`subnet-taken`).
        """
        found = await self._network(docker, spec.name)
        if found is not None:
            if not self._deployment.owns(found.get("Labels")):
                raise _name_taken("network", spec.name)
            if _subnets_of(found) == {spec.network_subnet}:
                return
            await self._remove_network(docker, spec.name)
        wanted = IPv4Network(spec.network_subnet or "")
        taken = next((one for one in await asyncio.to_thread(self._routes) if one.overlaps(wanted)), None)
        if taken is not None:
            raise InstanceError(
                FailureReason.SUBNET_TAKEN,
                f"this machine reaches {taken} already, which overlaps {wanted}",
                remedy="give instances another HA_NETWORK_POOL",
            )
        try:
            await docker.networks.create(network_body(spec, self._deployment))
        except DockerError as error:
            if not is_conflict(error):
                raise
            raise _name_taken("network", spec.name) from error

    async def _network(self, docker: Docker, name: str) -> Mapping[str, Any] | None:
        """The network of exactly this name."""
        found = await docker.networks.list(filters={"name": [name]})
        return next((one for one in found if one.get("Name") == name), None)

    async def _our_network(self, docker: Docker, name: str) -> Mapping[str, Any] | None:
        found = await self._network(docker, name)
        return found if found is not None and self._deployment.owns(found.get("Labels")) else None

    async def _remove_network(self, docker: Docker, name: str) -> None:
        found = await self._our_network(docker, name)
        if found is not None:
            await _unless_absent(DockerNetwork(docker, found["Id"]).delete())

    async def _remove_volume_of(
        self, docker: Docker, container: Container | None, network: Mapping[str, Any] | None
    ) -> None:
        """Remove the volume of the instance whose container or network this is."""
        known = container.labels if container is not None else (network or {}).get("Labels") or {}
        if labels.NAME not in known:
            return
        name = volume_called(known[labels.NAME], known.get(labels.INSTANCE, ""))
        found = await _volume(docker, name)
        if found is not None and self._deployment.owns(found.get("Labels")):
            await _unless_absent(DockerVolume(docker, name).delete())

    async def _have_volume(self, docker: Docker, spec: InstanceSpec) -> None:
        """Have the volume of the instance.

        Raises:
            InstanceError: Somebody else has one of this name (`name-taken`).
        """
        name = volume_name(spec)
        found = await _volume(docker, name)
        if found is None:
            await docker.volumes.create(volume_body(spec, self._deployment))
            if spec.was_up:
                # Nobody here can bring it back; the instance begins anew.
                _logger.error("instance_data_lost", instance=spec.name, volume=name)
        elif not self._deployment.owns(found.get("Labels")):
            raise _name_taken("volume", name)


async def _described(docker: Docker, name_or_id: str) -> Container | None:
    try:
        return Container(await docker.containers.container(name_or_id).show())
    except DockerError as error:
        if is_absence(error):
            return None
        raise


async def _volume(docker: Docker, name: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = await DockerVolume(docker, name).show()
    except DockerError as error:
        if is_absence(error):
            return None
        raise
    return found


async def _limit(docker: Docker, container_id: str, spec: InstanceSpec) -> None:
    """Put the limits of a spec in force, whether the container runs or not."""
    # aiodocker has no call of its own for it.
    path = f"containers/{container_id}/update"
    await docker._query_json(path, "POST", data=limits_body(spec))  # noqa: SLF001


async def _remove_container(docker: Docker, container_id: str) -> None:
    """Remove a container with whatever runs in it; its named volume stays."""
    await _unless_absent(docker.containers.container(container_id).delete(force=True, v=False))


async def _unless_absent(request: Any) -> None:
    """Await the removal of something that may be gone already, or be going."""
    try:
        await request
    except DockerError as error:
        if not (is_absence(error) or "already in progress" in error.message):
            raise


def _name_taken(what: str, name: str) -> InstanceError:
    return InstanceError(
        FailureReason.NAME_TAKEN,
        f"there is a {what} {name} that is not this server's",
        remedy="see whose it is, and rename or remove it; it was left alone",
    )


def _subnets_of(network: Mapping[str, Any]) -> set[str]:
    return {str(one.get("Subnet")) for one in (network.get("IPAM") or {}).get("Config") or ()}
