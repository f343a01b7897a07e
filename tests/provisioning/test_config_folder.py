from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.data_file import read_text
from provisioning.driver import InstanceSpec
from provisioning.errors import FailureReason, InstanceError
from provisioning.process.config_folder import LISTEN_FILE, destroy, put_aside, seed

SPEC = InstanceSpec("a" * 32, "wyoming-central-a", 8217, "hu", None, "Europe/Budapest")
VERSION = "2025.4.4"


class Loader(yaml.SafeLoader):
    """Reads `!include FILE` as the file's name."""


Loader.add_constructor("!include", lambda loader, node: f"include {loader.construct_scalar(node)}")  # type: ignore[no-untyped-call]


def configuration(folder: Path) -> Any:
    return yaml.load((folder / "configuration.yaml").read_text(), Loader)  # noqa: S506 - a safe loader


def stored(folder: Path, name: str) -> Any:
    return json.loads((folder / ".storage" / name).read_text())["data"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "instances" / SPEC.name


def test_it_listens_on_this_machine_only_wherever_home_assistant_looks(folder: Path) -> None:
    seed(folder, SPEC, version=VERSION)
    listen = {"server_host": ["127.0.0.1"], "server_port": 8217}
    assert configuration(folder)["http"] == f"include {LISTEN_FILE}"
    assert yaml.safe_load((folder / LISTEN_FILE).read_text()) == listen
    assert stored(folder, "http") == listen


def test_from_2026_on_only_the_stored_port_is_written(folder: Path) -> None:
    seed(folder, SPEC, version="2026.2.1")
    assert "http" not in configuration(folder)
    assert stored(folder, "http")["server_port"] == 8217


def test_country_and_place_follow_from_the_time_zone(folder: Path) -> None:
    seed(folder, SPEC, version=VERSION)
    home = stored(folder, "core.config")
    assert (home["language"], home["country"], home["time_zone"]) == ("hu", "HU", "Europe/Budapest")
    assert home["location_name"] == "Otthon"
    assert (home["latitude"], home["longitude"]) == (47.5, 19.0833)
    assert home["unit_system_v2"] == "metric"


@pytest.mark.parametrize(
    ("time_zone", "country", "place", "units"),
    [
        ("America/New_York", None, (40.7142, -74.0064), "us_customary"),
        ("America/New_York", "CA", (40.7142, -74.0064), "metric"),
        ("UTC", None, (0.0, 0.0), "metric"),
        ("No/Where", "HU", (0.0, 0.0), "metric"),
    ],
)
def test_what_is_said_wins_over_what_follows(
    folder: Path, time_zone: str, country: str | None, place: tuple[float, float], units: str
) -> None:
    seed(folder, replace(SPEC, time_zone=time_zone, country=country), version=VERSION)
    home = stored(folder, "core.config")
    assert (home["latitude"], home["longitude"]) == place
    assert home["unit_system_v2"] == units


def test_only_the_step_of_the_owner_is_left_of_the_onboarding(folder: Path) -> None:
    seed(folder, SPEC, version=VERSION)
    assert stored(folder, "onboarding") == {"done": ["core_config", "analytics", "integration"]}


def test_every_file_that_the_configuration_includes_is_there(folder: Path) -> None:
    seed(folder, SPEC, version=VERSION)
    included = [v.removeprefix("include ") for v in configuration(folder).values() if isinstance(v, str)]
    assert included
    assert all((folder / name).is_file() for name in included)


def test_a_configuration_of_ones_own_is_taken_instead_and_listens_where_it_must(folder: Path) -> None:
    seed(folder, replace(SPEC, config_yaml="demo:"), version=VERSION)
    assert configuration(folder) == {"demo": None, "http": f"include {LISTEN_FILE}"}


def test_what_the_owner_changed_stays_and_the_port_follows(folder: Path) -> None:
    seed(folder, SPEC, version=VERSION)
    (folder / "automations.yaml").write_text("- mine\n")
    own = (folder / "configuration.yaml").read_text() + "\ndemo:\n"
    (folder / "configuration.yaml").write_text(own)
    (folder / ".storage" / "core.config").write_text('{"data": "moved house"}')
    seed(folder, replace(SPEC, host_port=8299, language="en"), version=VERSION)
    assert (folder / "automations.yaml").read_text() == "- mine\n"
    assert (folder / "configuration.yaml").read_text() == own
    assert stored(folder, "core.config") == "moved house"
    assert stored(folder, "http")["server_port"] == 8299
    assert yaml.safe_load((folder / LISTEN_FILE).read_text())["server_port"] == 8299


def test_an_owner_who_says_where_to_listen_is_told_what_to_write(folder: Path) -> None:
    own = replace(SPEC, config_yaml="http:\n  server_port: 8123\n")
    with pytest.raises(InstanceError) as refusal:
        seed(folder, own, version=VERSION)
    assert refusal.value.reason is FailureReason.CONFIGURATION
    assert not refusal.value.transient
    assert LISTEN_FILE in (refusal.value.remedy or "")


@pytest.mark.parametrize("version", [VERSION, "2026.11.0"])
def test_no_release_is_started_on_a_configuration_that_listens_elsewhere(folder: Path, version: str) -> None:
    own = replace(SPEC, config_yaml="http:\n  server_host: 0.0.0.0\n")
    with pytest.raises(InstanceError, match="http"):
        seed(folder, own, version=version)


def test_a_release_that_keeps_the_port_in_its_storage_is_told_it_there_alone(folder: Path) -> None:
    own = replace(SPEC, config_yaml="demo:\n")
    seed(folder, own, version=VERSION)
    with (folder / "configuration.yaml").open("a") as file:
        file.write("sun:\n")
    seed(folder, replace(own, host_port=8299), version="2026.11.0")
    assert configuration(folder) == {"demo": None, "sun": None}, "the old port would be tried first"
    assert stored(folder, "http")["server_port"] == 8299
    seed(folder, own, version=VERSION)
    assert configuration(folder) == {"demo": None, "sun": None, "http": f"include {LISTEN_FILE}"}


def test_nothing_of_it_is_for_other_accounts(folder: Path) -> None:
    seed(folder, SPEC, version=VERSION)
    put_aside(folder, folder.parents[1] / "removed")
    seed(folder, SPEC, version=VERSION)
    for path in folder.parents[1].rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_crash_while_seeding_is_mended_by_the_next_start(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync
    for survived in range(12):
        left = survived

        def crash(descriptor: int) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise KeyboardInterrupt
            real(descriptor)

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", crash)
            try:
                seed(folder, SPEC, version=VERSION)
            except KeyboardInterrupt:
                continue
            break
    seed(folder, SPEC, version=VERSION)
    assert configuration(folder)["http"] == f"include {LISTEN_FILE}"
    assert not [path for path in folder.rglob(".*.*") if path.is_file()], "nothing half-written is left"


def test_a_full_disk_is_a_reason_of_its_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InstanceError) as failure:
        seed(folder, SPEC, version=VERSION)
    assert failure.value.reason is FailureReason.DISK_FULL
    assert failure.value.transient


def test_putting_aside_and_destroying_may_be_repeated(folder: Path, tmp_path: Path) -> None:
    for forget in (lambda: put_aside(folder, tmp_path / "removed"), lambda: destroy(folder)):
        seed(folder, SPEC, version=VERSION)
        forget()
        forget()
        assert not folder.exists()
    (kept,) = (tmp_path / "removed").iterdir()
    assert (kept / "configuration.yaml").is_file()


def test_the_seed_is_yaml_and_leaves_out_what_reaches_for_the_outside() -> None:
    seeded = yaml.load(read_text("home_assistant/configuration.yaml"), Loader)  # noqa: S506 - a safe loader
    assert seeded.keys().isdisjoint(
        {"default_config", "cloud", "bluetooth", "usb", "stream", "zeroconf", "http"}
    )
