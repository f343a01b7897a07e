"""How often a property is tried: a few times in everyday runs, `EXAMPLES` times in thorough ones."""

from __future__ import annotations

import os
from typing import Final

_VARIABLE: Final = "EXAMPLES"

# A thorough run of one property takes minutes, and pytest's own limit is meant for tests that hang.
THOROUGH_SECONDS: Final = 1800


def examples(default: int) -> int:
    """How many examples a property is to be tried with.

    Args:
        default: How many where the environment does not say: so many that nobody minds waiting for them.

    Returns:
        The number in `EXAMPLES`, else `default`.

    Raises:
        ValueError: `EXAMPLES` is set, but is no number of 1 or more.
    """
    wanted = os.environ.get(_VARIABLE)
    if not wanted:
        return default
    if not wanted.isascii() or not wanted.isdigit() or int(wanted) < 1:
        raise ValueError(f"{_VARIABLE}={wanted!r}: it is a number of examples, 1 or more")
    return int(wanted)
