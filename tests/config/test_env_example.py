from __future__ import annotations

import re
from pathlib import Path

from config.env_example import _SECTIONS, env_example
from config.schema import SECRETS, Settings
from config.settings import read_settings

COMMITTED = Path(__file__).parents[2] / ".env.example"


def test_the_committed_file_is_what_the_settings_give() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == env_example(), (
        "python -m config.env_example > .env.example"
    )


def test_it_names_exactly_the_settings_and_the_secrets_files() -> None:
    named = re.findall(r"^#([A-Z_]+)=", env_example(), re.MULTILINE)
    assert sorted(named) == sorted(
        [*(name.upper() for name in Settings.model_fields), *(f"{name.upper()}_FILE" for name in SECRETS)]
    )


def test_nothing_in_it_is_in_force() -> None:
    assert all(line.startswith("#") or not line for line in env_example().splitlines())


def test_every_section_begins_at_a_setting() -> None:
    assert set(_SECTIONS) <= set(Settings.model_fields)


def test_uncommented_it_sets_what_is_the_default_anyway() -> None:
    before = read_settings(env_file=None).settings
    Path(".env").write_text(re.sub(r"(?m)^#([A-Z_]+=)", r"\1", env_example()), encoding="utf-8")
    reading = read_settings()
    assert not reading.problems
    assert reading.settings.model_dump() == before.model_dump()
