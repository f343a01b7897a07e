"""What stands in for a home that cannot be used now."""

from __future__ import annotations

from dataclasses import dataclass

from provisioning.home.live import HomeStatus


@dataclass(frozen=True, slots=True)
class Absence:
    """Why a user has no live home at the moment.

    Attributes:
        status: One of `missing`, `starting`, `stopped`, `failed`, `unauthorized`.
        reason: The word of `ha_instances.failure_reason` where the status is `failed`, else None.
    """

    status: HomeStatus
    reason: str | None = None
