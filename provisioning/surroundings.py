"""What all keepers share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from random import Random

from provisioning.driver import Driver, ProgressListener
from provisioning.kept_home import MakeHome
from provisioning.onboarding import Onboarding
from provisioning.options import ProvisionerOptions
from storage.instances import Instances
from storage.journal import Journal
from storage.users import Users


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all keepers share.

    Attributes:
        foreign_ports: Ports of the range on which somebody else was found listening.
        foreign_subnets: Subnets of the pool that somebody else was found to have.
        starting: Held while an instance that the server runs starts.
        report: Told how the preparation of a driver advances.
    """

    drivers: Mapping[str, Driver]
    instances: Instances
    journal: Journal
    users: Users
    onboarding: Onboarding
    make_home: MakeHome
    options: ProvisionerOptions
    starting: asyncio.Semaphore
    report: ProgressListener
    random: Random = field(default_factory=Random)
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    foreign_ports: set[int] = field(default_factory=set)
    foreign_subnets: set[IPv4Network] = field(default_factory=set)
