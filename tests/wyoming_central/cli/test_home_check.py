from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from config.errors import WyomingCentralError
from provisioning.errors import HomeError, HomeUnauthorizedError, HomeUnreachableError
from wyoming_central.cli import home_check


class HomeAssistant:
    """Answers who the owner of a token is, or fails as it is told."""

    def __init__(self, owner: Any = None, error: HomeError | None = None) -> None:
        self.version = "2025.4.4"
        self._owner = owner
        self._error = error

    @asynccontextmanager
    async def connect(self, _url: str, _token: str, **_: Any) -> AsyncIterator[HomeAssistant]:
        if self._error is not None:
            raise self._error
        yield self

    async def command(self, _type: str, **_: Any) -> Any:
        return self._owner


async def check(monkeypatch: pytest.MonkeyPatch, home: HomeAssistant) -> str:
    monkeypatch.setattr(home_check, "HomeAssistantSocket", home)
    return await home_check.check_external_home("http://home:8123", "a token")


async def test_a_home_with_an_administrators_token_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "2025.4.4" in await check(monkeypatch, HomeAssistant({"is_admin": True}))


@pytest.mark.parametrize(
    "home",
    [
        HomeAssistant({"is_admin": False}),
        HomeAssistant({}),
        HomeAssistant("somebody"),
        HomeAssistant(error=HomeUnauthorizedError("auth_invalid")),
        HomeAssistant(error=HomeUnreachableError("connection refused")),
    ],
    ids=["no administrator", "nobody", "nonsense", "refused", "unreachable"],
)
async def test_a_home_that_cannot_be_had_is_told_with_a_way_out(
    monkeypatch: pytest.MonkeyPatch, home: HomeAssistant
) -> None:
    with pytest.raises(WyomingCentralError) as raised:
        await check(monkeypatch, home)
    assert raised.value.remedy
    assert "a token" not in str(raised.value)
