"""Limits and intervals of provisioning, all in one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network


@dataclass(frozen=True, slots=True)
class ProvisionerOptions:
    """Limits and intervals of provisioning.

    Attributes:
        port_range: Ports on 127.0.0.1 to give to instances.
        network_pool: The network of which instances get their subnets, where the driver gives them networks.
        memory_limit: Bytes of an instance that has no limit of its own; None for no limit.
        cpu_limit: Processors of one that has none of its own; None for no limit.
        boot_timeout_seconds: From the start of an instance until Home Assistant answers; then it is stopped,
            and started again later.
        onboarding_timeout_seconds: From there until the owner's account and the token are made; a loaded
            machine takes some seconds.
        ready_timeout_seconds: From there until the home is mirrored and Home Assistant has finished starting.
        start_concurrency: Instances that start at once; the others wait in order.
        stop_timeout_seconds: How long an instance may take to stop by itself before it is killed.
        probe_interval_seconds: Between two looks at an instance that starts.
        check_interval_seconds: Between two looks at one that runs, where nothing draws attention to it.
        unresponsive_timeout_seconds: How long a home may be lost while its instance runs; then it is started
            anew.
        reconcile_interval_seconds: Between two comparisons of the table with what there is.
        progress_interval_seconds: Between two notes in the table of how far a long step has come.
        first_retry_seconds: Before a failed instance is tried again; twice as long each further time.
        longest_retry_seconds: The most that this grows to. Every wait is cut at random by up to a half.
        crash_limit: Deaths in a row after which an instance counts as failed; it is still tried again.
        stable_after_seconds: One that was ready for so long starts counting anew.
    """

    port_range: range = range(8200, 8301)
    network_pool: IPv4Network = field(default_factory=lambda: IPv4Network("10.213.0.0/16"))
    memory_limit: int | None = None
    cpu_limit: float | None = None
    boot_timeout_seconds: float = 120.0
    onboarding_timeout_seconds: float = 60.0
    ready_timeout_seconds: float = 60.0
    start_concurrency: int = 2
    stop_timeout_seconds: float = 10.0
    probe_interval_seconds: float = 0.1
    check_interval_seconds: float = 15.0
    unresponsive_timeout_seconds: float = 120.0
    reconcile_interval_seconds: float = 60.0
    progress_interval_seconds: float = 0.5
    first_retry_seconds: float = 0.5
    longest_retry_seconds: float = 300.0
    crash_limit: int = 5
    stable_after_seconds: float = 60.0
