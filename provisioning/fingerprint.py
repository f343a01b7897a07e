"""What tells whether something that was made is still as it would be made now."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson


def fingerprint_of(values: Mapping[str, Any]) -> str:
    """Sixteen hexadecimal digits, the same for the same values (of JSON) in whatever order."""
    return hashlib.sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
