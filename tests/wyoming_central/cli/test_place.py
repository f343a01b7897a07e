from __future__ import annotations

import pytest

from wyoming_central.cli import place


@pytest.mark.parametrize(
    ("variable", "file", "link", "zone"),
    [
        ("Europe/London", "Europe/Budapest", "", "Europe/London"),
        (":Europe/London", "", "", "Europe/London"),
        ("CET-1CEST", "Europe/Budapest", "Asia/Tokyo", "Europe/Budapest"),
        ("", "nonsense", "Asia/Tokyo", "Asia/Tokyo"),
        ("", "", "", "UTC"),
    ],
)
def test_the_time_zone_is_the_first_that_the_machine_names_and_that_exists(
    monkeypatch: pytest.MonkeyPatch, variable: str, file: str, link: str, zone: str
) -> None:
    monkeypatch.setenv("TZ", variable)
    monkeypatch.setattr(place, "_from_file", lambda: file)
    monkeypatch.setattr(place, "_from_link", lambda: link)
    assert place.local_timezone() == zone


def test_this_machine_names_some_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TZ")
    assert place.check_timezone(place.local_timezone())
