"""What to do about an instance that failed."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from provisioning.errors import FailureReason
from storage.records import InstanceRecord, InstanceStatus

_LOGS: Final = "see `wyoming-central instance logs USER`, then `instance restart USER`"

_REMEDIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        FailureReason.NO_INTERPRETER: "install Python 3.11 or newer with venv, or name one in HA_PYTHON",
        FailureReason.INSTALL: "see the server's log: is the package index reachable, is the disk full?",
        FailureReason.CONFIGURATION: "see its folder under DATA_DIR/instances, then `instance restart USER`",
        FailureReason.IMAGE_MISSING: "see HA_IMAGE and HA_IMAGE_PULL: load it there, or let it be fetched",
        FailureReason.PORT_TAKEN: "end what listens on its port, or widen HA_PORT_RANGE_START to _END",
        FailureReason.PORTS_EXHAUSTED: "widen HA_PORT_RANGE_START to HA_PORT_RANGE_END",
        FailureReason.SUBNET_TAKEN: "set HA_NETWORK_POOL to a network that nobody here uses",
        FailureReason.SUBNETS_EXHAUSTED: "set HA_NETWORK_POOL to a larger network",
        FailureReason.NAME_TAKEN: "see whose it is and remove it there, then `instance restart USER`",
        FailureReason.BOOT_TIMEOUT: f"{_LOGS}; a slow machine needs a longer HA_BOOT_TIMEOUT_SECONDS",
        FailureReason.DIED: _LOGS,
        FailureReason.OUT_OF_MEMORY: "give it more: `wyoming-central instance set USER --memory SIZE`",
        FailureReason.DISK_FULL: "make room on the disk of the data folder, then `instance restart USER`",
        FailureReason.ONBOARDING: _LOGS,
        FailureReason.UNREACHABLE: "is Home Assistant running, and is its address right?",
        FailureReason.UNAUTHORIZED: "Home Assistant refuses the token: give it a new one",
        FailureReason.INTERNAL: "a bug: see the server's log, then `instance restart USER`",
        FailureReason.ENGINE_DOWN: "start the container engine, and check DOCKER_HOST",
        FailureReason.ENGINE: "see the log of the container engine",
    }
)


def remedy_of(instance: InstanceRecord) -> str | None:
    """Give what to do about an instance that has failed; None for one that has not."""
    if instance.status is not InstanceStatus.FAILED or instance.failure_reason is None:
        return None
    return _REMEDIES.get(instance.failure_reason, _LOGS)
