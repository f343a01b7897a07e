"""Whether a Home Assistant can be had, asked before anything is stored."""

from __future__ import annotations

import aiohttp

from config.errors import WyomingCentralError
from config.settings import Settings
from provisioning.errors import HomeError, HomeUnauthorizedError
from provisioning.external import base_address
from provisioning.home.socket import HomeAssistantSocket
from provisioning.process.interpreter import find_interpreters

_CONNECT_SECONDS = 10.0
_ANSWER_SECONDS = 5.0


def check_address(url: str) -> None:
    """See whether `url` is an address and nothing more, for it is shown to whoever asks.

    Raises:
        WyomingCentralError: It is not, or it holds a password or a query.
    """
    base_address(url)


async def check_external_home(url: str, token: str) -> str:
    """See whether the token opens the Home Assistant at `url`; gives what was found, for people.

    Raises:
        WyomingCentralError: It does not answer, refuses the token, or the token is no administrator's.
    """
    try:
        async with (
            aiohttp.ClientSession() as http,
            HomeAssistantSocket.connect(url, token, http=http, within=_CONNECT_SECONDS) as socket,
        ):
            owner = await socket.command("auth/current_user", within=_ANSWER_SECONDS)
    except HomeUnauthorizedError:
        raise WyomingCentralError(
            f"the Home Assistant at {url} refuses the token",
            remedy="make a long-lived access token on your profile page there, under Security",
        ) from None
    except HomeError as error:
        raise WyomingCentralError(
            f"no Home Assistant at {url}: {error.message}",
            remedy="check the address, or store it unseen with --no-check",
        ) from None
    if not (isinstance(owner, dict) and owner.get("is_admin") is True):
        raise WyomingCentralError(
            "the token is not of an administrator",
            remedy="only they see which entities are exposed",
        )
    return f"Found Home Assistant {socket.version} at {url}."


async def check_own_home(settings: Settings) -> str:
    """See whether a Home Assistant can be run on this machine; gives what with, for people.

    Raises:
        WyomingCentralError: There is no interpreter for it.
    """
    forced = str(settings.ha_python) if settings.ha_python else None
    best = (await find_interpreters(forced))[0]
    return f"Home Assistant can be run here, with Python {best.version_text}."
