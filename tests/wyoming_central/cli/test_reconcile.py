from __future__ import annotations

import json
from typing import Any


def test_an_instance_that_does_not_run_yet_is_to_be_started(cli: Any) -> None:
    cli("user", "add", "anna@example.org", "--no-check")
    plan = json.loads(cli("reconcile", "--json").stdout)
    ((only,), strays) = plan["instances"], plan["strays"]
    assert (only["user"], only["action"], strays) == ("anna@example.org", "start", [])
    assert "start" in cli("reconcile", "--plan").stdout


def test_a_driver_that_no_server_here_has_is_told(cli: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    cli("user", "add", "anna@example.org", "--driver", "docker", "--no-check")
    monkeypatch.delenv("DOCKER_HOST")
    (only,) = json.loads(cli("reconcile", "--json").stdout)["instances"]
    assert (only["action"], only["reason"]) == ("unseen", "no server here has the driver docker")


def test_an_engine_that_is_not_there_is_one_line_with_the_way_out(cli: Any, monkeypatch: Any) -> None:
    cli("user", "add", "anna@example.org", "--no-check")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    (line,) = cli("reconcile", code=1).stderr.splitlines()
    assert "the Docker engine at unix:///nowhere/docker.sock cannot be reached" in line
    assert "DOCKER_HOST" in line


def test_showing_and_removing_at_once_is_wrong_usage(cli: Any) -> None:
    cli("reconcile", "--plan", "--prune", code=2)


def test_where_nothing_is_left_over_nothing_is_asked(cli: Any) -> None:
    cli("user", "add", "anna@example.org", "--no-check")
    assert "Nothing is left over" in cli("reconcile", "--prune").stderr
