"""A mapping of bounded size: what was set or touched longest ago falls out first."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class LastUsed(OrderedDict[Key, Value]):
    """A dictionary of at most `most` entries; setting one counts as use, reading one does not.

    Args:
        most: How many entries; at least one.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def __setitem__(self, key: Key, value: Value) -> None:
        super().__setitem__(key, value)
        self.move_to_end(key)
        while len(self) > self.most:
            self.popitem(last=False)
