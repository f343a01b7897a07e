"""A server for all stories of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.isolation.serving import Served, a_server


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with a_server(tmp_path_factory.mktemp("isolation") / "data") as one:
        yield one
