"""How many connections there are: in all, from each origin, and of each device."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from wyoming_central.limits import Limits

Member = TypeVar("Member", bound=Hashable)


class ConnectionCaps(Generic[Member]):
    """Counts connections and says where there are too many; knows nothing else of them.

    Args:
        limits: Its `connections`, `connections_per_address` and `connections_per_device`.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._all: set[Member] = set()
        self._of_origin: dict[str, int] = {}
        # A dict for its order: the oldest first.
        self._of_device: dict[str, dict[Member, None]] = {}

    def refusal_for(self, origin: str) -> str | None:
        """Why one more connection from there has no room, in one line; None if it has."""
        limits = self._limits
        if len(self._all) >= limits.connections:
            return f"there are {limits.connections} connections already"
        if self._of_origin.get(origin, 0) >= limits.connections_per_address:
            return f"there are {limits.connections_per_address} connections from your address already"
        return None

    def add(self, member: Member, origin: str) -> None:
        """Count a connection."""
        self._all.add(member)
        self._of_origin[origin] = self._of_origin.get(origin, 0) + 1

    def remove(self, member: Member, origin: str, device_id: str | None) -> None:
        """Count a connection no more; one that was never counted is passed over."""
        if member not in self._all:
            return
        self._all.remove(member)
        left = self._of_origin[origin] - 1
        if left:
            self._of_origin[origin] = left
        else:
            del self._of_origin[origin]
        if device_id is not None:
            self.remove_from_device(member, device_id)

    def add_to_device(self, member: Member, device_id: str) -> Member | None:
        """Count a connection as this device's, its newest; gives the oldest one if that is one too many."""
        members = self._of_device.setdefault(device_id, {})
        members[member] = None
        if len(members) <= self._limits.connections_per_device:
            return None
        return next(iter(members))

    def remove_from_device(self, member: Member, device_id: str) -> None:
        """Count a connection as this device's no more."""
        members = self._of_device.get(device_id, {})
        members.pop(member, None)
        if not members:
            self._of_device.pop(device_id, None)
