from __future__ import annotations

import asyncio
import multiprocessing
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

import storage
from storage.database import Database
from storage.errors import AlreadyExistsError, RevisionError, StorageError, StorageUnavailableError
from storage.migrate import _file_lock, backup, revision, upgrade
from storage.revision import CURRENT
from storage.schema import metadata


def _file(url: str) -> Path:
    return Path(url.removeprefix("sqlite+aiosqlite:///"))


def _pretend_revision(url: str, found: str) -> None:
    with closing(sqlite3.connect(_file(url))) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (found,))
        connection.commit()


async def test_a_new_database_gets_all_tables(database_url: str) -> None:
    assert await revision(database_url) is None
    report = await upgrade(database_url, backup_dir=None)
    assert (report.before, report.after, report.backup) == (None, CURRENT, None)
    assert await revision(database_url) == CURRENT


async def test_a_second_upgrade_has_nothing_to_do(database_url: str, tmp_path: Path) -> None:
    await upgrade(database_url, backup_dir=tmp_path / "backups")
    report = await upgrade(database_url, backup_dir=tmp_path / "backups")
    assert (report.before, report.after, report.backup) == (CURRENT, CURRENT, None)
    assert not (tmp_path / "backups").exists()


async def test_the_steps_lead_to_the_tables_of_the_schema(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        options = {"compare_type": True, "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_the_steps_set_foreign_keys_that_delete_with_their_parent(database: Database) -> None:
    def rules(connection: Connection) -> set[str]:
        inspector = inspect(connection)
        tables = ("devices", "bindings", "sessions")
        return {key["options"]["ondelete"] for table in tables for key in inspector.get_foreign_keys(table)}

    async with database.engine.connect() as connection:
        assert await connection.run_sync(rules) == {"CASCADE"}


def test_the_newest_step_is_the_one_that_the_program_asks_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(storage.__file__).parent / "migrations"))
    steps = ScriptDirectory.from_config(config)
    assert steps.get_heads() == [CURRENT]
    assert all(len(step.revision) == 4 and step.revision.isdigit() for step in steps.walk_revisions())


async def test_the_four_tables_keep_the_columns_of_the_original_schema(sqlite_database: Database) -> None:
    original = {
        "users": "id email password_hash ha_instance_url ha_token_encrypted role created_at updated_at",
        "sessions": "id user_id device_id created_at expires_at context",
        "ha_instances": "id user_id container_id container_name status host_port docker_network timezone "
        "internal_api_token config_yaml created_at updated_at",
        "audit_log": "id timestamp user_id device_id input_text intent ha_response status latency_ms "
        "llm_tokens error_message request_id",
    }
    for table, columns in original.items():
        assert set(columns.split()) <= set(metadata.tables[table].columns.keys())


async def test_the_database_and_what_is_beside_it_is_private(sqlite_url: str) -> None:
    await upgrade(sqlite_url, backup_dir=None)
    database = Database(sqlite_url)
    async with database.write() as session:
        await session.execute(text("UPDATE change_counter SET value = 1"))
    folder = _file(sqlite_url).parent
    files = list(folder.iterdir())
    assert {file.name.removeprefix(_file(sqlite_url).name) for file in files} == {"", "-wal", "-shm", ".lock"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    await database.close()


async def test_an_old_database_is_copied_aside_before_it_is_changed(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await upgrade(sqlite_url, backup_dir=None)
    _pretend_revision(sqlite_url, "0000")
    monkeypatch.setattr(
        "storage.migrate._run_steps", lambda connection: connection.execute(text("DROP TABLE lease"))
    )
    report = await upgrade(sqlite_url, backup_dir=tmp_path / "backups")
    assert report.before == "0000"
    assert report.backup is not None
    assert report.backup.name.endswith("Z-0000.db")
    assert stat.S_IMODE(report.backup.stat().st_mode) == 0o600
    assert await revision(f"sqlite+aiosqlite:///{report.backup}") == "0000"
    with closing(sqlite3.connect(report.backup)) as copy:
        assert copy.execute("SELECT count(*) FROM lease").fetchone() == (0,)


async def test_a_step_that_fails_leaves_the_database_as_it_was(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await upgrade(sqlite_url, backup_dir=None)
    _pretend_revision(sqlite_url, "0000")

    def fails(connection: Connection) -> None:
        connection.execute(text("DROP TABLE lease"))
        connection.execute(text("INSERT INTO no_such_table VALUES (1)"))

    monkeypatch.setattr("storage.migrate._run_steps", fails)
    with pytest.raises(StorageError):
        await upgrade(sqlite_url, backup_dir=None)
    with closing(sqlite3.connect(_file(sqlite_url))) as connection:
        assert connection.execute("SELECT count(*) FROM lease").fetchone() == (0,)
    assert await revision(sqlite_url) == "0000"


async def test_only_the_newest_backups_stay_and_nothing_else_is_touched(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await upgrade(sqlite_url, backup_dir=None)
    _pretend_revision(sqlite_url, "0000")
    monkeypatch.setattr("storage.migrate._run_steps", lambda connection: None)
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "wyoming-central-mine.db").touch()
    (folder / ".wyoming-central-20260101T000000000000Z-0000.db.unfinished").touch()
    made = []
    for _ in range(4):
        report = await upgrade(sqlite_url, backup_dir=folder, keep=2)
        made.append(report.backup)
    assert {path for path in folder.iterdir() if "mine" not in path.name} == set(made[-2:])
    assert (folder / "wyoming-central-mine.db").exists()


@pytest.mark.parametrize("found", ["0004", "9999", "main", "00010", "١٢٣٤"])
async def test_a_newer_or_foreign_revision_is_refused_and_left_alone(
    sqlite_url: str, tmp_path: Path, found: str
) -> None:
    await upgrade(sqlite_url, backup_dir=None)
    _pretend_revision(sqlite_url, found)
    with pytest.raises(RevisionError) as caught:
        await upgrade(sqlite_url, backup_dir=tmp_path / "backups")
    assert caught.value.remedy is not None
    assert await revision(sqlite_url) == found
    assert not (tmp_path / "backups").exists()


async def test_somebody_elses_database_is_refused_and_left_alone(sqlite_url: str) -> None:
    _file(sqlite_url).parent.mkdir()
    with closing(sqlite3.connect(_file(sqlite_url))) as connection:
        connection.execute("CREATE TABLE users (name TEXT)")
        connection.commit()
    with pytest.raises(StorageError):
        await upgrade(sqlite_url, backup_dir=None)
    with closing(sqlite3.connect(_file(sqlite_url))) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("users",)]


async def test_a_file_that_is_no_database_is_refused_with_a_way_out(sqlite_url: str) -> None:
    _file(sqlite_url).parent.mkdir()
    _file(sqlite_url).write_bytes(b"no database " * 1000)
    with pytest.raises(StorageError) as caught:
        await upgrade(sqlite_url, backup_dir=None)
    assert caught.value.remedy is not None
    assert _file(sqlite_url).read_bytes().startswith(b"no database")


async def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be made"):
        await upgrade(f"sqlite:///{tmp_path}/file/sub/x.db", backup_dir=None)


async def test_two_upgrades_at_once_in_one_process_do_it_once(database_url: str) -> None:
    reports = await asyncio.gather(*(upgrade(database_url, backup_dir=None) for _ in range(4)))
    assert sorted(str(report.before) for report in reports) == [CURRENT] * 3 + ["None"]


def _upgrade_in_a_process(url: str) -> str | None:
    return asyncio.run(upgrade(url, backup_dir=None)).before


@pytest.mark.slow
def test_two_processes_that_start_at_once_upgrade_once(sqlite_url: str) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as processes:
        found = processes.map(_upgrade_in_a_process, [sqlite_url] * 4, chunksize=1)
    assert sorted(str(before) for before in found) == [CURRENT] * 3 + ["None"]


async def test_who_waits_too_long_for_another_upgrade_is_told_what_holds_it(sqlite_url: str) -> None:
    await upgrade(sqlite_url, backup_dir=None)
    lock = _file(sqlite_url).with_name("wyoming-central.db.lock")
    async with _file_lock(lock, within=1):
        with pytest.raises(StorageUnavailableError) as caught:
            await upgrade(sqlite_url, backup_dir=None, lock_seconds=0.1)
    assert str(lock) in str(caught.value)
    await upgrade(sqlite_url, backup_dir=None, lock_seconds=0.1)


async def test_a_backup_taken_while_somebody_writes_is_whole(
    sqlite_database: Database, sqlite_url: str, tmp_path: Path
) -> None:
    async with sqlite_database.write() as session:
        await session.execute(text("UPDATE change_counter SET value = 7"))
        copy = await backup(sqlite_url, tmp_path / "far" / "copy.db")
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT value FROM change_counter").fetchone() == (0,)
    assert [path.name for path in copy.parent.iterdir() if path.name.startswith(".")] == []


async def test_a_backup_never_overwrites(sqlite_database: Database, sqlite_url: str, tmp_path: Path) -> None:
    target = tmp_path / "mine.db"
    target.write_text("precious")
    with pytest.raises(AlreadyExistsError):
        await backup(sqlite_url, target)
    assert target.read_text() == "precious"


async def test_there_is_nothing_to_back_up_before_there_is_a_database(
    sqlite_url: str, tmp_path: Path
) -> None:
    with pytest.raises(StorageError, match="no database"):
        await backup(sqlite_url, tmp_path / "copy.db")


async def test_another_kind_of_database_is_left_to_its_own_tools(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        await backup("postgresql://localhost/x", tmp_path / "copy.db")
    assert caught.value.remedy == "use pg_dump"
