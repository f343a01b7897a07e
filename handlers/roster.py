"""Who may come in: users, devices, bindings and revocations, as they stand in the database right now.

A turn must not wait for a database to know whose satellite speaks, and there are hundreds of devices, not
millions: all of it is kept in memory as one immutable value, replaced whenever a `changes` row says so.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from config.languages import DEFAULT as DEFAULT_LANGUAGE
from config.languages import normalise_language
from handlers.errors import AuthenticationError
from handlers.peer import Identity
from storage.bindings import Bindings
from storage.devices import Devices
from storage.records import BindingRecord, DeviceRecord, UserRecord
from storage.revocations import Revocations
from storage.users import Users

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Roster:
    """One consistent picture of who may come in.

    Attributes:
        users, devices: By id.
        revoked: Token ids (`jti`) that no longer count.
        bindings: With their networks parsed, the narrowest network first.
    """

    users: Mapping[str, UserRecord] = field(default_factory=lambda: MappingProxyType({}))
    devices: Mapping[str, DeviceRecord] = field(default_factory=lambda: MappingProxyType({}))
    revoked: frozenset[str] = frozenset()
    bindings: tuple[tuple[IPNetwork, BindingRecord], ...] = ()

    def identity_of_token(self, device_id: str, token_id: str, expires_at: float | None) -> Identity:
        """The identity behind a verified token.

        Raises:
            AuthenticationError: The token was revoked or replaced, or its device or user is gone.
        """
        if token_id in self.revoked:
            raise AuthenticationError("the token was revoked")
        device = self._device(device_id)
        if device.token_id != token_id:
            raise AuthenticationError("the token was replaced by a newer one")
        return self._identity(device, token_id=token_id, expires_at=expires_at)

    def binding_for(self, listener: str, address: str) -> BindingRecord | None:
        """The narrowest binding that covers an address on a listener; None if there is none."""
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return None
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        for network, binding in self.bindings:
            if binding.listener == listener and ip.version == network.version and ip in network:
                return binding
        return None

    def identity_of_binding(self, binding: BindingRecord) -> Identity:
        """The identity that a binding stands for.

        Raises:
            AuthenticationError: Its device or user is gone or revoked.
        """
        return self._identity(self._device(binding.device_id), binding_id=binding.id)

    def refreshed(self, identity: Identity) -> Identity | None:
        """An identity given out earlier, as it would be given out now; None if it no longer would be.

        The device's name, area and language may have changed since. A device that changed hands is another
        identity, and the old one ends; so does one whose token or binding is gone.
        """
        try:
            now = self._given_again(identity)
        except AuthenticationError:
            return None
        return now if now is not None and now.user_id == identity.user_id else None

    def _given_again(self, identity: Identity) -> Identity | None:
        if identity.token_id is not None:
            return self.identity_of_token(identity.device_id, identity.token_id, identity.expires_at)
        for _, binding in self.bindings:
            if binding.id == identity.binding_id and binding.device_id == identity.device_id:
                return self.identity_of_binding(binding)
        return None

    def _device(self, device_id: str) -> DeviceRecord:
        device = self.devices.get(device_id)
        if device is None:
            raise AuthenticationError("the device was removed")
        if device.revoked_at is not None:
            raise AuthenticationError("the device was revoked")
        return device

    def _identity(
        self,
        device: DeviceRecord,
        *,
        token_id: str | None = None,
        binding_id: str | None = None,
        expires_at: float | None = None,
    ) -> Identity:
        user = self.users.get(device.user_id)
        if user is None:
            raise AuthenticationError("the device's user was removed")
        language = normalise_language(device.language) or normalise_language(user.language)
        return Identity(
            user_id=user.id,
            device_id=device.id,
            device_name=device.name,
            language=language or DEFAULT_LANGUAGE,
            area=device.area,
            token_id=token_id,
            binding_id=binding_id,
            expires_at=expires_at,
        )


class RosterKeeper:
    """Holds the current `Roster` and reads it anew when told to.

    Args:
        users, devices, revocations, bindings: The repositories it reads.
    """

    def __init__(
        self, *, users: Users, devices: Devices, revocations: Revocations, bindings: Bindings
    ) -> None:
        self._users = users
        self._devices = devices
        self._revocations = revocations
        self._bindings = bindings
        self._lock = asyncio.Lock()
        self.current = Roster()

    async def reload(self) -> Roster:
        """Read everything again; one reader at a time, so a slow one cannot overwrite a newer picture."""
        async with self._lock:
            # Owners after what they own: who is added in between is then known, whoever refers to them.
            bindings = await self._bindings.list()
            devices = await self._devices.list()
            users = await self._users.list()
            revoked = await self._revocations.all_ids()
            self.current = Roster(
                users=MappingProxyType({user.id: user for user in users}),
                devices=MappingProxyType({device.id: device for device in devices}),
                revoked=frozenset(revoked),
                bindings=_narrowest_first(bindings),
            )
            return self.current


def _narrowest_first(bindings: Iterable[BindingRecord]) -> tuple[tuple[IPNetwork, BindingRecord], ...]:
    parsed = [(ipaddress.ip_network(binding.network), binding) for binding in bindings]
    return tuple(sorted(parsed, key=lambda pair: (-pair[0].prefixlen, pair[1].id)))
