"""The words of a language, as the files in `config/lexicon/` have them, ready to be looked up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final

from config.data_file import read_yaml
from config.errors import DataFileError
from handlers.frames.forms import FORMS, Form, gerund_of
from handlers.frames.hungarian_verbs import asking_forms
from handlers.frames.phrases import GAP, expanded
from handlers.frames.slips import Slips
from handlers.frames.tokens import folded, plain, tokens_of, words_of


class Role(Enum):
    """What a word or phrase does in a sentence."""

    VERB = auto()
    TAIL = auto()
    STATE = auto()
    KIND = auto()
    ATTRIBUTE = auto()
    MORE = auto()
    LESS = auto()
    AMOUNT = auto()
    A_BIT = auto()
    A_LOT = auto()
    UNIT = auto()
    COLOR = auto()
    WHITE = auto()
    MODE = auto()
    ALL = auto()
    BOTH = auto()
    ANY = auto()
    EVERYTHING = auto()
    EXCEPT = auto()
    EXCEPT_BEFORE = auto()
    ONLY = auto()
    AND = auto()
    THEN = auto()
    OR = auto()
    FILLER = auto()
    DETERMINER = auto()
    PREPOSITION = auto()
    TO = auto()
    BY = auto()
    HERE = auto()
    PRONOUN = auto()
    ALSO = auto()
    NEGATION = auto()
    NEVER_MIND = auto()
    REMARK = auto()
    ASK = auto()
    COPULA = auto()
    ADJECTIVE = auto()
    INDIRECT = auto()
    LIST_PHRASE = auto()
    STEP = auto()
    WHOLE = auto()
    VAGUE = auto()
    ENOUGH = auto()
    CORRECTION = auto()
    WHICH = auto()
    OTHERS = auto()
    REPORT = auto()
    OPTION = auto()
    CHOICE_WORD = auto()


# Words that take endings: these senses are found through a word's stem, too.
INFLECTED: Final = frozenset({
    Role.KIND, Role.ATTRIBUTE, Role.AMOUNT, Role.UNIT, Role.COLOR, Role.WHITE, Role.MODE, Role.ALL, Role.BOTH,
    Role.EVERYTHING, Role.HERE, Role.ADJECTIVE, Role.MORE, Role.LESS, Role.STEP,
})  # fmt: skip

# Words as which an unknown one may have been meant.
_CORRECTED: Final = frozenset({Role.VERB, Role.KIND, Role.STATE})

_PLAIN_GROUPS: Final = {
    "except": Role.EXCEPT,
    "except_before": Role.EXCEPT_BEFORE,
    "only": Role.ONLY,
    "and": Role.AND,
    "then": Role.THEN,
    "or": Role.OR,
    "fillers": Role.FILLER,
    "determiners": Role.DETERMINER,
    "prepositions": Role.PREPOSITION,
    "to": Role.TO,
    "by": Role.BY,
    "here": Role.HERE,
    "vague_places": Role.VAGUE,
    "pronouns": Role.PRONOUN,
    "also": Role.ALSO,
    "negations": Role.NEGATION,
    "never_mind": Role.NEVER_MIND,
    "remarks": Role.REMARK,
    "copulas": Role.COPULA,
    "a_bit": Role.A_BIT,
    "a_lot": Role.A_LOT,
    "list_phrases": Role.LIST_PHRASE,
    "enough": Role.ENOUGH,
    "corrections": Role.CORRECTION,
    "which_one": Role.WHICH,
    "others": Role.OTHERS,
    "reports": Role.REPORT,
}
_VALUED_GROUPS: Final = {
    "states": Role.STATE,
    "attributes": Role.ATTRIBUTE,
    "amounts": Role.AMOUNT,
    "units": Role.UNIT,
    "colors": Role.COLOR,
    "whites": Role.WHITE,
    "modes": Role.MODE,
    "questions": Role.ASK,
    "adjectives": Role.ADJECTIVE,
    "steps": Role.STEP,
}
_QUANTIFIERS: Final = {
    "all": Role.ALL,
    "both": Role.BOTH,
    "any": Role.ANY,
    "everything": Role.EVERYTHING,
    "whole": Role.WHOLE,
}
_SHORTEST_HEAD: Final = 2
_REMEDY: Final = "docs/lexicon.md shows every group"
# With its prefix in front, such a form tells what somebody does: `lekapcsolja`; who asks says `kapcsolja le`.
_TOLD: Final = ("ja", "je", "ják", "jék", "juk", "jük", "zza", "ssza")
_KINDS: Final = frozenset({Role.KIND})
_VERBS: Final = frozenset({Role.VERB})
_DETERMINERS: Final = frozenset({Role.DETERMINER})
_UNITS: Final = frozenset({Role.UNIT})
_AS_THEY_ARE: Final = frozenset({Role.VERB, Role.FILLER})
_JOINING: Final = frozenset({Role.DETERMINER, Role.PREPOSITION, Role.TO, Role.BY, Role.AND, Role.PRONOUN})


@dataclass(frozen=True, slots=True)
class Sense:
    """One meaning of a word or phrase: what it does, and which one of those it is."""

    role: Role
    value: Any = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of things, as a noun names it.

    Attributes:
        name: Its key in the lexicon.
        domains: Home Assistant's domains.
        named_domains: Of these, only what bears one of the nouns: a switch that is called "sprinkler".
        classes: Device classes, where the noun means only these.
        words: The nouns.
        loose: The noun means all of its kind, not rather those that have it in their names: "the light" may
            be called "Kitchen spots", "the radio" is what is called a radio.
        loose_at_places: It does so where a place is said: "the lamp in the kitchen".
        only_named: It means only those: who has no radio cannot turn it on.
        alike: Its nouns mean the same; else "the fan" is not what is called an extractor.
        general: Its first noun, which where all are alike means any of them.
    """

    name: str
    domains: frozenset[str]
    named_domains: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    loose: bool = False
    loose_at_places: bool = False
    only_named: bool = False
    alike: bool = False
    general: str = ""


@dataclass(frozen=True, slots=True)
class Indirect:
    """What a phrase asks for without saying it."""

    action: str
    kind: str | None = None
    names: tuple[str, ...] = ()
    attribute: str | None = None
    all: bool = False


@dataclass(frozen=True, slots=True)
class Numbers:
    """How a language says numbers; `compound` where one of several words is written as one: `huszonöt`."""

    units: Mapping[str, int]
    tens: Mapping[str, int]
    hundred: frozenset[str]
    thousand: frozenset[str]
    half: tuple[tuple[str, ...], ...]
    point: frozenset[str]
    within: frozenset[str]
    compound: bool


@dataclass(slots=True)
class _Node:
    below: dict[str, _Node] = field(default_factory=dict)
    senses: tuple[Sense, ...] = ()


class Lexicon:
    """The words of one language.

    Args:
        language: Two letters.
        data: As a file in `config/lexicon/` has it.

    Raises:
        DataFileError: The data is not as it must be; the message names the entry.
    """

    def __init__(self, language: str, data: Mapping[str, Any]) -> None:
        self.language = language
        self.forms_of = FORMS[language]
        self._root = _Node()
        self._plain: dict[str, str] = {}
        self._verb_forms: dict[str, set[str]] = {}
        self._short: set[tuple[str, str]] = set()
        self.vocabulary: set[str] = set()
        self.slips = Slips()
        self.gerunds: set[str] = set()
        self.actions: dict[tuple[str, str | None], tuple[str, ...]] = {}
        self.kinds: dict[str, Kind] = {}
        self.same_places = _synonyms(data.get("same_places") or ())
        self.same_things = _synonyms(data.get("same_things") or ())
        self.helping_verbs = frozenset(str(word) for word in data.get("helping_verbs") or ())
        self.list_words = frozenset(str(word) for word in data.get("list_words") or ())
        self.choice_words = frozenset(str(word) for word in data.get("choice_words") or ())
        self.choices = {
            str(option): tuple(one for phrase in phrases for one in expanded(str(phrase)))
            for option, phrases in (data.get("choices") or {}).items()
        }
        self.numbers = _numbers(data.get("numbers") or {}, compound=language == "hu")
        words = {word: str(value) for word, value in self.numbers.units.items() if value}
        self.counted = words | {digits: word for word, digits in reversed(words.items())}
        self._read_groups(data)
        self.heads = frozenset(
            word for kind in self.kinds.values() for word in kind.words if len(word) > _SHORTEST_HEAD
        )
        self._read_actions(data)
        self._note_words()
        self._tails = frozenset(tail for _, tail in self.actions if tail and " " not in tail)
        self._done_by: dict[str, set[str]] = {}
        for (verb, _), actions in self.actions.items():
            self._done_by.setdefault(verb, set()).update(actions)

    @classmethod
    def load(cls, language: str) -> Lexicon:
        """The lexicon of a language that is spoken here.

        Raises:
            DataFileError: Its file is missing or not as it must be.
        """
        name = f"lexicon/{language}.yaml"
        data = read_yaml(name)
        with mistakes_in(f"config/{name}"):
            return cls(language, data)

    # Looking up.

    def longest(
        self,
        words: Sequence[str],
        forms: Sequence[Sequence[Form]],
        at: int,
        *,
        literally: bool = False,
    ) -> tuple[int, tuple[Sense, ...]]:
        """The longest phrase that begins at a word: how many words it has, and its senses; 0 where none does.

        The last word of a phrase may have an ending, where its sense is one of words that take endings.
        """
        node: _Node | None = self._root
        best = 0
        found: tuple[Sense, ...] = ()
        for length, position in enumerate(range(at, len(words)), start=1):
            if node is None:
                break
            inflected = _inflected(node, forms[position])
            node = node.below.get(words[position])
            said = node.senses if node is not None else ()
            if literally and said:
                said = tuple(sense for sense in said if sense.role is not Role.INDIRECT)
            if any(sense.role in _AS_THEY_ARE for sense in said):
                # A verb as it is said is no form of something else, nor is `aranyom` gold.
                inflected = ()
            if said or inflected:
                best, found = length, (*said, *inflected)
        return best, found

    def knows(self, word: str) -> bool:
        """Whether a word by itself, or the beginning of a phrase, is in the lexicon."""
        return word in self._root.below

    def is_inflected(self, stem: str) -> bool:
        """Whether a word that takes endings is in the lexicon."""
        return self._has(stem, INFLECTED)

    def is_kind(self, stem: str) -> bool:
        """Whether a word is the noun for a kind of things."""
        return self._has(stem, _KINDS)

    def is_list_word(self, word: str) -> bool:
        """Whether a word only says that something is on a list: "the item milk"."""
        return any(form.stem in self.list_words for form in self.forms_of(word))

    def is_determiner(self, word: str) -> bool:
        """Whether a word is an article or the like."""
        return self._has(word, _DETERMINERS)

    def only_joins(self, word: str) -> bool:
        """Whether a word is one that stands between others: "on", "to", `és`."""
        return self._has(word, _JOINING)

    def is_switching(self, word: str) -> bool:
        """Whether a word is "on" or "off": that is done to things, and chosen on none."""
        node = self._root.below.get(word)
        senses = () if node is None else node.senses
        return any(sense.role is Role.STATE and sense.value in {"on", "off"} for sense in senses)

    def is_unit(self, word: str) -> bool:
        """Whether a word, in any of its forms, is a unit."""
        return any(self._has(form.stem, _UNITS) for form in self.forms_of(word))

    def is_verb(self, word: str) -> bool:
        """Whether a word is a verb as it is."""
        return self._has(word, _VERBS)

    def verb_with_tail(self, word: str) -> tuple[str, str] | None:
        """A verb and its particle that were run together: `oltsdle`; None where it is none."""
        for tail in self._tails:
            verb = word.removesuffix(tail)
            if verb == word:
                continue
            node = self._root.below.get(verb)
            senses = () if node is None else node.senses
            if any(one.role is Role.VERB and (one.value, tail) in self.actions for one in senses):
                return verb, tail
        return None

    def may_do(self, verb: str) -> AbstractSet[str]:
        """All the actions of a verb, with whatever particle."""
        return self._done_by.get(verb, frozenset())

    def _has(self, word: str, roles: frozenset[Role]) -> bool:
        node = self._root.below.get(word)
        return node is not None and any(sense.role in roles for sense in node.senses)

    def accented(self, word: str) -> str | None:
        """The word of the lexicon that is this one but for its accents."""
        return self._plain.get(word)

    # Filling.

    def _read_groups(self, data: Mapping[str, Any]) -> None:
        for group, role in _PLAIN_GROUPS.items():
            self._add_all(data.get(group) or (), Sense(role))
        for group, role in _VALUED_GROUPS.items():
            for value, phrases in (data.get(group) or {}).items():
                self._add_all(phrases or (), Sense(role, value))
        for quantifier, phrases in (data.get("quantifiers") or {}).items():
            if quantifier not in _QUANTIFIERS:
                raise DataFileError(f"quantifiers: {quantifier!r} is none of {', '.join(_QUANTIFIERS)}")
            self._add_all(phrases, Sense(_QUANTIFIERS[quantifier]))
        for attribute, both in (data.get("comparatives") or {}).items():
            self._add_all(both.get("more") or (), Sense(Role.MORE, attribute))
            self._add_all(both.get("less") or (), Sense(Role.LESS, attribute))
        for name, kind in (data.get("kinds") or {}).items():
            self._add_kind(name, kind)
        for entry in data.get("indirect") or ():
            self._add_indirect(entry)

    def _read_actions(self, data: Mapping[str, Any]) -> None:
        verbs = data.get("verbs") or {}
        for action, phrases in (data.get("actions") or {}).items():
            for phrase in _list(phrases, f"actions: {action}"):
                for one in expanded(str(phrase)):
                    self._add_action(action, one, verbs)
        for phrase, actions in (data.get("bare") or {}).items():
            for tail in expanded(phrase):
                self._add(tail, Sense(Role.TAIL, tail))
                self.actions["", tail] = tuple(_list(actions, f"bare: {phrase}"))
        self._index_verbs()

    def _note_words(self) -> None:
        """Which words there are at all, and as which of them an unknown one may have been meant."""
        numbers = self.numbers
        self.vocabulary.update(self.list_words)
        self.vocabulary.update(numbers.units, numbers.tens, numbers.hundred, numbers.thousand, numbers.point)
        for word, node in self._root.below.items():
            roles = {sense.role for sense in node.senses}
            if word not in self.gerunds and roles & _CORRECTED and Role.TAIL not in roles:
                self.slips.add(word)

    def _add_all(self, phrases: Iterable[Any], sense: Sense) -> None:
        if isinstance(phrases, str):
            raise DataFileError(f"{phrases!r} should be in a list")
        for phrase in phrases:
            for one in expanded(str(phrase)):
                self._add(one, sense)

    def _add(self, phrase: str, sense: Sense) -> None:
        node = self._root
        text = folded(phrase)
        # One word in most cases: the forms of verbs are thousands.
        for word in (text,) if text.isalpha() else tuple(token.text for token in tokens_of(text)):
            node = node.below.setdefault(word, _Node())
            self.vocabulary.add(word)
            bare = plain(word)
            if bare != word:
                self._plain.setdefault(bare, word)
        if sense not in node.senses:
            node.senses = (*node.senses, sense)

    def _add_kind(self, name: str, data: Mapping[str, Any]) -> None:
        if isinstance(data.get("words"), str):
            raise DataFileError(f"kinds: the words of {name} should be a list")
        words = tuple(str(word) for word in data.get("words") or ())
        self.kinds[name] = Kind(
            name=name,
            domains=frozenset(data.get("domains") or ()),
            named_domains=frozenset(data.get("named_domains") or ()),
            classes=frozenset(data.get("classes") or ()),
            words=frozenset(words),
            loose=data.get("by_name") is None,
            loose_at_places=data.get("by_name") == "unless_placed",
            alike=bool(data.get("alike")),
            only_named=data.get("by_name") == "only",
            general=words[0] if words else "",
        )
        self._add_all(words, Sense(Role.KIND, name))

    def _add_indirect(self, entry: Mapping[str, Any]) -> None:
        if not {"says", "do"} <= entry.keys():
            raise DataFileError(f"indirect: {dict(entry)!r} needs says and do")
        if entry.get("kind") not in {None, *self.kinds}:
            raise DataFileError(f"indirect: {entry['kind']!r} is none of the kinds")
        meaning = Indirect(
            action=str(entry["do"]),
            kind=entry.get("kind"),
            names=tuple(str(name) for name in entry.get("names") or ()),
            attribute=entry.get("attribute"),
            all=bool(entry.get("all")),
        )
        self._add_all(entry["says"], Sense(Role.INDIRECT, meaning))

    def _add_action(self, action: str, phrase: str, verbs: Mapping[str, list[str]]) -> None:
        if self.language == "hu" and " " not in phrase:
            prefix, plus, stem = phrase.rpartition("+")
            forms = set(_list(verbs[stem] or (), f"verbs: {stem}")) if stem in verbs else asking_forms(stem)
            for form in forms:
                self._verb_forms.setdefault(form, set()).add(stem)
            if plus and stem not in verbs:
                # `kapu kinyit`, as one speaks to a machine.
                self._short.add((prefix, stem))
            self._know(stem, prefix if plus else None, action)
            return
        head, gap, tail = (part.strip() for part in phrase.partition(GAP))
        self._add(head, Sense(Role.VERB, head))
        if " " not in head:
            gerund = gerund_of(head)
            self.gerunds.add(gerund)
            self._add(gerund, Sense(Role.VERB, head))
        if gap:
            self._add(tail, Sense(Role.TAIL, tail))
        self._know(head, tail or None, action)

    def _know(self, verb: str, tail: str | None, action: str) -> None:
        known = self.actions.get((verb, tail), ())
        if action not in known:
            self.actions[verb, tail] = (*known, action)
        if tail is not None and self.language == "hu":
            self._add(tail, Sense(Role.TAIL, tail))

    def _index_verbs(self) -> None:
        """Every form of every verb, alone and with each prefix that it is said with."""
        prefixes: dict[str, set[str]] = {}
        for verb, tail in self.actions:
            if tail:
                prefixes.setdefault(verb, set()).add(tail)
        for prefix, stem in sorted(self._short):
            self._add(prefix + stem, Sense(Role.VERB, f"{prefix}+{stem}"))
            self.actions.setdefault((f"{prefix}+{stem}", None), self.actions[stem, prefix])
        for form, stems in self._verb_forms.items():
            for stem in sorted(stems):
                self._add(form, Sense(Role.VERB, stem))
                for prefix in () if form.endswith(_TOLD) else prefixes.get(stem, ()):
                    self._add(prefix + form, Sense(Role.VERB, f"{prefix}+{stem}"))
                    self.actions.setdefault((f"{prefix}+{stem}", None), self.actions[stem, prefix])


def _list(value: Any, entry: str) -> Iterable[Any]:
    """A value that has to be a list: a text would be taken for one of letters."""
    if isinstance(value, str):
        raise DataFileError(f"{entry} should be a list")
    found: Iterable[Any] = value
    return found


@contextmanager
def mistakes_in(file: str) -> Iterator[None]:
    """Have every mistake in the data of a lexicon name the file that it is in.

    Raises:
        DataFileError: There is one.
    """
    try:
        yield
    except DataFileError as error:
        raise DataFileError(f"{file}: {error.message}", remedy=_REMEDY) from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataFileError(
            f"{file} cannot be used: {type(error).__name__} {error}", remedy=_REMEDY
        ) from error


def _inflected(node: _Node, forms: Sequence[Form]) -> tuple[Sense, ...]:
    """The senses of the words below that a word is a form of, where they are of words that take endings."""
    found: tuple[Sense, ...] = ()
    for form in forms[1:]:
        last = node.below.get(form.stem)
        if last is not None and last.senses:
            found = (*found, *(sense for sense in last.senses if sense.role in INFLECTED))
    return found


def _synonyms(groups: Iterable[Iterable[Any]]) -> dict[str, tuple[tuple[str, ...], ...]]:
    """For each name of a group, its words joined by blanks, the words of the others."""
    synonyms: dict[str, tuple[tuple[str, ...], ...]] = {}
    for group in groups:
        split = [words_of(str(one)) for one in group]
        for words in split:
            key = " ".join(words)
            synonyms[key] = (*synonyms.get(key, ()), *(other for other in split if other != words))
    return synonyms


def _numbers(data: Mapping[str, Any], *, compound: bool) -> Numbers:
    return Numbers(
        units={str(word): int(value) for word, value in (data.get("units") or {}).items()},
        tens={str(word): int(value) for word, value in (data.get("tens") or {}).items()},
        hundred=frozenset(data.get("hundred") or ()),
        thousand=frozenset(data.get("thousand") or ()),
        half=tuple(tuple(str(one).split()) for one in data.get("half") or ()),
        point=frozenset(data.get("point") or ()),
        within=frozenset(str(one) for one in data.get("within") or ()),
        compound=compound,
    )
