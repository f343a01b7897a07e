"""The garbage collector, told that what the server begins with is there to stay."""

from __future__ import annotations

import gc
from typing import Final

YOUNG_OBJECTS: Final = 10_000
"""New objects before the collector looks at the young ones: about those of fifty turns."""

YOUNG_ROUNDS: Final = 1
"""Looks at the young ones before those are looked at that stayed.

While homes are indexed nearly all stay, in large tables. After twenty looks they held the loop for 10 ms;
after each it is 4 at most.
"""

OLD_ROUNDS: Final = 200
"""Looks at those that stayed before all are looked at: as seldom as before."""


def settle_collector() -> None:
    """Collect once, and leave what there is now out of every later collection.

    Templates, answers and tables are some 140,000 objects that live as long as the server. Looked through
    again and again they cost a busy server 7 % of its time, and 40 ms whenever all were looked through.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, YOUNG_ROUNDS, OLD_ROUNDS)
