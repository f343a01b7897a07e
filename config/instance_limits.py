"""What the limits of an instance may be, whether they are set for all or for one."""

from __future__ import annotations

from typing import Final

LEAST_MEMORY: Final = 64 << 20
MOST_MEMORY: Final = 1 << 40
LEAST_CPUS: Final = 0.01
"""Docker takes no less."""
MOST_CPUS: Final = 1024
