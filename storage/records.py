"""What repositories hand out: plain frozen values, none of them tied to a database session.

Ids are 32 hexadecimal digits (a random UUID); every `datetime` is aware and in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4


def new_id() -> str:
    """A fresh random id for a row."""
    return uuid4().hex


class InstanceStatus(StrEnum):
    """Where an instance is in its life: what the server saw last."""

    REQUESTED = "requested"
    CREATING = "creating"
    STARTING = "starting"
    ONBOARDING = "onboarding"
    READY = "ready"
    STOPPED = "stopped"
    FAILED = "failed"
    REMOVING = "removing"


class DesiredState(StrEnum):
    """Where a person wants an instance to be; the server works towards it."""

    RUNNING = "running"
    STOPPED = "stopped"
    REMOVED = "removed"


class OperationKind(StrEnum):
    """What the server does with an instance."""

    CREATE = "create"
    START = "start"
    REPLACE = "replace"
    STOP = "stop"
    REMOVE = "remove"


class OperationOutcome(StrEnum):
    """What came of it."""

    DONE = "done"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    """Something else was wanted before it was done."""
    INTERRUPTED = "interrupted"
    """The server ended meanwhile; the next one does what is wanted then."""


class ChangeKind(StrEnum):
    """What a row of `changes` is about; its `subject_id` is that row's id, for an instance its user's."""

    USER = "user"
    DEVICE = "device"
    BINDING = "binding"
    INSTANCE = "instance"


@dataclass(frozen=True, slots=True)
class UserRecord:
    """An account. Neither the password hash nor the token of the home leaves the repository with it."""

    id: str
    email: str
    language: str
    role: str
    ha_instance_url: str | None
    has_ha_token: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """A satellite of a user.

    Attributes:
        area: The area where it stands, as its owner named it, or None.
        language: Two letters, or None for its user's language.
        token_id: The `jti` of its one valid token, or None where it has none.
        revoked_at: When its credentials were taken away, for ever; None while it may connect.
    """

    id: str
    user_id: str
    name: str
    area: str | None
    language: str | None
    token_id: str | None
    token_expires_at: datetime | None
    created_at: datetime
    last_seen_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class BindingRecord:
    """Whoever connects to `listener` from `network` is `device_id`, without any token.

    Attributes:
        network: In canonical CIDR notation, such as `192.168.1.7/32` or `fd00::/8`.
        write_only: The peer never reads, so nothing is answered to it.
    """

    id: str
    device_id: str
    user_id: str
    listener: str
    network: str
    write_only: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OperationRecord:
    """Something that the server did with an instance, or does.

    Attributes:
        generation: Of the instance, which it was to bring about.
        ended_at: None while it is under way.
        outcome: None while it is under way.
        detail: One line for a person, where it failed.
    """

    id: int
    user_id: str
    instance_id: str
    kind: OperationKind
    generation: int
    began_at: datetime
    ended_at: datetime | None
    outcome: OperationOutcome | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class InstanceRecord:
    """A user's own Home Assistant, as wanted and as seen last.

    Attributes:
        driver: Name of the driver that runs it: `process`, `docker`, `external`.
        generation: Grows when a person asks for a restart.
        observed_generation: The generation that was last brought up.
        host_port: Port on 127.0.0.1, or None where the instance is not run by us.
        config_yaml: What it is seeded with instead of the template, or None.
        failure_reason: A word such as `port-taken` while `status` is `failed`, else None.
        failure_detail: One line for a person beside it.
        phase: How far a longer step has come (such as a step of onboarding), or None.
        version: Of Home Assistant, as it said itself, or None while unknown.
        network_subnet: Of its own network, such as `10.213.0.0/28`, or None where it has none.
        memory_limit: Bytes, or None for what is set for all.
        cpu_limit: Processors, or None for what is set for all.
        remove_data: Where it is to be removed, whether what its owner made goes too; else that is kept.
    """

    id: str
    user_id: str
    driver: str
    container_id: str | None
    container_name: str
    status: InstanceStatus
    desired: DesiredState
    generation: int
    observed_generation: int
    spec_hash: str | None
    host_port: int | None
    docker_network: str | None
    timezone: str
    language: str
    country: str | None
    config_yaml: str | None
    failure_reason: str | None
    failure_detail: str | None
    phase: str | None
    created_at: datetime
    updated_at: datetime
    version: str | None = None
    network_subnet: str | None = None
    memory_limit: int | None = None
    cpu_limit: float | None = None
    remove_data: bool = False


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """The rolling context of a device; `context` is plain JSON data and may hold what was said."""

    id: str
    user_id: str
    device_id: str
    created_at: datetime
    expires_at: datetime
    context: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One turn, as it is kept.

    Attributes:
        request_id: Unique, made by the server.
        status: A word of `handlers.status.Status`, or `audit-gap` (see `storage.audit`).
        intent: What was understood, plain JSON data.
        ha_response: What Home Assistant said to it, plain JSON data.
        latency_ms: From the transcript to the answer, in milliseconds.
        llm_tokens: What the model spent on it, or None where none was asked.
        stages: Each stage of recognition with its time and its word, plain JSON data.
        id: Ascending in the order of writing; None until the row was written.
    """

    request_id: str
    timestamp: datetime
    user_id: str | None
    device_id: str | None
    input_text: str | None = field(repr=False)
    intent: Mapping[str, Any] | None = field(repr=False)
    ha_response: Mapping[str, Any] | None = field(repr=False)
    status: str
    latency_ms: float
    llm_tokens: int | None = None
    error_message: str | None = None
    stages: Sequence[Any] | None = field(default=None, repr=False)
    language: str | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """Something that a running server must notice. `seq` ascends in the order of committing."""

    seq: int
    kind: ChangeKind
    subject_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class LeaseHolder:
    """Who holds a lease, and until when unless it is renewed.

    Attributes:
        holder: What the holder calls itself.
        fence: Grows each time the lease changes hands; who has a smaller number has lost it.
    """

    holder: str
    fence: int
    expires_at: datetime
