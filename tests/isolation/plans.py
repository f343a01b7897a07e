"""Plans: what several people, their devices and whoever looks after the server do, and in which order.

A plan is one list of steps. A step that does not wait lets the next one begin while it is under way, so the
list is the interleaving itself. People, devices and bindings are meant by number, modulo how many there are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from hypothesis import strategies as st

MOST_PEOPLE: Final = 4
LISTENERS: Final = ("default", "second")
# Where lines come from, each from its own place unless it is said otherwise. Loopback is a whole network.
PLACES: Final = (
    ("default", "127.0.0.1"),
    ("default", "127.0.1.1"),
    ("second", "127.0.0.1"),
    ("default", "127.0.1.2"),
)
LINES: Final = len(PLACES)

# What everybody says. Only those with a `{word}` have somebody's word in them, not always the speaker's.
DESK_LAMP: Final = frozenset({"Turn on the desk lamp", "Turn off the desk lamp"})
CODE_WORD: Final = frozenset({"What is the code word?", "Mi a jelszó?"})
SENTENCES: Final = (
    ("en", "Turn on the desk lamp"),
    ("en", "What is the code word?"),
    ("hu", "Mi a jelszó?"),
    ("en", "Turn on the floor lamp"),
    ("hu", "Kapcsold be az állólámpát"),
    ("en", "the kitchen one"),
    ("hu", "a konyhait"),
    ("en", "both"),
    ("hu", "mindkettőt"),
    ("hu", "Kapcsold be az asztali lámpát"),
    ("en", "Turn off the desk lamp"),
    ("en", "Turn on all the lights"),
    ("hu", "Kapcsold be a lámpákat a konyhában"),
    ("en", "Which lights are off?"),
    ("en", "Lock the front door"),
    ("en", "Turn on the {word} lamp"),
    ("hu", "Kapcsold be a {word} lámpát"),
    ("en", "Turn on the lights in the {word} room"),
    ("en", "Turn on the secret lamp"),
    ("en", "Turn on the garden lamp"),
    ("hu", "Kapcsold be az új lámpát"),
    ("en", "never mind"),
    ("en", "fiddle faddle"),
)
_ASKED_BACK: Final = (3, 4)
# Those that choose one, and those that are for whatever was asked of.
_ANSWERS: Final = (5, 6, 7, 8, 7, 8)
INTENTS: Final = ("Desk Lamp", "Floor Lamp", "Titkos lámpa", "{word} lámpa")

# By a token that it showed; by where it comes from; by a token, and that place is somebody else's.
Known = Literal["token", "binding", "token elsewhere", "nobody"]
Kind = Literal["transcript", "recognize", "intent"]
# Which of a device's tokens: the one it has now, the first it ever had, or one that somebody altered.
Token = Literal["newest", "first", "altered"]


@dataclass(frozen=True, slots=True)
class Connect:
    """A line is opened anew, whatever became of it before."""

    line: int
    place: int
    politely: bool


@dataclass(frozen=True, slots=True)
class Authenticate:
    """A line says which device it is."""

    line: int
    device: int
    token: Token


@dataclass(frozen=True, slots=True)
class Say:
    """A sentence on a line; with a device, that one's token goes along; `claims` is whom the fields name."""

    line: int
    sentence: int
    about: int
    kind: Kind
    device: int | None
    token: Token
    claims: int | None


@dataclass(frozen=True, slots=True)
class Ping:
    line: int


@dataclass(frozen=True, slots=True)
class Describe:
    line: int


@dataclass(frozen=True, slots=True)
class Hold:
    """Calls to somebody's home wait from now on."""

    person: int


@dataclass(frozen=True, slots=True)
class Release:
    person: int


@dataclass(frozen=True, slots=True)
class Rebuild:
    """Somebody changes their home."""

    person: int


@dataclass(frozen=True, slots=True)
class AddPerson:
    pass


@dataclass(frozen=True, slots=True)
class RemovePerson:
    person: int


@dataclass(frozen=True, slots=True)
class AddDevice:
    person: int


@dataclass(frozen=True, slots=True)
class ReplaceToken:
    """A device gets another token; a `short` one is over when an hour has passed."""

    device: int
    short: bool


@dataclass(frozen=True, slots=True)
class Revoke:
    device: int


@dataclass(frozen=True, slots=True)
class GiveAway:
    """A device becomes somebody else's."""

    device: int
    person: int


@dataclass(frozen=True, slots=True)
class Bind:
    """Whoever comes from a place is a device; `wide` is all places of that network."""

    device: int
    place: int
    wide: bool
    write_only: bool


@dataclass(frozen=True, slots=True)
class Unbind:
    binding: int


@dataclass(frozen=True, slots=True)
class HourPasses:
    pass


@dataclass(frozen=True, slots=True)
class Write:
    """Whatever the server has still to write is written; else it takes its time."""


@dataclass(frozen=True, slots=True)
class Look:
    """The server looks at what was changed, and acts on it."""


Step = (
    Connect
    | Authenticate
    | Say
    | Ping
    | Describe
    | Hold
    | Release
    | Rebuild
    | AddPerson
    | RemovePerson
    | AddDevice
    | ReplaceToken
    | Revoke
    | GiveAway
    | Bind
    | Unbind
    | HourPasses
    | Write
    | Look
)


@dataclass(frozen=True, slots=True)
class Plan:
    """Attributes:
    people: How many live here when it begins, each with a device.
    known: How each one's device is known on the line of the same number when it begins, if it is.
    fresh: Whether their homes are like none before, so that nothing about them is known already.
    steps: What is done, and whether it is waited for.
    """

    people: int
    known: Known
    fresh: bool
    steps: tuple[tuple[Step, bool], ...]


_line = st.integers(0, LINES - 1)
_person = st.integers(0, MOST_PEOPLE - 1)
_device = st.integers(0, MOST_PEOPLE + 1)
_token = st.sampled_from(("newest", "newest", "newest", "first", "altered"))
_sentence = st.sampled_from((*range(len(SENTENCES)), *_ASKED_BACK * 2, *_ANSWERS))
_kind = st.sampled_from(("transcript", "transcript", "transcript", "transcript", "recognize", "intent"))
# What is meant most often comes first: the line's own.
_rarely_device = st.one_of(st.none(), st.none(), _device)
_rarely_person = st.one_of(st.none(), st.none(), _person)
_seldom = st.sampled_from((False, False, False, True))

# How often out of all, and what is drawn for it.
_STEPS: Final[tuple[tuple[int, Callable[..., Any], tuple[st.SearchStrategy[Any], ...]], ...]] = (
    (40, Say, (_line, _sentence, _person, _kind, _rarely_device, _token, _rarely_person)),
    (8, Authenticate, (_line, _device, _token)),
    (6, Connect, (_line, _line, st.booleans())),
    (8, Look, ()),
    (5, Write, ()),
    (5, Hold, (_person,)),
    (5, Release, (_person,)),
    (4, Revoke, (_device,)),
    (4, ReplaceToken, (_device, st.booleans())),
    (2, HourPasses, ()),
    (2, HourPasses, ()),
    (5, Bind, (_device, _line, _seldom, _seldom)),
    (4, Unbind, (_device,)),
    (4, Rebuild, (_person,)),
    (3, AddDevice, (_person,)),
    (3, GiveAway, (_device, _person)),
    (1, RemovePerson, (_person,)),
    (2, AddPerson, ()),
    (2, Ping, (_line,)),
    (1, Describe, (_line,)),
)
_KINDS: Final = tuple(number for number, (weight, _, _) in enumerate(_STEPS) for _ in range(weight))

Steps = tuple[tuple[Step, bool], ...]


@st.composite
def _step(draw: st.DrawFn) -> Steps:
    _, kind, fields = _STEPS[draw(st.sampled_from(_KINDS))]
    return ((kind(*map(draw, fields)), draw(st.booleans())),)


@st.composite
def _change(draw: st.DrawFn, device: int) -> Steps:
    """A device's credential comes to its end, and perhaps the server sees it."""
    change: Step = draw(
        st.sampled_from(
            (
                Revoke(device),
                ReplaceToken(device, short=draw(st.booleans())),
                GiveAway(device, draw(_person)),
                Unbind(device),
                HourPasses(),
            )
        )
    )
    looks: Steps = ((Look(), True),) if draw(st.booleans()) else ()
    return ((change, draw(st.booleans())), *looks)


@st.composite
def _hand_over(draw: st.DrawFn, device: int) -> Steps:
    """A device becomes somebody else's, and the server knows it."""
    return ((GiveAway(device, draw(_person)), True), (Look(), True))


@st.composite
def _question_and_answer(draw: st.DrawFn) -> Steps:
    """A device is asked back and answers, with perhaps something in between."""
    line, device = draw(_line), draw(_device)
    shown = draw(st.sampled_from((device, device, None)))

    def say(sentence: int) -> Step:
        return Say(line, sentence, 0, "transcript", shown, "newest", None)

    asked_back, answer = draw(st.sampled_from(_ASKED_BACK)), draw(st.sampled_from(_ANSWERS))
    between = draw(st.lists(_step() | _change(device) | _hand_over(device), max_size=2))
    return ((say(asked_back), True), *sum(between, ()), (say(answer), draw(st.booleans())))


@st.composite
def _change_and_try(draw: st.DrawFn) -> Steps:
    """A device's credential comes to its end, and the device shows it once more."""
    line, device, token = draw(_line), draw(_device), draw(st.sampled_from(("newest", "first")))
    shown = draw(st.none() | st.just(device))
    tried = draw(
        st.sampled_from(
            (
                Authenticate(line, device, token),
                Say(line, draw(_sentence), 0, "transcript", shown, token, None),
            )
        )
    )
    return (*draw(_change(device)), (tried, draw(st.booleans())))


@st.composite
def _all_at_once(draw: st.DrawFn) -> Steps:
    """Several people say the same, and nobody waits for the other."""
    sentence, about = draw(_sentence), draw(_person)
    lines = draw(st.permutations(range(LINES)))
    return tuple((Say(line, sentence, about, "transcript", None, "newest", None), False) for line in lines)


@st.composite
def _move_out(draw: st.DrawFn) -> Steps:
    """Somebody says one more thing and is gone, and perhaps says another."""
    number = draw(st.integers(0, 2))
    said = Say(
        number, draw(_sentence), number, "transcript", draw(st.none() | st.just(number)), "newest", None
    )
    written: Steps = ((Write(), True),) if draw(st.booleans()) else ()
    return ((said, draw(st.booleans())), *written, (RemovePerson(number), draw(st.booleans())), (said, True))


# One step most often.
_SCENES: Final = (
    *(_step(),) * 12,
    *(_change_and_try(), _question_and_answer(), _all_at_once()) * 2,
    _move_out(),
)


@st.composite
def _steps(draw: st.DrawFn, most: int) -> Steps:
    steps: list[tuple[Step, bool]] = []
    # Not a list of any length, for those are short.
    for _ in range(draw(st.integers(1, most))):
        steps.extend(draw(_SCENES[draw(st.integers(0, len(_SCENES) - 1))]))
    return tuple(steps)


def plans(*, most_scenes: int = 16) -> st.SearchStrategy[Plan]:
    """Every plan of at most so many scenes; most of them are one step."""
    return st.builds(
        Plan,
        people=st.integers(2, MOST_PEOPLE),
        known=st.sampled_from(("token", "token", "binding", "token elsewhere", "nobody")),
        fresh=st.booleans(),
        steps=_steps(most_scenes),
    )
