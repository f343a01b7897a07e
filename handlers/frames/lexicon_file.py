"""The lexicon of a language: the file that comes with the program, and the words that an admin put on top.

What is put on top has the same groups. Lists are added to, mappings are merged, a single value is replaced;
nothing is taken away. `docs/lexicon.md` says what the groups are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from config.data_file import read_yaml
from config.errors import DataFileError
from handlers.frames.lexicon import Lexicon, mistakes_in

# A hundred times the lexicon of a language as it comes.
MAX_OWN_BYTES: Final = 4 * 1024 * 1024

_UNQUOTED: Final = "has on, off, yes or no without quotes, which is a truth value in YAML"


def lexicon_of(language: str, own: Path | None = None) -> Lexicon:
    """The lexicon of a language that is spoken here.

    Args:
        language: Two letters.
        own: A folder that may have a `LANGUAGE.yaml` with more words.

    Raises:
        DataFileError: A file is missing, or not as it must be; the message names it, and the entry.
    """
    path = None if own is None else own / f"{language}.yaml"
    words = None if path is None else _own_words(path)
    if path is None or words is None:
        return _shipped(language)
    merged = _with(read_yaml(f"lexicon/{language}.yaml"), words, str(path), ())
    with mistakes_in(str(path)):
        return Lexicon(language, merged)


@cache
def _shipped(language: str) -> Lexicon:
    """The lexicon as it comes, read once: nothing changes it, and to read it takes some 300 ms."""
    return Lexicon.load(language)


def lexicons_with(own: Path, languages: Iterable[str]) -> dict[str, Lexicon]:
    """The lexicons of those languages to which an admin's folder adds words.

    Raises:
        DataFileError: The words cannot be used.
    """
    return {one: lexicon_of(one, own) for one in languages if (own / f"{one}.yaml").exists()}


def _own_words(path: Path) -> Mapping[Any, Any] | None:
    """What the file holds; None where there is none, or nothing in it."""
    try:
        if path.stat().st_size > MAX_OWN_BYTES:
            raise DataFileError(f"{path} is larger than {MAX_OWN_BYTES} bytes")
        words = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise DataFileError(f"{path} cannot be read: {type(error).__name__}") from error
    except yaml.YAMLError as error:
        raise DataFileError(
            f"{path} is no YAML: {' '.join(str(error).split())[:200]}",
            remedy="correct the file at that place",
        ) from error
    if words is not None and not isinstance(words, Mapping):
        raise _mistake(str(path), (), "is not a mapping of groups")
    return words


def _with(
    data: Mapping[str, Any], words: Mapping[Any, Any], file: str, at: tuple[str, ...]
) -> dict[str, Any]:
    merged = dict(data)
    for key, value in words.items():
        if isinstance(key, bool):
            raise _mistake(file, at, _UNQUOTED)
        name = str(key)
        if not at and name not in data:
            raise _mistake(file, (name,), "is no group of the lexicon")
        merged[key] = _added(data[key], value, file, (*at, name)) if key in data else value
    return merged


def _added(known: Any, more: Any, file: str, at: tuple[str, ...]) -> Any:
    if isinstance(known, Mapping):
        if not isinstance(more, Mapping):
            raise _mistake(file, at, "should be a mapping")
        return _with(known, more, file, at)
    if isinstance(known, list):
        if not isinstance(more, list):
            raise _mistake(file, at, "should be a list")
        if any(isinstance(one, bool) for one in more):
            raise _mistake(file, at, _UNQUOTED)
        return [*known, *more]
    return more


def _mistake(file: str, at: tuple[str, ...], what: str) -> DataFileError:
    entry = f": {' → '.join(at)}" if at else ""
    return DataFileError(f"{file}{entry} {what}", remedy="docs/lexicon.md shows every group")
