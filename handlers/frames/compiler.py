"""From a sentence that was taken apart to intents with their entities, or to a question back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from handlers.choices import CHOOSING
from handlers.frames.actions import (
    ACTION_OF_STATE,
    CLOSED,
    OPENED,
    SWITCHED,
    Draft,
    PerEntity,
    draft_for,
    implied_domains,
    is_nothing_to_do,
)
from handlers.frames.asking import asked_again, asked_for, plain_state
from handlers.frames.choice import Choice, Chosen
from handlers.frames.clause import Clause, Mention, Sentence
from handlers.frames.demands import (
    demand_no_exception,
    demand_no_report,
    demand_nothing_left,
    is_about_something,
    is_had_enough_of,
    is_told,
    only_writes,
    tells_how,
)
from handlers.frames.home_index import HomeIndex, any_of
from handlers.frames.lexicon import Indirect, Lexicon, Role
from handlers.frames.lists import ClauseGroup, grouped, list_intents
from handlers.frames.mentions import kinds_of, meant_by
from handlers.frames.pass_on import PassOnError
from handlers.frames.surroundings import Surroundings
from handlers.frames.tokens import Token
from handlers.intents import NEVERMIND
from handlers.understanding import (
    Intent,
    OpenQuestion,
    PastTurn,
    SlotValue,
    StageReport,
    Understanding,
    Utterance,
    Verdict,
)
from provisioning.home.registry import Entity, HomePicture

# States that may be wanted of what was spoken of before: "and off".
_PLAIN_STATES: Final = frozenset({"on", "off", "open", "closed", "locked", "unlocked", "up", "down"})
# What is done by nothing but its name.
_NAMED_ALONE: Final = ("scene", "script", "button", "input_button")
# By these one goes on to the next; whatever else is done to it is not known here.
_STEPPING: Final = frozenset({"next", "previous", "play", "set", "turn_on", "fel", "start", "activate"})
_OPTION_CHOSEN: Final = frozenset(one.intent for one in CHOOSING.values())
# To open is one thing to people, whatever Home Assistant does for it.
_WHATEVER_IT_IS: Final = {"HassOpen": OPENED, "HassClose": CLOSED}
_SWITCHING: Final = frozenset({"HassTurnOn", "HassTurnOff", "HassToggle"})
_REPEATABLE: Final = frozenset({
    "HassTurnOn", "HassTurnOff", "HassToggle", "HassLightSet", "HassSetPosition", "HassSetVolume",
    "HassClimateSetTemperature", "HassFanSetSpeed", "HassHumidifierSetpoint",
})  # fmt: skip


class Compiler:
    """Compiles the sentences said in one home.

    Args:
        index: The words of the home.
        lexicon: Those of the language.
        picture: The home, for states.
        utterance: Who said what where, and what was said before.
        tokens: Of the sentence, as they were said.
    """

    def __init__(
        self,
        index: HomeIndex,
        lexicon: Lexicon,
        picture: HomePicture,
        utterance: Utterance,
        tokens: Sequence[Token],
    ) -> None:
        self._index = index
        self._lexicon = lexicon
        self._utterance = utterance
        self._tokens = tokens
        self._around = Surroundings(index, lexicon, picture, utterance)
        self._choice = Choice(self._around)

    def understand(self, sentence: Sentence) -> Understanding:
        """What a sentence means.

        Raises:
            PassOnError: It is not understood here.
        """
        if sentence.never_mind:
            return self._understood(Verdict.COMMANDS, [Intent(NEVERMIND)])
        if sentence.not_for_me is not None:
            report = StageReport("frames", Verdict.NOT_FOR_ME, 0.0, sentence.not_for_me)
            return Understanding(Verdict.NOT_FOR_ME, cacheable=True, stages=(report,))
        if not sentence.clauses:
            raise PassOnError("says nothing")
        groups = grouped(sentence.clauses, self._index, self._lexicon)
        if len(groups) > 1 and any(group.is_list for group in groups):
            return self._with_lists(groups, sentence)
        listed = (
            None
            if sentence.is_question
            else list_intents(
                sentence.clauses,
                self._tokens,
                self._index,
                self._lexicon,
                self._utterance,
                goes_on=sentence.begins_with_and,
            )
        )
        if listed is not None:
            return self._understood(Verdict.COMMANDS, listed)
        demand_nothing_left(sentence)
        if sentence.is_question:
            return self._question(sentence)
        return self._question_again(sentence) or self._measured_alone(sentence) or self._commands(sentence)

    def _with_lists(self, groups: Sequence[ClauseGroup], sentence: Sentence) -> Understanding:
        """Several commands, of which some put things on lists."""
        intents: list[Intent] = []
        for group in groups:
            if group.is_list:
                listed = list_intents(
                    group.clauses, self._tokens, self._index, self._lexicon, self._utterance
                )
                if listed is None:
                    raise PassOnError("one of several commands is about a list that is not known")
                intents += listed
            else:
                part = replace(sentence, clauses=group.clauses)
                demand_nothing_left(part)
                found = self._commands(part)
                if found.verdict is not Verdict.COMMANDS:
                    raise PassOnError("one of several commands is ambiguous")
                intents += found.intents
        return self._understood(Verdict.COMMANDS, _merged(intents))

    def _commands(self, sentence: Sentence) -> Understanding:
        intents: list[Intent] = []
        left_out = False
        for clause in sentence.clauses:
            self._around.named_before = {target for intent in intents for target in intent.targets}
            if clause.is_pronoun and not clause.mentions and left_out:
                raise PassOnError("what was left out, or the others")
            left_out = bool(clause.exceptions)
            found = self._command(clause, sentence)
            if isinstance(found, OpenQuestion):
                if len(sentence.clauses) > 1:
                    raise PassOnError("one of several commands is ambiguous")
                return Understanding(Verdict.ASK, (found.intent,), question=found)
            intents += found
        return self._understood(Verdict.COMMANDS, _merged(intents))

    def _understood(self, verdict: Verdict, intents: Sequence[Intent]) -> Understanding:
        return Understanding(verdict, tuple(intents), cacheable=self._around.is_cacheable)

    def _question(self, sentence: Sentence) -> Understanding:
        if len(sentence.clauses) != 1:
            raise PassOnError("several questions at once")
        intent = asked_for(sentence.clauses[0], self._index, self._lexicon, self._utterance)
        if intent is None:
            raise PassOnError("no question that is known")
        return self._understood(Verdict.QUESTION, [intent])

    def _question_again(self, sentence: Sentence) -> Understanding | None:
        """What was asked last, asked of something else: "and in the bedroom?"; None where nothing was."""
        clause, last = sentence.clauses[0], self._around.last_turn()
        if last is None or len(last.intents) != 1 or len(sentence.clauses) != 1:
            return None
        says_only_what = len(clause.mentions) == 1 and not (clause.has_action or clause.has_amount)
        if not says_only_what or not (clause.is_also or sentence.begins_with_and):
            return None
        intent = asked_again(last.intents[0], clause.mentions[0], self._index, self._lexicon, self._utterance)
        if intent is None:
            return None
        self._around.is_cacheable = False
        return self._understood(Verdict.QUESTION, [intent])

    def _measured_alone(self, sentence: Sentence) -> Understanding | None:
        """The question how something is of which only the name was said: "freezer temperature"."""
        clause = sentence.clauses[0]
        if len(sentence.clauses) != 1 or len(clause.mentions) != 1:
            return None
        if clause.has_action or clause.has_amount or clause.is_also or sentence.begins_with_and:
            return None
        sensors = self._index.domains.get("sensor", 0)
        measured = meant_by(clause.mentions[0], sensors, self._index, self._lexicon)
        if not measured.exactly or measured.mask.bit_count() != 1:
            return None
        return self._understood(Verdict.QUESTION, [plain_state(self._index.members(measured.mask)[0], "one")])

    def _command(self, clause: Clause, sentence: Sentence) -> list[Intent] | OpenQuestion:
        actions = self._actions(clause)
        if clause.says_how and not clause.verbs and tells_how(clause):
            raise PassOnError("tells how something is")
        if clause.options and not clause.verbs and is_told(clause, self._lexicon):
            raise PassOnError("tells what is chosen, and does not ask for it")
        if clause.indirect is not None:
            self._demand_wish(clause, sentence)
        if clause.options:
            # What can be chosen is in the states, and not in the registry that the cache is kept by.
            self._around.is_cacheable = False
        if not actions and not (clause.changes or clause.says_how):
            return self._without_action(clause, sentence)
        if not actions:
            actions = ("set",)
        if clause.indirect is not None:
            return self._indirect(clause, clause.indirect, actions)
        if not clause.mentions:
            return self._without_thing(clause, actions)
        return self._on_mentions(clause, actions)

    def _demand_wish(self, clause: Clause, sentence: Sentence) -> None:
        """See that a phrase that asks for something without saying it is not said of something else."""
        if clause.is_enough or any(piece.sense(Role.REPORT) for piece in clause.texts):
            raise PassOnError("tells how it is")
        goes_on = clause.is_also or sentence.begins_with_and
        if goes_on and self._around.last_turn() is not None and any(piece.words for piece in clause.texts):
            # "The lights, too": what was done before, and not what "lights" alone asks for.
            raise PassOnError("asks for the same again")
        if any(value.unit is None and value.number is not None for value in clause.values):
            raise PassOnError("a number of nobody knows what")

    def _actions(self, clause: Clause) -> tuple[str, ...]:
        """What is to be done: by the verb and its particle, else by the state that is wanted."""
        if clause.indirect is not None:
            return (clause.indirect.action,)
        if clause.steps:
            others = set(self._by_verb(clause)) - _STEPPING
            if clause.changes or (others and not set(self._by_verb(clause)) & _STEPPING):
                raise PassOnError("something else is to be done to the next one")
            return (clause.steps[0],)
        found = self._by_verb(clause)
        if not found and any(only_writes(self._lexicon.may_do(verb)) for verb in clause.verbs):
            raise PassOnError("something is written down")
        wanted = tuple(ACTION_OF_STATE[state] for state in clause.states if state in ACTION_OF_STATE)
        if len(wanted) != len(clause.states):
            raise PassOnError(f"no state to be brought about: {', '.join(clause.states)}")
        if wanted and not found:
            demand_no_report(clause)
            return wanted
        if wanted and "set" in found:
            return wanted
        if wanted and not set(found) & set(wanted):
            raise PassOnError("two actions at once")
        return tuple(action for action in found if action in wanted) if wanted else found

    def _by_verb(self, clause: Clause) -> tuple[str, ...]:
        """What the verbs do with their particles, or the particles without a verb."""
        known = self._lexicon.actions
        if not clause.verbs:
            return tuple(action for tail in clause.tails for action in known.get(("", tail), ()))
        found = tuple(action for tail in clause.tails if " " in tail for action in known.get(("", tail), ()))
        if found:
            return found
        for verb in clause.verbs:
            tail = next((tail for tail in (*clause.tails, None) if (verb, tail) in known), None)
            found = (*found, *known.get((verb, tail), ()))
        return found

    def _on_mentions(self, clause: Clause, actions: tuple[str, ...]) -> list[Intent] | OpenQuestion:
        drafts = self._drafts(clause, actions)
        if not drafts:
            raise PassOnError(f"nothing that can be done: {', '.join(actions)}")
        excluded = self._excluded(clause, self._choice.allowed(drafts))
        chosen: list[Chosen] = []
        for mention in self._shared(clause.mentions):
            one = self._choice.choose(mention, clause, actions, drafts, excluded)
            if one.is_open:
                if len(clause.mentions) > 1:
                    raise PassOnError("one of several things is ambiguous")
                return self._ask(one, drafts)
            chosen.append(one)
        return [intent for one in chosen for intent in self._intents(one, drafts)]

    def _drafts(self, clause: Clause, actions: tuple[str, ...]) -> dict[str, Draft]:
        """For every domain of the home what would be done on it."""
        found: dict[str, Draft] = {}
        if is_nothing_to_do(actions, clause):
            return found
        for domain in self._index.domains:
            draft = draft_for(actions, domain, clause)
            if draft is not None:
                found[domain] = draft
        return found

    def _shared(self, mentions: Sequence[Mention]) -> list[Mention]:
        """The mentions, those without a noun with that of the others: "the worktop and hall lights"."""
        nouns = [
            piece
            for mention in mentions
            for piece in mention.pieces
            if any(word.kinds for word in piece.words) and not piece.entities
        ]
        if len(mentions) < 2 or not nouns:
            return list(mentions)
        return [
            mention
            if mention.kinds or any(piece.entities for piece in mention.pieces)
            else Mention((*mention.pieces, nouns[0]), mention.soft, mention.placed)
            for mention in mentions
        ]

    def _excluded(self, clause: Clause, allowed: int) -> int:
        """What is left out: of what something can be done to, if anything there is called so."""
        mask = 0
        if clause.is_others and not clause.exceptions:
            mask = self._around.spoken_of(self._index.everything)
            if not mask:
                raise PassOnError("the others than what")
            self._around.is_cacheable = False
        for mention in clause.exceptions:
            meant = meant_by(mention, allowed, self._index, self._lexicon)
            if not meant.mask:
                meant = meant_by(mention, self._index.everything, self._index, self._lexicon)
            if not meant.mask:
                raise PassOnError("what is to be left out is not known")
            mask |= meant.mask
        return mask

    def _without_action(self, clause: Clause, sentence: Sentence) -> list[Intent] | OpenQuestion:
        """A name alone: what was done last is done to it, too, or it is a scene."""
        demand_no_exception(clause)
        if not clause.mentions:
            raise PassOnError("says nothing that could be done")
        last = self._around.last_turn()
        if (clause.is_also or sentence.begins_with_and) and last is not None:
            self._around.is_cacheable = False
            return self._same_again(clause, last)
        if clause.has_copula:
            raise PassOnError("says what something is")
        if clause.is_enough and is_had_enough_of(clause):
            return self._on_mentions(clause, ("turn_off", "stop"))
        if len(clause.mentions) != 1:
            raise PassOnError("names alone")
        scenes = self._around.of_domains(_NAMED_ALONE)
        meant = meant_by(clause.mentions[0], scenes, self._index, self._lexicon)
        if meant.exactly and meant.mask.bit_count() == 1:
            return self._intents(Chosen(meant.mask, meant=meant), self._drafts(clause, ("activate",)))
        raise PassOnError("a name alone asks for nothing")

    def _same_again(self, clause: Clause, last: PastTurn) -> list[Intent] | OpenQuestion:
        drafts: dict[str, Draft] = {}
        for intent in last.intents:
            if intent.name in _REPEATABLE:
                slots = {key: value for key, value in intent.slots.items() if key not in _WHERE}
                for target in intent.targets or last.targets:
                    drafts.setdefault(target.partition(".")[0], (intent.name, slots))
        if not drafts:
            raise PassOnError("nothing was done that could be done again")
        drafts = {domain: draft for domain, draft in drafts.items() if domain in self._index.domains}
        intents: list[Intent] = []
        for mention in clause.mentions:
            try:
                chosen, used = self._choice.choose(mention, clause, (), drafts, 0), drafts
            except PassOnError:
                used = self._switched_alike(drafts)
                chosen = self._choice.choose(mention, clause, (), used, 0)
                if not (chosen.meant.by_name or chosen.meant.exactly or chosen.meant.kinds):
                    raise
            if chosen.is_open:
                return self._ask(chosen, used)
            intents += self._intents(chosen, used)
        return intents

    def _switched_alike(self, drafts: Mapping[str, Draft]) -> dict[str, Draft]:
        """What was switched on, done to whatever is switched: "the heater as well"."""
        names = {name for name, slots in drafts.values() if not slots}
        if not drafts.keys() <= SWITCHED or len(names) != 1 or not names <= _SWITCHING:
            raise PassOnError("nothing was done that could be done to this")
        return {domain: (next(iter(names)), {}) for domain in SWITCHED if domain in self._index.domains}

    def _without_thing(self, clause: Clause, actions: tuple[str, ...]) -> list[Intent] | OpenQuestion:
        drafts = self._drafts(clause, actions)
        if not drafts:
            raise PassOnError(f"nothing that can be done: {', '.join(actions)}")
        if clause.vague_place is not None:
            raise PassOnError(f"no such place: {clause.vague_place}")
        allowed = self._choice.allowed(drafts)
        if Role.EVERYTHING in clause.quantifiers:
            return self._everything(clause, actions, drafts, allowed)
        demand_no_exception(clause)
        if clause.is_others:
            raise PassOnError("the others of what")
        if not clause.verbs and set(clause.states) - _PLAIN_STATES:
            raise PassOnError("a state of nothing")
        implied = implied_domains(actions, clause)
        if not clause.is_here:
            first = implied_domains(actions[:1], clause)
            spoken_of = self._around.spoken_of(self._around.of_domains(first) & allowed if first else allowed)
            if spoken_of:
                self._around.is_cacheable = False
                return self._intents(Chosen(spoken_of), drafts)
            self._demand_free(clause)
        of_implied = self._around.of_domains(implied) & allowed
        mask = of_implied if implied else self._unsaid(clause, actions, allowed)
        return self._implied(mask, actions, drafts)

    def _demand_free(self, clause: Clause) -> None:
        """See that a pronoun does not stand for something to which this cannot be done.

        "Turn on the kettle and dim it" dims nothing else.
        """
        turns = self._utterance.session.turns
        spoken = bool(self._around.named_before) or bool(turns and is_about_something(turns[-1]))
        drops = self._lexicon.language == "hu" and bool(self._around.named_before) and bool(clause.verbs)
        if (clause.is_pronoun and spoken) or (drops and not clause.attributes):
            raise PassOnError("cannot be done to what was spoken of")

    def _unsaid(self, clause: Clause, actions: tuple[str, ...], allowed: int) -> int:
        """What is meant where neither what is to be done nor what was spoken of tells."""
        if clause.options:
            # "Switch to HDMI 2": whatever has that option.
            if not clause.verbs:
                raise PassOnError("an option of nothing")
            return allowed
        if clause.is_pronoun or clause.changes or set(actions) & {"increase", "decrease"}:
            here = allowed & self._around.here() if actions == ("set",) else 0
            degrees = self._choice.for_number(here, clause)
            return degrees or self._around.by_state(allowed)
        if not clause.is_here:
            raise PassOnError("does not say what")
        return self._choice.loosely(allowed & self._around.here(), actions, clause)

    def _everything(
        self, clause: Clause, actions: tuple[str, ...], drafts: Mapping[str, Draft], allowed: int
    ) -> list[Intent]:
        if clause.says_how or clause.changes:
            raise PassOnError("everything to so much")
        mask = self._choice.loosely(allowed, actions, clause) & ~self._excluded(clause, allowed)
        if clause.is_here:
            mask &= self._around.here()
        if not mask or not set(actions) & {"turn_off", "le"}:
            raise PassOnError("everything, but not to be turned off")
        return self._intents(Chosen(mask), drafts)

    def _implied(
        self, mask: int, actions: tuple[str, ...], drafts: Mapping[str, Draft]
    ) -> list[Intent] | OpenQuestion:
        """The one thing of its kind that can be meant: here, playing, or the only one."""
        local = mask & self._around.here()
        if self._utterance.area_id is not None and not local:
            raise PassOnError("there is no such thing here")
        candidates = local or mask
        if "media_player" in drafts:
            candidates = self._around.playing(candidates, actions)
        if not candidates:
            raise PassOnError("there is no such thing")
        if candidates.bit_count() > 1 and not (local and set(self._domains_of(candidates)) == {"light"}):
            return self._ask(Chosen(candidates, is_open=True), drafts)
        return self._intents(Chosen(candidates), drafts)

    def _domains_of(self, mask: int) -> list[str]:
        return [entity.domain for entity in self._index.members(mask)]

    def _indirect(
        self, clause: Clause, meaning: Indirect, actions: tuple[str, ...]
    ) -> list[Intent] | OpenQuestion:
        """A phrase that says neither what is to be done nor to what."""
        if clause.vague_place is not None and not clause.mentions:
            raise PassOnError(f"no such place: {clause.vague_place}")
        drafts = self._drafts(clause, actions)
        mask = self._choice.allowed(drafts)
        if meaning.names:
            demand_no_exception(clause)
            if meaning.kind == "scene":
                mask &= self._around.of_domains(("scene", "script"))
            mask &= any_of(self._index.named, meaning.names)
            if mask.bit_count() != 1:
                raise PassOnError("there is no such thing, or more than one")
            return self._intents(Chosen(mask), drafts)
        return self._indirect_kind(clause, meaning, actions, mask, drafts)

    def _indirect_kind(
        self,
        clause: Clause,
        meaning: Indirect,
        actions: tuple[str, ...],
        mask: int,
        drafts: Mapping[str, Draft],
    ) -> list[Intent] | OpenQuestion:
        """What a phrase asks for of a kind of things: where it says, here, or of the only one."""
        kind = self._lexicon.kinds[meaning.kind or ""]
        certain, perhaps = self._index.of_kind(kind)
        mask &= certain or perhaps
        mask &= ~self._excluded(clause, mask)
        for mention in clause.mentions:
            mask &= meant_by(mention, mask, self._index, self._lexicon).mask
        if meaning.all:
            return self._intents(Chosen(mask), drafts)
        if clause.mentions and mask:
            return self._intents(Chosen(mask), drafts)
        local = mask & self._around.here()
        if local and ("light" in kind.domains or "cover" in kind.domains):
            return self._intents(Chosen(local), drafts)
        return self._implied(mask, actions, drafts)

    def _intents(self, chosen: Chosen, drafts: Mapping[str, Draft]) -> list[Intent]:
        """One intent for all entities to which the same is done."""
        if not chosen.mask:
            raise PassOnError("nothing left")
        alike: dict[str, tuple[Draft, list[Entity]]] = {}
        for entity in self._index.members(chosen.mask):
            if entity.domain not in drafts:
                raise PassOnError("cannot be done to all that was named")
            draft = _for_entity(drafts[entity.domain], entity)
            alike.setdefault(repr(draft), (draft, []))[1].append(entity)
        return [
            Intent(name, {**self._where(chosen, entities), **slots}, tuple(entity.id for entity in entities))
            for (name, slots), entities in alike.values()
        ]

    def _where(self, chosen: Chosen, entities: Sequence[Entity]) -> dict[str, SlotValue]:
        """What was meant, in the words of the home."""
        if chosen.meant.by_name and len(entities) == 1:
            return {"name": entities[0].name}
        slots = chosen.meant.where
        if chosen.meant.kinds:
            slots |= kinds_of(entities, classed=frozenset({"cover"}))
        elif not slots and len(entities) == 1:
            slots["name"] = entities[0].name
        return slots

    def _ask(self, chosen: Chosen, drafts: Mapping[str, Draft]) -> OpenQuestion:
        members = self._index.members(chosen.mask)
        name, slots = self._one_draft(members, drafts)
        return OpenQuestion(Intent(name, slots), tuple(entity.id for entity in members), self._utterance.now)

    def _one_draft(self, members: Sequence[Entity], drafts: Mapping[str, Draft]) -> Draft:
        """What is done to whichever of them is chosen."""
        asked = {entity.domain: _for_entity(drafts[entity.domain], entity) for entity in members}
        names = {name for name, _ in asked.values()}
        if len(names) == 1:
            one = next(iter(asked.values()))
            if any(_for_entity(drafts[entity.domain], entity) != one for entity in members):
                raise PassOnError("ambiguous in what is to be chosen")
            return one
        for name, by_domain in _WHATEVER_IT_IS.items():
            if all(by_domain.get(domain) == draft[0] for domain, draft in asked.items()):
                return name, {}
        if names <= _OPTION_CHOSEN:
            options = {str(value).casefold() for _, slots in asked.values() for value in slots.values()}
            if len(options) == 1:
                return "HassChoose", {"option": options.pop()}
        raise PassOnError("ambiguous in what is to be done")


def _for_entity(draft: Draft, entity: Entity) -> Draft:
    """A draft with the values that its slots have for this entity."""
    name, slots = draft
    return name, {
        slot: value.of[entity.id] if isinstance(value, PerEntity) else value for slot, value in slots.items()
    }


_WHERE: Final = frozenset({"name", "area", "floor", "domain", "device_class"})


def _merged(intents: Sequence[Intent]) -> list[Intent]:
    """Without those that do the same to the same."""
    seen: dict[Any, Intent] = {}
    for intent in intents:
        seen.setdefault((intent.name, intent.targets, tuple(sorted(map(str, intent.slots.items())))), intent)
    return list(seen.values())
