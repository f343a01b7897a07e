"""`hostile`: what an honest peer notices while everything hostile that is known is tried on the server.

The whole corpus of `tests/hostile/` is played, once to warm up and then `--rounds` times, while a peer in a
process of its own pings every 5 ms. Memory is that of the server's process after the passes, over that after
the warm-up.
"""

from __future__ import annotations

from typing import Final

from tests.bench.figures import Figure, Listing, Results
from tests.bench.options import Options, Steps
from tests.hostile.measure import HostileFigures, measured

FIGURES: Final = (
    Figure("hostile_ping_p99_ms", "ms", "an honest peer, all the while", "≤ 50"),
    Figure("hostile_worst_case_p99_ms", "ms", "the same, during the case in which it fared worst", "≤ 50"),
    Figure("hostile_memory_mb", "MB", "after a pass to warm up", "≤ 20"),
    Figure("hostile_first_pass_mb", "MB", "the pass to warm up", "≤ 20"),
    Figure("hostile_wrong_cases", "cases", "all cases, each as it is expected", "≤ 0"),
    Figure("hostile_uncaught", "lines", "the log of the server", "≤ 0"),
    Figure("hostile_hangs", "cases", "all cases", "≤ 0"),
)


async def measure(options: Options, steps: Steps) -> Results:
    """Play the corpus."""
    steps.expect(1)
    steps.begin("playing the corpus")
    found = await measured(passes=options.rounds or 1)
    steps.done()
    return Results(
        {
            "hostile_ping_p99_ms": found.ping_p99_ms,
            "hostile_worst_case_p99_ms": found.worst_case_p99_ms,
            "hostile_memory_mb": found.memory_growth_mb,
            "hostile_first_pass_mb": found.first_pass_growth_mb,
            "hostile_wrong_cases": float(found.wrong),
            "hostile_uncaught": float(found.uncaught),
            "hostile_hangs": float(found.hangs),
        },
        (_listing(found),) if found.complaints else (),
        {
            "hostile_ping_p99_ms": (
                f"{found.pings:,} pings, at most {found.ping_max_ms:.1f} ms, {found.lost} lost"
            ),
            "hostile_worst_case_p99_ms": found.worst_case,
            "hostile_wrong_cases": f"{found.cases} cases",
        },
    )


def _listing(found: HostileFigures) -> Listing:
    return Listing(
        title="what was not as expected",
        columns=("case", "what"),
        rows=[(case, complaint) for case, complaints in found.complaints.items() for complaint in complaints],
        caption=f"{found.cases} cases",
    )
