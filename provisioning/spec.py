"""From the row of an instance to what a driver is told to run."""

from __future__ import annotations

from provisioning.driver import InstanceSpec
from provisioning.options import ProvisionerOptions
from storage.records import InstanceRecord


def spec_of(record: InstanceRecord, options: ProvisionerOptions) -> InstanceSpec:
    """What the instance of a row is to be; what the row leaves open is as set for all."""
    return InstanceSpec(
        user_id=record.user_id,
        name=record.container_name,
        host_port=record.host_port,
        language=record.language,
        country=record.country,
        time_zone=record.timezone,
        config_yaml=record.config_yaml,
        generation=record.generation,
        memory_limit=record.memory_limit or options.memory_limit,
        cpu_limit=record.cpu_limit or options.cpu_limit,
        network_subnet=record.network_subnet,
        instance_id=record.id,
        was_up=record.observed_generation > 0,
    )
