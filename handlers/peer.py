"""Who is at the other end of a connection, as far as the handlers need to know, and what is sent back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wyoming.event import Event


@dataclass(frozen=True, slots=True)
class Identity:
    """The device that a credential or a binding stands for, and through it the user.

    Attributes:
        user_id: Whose home may be reached; the only source of this fact in a whole turn.
        device_id: The satellite.
        device_name: Its name, for logs and listings.
        language: The device's language, else its user's: `hu` or `en`.
        area: Id or name of the area where the device stands, as its owner gave it, or None.
        token_id: The `jti` of the token that was shown, or None.
        binding_id: The binding that let the connection in, or None.
        expires_at: When the credential ends, seconds since the epoch; None for never.
    """

    user_id: str
    device_id: str
    device_name: str
    language: str
    area: str | None = None
    token_id: str | None = None
    binding_id: str | None = None
    expires_at: float | None = None


@dataclass(slots=True)
class Peer:
    """One connection: where it came from, and who it is once that is known.

    Attributes:
        connection_id: Made by the server, for the log.
        listener: The name of the listener that accepted it; bindings refer to it.
        address: The remote IP address, without port and zone.
        origin: What is counted as one address: see `handlers.origin`.
        identity: None until a credential or a binding was accepted.
        showed_token: Whether it authenticated. When that token has ended it is nobody: not whoever its
            address is bound to, who may be somebody else.
        vouched_for: Whether a sentence brought a valid token along. The connection itself is nobody's by
            that, but no stranger's any more.
        checked_against: The roster that `identity` was last found to hold by.
        write_only: True for peers that never read (a satellite's event stream): nothing is written to them.
        is_gone: Whether it has hung up, or at least says nothing more.
        on_gone: Called once when it does; set by whoever works for it and would stop then.
    """

    connection_id: str
    listener: str
    address: str
    origin: str = ""
    identity: Identity | None = None
    showed_token: bool = False
    vouched_for: bool = False
    checked_against: object = None
    write_only: bool = False
    is_gone: bool = False
    on_gone: Callable[[], None] | None = None

    def leave(self) -> None:
        """It has hung up."""
        if not self.is_gone:
            self.is_gone = True
            if self.on_gone is not None:
                self.on_gone()


@dataclass(frozen=True, slots=True)
class Reply:
    """What answers an event.

    Attributes:
        events: Written in this order.
        after: Called once, after the events were handed to the socket (or had to be dropped because the peer
            is gone or never reads): what may wait until the speaker has the answer.
        close: Whether the connection ends after these events.
        hold_seconds: For how long they are held back first; not beyond the server's own end.
    """

    events: tuple[Event, ...] = ()
    after: Callable[[], None] | None = None
    close: bool = False
    hold_seconds: float = 0.0
