"""What a model is asked, in the order that lets its server keep most of it: what changes least comes first.

Instructions with examples (`config/prompts/`, the same bytes for every user and turn), then the home (the
same until the home changes), then what was said before, where it was said, and the sentence. Neither a clock
nor a state of anything stands before the sentence's own part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from config.data_file import read_text
from handlers.choices import options_of
from handlers.llm.actions import action_of
from handlers.llm.home_text import HomeText, things
from handlers.llm.quoting import quoted
from handlers.sentence import MAX_SENTENCE_LENGTH
from handlers.understanding import Intent, PastTurn, Utterance
from provisioning.home.registry import Entity, HomePicture

TURNS_TOLD: Final = 4
"""Earlier turns of the session that are told at most."""

LONGEST_TURN: Final = 90
"""Characters of each of what was said and what was answered."""

_SHARE_OF_TURNS: Final = 16
"""What was said before takes no more than this part of what stays, so that a server need read little."""

_LONGEST_OPTIONS: Final = 240


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is asked.

    Attributes:
        system: Instructions and home: the part that stays.
        user: The part of this sentence.
        instructions: How many characters of `system` are the same for everybody.
    """

    system: str
    user: str
    instructions: int

    @property
    def messages(self) -> tuple[dict[str, str], ...]:
        """As Ollama takes them."""
        return (
            {"role": "system", "content": self.system},
            {"role": "user", "content": self.user},
        )

    @property
    def characters(self) -> int:
        """How long it is."""
        return len(self.system) + len(self.user)


@cache
def instructions(language: str) -> str:
    """The instructions in `config/prompts/`.

    Raises:
        DataFileError: There is no such file.
    """
    return read_text(f"prompts/{language}.md").strip()


def opening(language: str, home: HomeText | None = None) -> str:
    """What a prompt begins with: the instructions, then the home if there is one."""
    said = instructions(language)
    return said if home is None else f"{said}\n\n{home.text}"


def prompt_of(
    utterance: Utterance, candidates: Sequence[Entity], picture: HomePicture, home: HomeText
) -> Prompt:
    """The prompt for a sentence.

    Args:
        utterance: What was said, where, and after what.
        candidates: The things that it may be about; told here where the home is too large to be told whole.
        picture: The home now, for what can be chosen on candidates.
        home: Its text.
    """
    system = opening(utterance.language, home)
    lines = [*_earlier(utterance, len(system) // _SHARE_OF_TURNS)]
    if not home.is_whole:
        lines.append(f"Things:\n{things(candidates, picture.registry)}")
    if options := _options(candidates, picture):
        lines.append(f"Options: {options}")
    area = picture.registry.areas.get(utterance.area_id or "")
    if area is not None:
        lines.append(f"Room: {quoted(area.name)}")
    lines.append(f"Said: {quoted(utterance.text, MAX_SENTENCE_LENGTH)}")
    return Prompt(system, "\n".join(lines), len(instructions(utterance.language)))


def _earlier(utterance: Utterance, most: int) -> Iterator[str]:
    """The last turns, oldest first, as many as there is room for."""
    told: list[str] = []
    room = most
    for turn in reversed(utterance.session.turns[-TURNS_TOLD:]):
        line = _turn(turn)
        room -= len(line) + 1
        if room < 0:
            break
        told.append(line)
    if told:
        yield "Before:"
        yield from reversed(told)


def _turn(turn: PastTurn) -> str:
    done = [one for intent in turn.intents for one in _deeds(intent, turn)]
    answer = "; ".join(dict.fromkeys(done)) or quoted(turn.speech, LONGEST_TURN)
    return f"{quoted(turn.text, LONGEST_TURN)}: {answer[: 2 * LONGEST_TURN]}"


def _deeds(intent: Intent, turn: PastTurn) -> Iterator[str]:
    targets = intent.targets or turn.targets
    for target in targets[:TURNS_TOLD]:
        action = action_of(intent, target.partition(".")[0])
        if action is not None:
            yield f"{action} {target}"


def _options(candidates: Sequence[Entity], picture: HomePicture) -> str:
    """What can be chosen on the likeliest things, as far as there is room."""
    told = ""
    for entity in candidates:
        options = options_of(entity, picture.state_of(entity.id))
        if not options or entity.domain == "alarm_control_panel":
            continue
        line = f"{entity.id}: {', '.join(map(quoted, options))}"
        if len(told) + len(line) > _LONGEST_OPTIONS:
            break
        told = f"{told}; {line}" if told else line
    return told
