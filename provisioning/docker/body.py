"""What the engine is told to make: the bodies of its requests, from a spec and nothing else."""

from __future__ import annotations

from typing import Any, Final

from provisioning.docker.image import Image
from provisioning.docker.labels import IMAGE, Deployment
from provisioning.driver import InstanceSpec

PIDS_LIMIT: Final = 512
"""Processes and threads of one instance; Home Assistant has some 60 threads."""

STOP_SECONDS: Final = 10
"""What the engine gives an instance to stop by itself when it is not us who stops it."""

_NANO: Final = 1_000_000_000
_LOG: Final = {"Type": "json-file", "Config": {"max-size": "5m", "max-file": "2"}}
# A hundred homes ask once a second so; what the server notices by itself, it notices within seconds.
_HEALTH_EVERY_SECONDS: Final = 120
_HEALTH_SECONDS: Final = 30


def volume_name(spec: InstanceSpec) -> str:
    """The volume of an instance: another one for each instance that a user has in the course of time."""
    return volume_called(spec.name, spec.instance_id)


def volume_called(name: str, instance_id: str) -> str:
    """What the volume is called of the instance of this name and id."""
    return f"{name}-{instance_id[:8]}"


def network_body(spec: InstanceSpec, deployment: Deployment) -> dict[str, Any]:
    """A network that holds this one instance."""
    return {
        "Name": spec.name,
        "Driver": "bridge",
        "CheckDuplicate": True,
        "EnableIPv6": False,
        "IPAM": {"Config": [{"Subnet": spec.network_subnet}]},
        "Labels": deployment.lasting_labels_of(spec),
    }


def volume_body(spec: InstanceSpec, deployment: Deployment) -> dict[str, Any]:
    """The volume that holds what the owner makes."""
    return {"Name": volume_name(spec), "Labels": deployment.lasting_labels_of(spec)}


def container_body(spec: InstanceSpec, image: Image, deployment: Deployment) -> dict[str, Any]:
    """The container of an instance; reachable from this machine only."""
    port = f"{image.port}/tcp"
    body: dict[str, Any] = {
        "Image": image.reference,
        "Hostname": "homeassistant",
        "Env": [f"TZ={spec.time_zone}"],
        "Labels": {**deployment.labels_of(spec), IMAGE: image.fingerprint()},
        # Without it, bindings are ignored and nothing is published.
        "ExposedPorts": {port: {}},
        "StopTimeout": STOP_SECONDS,
        "HostConfig": {
            "PortBindings": {port: [{"HostIp": "127.0.0.1", "HostPort": str(spec.host_port)}]},
            "NetworkMode": spec.name,
            "Mounts": [{"Type": "volume", "Source": volume_name(spec), "Target": image.config_mount}],
            "RestartPolicy": {"Name": "unless-stopped"},
            "SecurityOpt": ["no-new-privileges"],
            "CapDrop": ["ALL"],
            "CapAdd": list(image.capabilities),
            "LogConfig": _LOG,
            **limits_body(spec),
        },
    }
    if image.command is not None:
        body["Cmd"] = list(image.command)
    if image.user is not None:
        body["User"] = image.user
    if image.health_command is not None:
        body["Healthcheck"] = {
            "Test": ["CMD", *image.health_command],
            "Interval": _HEALTH_EVERY_SECONDS * _NANO,
            "StartPeriod": _HEALTH_EVERY_SECONDS * _NANO,
            "Timeout": _HEALTH_SECONDS * _NANO,
            "Retries": 3,
        }
    return body


def limits_body(spec: InstanceSpec) -> dict[str, Any]:
    """What may be changed while it runs; memory without any of it swapped."""
    memory = spec.memory_limit or 0
    return {
        "Memory": memory,
        "MemorySwap": memory or -1,
        "NanoCpus": round((spec.cpu_limit or 0) * _NANO),
        "PidsLimit": PIDS_LIMIT,
    }
