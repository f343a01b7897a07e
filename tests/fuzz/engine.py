"""One fuzz target under `atheris`, which guides the inputs by the coverage that they reach.

    python -m tests.fuzz.engine TARGET [argument or input of libFuzzer]…

With the path of an input it tries that alone.
"""

from __future__ import annotations

import importlib
import sys
from typing import Final

import atheris

# What the targets are to get around in; everything else runs as it is.
INSTRUMENTED: Final = ["wyoming_central", "handlers", "jwt"]


def main(target: str, arguments: list[str]) -> None:
    """Fuzz the target `tests.fuzz.TARGET`; ends the process."""
    with atheris.instrument_imports(include=INSTRUMENTED):
        one_input = importlib.import_module(f"tests.fuzz.{target}").one_input
    atheris.Setup([target, *arguments], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
