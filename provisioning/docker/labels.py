"""The labels by which containers, networks and volumes are known as this deployment's, and whose they are.

What lacks them is somebody else's, whatever it is called, and is never touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from provisioning.driver import InstanceSpec

MANAGED_BY: Final = "wyoming-central.managed-by"
DEPLOYMENT: Final = "wyoming-central.deployment"
INSTANCE: Final = "wyoming-central.instance"
USER: Final = "wyoming-central.user"
NAME: Final = "wyoming-central.name"
GENERATION: Final = "wyoming-central.generation"
IMAGE: Final = "wyoming-central.image"
SPEC: Final = "wyoming-central.spec"

_US: Final = "wyoming-central"


@dataclass(frozen=True, slots=True)
class Deployment:
    """One installation of the server; several may share an engine.

    Attributes:
        id: Its identifier, the same for all times.
    """

    id: str

    def labels_of(self, spec: InstanceSpec) -> dict[str, str]:
        """What a container of this spec is labelled with."""
        return {
            **self.lasting_labels_of(spec),
            GENERATION: str(spec.generation),
            SPEC: spec.fingerprint(),
        }

    def lasting_labels_of(self, spec: InstanceSpec) -> dict[str, str]:
        """What its network and its volume are labelled with, which outlast a container."""
        return {
            MANAGED_BY: _US,
            DEPLOYMENT: self.id,
            INSTANCE: spec.instance_id,
            USER: spec.user_id,
            NAME: spec.name,
        }

    @property
    def filters(self) -> dict[str, list[str]]:
        """The filter of the engine for all that is this deployment's."""
        return {"label": [f"{MANAGED_BY}={_US}", f"{DEPLOYMENT}={self.id}"]}

    def owns(self, labels: Mapping[str, str] | None) -> bool:
        """Whether something with these labels is this deployment's."""
        labels = labels or {}
        return labels.get(MANAGED_BY) == _US and labels.get(DEPLOYMENT) == self.id
