"""The server has as many files open as its system lets it."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import resource
from wyoming_central.open_files import raise_open_files
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))
print(raise_open_files(), resource.getrlimit(resource.RLIMIT_NOFILE)[0], min(hard, 1 << 20))
"""


def test_the_soft_limit_is_raised_to_the_hard_one() -> None:
    # In a process of its own: what is raised here would stay raised.
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    got, soft, wanted = map(int, done.stdout.split())
    assert got == soft == wanted
