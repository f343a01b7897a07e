"""What an instance uses, as the engine measures it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Usage:
    """What an instance uses now.

    Attributes:
        memory: Bytes, without what the kernel may take back (the cache of files).
        memory_limit: Bytes it may use; the machine's where it has no limit.
        cpus: Processors, over the second before.
        processes: Processes and threads.
    """

    memory: int
    memory_limit: int
    cpus: float
    processes: int


def usage_of(stats: Mapping[str, Any]) -> Usage:
    """Read an answer of the engine to `GET /containers/ID/stats`; what it leaves out counts as nothing."""
    memory = stats.get("memory_stats") or {}
    details = memory.get("stats") or {}
    # The first is cgroup v1's name for it, the second v2's.
    cache = details.get("total_inactive_file") or details.get("inactive_file") or 0
    now, before = stats.get("cpu_stats") or {}, stats.get("precpu_stats") or {}
    used = _total(now) - _total(before)
    passed = (now.get("system_cpu_usage") or 0) - (before.get("system_cpu_usage") or 0)
    return Usage(
        memory=max(0, int(memory.get("usage") or 0) - int(cache)),
        memory_limit=int(memory.get("limit") or 0),
        cpus=max(0.0, used / passed * (now.get("online_cpus") or 1)) if passed > 0 else 0.0,
        processes=int((stats.get("pids_stats") or {}).get("current") or 0),
    )


def _total(cpu: Mapping[str, Any]) -> int:
    return int((cpu.get("cpu_usage") or {}).get("total_usage") or 0)
