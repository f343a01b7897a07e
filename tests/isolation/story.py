"""What happened on a server while a plan was played: said, answered, called, written and logged."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any, Final

from storage.records import AuditRow, SessionRecord
from tests.isolation.homes import StandInHome
from tests.isolation.serving import Served
from tests.isolation.wire import Asked, Wire

# Later than any moment of a story.
_ALWAYS: Final = 1 << 60


@dataclass(eq=False)
class Person:
    """Somebody who lives here; `removed` from when their account is gone for good."""

    word: str
    user_id: str
    home: StandInHome
    removed: int | None = None


@dataclass(eq=False)
class Device:
    """A satellite, whose it is now, whether it was another's, and all its tokens, oldest first."""

    id: str
    name: str
    person: Person
    changed_hands: bool = False
    tokens: list[str] = field(default_factory=list)


@dataclass(eq=False)
class Grant:
    """That a credential stands for a device of a person, for some time.

    Whether it counts is known only from the outside: it may from `begun` on, it must from `known` on; it need
    not from `ending` on, and it must not from `ended` on, when the server had looked at what ended it.

    Attributes:
        token: The token, for a binding None.
        place: Listener and network of a binding, for a token None.
        short: Whether it is over when an hour has passed.
        name: Of the device, as long as it is that person's.
        changed: When the change that ends it was committed.
    """

    device: Device
    person: Person
    begun: int
    name: str = field(init=False)
    token: str | None = None
    place: tuple[str, str] | None = None
    short: bool = False
    write_only: bool = False
    known: int | None = None
    ending: int | None = None
    changed: int | None = None
    ended: int | None = None
    binding_id: str | None = None

    def __post_init__(self) -> None:
        self.name = self.device.name

    def may_count(self, since: int, until: int) -> bool:
        """Whether it may count at some time between the two."""
        return self.begun <= until and (self.ended is None or self.ended > since)

    def must_count(self, since: int, until: int) -> bool:
        """Whether it counts all the time between the two."""
        return self.known is not None and self.known <= since and (self.ending is None or self.ending > until)


@dataclass(eq=False)
class Story:
    """All that happened.

    Attributes:
        people, devices, grants, wires: In the order in which they came.
        rows, sessions: What was written.
        lines: What was logged.
        end: When it was over.
    """

    served: Served
    people: list[Person] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)
    grants: list[Grant] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)
    rows: list[AuditRow] = field(default_factory=list)
    sessions: list[SessionRecord] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    end: int = 0

    @property
    def asked(self) -> list[Asked]:
        """All that was asked, on all lines."""
        return [asked for wire in self.wires for asked in wire.asked]


def covers(grant: Grant, wire: Wire) -> bool:
    """Whether a grant is a binding of where a line comes from."""
    if grant.place is None:
        return False
    listener, network = grant.place
    return listener == wire.listener and ip_address(wire.address) in ip_network(network)


def possible_grants(story: Story, asked: Asked) -> list[Grant]:
    """Whom the server may take somebody for who asks this: by the credential that counts at that time."""
    until = asked.answered or story.end or _ALWAYS
    token = asked.token or asked.known_as
    return [
        grant
        for grant in story.grants
        if grant.may_count(asked.sent, until)
        and (grant.token == token if token is not None else covers(grant, asked.wire))
    ]
