"""The intents of Home Assistant's vocabulary, by what is done about them here."""

from __future__ import annotations

from typing import Final

STATE: Final = "HassGetState"
TEMPERATURE: Final = "HassClimateGetTemperature"
WEATHER: Final = "HassGetWeather"
TIME: Final = "HassGetCurrentTime"
DATE: Final = "HassGetCurrentDate"
RESPOND: Final = "HassRespond"
NEVERMIND: Final = "HassNevermind"

# Answered from what is known, with nothing done.
QUESTIONS: Final = frozenset({STATE, TEMPERATURE, WEATHER, TIME, DATE, RESPOND})

# Understood, and said to be understood, but not carried out.
NOT_SERVED: Final = {
    "HassStartTimer": "timer",
    "HassCancelTimer": "timer",
    "HassCancelAllTimers": "timer",
    "HassIncreaseTimer": "timer",
    "HassDecreaseTimer": "timer",
    "HassPauseTimer": "timer",
    "HassUnpauseTimer": "timer",
    "HassTimerStatus": "timer",
    "HassBroadcast": "broadcast",
    "HassVacuumCleanArea": "clean-area",
}
