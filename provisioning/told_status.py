"""What the row of an instance was told last about how it is."""

from __future__ import annotations

from structlog.typing import FilteringBoundLogger

from provisioning.errors import FailureReason
from storage.instances import Instances
from storage.records import InstanceStatus


class ToldStatus:
    """How one instance is, written into its row as it changes.

    Args:
        user_id: Whose instance.
        instances: The table.
        log: Where every change is told, too.
    """

    def __init__(self, user_id: str, instances: Instances, log: FilteringBoundLogger) -> None:
        self._user_id = user_id
        self._instances = instances
        self._log = log
        self._told: tuple[object, ...] = ()
        self.status = InstanceStatus.REQUESTED
        self.reason: str | None = None

    async def tell(
        self,
        status: InstanceStatus,
        *,
        phase: str | None = None,
        reason: FailureReason | None = None,
        detail: str | None = None,
        generation: int | None = None,
        container_id: str | None = None,
        version: str | None = None,
    ) -> None:
        """Write down what is seen, if it is not what was written last; the words are the columns'.

        Raises:
            StorageError: As `Instances.observed`.
        """
        self.status, self.reason = status, reason
        told = (status, phase, reason, detail, generation, container_id, version)
        if told == self._told:
            return
        # A write that fails or is cancelled may have been made all the same: until then nothing is told.
        self._told = ()
        await self._instances.observed(
            self._user_id,
            status=status,
            phase=phase,
            failure_reason=reason,
            failure_detail=detail,
            observed_generation=generation,
            container_id=container_id,
            version=version,
        )
        self._told = told
        self._log.info("instance_status", status=status, phase=phase, reason=reason)
