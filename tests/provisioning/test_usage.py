from __future__ import annotations

import pytest

from provisioning.docker.usage import Usage, usage_of

STATS = {
    "memory_stats": {"usage": 300, "limit": 512, "stats": {"total_inactive_file": 100}},
    "cpu_stats": {"cpu_usage": {"total_usage": 700}, "system_cpu_usage": 4000, "online_cpus": 2},
    "precpu_stats": {"cpu_usage": {"total_usage": 200}, "system_cpu_usage": 2000},
    "pids_stats": {"current": 61},
}


def test_memory_is_told_without_the_cache_of_files_and_processors_over_the_time_between() -> None:
    assert usage_of(STATS) == Usage(memory=200, memory_limit=512, cpus=0.5, processes=61)


@pytest.mark.parametrize("missing", STATS)
def test_what_the_engine_leaves_out_counts_as_nothing(missing: str) -> None:
    usage = usage_of({**STATS, missing: None})
    assert usage.memory >= 0
    assert usage.cpus >= 0


def test_an_engine_that_says_nothing_measured_nothing() -> None:
    assert usage_of({}) == Usage(0, 0, 0.0, 0)
