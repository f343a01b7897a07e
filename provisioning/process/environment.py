"""What the programs that are started here see of our environment: no secret of ours."""

from __future__ import annotations

import os
from typing import Final

_PASSED_ON: Final = frozenset({
    "HOME", "LOGNAME", "USER", "PATH", "TMPDIR", "XDG_CACHE_HOME", "LANG", "LANGUAGE", "TZ",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY",
    "http_proxy", "https_proxy", "no_proxy", "all_proxy",
})  # fmt: skip


def for_instance() -> dict[str, str]:
    """The environment of an instance: the neutral part of ours."""
    return _neutral()


def for_installation() -> dict[str, str]:
    """The environment of the installation: the neutral part, and what was said to uv and compilers."""
    prefixes = ("UV_", "CARGO", "RUST", "CC", "CXX", "CFLAGS", "LDFLAGS")
    said = {name: value for name, value in os.environ.items() if name.startswith(prefixes)}
    # Whoever told pip about a mirror means uv too.
    if "PIP_INDEX_URL" in os.environ:
        said.setdefault("UV_DEFAULT_INDEX", os.environ["PIP_INDEX_URL"])
    return {**_neutral(), **said}


def _neutral() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name in _PASSED_ON or name.startswith("LC_")}
