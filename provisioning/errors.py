"""What can go wrong with an instance and with the home on it."""

from __future__ import annotations

from enum import StrEnum

from config.errors import WyomingCentralError


class FailureReason(StrEnum):
    """Why an instance is `failed`: the words of `ha_instances.failure_reason`."""

    NO_INTERPRETER = "no-interpreter"
    INSTALL = "install"
    CONFIGURATION = "configuration"
    IMAGE_MISSING = "image-missing"
    PORT_TAKEN = "port-taken"
    PORTS_EXHAUSTED = "ports-exhausted"
    SUBNET_TAKEN = "subnet-taken"
    SUBNETS_EXHAUSTED = "subnets-exhausted"
    NAME_TAKEN = "name-taken"
    BOOT_TIMEOUT = "boot-timeout"
    DIED = "died"
    OUT_OF_MEMORY = "out-of-memory"
    DISK_FULL = "disk-full"
    ONBOARDING = "onboarding"
    UNREACHABLE = "unreachable"
    UNAUTHORIZED = "unauthorized"
    ENGINE_DOWN = "engine-down"
    ENGINE = "engine"
    INTERNAL = "internal"


class InstanceError(WyomingCentralError):
    """An instance cannot be brought to its desired state.

    Args:
        reason: The word stored as `ha_instances.failure_reason`.
        message: One line for a person.
        remedy: What to do about it.
        transient: True if trying again later may help without anybody doing anything.
    """

    def __init__(
        self, reason: FailureReason, message: str, *, remedy: str | None = None, transient: bool = True
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.reason = reason
        self.transient = transient


class HalfMadeOwnerError(InstanceError):
    """Home Assistant made the account of its owner half, and can make it no more.

    It was cut off between the account and the note that there is one, as a client that is killed just then
    does it. Now it refuses to make the account again, and says that nobody has.
    """

    def __init__(self, message: str) -> None:
        super().__init__(
            FailureReason.ONBOARDING, message, remedy="look at its log; it is begun anew by itself"
        )


class HomeError(WyomingCentralError):
    """A home could not do what was asked of it."""


class HomeUnreachableError(HomeError):
    """There is no connection to Home Assistant, or it was lost before the answer came."""


class HomeStartingError(HomeError):
    """Home Assistant answers, but has not finished starting."""


class HomeUnauthorizedError(HomeError):
    """Home Assistant refuses the token."""


class HomeTimeoutError(HomeError):
    """Home Assistant did not answer within the time given."""


class ServiceCallError(HomeError):
    """Home Assistant refused a service call or failed in it.

    Args:
        code: Home Assistant's own error code, such as `home_assistant_error` or `not_found`.
        message: Its message, cut and cleaned.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class EntityGoneError(HomeError):
    """An entity that a call was resolved to no longer exists or is unavailable."""
