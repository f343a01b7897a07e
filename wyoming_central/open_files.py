"""How many files and connections the system lets this process have open."""

from __future__ import annotations

import resource
from contextlib import suppress
from typing import Final

# Beside satellites' connections: the database, a socket and a log for each home, whatever libraries open.
RESERVED_FILES: Final = 512
# More than any server here needs; some systems have no bound at all.
MOST_WANTED: Final = 1 << 20


def raise_open_files() -> int:
    """Take as many as the system allows this process without asking for privileges; gives how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_WANTED if hard == resource.RLIM_INFINITY else min(hard, MOST_WANTED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_WANTED if soft == resource.RLIM_INFINITY else soft
