from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from storage.records import InstanceStatus, OperationKind, OperationOutcome
from wyoming_central.cli.instance_log import _new_lines


def observe(stored: Any, email: str, status: InstanceStatus, **more: Any) -> None:
    async def write(store: Any) -> None:
        user = await store.users.by_email(email)
        await store.instances.observed(user.id, status=status, **more)

    stored(write)


@pytest.mark.parametrize(
    ("command", "desired"), [("stop", "stopped"), ("start", "running"), ("restart", "running")]
)
def test_without_a_server_the_wish_is_stored_and_that_is_said(
    cli: Any, rows: Any, anna: str, command: str, desired: str
) -> None:
    result = cli("instance", command, anna)
    assert "the change is stored" in result.stderr
    [instance] = rows("instance", "list")
    assert instance["desired"] == desired


def test_without_a_server_waiting_fails(cli: Any, rows: Any, anna: str) -> None:
    result = cli("instance", "stop", anna, "--wait", code=1)
    assert result.stderr.startswith("error: no server is running")
    assert rows("instance", "list")[0]["desired"] == "stopped"


def test_with_a_server_it_is_asked_for(cli: Any, anna: str, server: None) -> None:
    del server
    assert "instance show" in cli("instance", "restart", anna).stderr


def test_restarting_is_a_new_generation(cli: Any, rows: Any, anna: str) -> None:
    before = rows("instance", "show", anna)["generation"]
    cli("instance", "restart", anna)
    assert rows("instance", "show", anna)["generation"] == before + 1


def test_restarting_what_was_stopped_starts_it(cli: Any, rows: Any, anna: str) -> None:
    cli("instance", "stop", anna)
    cli("instance", "restart", anna)
    assert rows("instance", "show", anna)["desired"] == "running"


def test_waiting_shows_every_step_and_ends_when_it_is_there(
    cli: Any, stored: Any, anna: str, server: None
) -> None:
    del server
    observe(stored, anna, InstanceStatus.READY, observed_generation=5, version="2025.4.4")
    result = cli("instance", "start", anna, "--wait")
    assert result.stderr.splitlines() == ["ready", f"The Home Assistant of {anna} is ready."]


def test_the_listing_says_what_failed_and_what_to_do(cli: Any, rows: Any, stored: Any, anna: str) -> None:
    observe(stored, anna, InstanceStatus.FAILED, failure_reason="port-taken", failure_detail="8200 is taken")
    shown = cli("instance", "list").stdout
    assert f"{anna}: port-taken: 8200 is taken — " in shown
    [instance] = rows("instance", "list")
    assert instance["failure_reason"] == "port-taken"
    assert "HA_PORT_RANGE" in instance["remedy"]
    assert "Remedy" in cli("instance", "show", anna).stdout


def test_an_instance_whose_user_is_gone_is_still_listed(cli: Any, rows: Any, anna: str) -> None:
    cli("user", "remove", anna, "--yes")
    assert "removed " in cli("instance", "list").stdout
    assert rows("instance", "list")[0]["user"] is None


def test_the_log_is_the_end_of_what_was_written(cli: Any, rows: Any, anna: str, data_dir: Path) -> None:
    assert "not written anything" in cli("instance", "logs", anna).stderr
    folder = data_dir / "instances" / rows("instance", "show", anna)["name"]
    folder.mkdir(parents=True)
    (folder / "console.log").write_text("".join(f"line {number}\n" for number in range(100)))
    assert cli("instance", "logs", anna, "-n", "2").stdout.splitlines() == ["line 98", "line 99"]


@pytest.mark.parametrize(
    ("before", "now", "new"),
    [
        ([], ["a"], ["a"]),
        (["a"], ["a"], []),
        (["a", "b"], ["a", "b", "c"], ["c"]),
        (["a", "b", "c"], ["b", "c", "d"], ["d"]),
        (["a", "a"], ["a", "a", "a"], ["a"]),
        (["a"], ["x", "y"], ["x", "y"]),
        (["a"], [], []),
    ],
)
def test_following_a_log_shows_what_is_new_once(before: list[str], now: list[str], new: list[str]) -> None:
    assert _new_lines(before, now) == new


def test_the_owner_learns_how_to_sign_in_and_the_password_stands_alone(
    cli: Any, anna: str, stored: Any
) -> None:
    async def onboard(store: Any) -> None:
        user = await store.users.by_email(anna)
        await store.instances.set_owner_password(user.id, "a-generated-password")
        await store.users.set_home(user.id, url="http://127.0.0.1:8200", token="a-token")

    stored(onboard)
    told = cli("instance", "login", anna)
    assert told.stdout == "a-generated-password\n"
    assert "http://127.0.0.1:8200 as wyoming-central" in told.stderr


def test_without_an_account_that_the_server_made_there_is_nothing_to_sign_in_with(
    cli: Any, anna: str
) -> None:
    told = cli("instance", "login", anna, code=1)
    assert told.stdout == ""
    assert told.stderr.count("\n") == 1


def test_an_instance_is_taken_down_after_a_question_and_its_data_stays_unless_told_otherwise(
    cli: Any, anna: str, stored: Any
) -> None:
    async def wanted(store: Any) -> Any:
        return await store.instances.get((await store.users.by_email(anna)).id)

    assert "add --yes" in cli("instance", "remove", anna, code=1).stderr
    assert stored(wanted).desired == "running"
    cli("instance", "remove", anna, "--yes")
    assert (stored(wanted).desired, stored(wanted).remove_data) == ("removed", False)
    cli("instance", "remove", anna, "--with-data", "--yes")
    assert stored(wanted).remove_data


def test_a_user_without_an_instance_gets_a_new_one(cli: Any, anna: str, stored: Any, rows: Any) -> None:
    assert "already" in cli("instance", "create", anna, code=1).stderr

    async def take_down(store: Any) -> None:
        await store.instances.remove((await store.users.by_email(anna)).id)

    stored(take_down)
    cli("instance", "create", anna, "--timezone", "Europe/London", "--country", "gb")
    (instance,) = rows("instance", "list")
    assert (instance["timezone"], instance["country"], instance["port"]) == ("Europe/London", "GB", 8200)


def test_containers_are_refused_where_no_server_runs_them(cli: Any, anna: str) -> None:
    assert "HA_DRIVER=docker" in cli("instance", "create", anna, "--driver", "docker", code=2).stderr


def test_limits_are_set_one_by_one_and_given_back(cli: Any, anna: str, rows: Any) -> None:
    cli("instance", "set", anna, "--memory", "1g")
    cli("instance", "set", anna, "--cpus", "0.25")
    (instance,) = rows("instance", "list")
    assert (instance["memory_limit"], instance["cpu_limit"]) == (1 << 30, 0.25)
    cli("instance", "set", anna, "--memory", "default")
    (instance,) = rows("instance", "list")
    assert (instance["memory_limit"], instance["cpu_limit"]) == (None, 0.25)


@pytest.mark.parametrize(
    "options",
    [(), ("--memory", "12"), ("--memory", "much"), ("--cpus", "0"), ("--cpus", "many"), ("--cpus", "nan")],
)
def test_limits_that_make_no_sense_are_wrong_usage(cli: Any, anna: str, options: tuple[str, ...]) -> None:
    cli("instance", "set", anna, *options, code=2)


def test_the_history_tells_what_was_done_and_what_came_of_it(
    cli: Any, rows: Any, anna: str, stored: Any
) -> None:
    assert "The journal has nothing" in cli("instance", "history", anna).stderr

    async def write(store: Any) -> None:
        user = await store.users.by_email(anna)
        for outcome, detail in (
            (OperationOutcome.FAILED, "disk-full: no room"),
            (OperationOutcome.DONE, None),
        ):
            operation = await store.journal.begin(user.id, "1" * 32, OperationKind.CREATE, generation=1)
            await store.journal.end(operation, outcome, detail=detail)
        await store.journal.begin(user.id, "1" * 32, OperationKind.STOP, generation=1)

    stored(write)
    shown = rows("instance", "history", anna)
    assert [(one["operation"], one["outcome"], one["detail"]) for one in shown] == [
        ("create", "failed", "disk-full: no room"),
        ("create", "done", None),
        ("stop", None, None),
    ]
    lines = cli("instance", "history", anna, "--limit", "2").stdout.splitlines()
    assert [line.split()[2] for line in lines[1:]] == ["create", "stop"]
    assert "under way" in lines[-1]


@pytest.mark.parametrize(
    ("option", "value"),
    [("--memory", "63m"), ("--memory", "much"), ("--cpus", "0.001"), ("--cpus", "many"), ("--cpus", "nan")],
)
def test_limits_that_cannot_be_are_refused(cli: Any, anna: str, option: str, value: str) -> None:
    assert option in cli("instance", "set", anna, option, value, code=2).stderr


def test_a_limit_that_is_not_spoken_of_stays(cli: Any, rows: Any, anna: str) -> None:
    cli("instance", "set", anna, "--memory", "768m", "--cpus", "0.75")
    cli("instance", "set", anna, "--cpus", "default")
    instance = rows("instance", "show", anna)
    assert (instance["memory_limit"], instance["cpu_limit"]) == (768 << 20, None)
