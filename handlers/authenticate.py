"""From a credential to an identity; nothing else in an event can say who somebody is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog

from handlers.device_token import TokenKeys
from handlers.errors import AuthenticationError
from handlers.peer import Identity, Peer
from handlers.roster import Roster, RosterKeeper
from storage.errors import StorageError

_log = structlog.get_logger(__name__)

# Who speaks first after a token was made waits for the database no longer than this.
RELOAD_SECONDS: Final = 3.0


class Authenticator:
    """Accepts tokens and bindings.

    Args:
        keys: What verifies a token's signature.
        roster: Which devices exist, which tokens count, which networks are bound.
        clock: Seconds since the epoch.
    """

    def __init__(
        self, *, keys: TokenKeys, roster: RosterKeeper, clock: Callable[[], float] = time.time
    ) -> None:
        self._keys = keys
        self._roster = roster
        self._clock = clock
        self._worked_out_for: Roster | None = None
        self._worked_out: dict[Identity, Identity | None] = {}

    async def by_token(self, text: str) -> Identity:
        """The identity behind a device token.

        Raises:
            AuthenticationError: The token is not ours, out of time, revoked, replaced, or its device is gone;
                or it is newer than what is known here, and the database does not answer.
        """
        claims = self._keys.verify(text, now=self._clock())
        roster = self._roster.current
        try:
            return roster.identity_of_token(claims.device_id, claims.token_id, claims.expires_at)
        except AuthenticationError:
            if claims.token_id in roster.revoked:
                raise
            # It may have been made a moment ago, by another process. Only a token with our own valid
            # signature comes this far, so nobody else can make us read the database.
            roster = await self._reloaded()
            return roster.identity_of_token(claims.device_id, claims.token_id, claims.expires_at)

    async def _reloaded(self) -> Roster:
        try:
            async with asyncio.timeout(RELOAD_SECONDS):
                return await self._roster.reload()
        except (StorageError, TimeoutError) as error:
            _log.warning("a new token could not be looked up", error=str(error) or "the database is slow")
            raise AuthenticationError("the token cannot be looked up at the moment") from None

    def by_binding(self, peer: Peer) -> None:
        """Give a peer the identity that its listener and address are bound to, if they are bound."""
        roster = self._roster.current
        binding = roster.binding_for(peer.listener, peer.address)
        if binding is None:
            return
        try:
            peer.identity = roster.identity_of_binding(binding)
        except AuthenticationError:
            return
        peer.write_only = binding.write_only

    def renewed(self, peer: Peer) -> Identity | None:
        """A peer's identity as it stands now; None if it has none or it no longer holds.

        Expiry is looked at here, at every turn, because a connection may outlive its token.
        """
        identity = peer.identity
        if identity is None:
            return None
        if identity.expires_at is not None and identity.expires_at <= self._clock():
            return None
        if peer.checked_against is self._roster.current:
            return identity
        peer.checked_against = self._roster.current
        return self._as_it_stands_now(identity)

    def _as_it_stands_now(self, identity: Identity) -> Identity | None:
        """What the roster makes of an identity, worked out once for as long as the roster is the same."""
        roster = self._roster.current
        if roster is not self._worked_out_for:
            self._worked_out_for, self._worked_out = roster, {}
        if identity not in self._worked_out:
            self._worked_out[identity] = roster.refreshed(identity)
        return self._worked_out[identity]
