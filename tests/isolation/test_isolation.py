"""Whatever several people do at the same time on one server: nothing of one ever reaches another.

`EXAMPLES=2000 pytest tests/isolation` is the thorough run.
"""

from __future__ import annotations

import pytest
from hypothesis import Phase, example, given, settings

from tests.isolation.findings import check
from tests.isolation.plans import HourPasses, Plan, Say, plans
from tests.isolation.playing import play
from tests.isolation.serving import Served
from tests.thorough import THOROUGH_SECONDS, examples


def say(line: int, *, device: int | None = None) -> Say:
    """What switches the lamp that everybody has."""
    return Say(line, 0, 0, "transcript", device, "newest", None)


# Two that were found. What was logged of somebody whom nobody knew was logged as of who had spoken before on
# that line; and a line whose token was over became the device of somebody else that was bound to its place.
A_STRANGER_AFTER_SOMEBODY = Plan(2, "nobody", fresh=False, steps=((say(0, device=0), False), (say(0), False)))
A_TOKEN_OVER_AT_ANOTHERS_PLACE = Plan(
    2, "token elsewhere", fresh=False, steps=((HourPasses(), True), (say(0), True), (say(0), True))
)


@pytest.mark.timeout(THOROUGH_SECONDS)
# Not explained: that takes as long as finding it, and a plan says it all.
@settings(max_examples=examples(40), phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink])
@given(plan=plans())
@example(plan=A_STRANGER_AFTER_SOMEBODY)
@example(plan=A_TOKEN_OVER_AT_ANOTHERS_PLACE)
def test_nothing_of_one_person_ever_reaches_another(served: Served, plan: Plan) -> None:
    check(served.run(play(plan, served)))
