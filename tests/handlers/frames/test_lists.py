"""Lists: what is put on them, ticked off or taken from them, the one place where words may be unknown."""

from __future__ import annotations

import pytest

from handlers.interpret import parse_home
from handlers.understanding import Intent, Verdict
from tests.handlers.frames.homes import understand

ADD, COMPLETE, REMOVE = "HassListAddItem", "HassListCompleteItem", "HassListRemoveItem"


@pytest.mark.parametrize(
    ("text", "language", "name", "items", "onto"),
    [
        ("add milk to the shopping list", "en", ADD, ["milk"], "todo.shopping"),
        ("put milk on the shopping list", "en", ADD, ["milk"], "todo.shopping"),
        ("add milk and eggs to the shopping list", "en", ADD, ["milk", "eggs"], "todo.shopping"),
        ("add xyzzyx to the shopping list", "en", ADD, ["xyzzyx"], "todo.shopping"),
        ("add Earl Grey to the shopping list", "en", ADD, ["Earl Grey"], "todo.shopping"),
        ("add sweeping to the chores", "en", ADD, ["sweeping"], "todo.chores"),
        ("we need bread", "en", ADD, ["bread"], "todo.shopping"),
        ("remove milk from the shopping list", "en", REMOVE, ["milk"], "todo.shopping"),
        ("check off milk on the shopping list", "en", COMPLETE, ["milk"], "todo.shopping"),
        ("írd fel a tejet a bevásárlólistára", "hu", ADD, ["tej"], "todo.bevasarlas"),
        ("írd fel a tejet és a tojást a bevásárlólistára", "hu", ADD, ["tej", "tojás"], "todo.bevasarlas"),
        ("kell kenyér", "hu", ADD, ["kenyér"], "todo.bevasarlas"),
        ("vedd le a tejet a bevásárlólistáról", "hu", REMOVE, ["tej"], "todo.bevasarlas"),
        ("pipáld ki a tejet a bevásárlólistán", "hu", COMPLETE, ["tej"], "todo.bevasarlas"),
    ],
)
def test_each_item_is_an_intent_for_the_list_that_is_meant(
    text: str, language: str, name: str, items: list[str], onto: str
) -> None:
    understanding = understand(text, language)
    assert understanding.verdict is Verdict.COMMANDS
    assert [intent.name for intent in understanding.intents] == [name] * len(items)
    assert [intent.slots["item"] for intent in understanding.intents] == items
    assert {intent.targets for intent in understanding.intents} == {(onto,)}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("add milk", "en"),
        ("add to the shopping list", "en"),
        ("don't add milk to the shopping list", "en"),
        ("my wife said add milk to the shopping list", "en"),
        ("what is on the shopping list", "en"),
        ("ne írd fel a tejet a bevásárlólistára", "hu"),
        ("írd fel a bevásárlólistára", "hu"),
    ],
)
def test_without_a_list_or_an_item_or_where_it_is_not_wanted_nothing_is_put_on_one(
    text: str, language: str
) -> None:
    assert understand(text, language).verdict is not Verdict.COMMANDS


@pytest.mark.parametrize(
    ("text", "language", "items", "others"),
    [
        ("turn off the kettle and add milk to the shopping list", "en", ["milk"], {"switch.kettle"}),
        ("add milk to the shopping list and turn off the kettle", "en", ["milk"], {"switch.kettle"}),
        ("add milk and eggs to the shopping list, then turn on the kettle", "en", ["milk", "eggs"],
         {"switch.kettle"}),
        ("kapcsold le az olvasólámpát és írd fel a tejet a bevásárlólistára", "hu", ["tej"],
         {"light.olvaso"}),
        ("írd fel a bevásárlólistára a tejet és kapcsold le az olvasólámpát", "hu", ["tej"],
         {"light.olvaso"}),
        ("állítsd ötvenre az olvasólámpát, és írd fel a bevásárlólistára a mosóport", "hu", ["mosópor"],
         {"light.olvaso"}),
        ("add sweep the floor to the chores", "en", ["sweep the floor"], set()),
        ("add turn off the boiler to the chores", "en", ["turn off the boiler"], set()),
        ("we're out of jam and tea, add them to the shopping list", "en", ["jam", "tea"], set()),
    ],
)  # fmt: skip
def test_a_list_takes_what_is_put_on_it_and_leaves_other_commands_alone(
    text: str, language: str, items: list[str], others: set[str]
) -> None:
    intents = understand(text, language).intents
    assert [intent.slots["item"] for intent in intents if intent.name == ADD] == items
    assert {target for intent in intents if intent.name != ADD for target in intent.targets} == others


@pytest.mark.parametrize(
    "text",
    [
        "put bread on the shopping list and sweeping on the chores",
        "put bread on the shopping list and put sweeping on the chores",
        "add bread to the shopping list and sweeping to the chores",
    ],
)
def test_each_thing_goes_onto_the_list_that_is_named_behind_it(text: str) -> None:
    put = {(intent.slots["item"], *intent.targets) for intent in understand(text).intents}
    assert put == {("bread", "todo.shopping"), ("sweeping", "todo.chores")}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("add fish and chips and turn the kettle on", "en"),
        ("kapcsold ki a rádiót, tanulnia kell", "hu"),
        ("we need to talk and turn off the kettle", "en"),
    ],
)
def test_beside_a_command_what_names_no_list_is_put_on_none(text: str, language: str) -> None:
    assert all(intent.name != ADD for intent in understand(text, language).intents)


@pytest.mark.parametrize(
    ("text", "is_listed"),
    [("jam too", True), ("also jam", True), ("jam", False), ("and turn on the kettle", False)],
)
def test_another_thing_goes_onto_the_list_that_was_spoken_of(text: str, *, is_listed: bool) -> None:
    added = Intent(ADD, {"item": "milk", "name": "Shopping list"}, ("todo.shopping",))
    understanding = understand(text, after=[added])
    listed = [intent.slots.get("item") for intent in understanding.intents if intent.name == ADD]
    assert listed == (["jam"] if is_listed else [])


@pytest.mark.parametrize(
    ("lists", "onto"),
    [
        ([], None),
        ([{"id": "todo.one", "name": "Chores"}], "todo.one"),
        ([{"id": "todo.one", "name": "Chores"}, {"id": "todo.two", "name": "Groceries"}], "todo.two"),
        ([{"id": "todo.one", "name": "Chores"}, {"id": "todo.two", "name": "Errands"}], None),
        ([{"id": "todo.one", "name": "Groceries", "exposed": False}], None),
    ],
    ids=["none", "the only one", "the one for shopping", "none for shopping", "not exposed"],
)
def test_what_is_needed_goes_onto_the_list_for_shopping_or_the_only_one(
    lists: list[dict[str, str]], onto: str | None
) -> None:
    understanding = understand("we need bread", picture=parse_home({"entities": lists}))
    assert [intent.targets for intent in understanding.intents] == ([(onto,)] if onto else [])


APPLIANCES = parse_home({
    "areas": [{"id": "kitchen", "name": "Kitchen"}],
    "entities": [
        {"id": "switch.dishwasher", "name": "Dishwasher", "area": "kitchen"},
        {"id": "switch.mosogep", "name": "Mosógép", "area": "kitchen"},
        {"id": "light.kitchen", "name": "Kitchen light", "area": "kitchen"},
        {"id": "todo.shopping", "name": "Shopping list", "aliases": ["Bevásárlólista"]},
    ],
})  # fmt: skip


@pytest.mark.parametrize(
    ("text", "language", "items"),
    [
        ("add dish washer tablets to the shopping list", "en", ["dish washer tablets"]),
        ("put dish washer salt and milk on the shopping list", "en", ["dish washer salt", "milk"]),
        ("add kitchenlight bulbs and milk to the shopping list", "en", ["kitchenlight bulbs", "milk"]),
        ("add kitchen roll and kitchenlight bulbs to the shopping list", "en",
         ["kitchen roll", "kitchenlight bulbs"]),
        ("írd fel a mosó gép tisztító port a bevásárlólistára", "hu", ["mosó gép tisztító por"]),
        ("add Weißbier and Süßstoff to the shopping list", "en", ["Weißbier", "Süßstoff"]),
    ],
    ids=["joined", "joined, and another", "split, and another", "split at the end", "joined, in Hungarian",
         "longer without case"],
)  # fmt: skip
def test_a_thing_is_written_down_as_it_was_said_whatever_its_words_were_read_as(
    text: str, language: str, items: list[str]
) -> None:
    intents = understand(text, language, picture=APPLIANCES).intents
    assert [str(intent.slots["item"]).casefold() for intent in intents] == [one.casefold() for one in items]
