"""The HTTP session over which all homes are reached."""

from __future__ import annotations

import aiohttp


def session_for_homes() -> aiohttp.ClientSession:
    """A session for onboarding and homes, to be closed by whoever asked for it.

    It keeps no cookies, since the homes of all users share 127.0.0.1, and holds as many connections as there
    are homes: aiohttp's own limit of a hundred in all would keep the next home waiting for ever, as each
    holds one for as long as it is there.
    """
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar())
