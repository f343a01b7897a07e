"""What the engine says of a container, read as what a driver sees of an instance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from provisioning.docker import labels
from provisioning.docker.image import Image
from provisioning.driver import RESTART_STATUS, Condition, Endpoint, Observation

_NANO: Final = 1_000_000_000
_NEVER: Final = "0001-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Container:
    """A container as `GET /containers/NAME/json` describes it.

    Attributes:
        described: The engine's answer.
    """

    described: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The engine's id, 64 hexadecimal digits."""
        return str(self.described["Id"])

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        return self.described.get("Config", {}).get("Labels") or {}

    @property
    def name(self) -> str:
        """Its name, without the engine's slash."""
        return str(self.described.get("Name", "")).removeprefix("/")

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        state = self._state
        return bool(state.get("Running") and not state.get("Restarting"))

    @property
    def was_started(self) -> bool:
        """Whether it ever ran."""
        return bool(self._state.get("StartedAt", _NEVER) != _NEVER)

    @property
    def networks(self) -> frozenset[str]:
        """The names of the networks that it is in, as the engine has them now."""
        return frozenset(self.described.get("NetworkSettings", {}).get("Networks") or {})

    @property
    def host_port(self) -> int | None:
        """The port of this machine at which it is published, or is to be."""
        bindings = self.described.get("HostConfig", {}).get("PortBindings") or {}
        for published in bindings.values():
            for one in published or ():
                port = str(one.get("HostPort", ""))
                if port.isdecimal():
                    return int(port)
        return None

    def observed(self, image: Image, *, stopped_by_us: bool) -> Observation:
        """What is seen of the instance in it.

        Args:
            image: What instances are made from now.
            stopped_by_us: It does not run because it was told to end.
        """
        state, running, limits = self._state, self.is_running, self.described.get("HostConfig", {})
        port = self.host_port
        return Observation(
            self.labels.get(labels.NAME, self.name),
            Condition.RUNNING if running else Condition.STOPPED,
            endpoint=Endpoint.local(port) if running and port is not None else None,
            # Nobody but the engine listens on a port that the engine has published.
            listening=running and port is not None,
            fingerprint=self.labels.get(labels.SPEC) if self._is_whole_and_of(image) else None,
            container_id=self.id[:12],
            memory_limit=int(limits.get("Memory") or 0) or None,
            cpu_limit=(limits.get("NanoCpus") or 0) / _NANO or None,
            ended=None if running or stopped_by_us or not self.was_started else self._epitaph,
            out_of_memory=bool(state.get("OOMKilled")) and not running,
            restart_wanted=not running and state.get("ExitCode") == RESTART_STATUS,
        )

    @property
    def _state(self) -> Mapping[str, Any]:
        return self.described.get("State") or {}

    def _is_whole_and_of(self, image: Image) -> bool:
        """Whether it is in its own network, and made as one would be made now; else it must be made anew."""
        return self.name in self.networks and self.labels.get(labels.IMAGE) == image.fingerprint()

    @property
    def _epitaph(self) -> str:
        state = self._state
        if state.get("OOMKilled"):
            return "Home Assistant was killed for want of memory"
        error = str(state.get("Error") or "").strip()
        return f"Home Assistant ended with status {state.get('ExitCode')}" + (f": {error}" if error else "")
