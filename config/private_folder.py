"""Folders that belong to the user of the server alone."""

from __future__ import annotations

from pathlib import Path

from config.errors import SettingsError

_MODE = 0o700


def make_private_folder(path: Path) -> Path:
    """Make `path`, and what is missing above it, readable for its owner alone; give it back.

    A folder that exists keeps its mode: whoever made it decided on it.

    Raises:
        SettingsError: If it cannot be made.
    """
    try:
        # Path.mkdir gives the folders above the last one the mode of the umask, so each is made by itself.
        for folder in (*reversed(path.parents), path):
            if not folder.is_dir():
                folder.mkdir(mode=_MODE, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"the folder {path} cannot be made: {error.strerror}",
            remedy="set DATA_DIR or CACHE_DIR to a place that this user can write to",
        ) from error
    return path
