"""Two small sets of sentences, one of each format, and a model that is right about the one that needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

HOME = """
areas: [{id: study, name: Study}, {id: hall, name: Hall}]
entities:
  - {id: light.study, name: Reading lamp, area: study, state: "off"}
  - {id: light.hall, name: Hall lamp, area: hall, state: "off"}
  - {id: cover.study, name: Blind, area: study, state: open, attributes: {current_position: 100}}
"""
TESTS = """
- sentences: [turn on the reading lamp, switch the reading lamp on]
  changes: {light.study: {state: "on"}}
- sentences: [dim the reading lamp to half]
  setup: {light.study: {state: "on", attributes: {brightness: 255}}}
  changes: {light.study: {attributes: {brightness_pct: 50}}}
- sentences: [and off again]
  context: [turn on the hall lamp]
  changes: {light.hall: {state: "off"}}
- sentences: [is the blind open?]
  outcome: answer
  says: "yes"
- sentences: [the sun glares on my screen in here]
  area: study
  changes: {cover.study: {state: closed, attributes: {current_position: 0}}}
- sentences: [what a lovely evening this is]
  outcome: none
"""
FIXTURES = """
language: hu
floors: [{id: ground, name: földszint}]
areas: [{id: kitchen, name: konyha, floor: ground}]
entities:
  - {id: light.kitchen, name: "[konyhai] lámpa", area: kitchen, state: "off"}
  - {id: binary_sensor.door, name: ajtó, state: {in: csukva, out: "off"}, attributes: {device_class: door}}
  - {id: binary_sensor.door, name: másik ajtó, state: {in: nyitva, out: "on"}}
"""
LIGHTS = """
language: hu
tests:
  - sentences: [kapcsold fel a konyhai lámpát, konyhai lámpa be]
    intent: {name: HassTurnOn, slots: {name: konyhai lámpa}}
  - sentences: [kapcsold fel a lámpát]
    intent: {name: HassTurnOn, slots: {area: konyha, domain: light}, context: {area: konyha}}
"""
EFFECTS_SENTENCES = 7
INTENTS_SENTENCES = 3
SENTENCES = EFFECTS_SENTENCES + INTENTS_SENTENCES

GLARE = "the sun glares on my screen in here"
EVENING = "what a lovely evening this is"


def write_effects(folder: Path, *, home: str = HOME, tests: str = TESTS) -> Path:
    """Write a set whose sentences are judged by what changes."""
    folder.mkdir(parents=True)
    (folder / "home.yaml").write_text(home, encoding="utf-8")
    (folder / "tests.yaml").write_text(tests, encoding="utf-8")
    return folder


def write_intents(folder: Path, *, fixtures: str = FIXTURES, tests: str = LIGHTS) -> Path:
    """Write a set whose sentences are judged by what they mean."""
    folder.mkdir(parents=True)
    (folder / "_fixtures.yaml").write_text(fixtures, encoding="utf-8")
    (folder / "light_HassTurnOn.yaml").write_text(tests, encoding="utf-8")
    return folder


def write_both(folder: Path) -> Path:
    """Write both sets below a folder."""
    write_effects(folder / "flats" / "en-flat")
    write_intents(folder / "own" / "hu")
    return folder


def right_answer(said: str) -> dict[str, Any]:
    """What a model says that understands the sentence."""
    closed = {"action": "close", "targets": ["cover.study"]}
    return {
        "outcome": "commands" if GLARE in said else "none",
        "commands": [closed] if GLARE in said else [],
        "response": "Well.",
        "confidence": 0.9,
    }
