"""The corpus of hostile peers: what `corpus/*.yaml` and `servers.yaml` say, read strictly.

A file of the corpus is a list of cases:

    name            a sentence that says what holds
    server          one of `servers.yaml` (`usual`)
    slow            true if it takes more than a second
    home            what the user of the case's device has: `none`, `furnished` (a stand-in for a Home
                    Assistant), `slow` (the same, slow at each call) (`none`)
    device          name and more of that device
    never_logged    texts that the log may not hold, beside those of frames built from data
    acts            what happens, one after the other; connections stay until the last is over

An act stands in the list `acts`, or in the case itself if it is the only one:

    speaker         `stranger`; `device`: has authenticated as the case's own before the first step;
                    `bound`, `writer`: let in by a binding, a `writer` by one for peers that never read
    lifetime        of the token that a `device` authenticates with, in seconds (an hour)
    address         which of the case's own addresses it comes from (1)
    peers           how many connections play it at once (1)
    times           how often each plays it, on a new connection each time (1)
    greeting        a piece that leaves in the same breath in which it connects (nothing)
    steps           what the peers do, each step all of them before the next; a word or a mapping of one key:
                        send: PIECE                     as `pieces` describes it
                        send_slowly: {piece, chunk, every}  bytes at a time, seconds between
                        shut                            end the own side
                        reset, leave                    go away with RST, with FIN
                        stop_reading, read_on
                        read_slowly: {chunk, every}
                        await: ANSWER                   as `expectation` describes it, since the act began
                        await_close                     until the server has ended the connection
                        await_let_go                    until the server holds no connection of the case
                        until_expired                   until the token of `lifetime` has expired
                        administrator: revoke           or `rotate`, `remove_user`: of the case's device
    within          seconds that each wait may take (10)
    at_least        seconds that all of it must take (0)
    an outcome      as `expectation` describes it
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeAlias

from tests.hostile.expectation import OUTCOMES, Answer, Expectation, answer_of, expectation_of
from tests.hostile.pieces import Piece, piece_of, tokens_in
from tests.hostile.tokens import OWN
from tests.hostile.yaml_node import Node, read_file

HERE: Final = Path(__file__).parent
PATIENCE: Final = 10.0


class Speaker(StrEnum):
    """Who a peer is; the module's docstring says what each means."""

    STRANGER = "stranger"
    DEVICE = "device"
    BOUND = "bound"
    WRITER = "writer"


class Home(StrEnum):
    """What the user of a case's device has."""

    NONE = "none"
    FURNISHED = "furnished"
    SLOW = "slow"


class Deed(StrEnum):
    """What a peer does that needs no more than a word."""

    SHUT = "shut"
    RESET = "reset"
    LEAVE = "leave"
    STOP_READING = "stop_reading"
    READ_ON = "read_on"
    AWAIT_CLOSE = "await_close"
    AWAIT_LET_GO = "await_let_go"
    UNTIL_EXPIRED = "until_expired"


class Measure(StrEnum):
    """What an administrator does to the case's device, meanwhile."""

    REVOKE = "revoke"
    ROTATE = "rotate"
    REMOVE_USER = "remove_user"


@dataclass(frozen=True, slots=True)
class Send:
    """Send a piece; `chunk` bytes every `every` seconds, or all at once."""

    piece: Piece
    chunk: int | None = None
    every: float = 0.0


@dataclass(frozen=True, slots=True)
class ReadSlowly:
    """Read `chunk` bytes every `every` seconds from now on."""

    chunk: int
    every: float


@dataclass(frozen=True, slots=True)
class Await:
    """Wait for an answer."""

    answer: Answer


Step: TypeAlias = Send | ReadSlowly | Await | Deed | Measure


@dataclass(frozen=True, slots=True)
class Act:
    """What some peers do at the same time; the module's docstring says what each field means."""

    steps: tuple[Step, ...]
    expect: Expectation
    speaker: Speaker = Speaker.STRANGER
    lifetime: float = 3600.0
    address: int = 1
    peers: int = 1
    times: int = 1
    greeting: Piece | None = None
    within: float = PATIENCE
    at_least: float = 0.0

    @property
    def pieces(self) -> Iterator[Piece]:
        """All that a peer sends."""
        if self.greeting is not None:
            yield self.greeting
        yield from (step.piece for step in self.steps if isinstance(step, Send))


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """How the case's device is added."""

    name: str
    area: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A hostile situation and what is expected of the server in it."""

    name: str
    theme: str
    acts: tuple[Act, ...]
    device: DeviceSpec
    server: str = "usual"
    slow: bool = False
    home: Home = Home.NONE
    never_logged: tuple[str, ...] = ()

    @property
    def addresses(self) -> int:
        """How many addresses its peers come from."""
        return max(act.address for act in self.acts)

    @property
    def needs_device(self) -> bool:
        """Whether it has anything to do with a device of its own."""
        return any(
            act.speaker is Speaker.DEVICE
            or any(token.of == OWN for piece in act.pieces for token in tokens_in(piece))
            for act in self.acts
        )


@dataclass(frozen=True, slots=True)
class Corpus:
    """Everything that is played, and the settings of the servers that it is played against."""

    cases: tuple[Case, ...]
    servers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def of(self, server: str) -> tuple[Case, ...]:
        """The cases that are played against one server."""
        return tuple(case for case in self.cases if case.server == server)


def read_corpus(folder: Path = HERE) -> Corpus:
    """The whole corpus: `corpus/*.yaml` and `servers.yaml` in a folder.

    Raises:
        CorpusError: A file says what it may not say; names the file, the case and the place.
    """
    servers = _servers_of(read_file(folder / "servers.yaml"))
    cases: dict[str, Case] = {}
    for path in sorted((folder / "corpus").glob("*.yaml")):
        for node in read_file(path).items():
            case = _case_of(node, path.stem, servers)
            if case.name in cases:
                node.named(case.name).fail("is the name of two cases")
            cases[case.name] = case
    return Corpus(tuple(cases.values()), servers)


def _servers_of(node: Node) -> dict[str, dict[str, str]]:
    if not isinstance(node.value, dict):
        node.fail("is no mapping")
    servers = {}
    for name, settings in node.value.items():
        where = Node(settings, f"{node.where}: {name}")
        members = where.fields(optional=settings if isinstance(settings, dict) else ())
        servers[name] = {key: member.text() for key, member in members.items()}
    return servers


_OF_ACT: Final = frozenset(
    {"speaker", "lifetime", "address", "peers", "times", "greeting", "steps", "within", "at_least"} | OUTCOMES
)
_OF_CASE: Final = frozenset({"server", "slow", "home", "device", "never_logged"})


def _case_of(node: Node, theme: str, servers: Mapping[str, Any]) -> Case:
    if isinstance(node.value, dict) and isinstance(node.value.get("name"), str):
        node = node.named(node.value["name"])
    fields = node.fields(required=("name",), optional={*_OF_CASE, *_OF_ACT, "acts"})
    if "acts" in fields:
        if _OF_ACT & fields.keys():
            node.fail("has acts, and what belongs into one beside them")
        acts = tuple(_act_of(act) for act in fields["acts"].items())
    else:
        act = {key: value for key, value in node.value.items() if key in _OF_ACT}
        acts = (_act_of(Node(act, node.where)),)
    if not acts:
        node.fail("has no act")
    name = fields["name"].text()
    given: dict[str, Any] = {}
    if "server" in fields:
        given["server"] = fields["server"].text(among=servers)
    if "slow" in fields:
        given["slow"] = fields["slow"].flag()
    if "home" in fields:
        given["home"] = Home(fields["home"].text(among=frozenset(Home)))
    if "never_logged" in fields:
        given["never_logged"] = fields["never_logged"].texts()
    return Case(name=name, theme=theme, acts=acts, device=_device_of(fields, name), **given)


def _device_of(fields: Mapping[str, Node], case: str) -> DeviceSpec:
    if "device" not in fields:
        return DeviceSpec(case[:100].strip())
    said = fields["device"].fields(required=("name",), optional=("area", "language"))
    return DeviceSpec(**{key: member.text() for key, member in said.items()})


def _act_of(node: Node) -> Act:
    fields = node.fields(required=("steps",), optional=_OF_ACT)
    given: dict[str, Any] = {}
    if "speaker" in fields:
        given["speaker"] = Speaker(fields["speaker"].text(among=frozenset(Speaker)))
    for key in ("lifetime", "within", "at_least"):
        if key in fields:
            given[key] = fields[key].seconds()
    if "greeting" in fields:
        given["greeting"] = piece_of(fields["greeting"])
    for key in ("address", "peers", "times"):
        if key in fields:
            given[key] = fields[key].whole(least=1)
    each = given.get("peers", 1) * given.get("times", 1)
    return Act(
        steps=tuple(_steps_of(fields["steps"])), expect=expectation_of(fields, node, each=each), **given
    )


def _steps_of(node: Node) -> Iterator[Step]:
    for step in node.items():
        if isinstance(step.value, str):
            yield Deed(step.text(among=frozenset(Deed)))
            continue
        fields = step.fields(optional=("send", "send_slowly", "read_slowly", "await", "administrator"))
        if len(fields) != 1:
            step.fail("is no mapping of one key")
        [(word, what)] = fields.items()
        yield _step_of(word, what)


def _step_of(word: str, what: Node) -> Step:
    match word:
        case "send":
            return Send(piece_of(what))
        case "send_slowly":
            fields = what.fields(required=("piece", "chunk", "every"))
            return Send(piece_of(fields["piece"]), fields["chunk"].whole(least=1), fields["every"].seconds())
        case "read_slowly":
            fields = what.fields(required=("chunk", "every"))
            return ReadSlowly(fields["chunk"].whole(least=1), fields["every"].seconds())
        case "await":
            return Await(answer_of(what))
        case _:
            return Measure(what.text(among=frozenset(Measure)))
