"""What is on the engine beside the instances: what they left behind, and what others have in their place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from aiodocker import Docker
from aiodocker.networks import DockerNetwork
from aiodocker.volumes import DockerVolume

from provisioning.docker import labels
from provisioning.docker.engine import Engine
from provisioning.docker.labels import Deployment

_PREFIX: Final = "wyoming-central-"


class Kind(StrEnum):
    """What there is on an engine, in the order in which it can be removed."""

    CONTAINER = "container"
    NETWORK = "network"
    VOLUME = "volume"


class Whose(StrEnum):
    """Whose it is."""

    ORPHAN = "orphan"
    """This deployment's, of an instance that is not in the table any more."""
    FOREIGN = "foreign"
    """Somebody else's, with a name or a port that instances of this deployment have; never touched."""


@dataclass(frozen=True, slots=True)
class Stray:
    """Something that no instance owns.

    Attributes:
        kind: What it is.
        id: The engine's id of it.
        name: What it is called.
        whose: Whether it may be removed.
        reason: One line for a person.
    """

    kind: Kind
    id: str
    name: str
    whose: Whose
    reason: str


async def find_strays(
    engine: Engine,
    deployment: Deployment,
    instance_ids: Callable[[], Awaitable[Collection[str]]],
    ports: Collection[int],
) -> tuple[Stray, ...]:
    """Look for what is left over and for what is in the way.

    Args:
        engine: Where to look.
        deployment: Who asks.
        instance_ids: Gives those of all rows; what is labelled with another one is an orphan. Asked after the
            engine was: an instance that is made at this moment has its row before anything else.
        ports: That instances may have.

    Raises:
        InstanceError: The engine is down.
    """
    async with engine.asked() as docker:
        everything = await _everything(docker)
    known = await instance_ids()
    return tuple(
        stray
        for kind, found in everything
        for one in found
        if (stray := _stray(kind, one, deployment, known, ports)) is not None
    )


async def remove_orphan(engine: Engine, stray: Stray) -> None:
    """Remove an orphan for good, a volume with all data in it.

    Raises:
        InstanceError: The engine is down, or something still uses it.
    """
    if stray.whose is not Whose.ORPHAN:
        raise ValueError("only what is this deployment's is removed")
    async with engine.asked() as docker:
        match stray.kind:
            case Kind.CONTAINER:
                await docker.containers.container(stray.id).delete(force=True, v=False)
            case Kind.NETWORK:
                await DockerNetwork(docker, stray.id).delete()
            case Kind.VOLUME:
                await DockerVolume(docker, stray.id).delete()


async def _everything(docker: Docker) -> Sequence[tuple[Kind, Sequence[Mapping[str, Any]]]]:
    containers = [one._container for one in await docker.containers.list(all=1)]  # noqa: SLF001
    volumes = (await docker.volumes.list()).get("Volumes") or []
    return (
        (Kind.CONTAINER, containers),
        (Kind.NETWORK, await docker.networks.list()),
        (Kind.VOLUME, volumes),
    )


def _stray(
    kind: Kind,
    found: Mapping[str, Any],
    deployment: Deployment,
    instance_ids: Collection[str],
    ports: Collection[int],
) -> Stray | None:
    labelled = found.get("Labels") or {}
    name = _name_of(kind, found)
    identifier = name if kind is Kind.VOLUME else str(found.get("Id"))
    if deployment.owns(labelled):
        instance = labelled.get(labels.INSTANCE)
        if instance in instance_ids:
            return None
        gone = f"of the instance {str(instance)[:8]}, which is not in the table any more"
        return Stray(kind, identifier, name, Whose.ORPHAN, gone)
    reason = _in_the_way(kind, found, name, ports)
    if reason is None:
        return None
    other = labelled.get(labels.DEPLOYMENT)
    return Stray(
        kind, identifier, name, Whose.FOREIGN, f"of the deployment {other}: {reason}" if other else reason
    )


def _in_the_way(kind: Kind, found: Mapping[str, Any], name: str, ports: Collection[int]) -> str | None:
    """Why something of somebody else's concerns us; None where it does not."""
    if name.startswith(_PREFIX):
        return "it is called like ours"
    taken = sorted(set(_published(found)) & set(ports)) if kind is Kind.CONTAINER else []
    return f"it has port {taken[0]}" if taken else None


def _published(container: Mapping[str, Any]) -> Iterator[int]:
    for port in container.get("Ports") or ():
        if isinstance(port.get("PublicPort"), int):
            yield port["PublicPort"]


def _name_of(kind: Kind, found: Mapping[str, Any]) -> str:
    if kind is Kind.CONTAINER:
        return str((found.get("Names") or ["?"])[0]).removeprefix("/")
    return str(found.get("Name"))
