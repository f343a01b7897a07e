"""Ways to say things that people were heard to use, each of which was once not understood, or not rightly."""

from __future__ import annotations

import pytest

from handlers.understanding import Verdict
from tests.handlers.frames.homes import targets, understand

ON, OFF = "HassTurnOn", "HassTurnOff"


@pytest.mark.parametrize(
    ("text", "name", "about"),
    [
        ("the garage door needs closing", OFF, {"cover.garage"}),
        ("fifty percent on the sofa lamp", "HassLightSet", {"light.sofa"}),
        ("full whack on the sofa lamp", "HassLightSet", {"light.sofa"}),
        ("put the flipping radio off", OFF, {"media_player.radio"}),
        ("get the sofa lamp down to ten percent", "HassLightSet", {"light.sofa"}),
        ("turn the sofa lamp off will you", OFF, {"light.sofa"}),
        ("can you turn the ceiling fan off now I'm freezing", OFF, {"fan.ceiling"}),
        ("turn the sofa lamp off for goodness sake", OFF, {"light.sofa"}),
        ("knock the sofa lamp off", OFF, {"light.sofa"}),
        ("set dusty off", "HassVacuumStart", {"vacuum.hoover"}),
        ("have dusty do the floors", "HassVacuumStart", {"vacuum.hoover"}),
        ("get the lounge heating to twenty one", "HassClimateSetTemperature", {"climate.lounge"}),
        ("shush the radio", "HassMediaPlayerMute", {"media_player.radio"}),
        ("on second thoughts turn the sofa lamp off", OFF, {"light.sofa"}),
    ],
)
def test_english(text: str, name: str, about: set[str]) -> None:
    understanding = understand(text)
    assert [intent.name for intent in understanding.intents] == [name]
    assert targets(understanding) == about


@pytest.mark.parametrize(
    ("text", "name", "about"),
    [
        ("állítsd a nappali termosztátot húszra", "HassClimateSetTemperature", {"climate.nappali"}),
        ("olvasólámpa bekapcs", ON, {"light.olvaso"}),
        ("olvasólámpa lekapcsolás", OFF, {"light.olvaso"}),
        ("olvasólámpát oltsdle", OFF, {"light.olvaso"}),
        ("le lehet kapcsolni az olvasólámpát", OFF, {"light.olvaso"}),
        ("elég a rádióból", OFF, {"media_player.radio"}),
        ("elég volt a rádióból, kapcsold ki", OFF, {"media_player.radio"}),
        ("kapcsold má le az olvasólámpát", OFF, {"light.olvaso"}),
        ("aludjon ki az olvasólámpa", OFF, {"light.olvaso"}),
        ("csukd be a garázskaput, de a redőnyt ne", OFF, {"cover.kapu"}),
        ("zárd be a bejárati ajtót meg kapcsold le az olvasólámpát", None,
         {"lock.bejarat", "light.olvaso"}),
        ("minden lámpát le, az olvasólámpát kivéve", OFF, {"light.konyha", "light.pult", "light.ejjeli"}),
        ("az olvasólámpán kívül minden lámpát olts el", OFF,
         {"light.konyha", "light.pult", "light.ejjeli"}),
        ("oltsd le a lámpákat, csak az olvasólámpa maradjon égve", OFF,
         {"light.konyha", "light.pult", "light.ejjeli"}),
        ("adj rá egy fokot a nappali termosztátra", "HassClimateSetTemperature", {"climate.nappali"}),
        ("kapcsold le az olvasólámpát aranyom", OFF, {"light.olvaso"}),
        ("Gombóc, munkára!", "HassVacuumStart", {"vacuum.porszivo"}),
    ],
)  # fmt: skip
def test_hungarian(text: str, name: str | None, about: set[str]) -> None:
    understanding = understand(text, "hu")
    assert understanding.verdict is Verdict.COMMANDS
    assert name is None or {intent.name for intent in understanding.intents} == {name}
    assert targets(understanding) == about


@pytest.mark.parametrize(
    ("text", "state"),
    [("nem maradt nyitva a garázskapu?", "open"), ("nincs nyitva a garázskapu?", "open")],
)
def test_a_doubt_is_a_question(text: str, state: str) -> None:
    understanding = understand(text, "hu")
    assert understanding.verdict is Verdict.QUESTION
    assert [intent.slots["state"] for intent in understanding.intents] == [state]
