"""Waiting for what a program of somebody else's does, which tells nobody when it is done."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable


def until(
    holds: Callable[[], bool],
    *,
    within: float = 15.0,
    told: Callable[[], str] = lambda: "it did not come to hold",
) -> None:
    """Look until something holds; a command that fails meanwhile is as if it did not.

    Args:
        holds: Looks.
        within: Seconds.
        told: What is said where it does not come to hold in time.
    """
    end = time.monotonic() + within
    while True:
        try:
            if holds():
                return
        except (RuntimeError, subprocess.TimeoutExpired):
            pass
        assert time.monotonic() < end, told()
        time.sleep(0.05)
