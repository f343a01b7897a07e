from __future__ import annotations

import re

from handlers.request_ids import RequestIds


def test_ids_are_32_hexadecimal_digits_and_never_the_same() -> None:
    new_id, of_another = RequestIds(), RequestIds()
    ids = [new_id() for _ in range(1000)] + [of_another() for _ in range(1000)]
    assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in ids)
    assert len(set(ids)) == 2000
