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
        FailureReason.IMAGE_MISSING: "make the image available to the container engine",
        FailureReason.PORT_TAKEN: "end what listens on its port, or widen HA_PORT_RANGE_START to _END",
        FailureReason.PORTS_EXHAUSTED: "widen HA_PORT_RANGE_START to HA_PORT_RANGE_END",
        FailureReason.BOOT_TIMEOUT: f"{_LOGS}; a slow machine needs a longer HA_BOOT_TIMEOUT_SECONDS",
        FailureReason.DIED: _LOGS,
        FailureReason.OUT_OF_MEMORY: "raise HA_MEMORY_LIMIT, then `instance restart USER`",
        FailureReason.DISK_FULL: "make room on the disk of the data folder, then `instance restart USER`",
        FailureReason.ONBOARDING: _LOGS,
        FailureReason.UNREACHABLE: "is Home Assistant running, and is its address right?",
        FailureReason.UNAUTHORIZED: "Home Assistant refuses the token: give it a new one",
        FailureReason.INTERNAL: "a bug: see the server's log, then `instance restart USER`",
        FailureReason.ENGINE_DOWN: "start the container engine, and check DOCKER_HOST",
    }
)


def remedy_of(instance: InstanceRecord) -> str | None:
    """Give what to do about an instance that has failed; None for one that has not."""
    if instance.status is not InstanceStatus.FAILED or instance.failure_reason is None:
        return None
    return _REMEDIES.get(instance.failure_reason, _LOGS)
