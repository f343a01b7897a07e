"""From a credential to an identity; nothing else in an event can say who somebody is."""

from __future__ import annotations

import time
from collections.abc import Callable

from handlers.device_token import TokenKeys
from handlers.errors import AuthenticationError
from handlers.peer import Identity, Peer
from handlers.roster import RosterKeeper


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

    async def by_token(self, text: str) -> Identity:
        """The identity behind a device token.

        Raises:
            AuthenticationError: The token is not ours, out of time, revoked, replaced, or its device is gone.
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
            roster = await self._roster.reload()
            return roster.identity_of_token(claims.device_id, claims.token_id, claims.expires_at)

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
        return self._roster.current.refreshed(identity)
