"""The cases that tell what a word is in its sentence, of whatever language."""

from __future__ import annotations

from enum import Enum, auto


class Case(Enum):
    """What an ending, or the word before, makes of a noun."""

    NONE = auto()
    OBJECT = auto()
    """What is acted on: `lámpát`."""
    PLACE = auto()
    """Where it is: `konyhában`, `emeleten`."""
    FROM = auto()
    """From where: `konyhából`, `listáról`."""
    TO = auto()
    """Up to which value, onto what: `ötvenre`, `listára`."""
    WITH = auto()
    """By how much: `tíz százalékkal`."""
    ADJECTIVE = auto()
    """Belonging there: `konyhai`."""
    OWN = auto()
    """Somebody's or something's: `lámpája`, `fényereje`, `hálószobáé`."""
    OTHER = auto()
