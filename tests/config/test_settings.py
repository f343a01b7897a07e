from __future__ import annotations

import stat
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from config import check
from config.errors import SettingsError
from config.generated_secrets import new_encryption_key, new_jwt_secret
from config.listen import ListenAddress
from config.schema import SECRETS, Origin, Settings
from config.settings import load_settings, read_settings

STRONG = "q7Zp2Lx9Vw4Rt6Yk1Mn3Bc5Hd8Jf0GsA"


def _names(problems: object) -> list[str]:
    return [problem.name for problem in problems]  # type: ignore[attr-defined]


def _set(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(
        monkeypatch,
        ENVIRONMENT="production",
        JWT_SECRET=new_jwt_secret(),
        ENCRYPTION_KEY=new_encryption_key(),
    )


class TestValues:
    def test_the_defaults_need_nothing_set(self, bare_environment: Path) -> None:
        settings = load_settings()
        data = bare_environment / "home" / ".local" / "share" / "wyoming-central"
        assert settings.environment == "development"
        assert settings.data_dir == data
        assert settings.cache_dir == bare_environment / "home" / ".cache" / "wyoming-central"
        assert settings.database_url.get_secret_value() == f"sqlite+aiosqlite:///{data}/wyoming-central.db"
        assert settings.listen == (ListenAddress("default", "tcp", "127.0.0.1", 10500),)
        assert settings.ha_port_range == range(8200, 8301)
        assert settings.ha_memory_limit == 512 * 1024 * 1024
        assert settings.llm_timeout_seconds == 30
        assert settings.ollama_model == "ministral-3:3b-instruct-2512-q4_K_M"
        assert settings.jwt_secrets == settings.encryption_keys == ()

    def test_a_default_makes_no_folder(self, bare_environment: Path) -> None:
        load_settings()
        assert not (bare_environment / "home").exists()

    def test_the_environment_is_typed(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        _set(
            monkeypatch,
            LISTEN="tcp://127.0.0.1:0,kitchen=tcp://[::1]:7",
            HA_MEMORY_LIMIT="1g",
            HA_NETWORK_POOL="10.1.0.0/20",
            ZEROCONF_INTERFACES="eth0, 192.168.1.5",
            LOG_LEVEL="DEBUG",
            LOG_UTTERANCES="yes",
            DATA_DIR=str(tmp_path / "data"),
        )
        settings = load_settings()
        assert [address.name for address in settings.listen] == ["default", "kitchen"]
        assert settings.ha_memory_limit == 1 << 30
        assert settings.ha_network_pool == IPv4Network("10.1.0.0/20")
        assert settings.zeroconf_interfaces == ("eth0", "192.168.1.5")
        assert settings.log_level == "debug"
        assert settings.log_utterances is True
        assert settings.database_url.get_secret_value().endswith(f"{tmp_path}/data/wyoming-central.db")

    def test_xdg_folders_are_used_unless_they_are_relative(
        self, monkeypatch: pytest.MonkeyPatch, bare_environment: Path
    ) -> None:
        _set(monkeypatch, XDG_DATA_HOME="/srv/data", XDG_CACHE_HOME="relative")
        settings = load_settings()
        assert settings.data_dir == Path("/srv/data/wyoming-central")
        assert settings.cache_dir == bare_environment / "home" / ".cache" / "wyoming-central"

    def test_an_interpreter_may_be_given_by_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        _set(monkeypatch, HA_PYTHON="sh")
        assert str(load_settings().ha_python).endswith("/sh")

    def test_without_a_home_the_folders_of_the_system_are_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def homeless() -> Path:
            raise RuntimeError("Could not determine home directory.")

        monkeypatch.setattr(Path, "home", homeless)
        settings = read_settings().settings
        assert settings.data_dir == Path("/var/lib/wyoming-central")
        assert settings.cache_dir == Path("/var/cache/wyoming-central")

    def test_a_home_sign_in_a_folder_is_the_home(
        self, monkeypatch: pytest.MonkeyPatch, bare_environment: Path
    ) -> None:
        _set(monkeypatch, DATA_DIR="~/voice")
        assert load_settings().data_dir == bare_environment / "home" / "voice"

    def test_the_environment_wins_over_the_env_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Path(".env").write_text("SERVER_NAME=file\nOLLAMA_MODEL=small\n", encoding="utf-8")
        _set(monkeypatch, SERVER_NAME="environment")
        settings = load_settings()
        assert (settings.server_name, settings.ollama_model) == ("environment", "small")
        assert settings.origin("server_name") is Origin.ENVIRONMENT
        assert settings.origin("ollama_model") is Origin.DOTENV
        assert settings.origin("listen") is Origin.DEFAULT

    def test_what_is_empty_or_unknown_is_not_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Path(".env").write_text("SOMETHING_ELSE=1\nHA_CPU_LIMIT=\n", encoding="utf-8")
        _set(monkeypatch, LISTEN="", WYOMING_UNKNOWN="1")
        settings = load_settings()
        assert settings.origin("listen") is settings.origin("ha_cpu_limit") is Origin.DEFAULT

    @pytest.mark.parametrize(
        ("given_url", "url"),
        [
            ("postgresql://u:p@h/x", "postgresql+asyncpg://u:p@h/x"),
            ("postgres://u:p@h/x", "postgresql+asyncpg://u:p@h/x"),
            ("sqlite:////srv/x.db", "sqlite+aiosqlite:////srv/x.db"),
        ],
    )
    def test_a_database_address_gets_the_driver_that_is_used(
        self, monkeypatch: pytest.MonkeyPatch, given_url: str, url: str
    ) -> None:
        _set(monkeypatch, DATABASE_URL=given_url)
        assert load_settings().database_url.get_secret_value() == url

    def test_secrets_are_lists_by_commas_or_lines_newest_first(self, tmp_path: Path) -> None:
        newest, oldest = Fernet.generate_key().decode(), Fernet.generate_key().decode()
        Path(".env").write_text(
            f"JWT_SECRET=new{STRONG}, old{STRONG}\nENCRYPTION_KEY_FILE={tmp_path / 'keys'}\n",
            encoding="utf-8",
        )
        (tmp_path / "keys").write_text(f"{newest}\n{oldest}\n", encoding="utf-8")
        settings = load_settings()
        assert settings.jwt_secrets == (f"new{STRONG}", f"old{STRONG}")
        assert settings.encryption_keys == (newest, oldest)
        assert settings.origin("encryption_key") is Origin.FILE

    def test_settings_are_immutable_and_show_no_secret(self, monkeypatch: pytest.MonkeyPatch) -> None:
        _set(monkeypatch, JWT_SECRET=STRONG, DATABASE_URL="postgresql://u:hunter2@h/x")
        settings = load_settings()
        for shown in (repr(settings), str(settings), settings.model_dump_json()):
            assert STRONG not in shown
            assert "hunter2" not in shown
        with pytest.raises(ValueError, match="frozen"):
            settings.listen = ()

    def test_every_secret_can_come_from_a_file(self) -> None:
        assert SECRETS == ("jwt_secret", "encryption_key", "database_url")


class TestProblems:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("ENVIRONMENT", "staging"),
            ("LISTEN", "127.0.0.1"),
            ("HA_PORT_RANGE_START", "abc"),
            ("HA_PORT_RANGE_END", "70000"),
            ("HA_MEMORY_LIMIT", "lots"),
            ("HA_MEMORY_LIMIT", "1k"),
            ("HA_CPU_LIMIT", "-1"),
            ("HA_CPU_LIMIT", "nan"),
            ("HA_NETWORK_POOL", "10.0.0.1/8"),
            ("HA_NETWORK_POOL", "10.0.0.0/30"),
            ("HA_NETWORK_POOL", "8.8.0.0/16"),
            ("HA_DRIVER", "magic"),
            ("HA_IMAGE_PULL", "sometimes"),
            ("HA_IMAGE_COMMAND", "run 'this"),
            ("HA_IMAGE_USER", "root"),
            ("HA_IMAGE_CONFIG", "config"),
            ("HA_PYTHON", "/nowhere/python"),
            ("HA_PYTHON", "python-of-this-name"),
            ("OLLAMA_URLS", "ftp://127.0.0.1"),
            ("OLLAMA_URLS", "http://"),
            ("OLLAMA_URLS", "http://[::1"),
            ("DATABASE_URL", "mysql://u:p@h/x"),
            ("DATABASE_URL", "sqlite"),
            ("DOCKER_HOST", "/var/run/docker.sock"),
            ("TURN_DEADLINE_SECONDS", "0"),
            ("TURN_DEADLINE_SECONDS", "inf"),
            ("LOG_UTTERANCES", "perhaps"),
            ("ENCRYPTION_KEY", "no-fernet-key"),
            ("DATA_DIR", "/dev/null"),
            ("DATA_DIR", "~nobody-of-this-name/data"),
            ("CACHE_DIR", "/dev/null/cache"),
            ("AUDIT_RETENTION_DAYS", "1.5"),
            ("SERVER_NAME", "x" * 49),
        ],
    )
    def test_a_bad_value_is_one_problem_with_a_remedy(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str
    ) -> None:
        monkeypatch.setenv(name, value)
        (problem,) = read_settings().problems
        assert problem.name == name
        assert problem.message
        assert problem.remedy
        assert "\n" not in str(problem)

    def test_all_problems_are_named_at_once(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        _set(
            monkeypatch,
            ENVIRONMENT="production",
            JWT_SECRET="short",
            ENCRYPTION_KEY_FILE=str(tmp_path / "nothing"),
            LISTEN="tcp://0.0.0.0:10500,kitchen=tcp://127.0.0.1:10500",
            HA_PORT_RANGE_START="8300",
            HA_PORT_RANGE_END="8200",
            HA_NETWORK_POOL="everything",
            OLLAMA_URLS="nowhere",
        )
        with pytest.raises(SettingsError) as caught:
            load_settings()
        assert sorted(_names(caught.value.problems)) == [
            "ENCRYPTION_KEY_FILE",
            "HA_NETWORK_POOL",
            "HA_PORT_RANGE_START",
            "JWT_SECRET",
            "LISTEN",
            "OLLAMA_URLS",
        ]
        assert "6 problems" in str(caught.value)

    def test_a_single_problem_is_told_in_the_error_itself(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HA_NETWORK_POOL", "10.0.0.0/30")
        with pytest.raises(SettingsError, match=r"HA_NETWORK_POOL: 10\.0\.0\.0/30 has no room for one /28"):
            load_settings()

    def test_a_malformed_value_is_shown_unless_it_is_a_secret(self, monkeypatch: pytest.MonkeyPatch) -> None:
        _set(
            monkeypatch,
            HA_CPU_LIMIT="half",
            OLLAMA_URLS="ftp://u:hunter2@h",
            DATABASE_URL="mysql://u:hunter2@h/x",
            ENCRYPTION_KEY="hunter2",
        )
        told = {problem.name: str(problem) for problem in read_settings().problems}
        assert "'half'" in told["HA_CPU_LIMIT"]
        assert "ftp://u:***@h" in told["OLLAMA_URLS"]
        assert "hunter2" not in str(told)

    def test_a_setting_is_not_checked_against_a_malformed_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        _set(monkeypatch, HA_PORT_RANGE_START="abc", HA_PORT_RANGE_END="100")
        assert _names(read_settings().problems) == ["HA_PORT_RANGE_START"]

    def test_a_malformed_setting_stands_at_its_default(self, monkeypatch: pytest.MonkeyPatch) -> None:
        _set(monkeypatch, HA_PORT_RANGE_START="abc", DATABASE_URL="mysql://x/y")
        settings = read_settings().settings
        assert settings.ha_port_range_start == 8200
        assert settings.database_url.get_secret_value().startswith("sqlite")
        assert settings.origin("ha_port_range_start") is Origin.DEFAULT

    def test_a_listener_among_the_ports_of_the_homes_is_a_problem(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LISTEN", "tcp://127.0.0.1:8300")
        (problem,) = read_settings().problems
        assert "among the ports" in problem.message

    def test_postgresql_without_its_driver_is_a_problem(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(check.importlib.util, "find_spec", lambda name: None)  # type: ignore[attr-defined]
        monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@h/x")
        (problem,) = read_settings().problems
        assert problem.remedy == "pip install 'wyoming-central[postgres]'"

    def test_an_env_file_that_is_no_text_is_a_problem(self) -> None:
        Path(".env").write_bytes(b"SERVER_NAME=\xff\n")
        (problem,) = read_settings().problems
        assert problem.name == ".env"

    def test_a_line_of_the_env_file_that_sets_nothing_is_a_problem(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        Path(".env").write_text("SERVER_NAME=mine\nJWT_SECRET hush\nLISTEN=nowhere\n", encoding="utf-8")
        reading = read_settings()
        assert _names(reading.problems) == [".env", "LISTEN"]
        assert reading.problems[0].message == "line 2 is not NAME=VALUE"
        assert reading.settings.server_name == "mine"
        assert capsys.readouterr().err == ""

    def test_a_truth_value_that_is_none_is_told_without_jargon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LOG_UTTERANCES", "perhaps")
        (problem,) = read_settings().problems
        assert problem.message == "'perhaps': input should be true or false"

    def test_a_secret_file_and_the_secret_in_the_env_file_are_a_problem(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        Path(".env").write_text(f"JWT_SECRET={STRONG}\n", encoding="utf-8")
        (tmp_path / "jwt").write_text(STRONG, encoding="utf-8")
        monkeypatch.setenv("JWT_SECRET_FILE", str(tmp_path / "jwt"))
        assert _names(read_settings().problems) == ["JWT_SECRET_FILE"]

    @hypothesis_settings(
        suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
    )
    @given(
        name=st.sampled_from([name.upper() for name in Settings.model_fields]),
        value=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40),
    )
    def test_no_text_in_any_setting_brings_reading_down(self, name: str, value: str) -> None:
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setenv(name, value)
            for problem in read_settings().problems:
                assert "\n" not in str(problem)


class TestProduction:
    @pytest.mark.usefixtures("production")
    def test_strong_secrets_are_accepted(self) -> None:
        assert load_settings().production

    def test_missing_secrets_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ENVIRONMENT", "production")
        assert _names(read_settings().problems) == ["JWT_SECRET", "ENCRYPTION_KEY"]

    def test_a_secret_that_development_generated_is_named_as_the_way_out(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "secrets").mkdir()
        (tmp_path / "secrets" / "jwt_secret").write_text(STRONG, encoding="utf-8")
        _set(monkeypatch, ENVIRONMENT="production", DATA_DIR=str(tmp_path))
        problem = read_settings().problems[0]
        assert f"JWT_SECRET_FILE={tmp_path}/secrets/jwt_secret" in problem.remedy

    @pytest.mark.usefixtures("production")
    def test_every_member_of_a_list_is_looked_at(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("JWT_SECRET", f"{STRONG},{'0' * 40}")
        (problem,) = read_settings().problems
        assert problem.message == "no. 2 of 2 has too few different characters"

    @pytest.mark.usefixtures("production")
    @pytest.mark.parametrize("name", ["JWT_SECRET", "ENCRYPTION_KEY"])
    def test_commas_alone_are_no_secret(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        monkeypatch.setenv(name, " , ")
        assert [(p.name, p.message) for p in read_settings().problems] == [(name, "names no secret")]

    @pytest.mark.usefixtures("production")
    def test_a_secret_file_that_everybody_can_read_is_refused(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "jwt").write_text(STRONG, encoding="utf-8")
        monkeypatch.delenv("JWT_SECRET")
        monkeypatch.setenv("JWT_SECRET_FILE", str(tmp_path / "jwt"))
        monkeypatch.setattr("config.secret_files.readable_by_all", lambda path: True)
        assert _names(read_settings().problems) == ["JWT_SECRET_FILE"]
        monkeypatch.setenv("ENVIRONMENT", "development")
        reading = read_settings()
        assert not reading.problems
        assert "JWT_SECRET_FILE" in _names(reading.warnings)


class TestWarnings:
    def test_the_defaults_give_none(self) -> None:
        assert not read_settings().warnings

    def test_listening_in_plain_text_beyond_loopback_is_warned_about(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LISTEN", "tcp://127.0.0.1:1,tcp://0.0.0.0:2")
        reading = read_settings()
        assert not reading.problems
        assert [w.message for w in reading.warnings] == [
            "tcp://0.0.0.0:2: what is said and the devices' tokens travel in plain text"
        ]

    def test_a_weak_secret_in_development_is_a_warning(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("JWT_SECRET", "short")
        reading = read_settings()
        assert not reading.problems
        assert _names(reading.warnings) == ["JWT_SECRET"]

    def test_a_data_folder_that_others_can_look_into_is_a_warning(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "data").mkdir()
        (tmp_path / "data").chmod(0o755)
        monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
        assert _names(read_settings().warnings) == ["DATA_DIR"]

    def test_a_call_that_may_outlast_its_turn_is_a_warning(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TURN_DEADLINE_SECONDS", "4")
        assert _names(read_settings().warnings) == ["HOME_CALL_TIMEOUT_SECONDS"]

    @pytest.mark.usefixtures("production")
    def test_logging_what_people_say_in_production_is_a_warning(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LOG_UTTERANCES", "true")
        assert _names(read_settings().warnings) == ["LOG_UTTERANCES"]

    @pytest.mark.parametrize(
        ("line", "remedy"),
        [
            ("LISTENN=tcp://127.0.0.1:1", "write LISTEN"),
            ("JWT_SECRET_FIEL=/x", "write JWT_SECRET_FILE"),
            ("COLOUR=red", "correct its name, or remove it"),
        ],
    )
    def test_a_name_in_the_env_file_that_is_no_setting_is_a_warning(self, line: str, remedy: str) -> None:
        Path(".env").write_text(f"{line}\nSERVER_NAME=mine\n", encoding="utf-8")
        (warning,) = read_settings().warnings
        assert warning.message == f"{line.partition('=')[0]!r} is no setting"
        assert warning.remedy == remedy

    def test_what_the_env_file_may_hold_is_not_warned_of(self, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_text(STRONG, encoding="utf-8")
        secret.chmod(0o600)
        Path(".env").write_text(f"listen=tcp://127.0.0.1:1\nJWT_SECRET_FILE={secret}\n", encoding="utf-8")
        assert not read_settings().warnings

    def test_an_env_file_with_secrets_that_everybody_can_read_is_a_warning(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            "config.settings.readable_by_all", lambda path: bool(path.stat().st_mode & stat.S_IROTH)
        )
        Path(".env").write_text(f"JWT_SECRET={STRONG}\n", encoding="utf-8")
        Path(".env").chmod(0o644)
        assert _names(read_settings().warnings) == [".env"]
        Path(".env").chmod(0o600)
        assert not read_settings().warnings


def test_an_unusable_key_is_named_beside_an_unknown_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "prod")
    monkeypatch.setenv("ENCRYPTION_KEY", "abc")
    named = {problem.name for problem in read_settings(env_file=None).problems}
    assert {"ENVIRONMENT", "ENCRYPTION_KEY"} <= named
