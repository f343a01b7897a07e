"""Every setting there is: its type, its default and what happens at its limit.

The environment name of a setting is its field's name in capitals. `.env.example` and the listing of
`config show` are made from this file, so a description is written for the person who runs the server.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from enum import StrEnum
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from config.instance_limits import LEAST_CPUS, LEAST_MEMORY, MOST_CPUS, MOST_MEMORY
from config.listen import ListenAddress, parse_listen
from config.memory_size import parse_memory_size
from config.shown import quoted

DATABASE_FILE = "wyoming-central.db"


class Origin(StrEnum):
    """Where the value of a setting came from."""

    DEFAULT = "default"
    ENVIRONMENT = "environment"
    FILE = "file"
    DOTENV = ".env"
    GENERATED = "generated"
    GIVEN = "given"


def default_data_dir() -> Path:
    """The data folder where `DATA_DIR` names none, by the XDG base directory specification."""
    return _xdg("XDG_DATA_HOME", ".local/share", homeless="/var/lib")


def default_cache_dir() -> Path:
    """The cache folder where `CACHE_DIR` names none, by the XDG base directory specification."""
    return _xdg("XDG_CACHE_HOME", ".cache", homeless="/var/cache")


def _xdg(variable: str, below_home: str, *, homeless: str) -> Path:
    # The specification has relative paths ignored.
    base = Path(os.environ.get(variable, ""))
    if not base.is_absolute():
        try:
            base = Path.home() / below_home
        except RuntimeError:
            # A container that runs under a number without an account.
            base = Path(homeless)
    return base / "wyoming-central"


def default_database_url(validated: Mapping[str, Any]) -> SecretStr:
    """The SQLite database in the data folder."""
    return SecretStr(f"sqlite+aiosqlite:///{validated['data_dir'] / DATABASE_FILE}")


def _refuse(message: str, remedy: str) -> PydanticCustomError:
    # Both travel in the context; config.settings makes a Problem of them.
    return PydanticCustomError("setting", "{message}", {"message": message, "remedy": remedy})


def _listen(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return parse_listen(value)
    except ValueError as error:
        raise _refuse(str(error), "write it like LISTEN=tcp://127.0.0.1:10500") from None


def _memory(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return parse_memory_size(value)
    except ValueError as error:
        raise _refuse(f"{quoted(value)} {error}", "write it like 512m or 1g") from None


def _words(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return tuple(shlex.split(value))
    except ValueError as error:
        raise _refuse(f"{quoted(value)} is no command: {error}", "close its quotation marks") from None


def _names(value: Any) -> Any:
    return (
        tuple(part for raw in value.split(",") if (part := raw.strip())) if isinstance(value, str) else value
    )


def _lower(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


def _place(value: Path) -> Path:
    try:
        place = value.expanduser().absolute()
    except RuntimeError:
        raise _refuse(
            f"{quoted(value)}: there is no such user", "write it like /srv/wyoming-central"
        ) from None
    if "\0" in str(place):
        raise _refuse(f"{quoted(value)} is no path", "write it like /srv/wyoming-central")
    return place


def _program(value: Any) -> Any:
    # A bare name is looked up as a shell would do it; one that is not found is told by config.check.
    bare = isinstance(value, str) and os.sep not in value
    return (shutil.which(value) or value) if bare else value


def _network(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return IPv4Network(value.strip())
    except ValueError as error:
        raise _refuse(f"{quoted(value)} is no IPv4 network: {error}", "write it like 10.213.0.0/16") from None


_DRIVERS_OF_DATABASES = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}


def _database_url(value: SecretStr) -> SecretStr:
    scheme, separator, rest = value.get_secret_value().partition("://")
    driver = _DRIVERS_OF_DATABASES.get(scheme)
    if driver is None or not separator:
        raise _refuse(
            "is the address of neither a SQLite nor a PostgreSQL database",
            "write it like sqlite+aiosqlite:////PATH/TO/FILE.db or postgresql+asyncpg://USER:PASSWORD@HOST/NAME",
        )
    return SecretStr(f"{driver}://{rest}")


def _http_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise _refuse(f"{quoted(value)} is no http address", "write it like http://127.0.0.1:11434")
    return value.rstrip("/")


def _model_servers(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value.strip().lower() == "off":
        return ()
    return tuple(_http_url(one) for one in dict.fromkeys(_names(value)))


def _docker_host(value: str) -> str:
    scheme, separator, rest = value.partition("://")
    if scheme not in {"unix", "tcp", "http", "https", "ssh", "npipe", "fd"} or not separator or not rest:
        raise _refuse(
            f"{quoted(value)} is no address of a Docker engine", "write it like unix:///var/run/docker.sock"
        )
    return value


Place = Annotated[Path, AfterValidator(_place)]
Word = BeforeValidator(_lower)
Seconds = Annotated[float, Field(gt=0, le=31_536_000, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Rate = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]
Days = Annotated[int, Field(ge=1, le=3_650)]


class Settings(BaseSettings):
    """What the server runs with. `config.settings.load_settings` is how it is obtained.

    Made directly it reads the environment and `.env`, but no `NAME_FILE`, and checks no setting
    against another: that is for tests. It is immutable, and its `repr` shows no secret.
    """

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=False,
    )

    environment: Annotated[Literal["development", "production"], Word] = Field(
        "development",
        description="development or production. In production a missing or weak secret is refused; in "
        "development a missing one is generated into the data folder.",
    )
    data_dir: Place = Field(
        default_factory=default_data_dir,
        description="The data folder: database, generated secrets, Home Assistant folders. Created for its "
        "owner alone. Default: wyoming-central under $XDG_DATA_HOME, else under ~/.local/share.",
    )
    cache_dir: Place = Field(
        default_factory=default_cache_dir,
        description="What can be made again, at the cost of time: the installed Home Assistants, up to"
        " a gigabyte each. Default: wyoming-central under $XDG_CACHE_HOME, else under ~/.cache.",
    )

    jwt_secret: SecretStr | None = Field(
        None,
        description="Signs device tokens: at least 32 random bytes. Several may be given, separated by "
        "commas, the newest first: it signs, the others still verify. Whoever knows it can "
        "speak as any device; tokens signed with a secret that is no longer listed stop "
        "working.",
    )
    encryption_key: SecretStr | None = Field(
        None,
        description="Encrypts Home Assistant tokens and passwords in the database: a Fernet key, which is "
        "32 random bytes in URL-safe Base64. Several may be given, separated by commas, the "
        "newest first: it encrypts, the others still decrypt. What was encrypted with a lost "
        "key is lost.",
    )
    database_url: Annotated[SecretStr, AfterValidator(_database_url)] = Field(
        default_factory=default_database_url,
        description="The database: sqlite+aiosqlite:///PATH, or "
        "postgresql+asyncpg://USER:PASSWORD@HOST/NAME with the extra `postgres` installed. "
        "Default: wyoming-central.db in the data folder.",
    )

    listen: Annotated[tuple[ListenAddress, ...], NoDecode, BeforeValidator(_listen)] = Field(
        parse_listen("tcp://127.0.0.1:10500"),
        description="Where satellites connect: tcp://HOST:PORT, several separated by commas. NAME=tcp://… "
        "names a listener, which bindings refer to; without a name it is `default`. IPv6 hosts "
        "stand in brackets. Beyond 127.0.0.1 what is said and the devices' tokens travel in "
        "plain text.",
    )
    server_name: str = Field(
        "Wyoming Central",
        min_length=1,
        max_length=48,
        description="What the server calls itself to satellites and in discovery; at most 48 characters. "
        "Home Assistant takes a server with a new name for a new server.",
    )
    zeroconf: Annotated[Literal["auto", "on", "off"], Word] = Field(
        "auto",
        description="Announces the server in the local network by mDNS. auto: where a listener is bound to "
        "more than loopback; on: also on loopback; off: never. A network that is not there is a"
        " warning.",
    )
    zeroconf_interfaces: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = Field(
        (),
        description="The interfaces to announce on, by name or address, separated by commas. Default: those"
        " that the listeners are bound to, without the bridges of container engines.",
    )

    max_header_bytes: Annotated[int, Field(ge=256, le=1 << 20)] = Field(
        16 << 10,
        description="The header line of one event. A longer one is answered with an error and ends the "
        "connection.",
    )
    max_data_bytes: Annotated[int, Field(ge=256, le=16 << 20)] = Field(
        256 << 10,
        description="The data of one event. Longer data is answered with an error and ends the connection.",
    )
    max_payload_bytes: Annotated[int, Field(ge=256, le=16 << 20)] = Field(
        64 << 10,
        description="The payload of one event. A longer one is answered with an error and ends the "
        "connection.",
    )
    max_unauthenticated_bytes: Annotated[int, Field(ge=256, le=16 << 20)] = Field(
        8 << 10,
        description="The same three, for a peer that has shown no credential yet, where they are larger than"
        " this. More than enough for a token and a sentence.",
    )
    max_waiting_events: Annotated[int, Field(ge=1, le=10_000)] = Field(
        16,
        description="Events of one connection that wait for the one being served. When there are as many, "
        "nothing more is read from that connection until one of them was answered. One only for a peer that "
        "has shown no credential yet.",
    )
    max_waiting_bytes: Annotated[int, Field(ge=256, le=1 << 30)] = Field(
        256 << 10,
        description="Bytes of these events together. When there are as many, nothing more is read until "
        "one of them was answered.",
    )
    max_frames_per_second: Annotated[int, Field(ge=1, le=10_000_000)] = Field(
        2_000,
        description="Events of one connection in a second, whatever they are. After that, nothing more "
        "is read from it until the second is over.",
    )
    max_connections: Count = Field(
        10_000,
        description="Connections in all. A further one gets an error and is closed. Never more than the "
        "system lets this process have open, which the log says at the start.",
    )
    max_connections_per_address: Count = Field(
        1_000,
        description="Connections from one IP address (of IPv6: one /64 network). A further one gets an "
        "error and is closed.",
    )
    max_connections_per_device: Count = Field(
        64,
        description="Connections of one device. With a further one, the oldest of them gets an error and is "
        "closed: a satellite that lost its connections without noticing is not locked out by them.",
    )
    unauthenticated_seconds: Seconds = Field(
        10,
        description="How long a connection lives that has shown no valid credential, whatever else it "
        "says. Then it gets an error and is closed.",
    )
    half_frame_seconds: Seconds = Field(
        10,
        description="From the first byte of an event to its last. Then the connection gets an error and is "
        "closed.",
    )
    write_seconds: Seconds = Field(
        10, description="How long a peer may leave its answers unread. Then the connection is cut."
    )
    idle_seconds: Seconds = Field(
        600,
        description="How long a peer whose sentences each bring their token along may say nothing. Then "
        "it gets an error and is closed.",
    )
    device_idle_seconds: Seconds = Field(
        604_800,
        description="The same for devices that have authenticated or are bound. Keep it long: a "
        "satellite that only writes loses the sentence with which it finds out. One that is switched off "
        "is noticed within two minutes anyway.",
    )
    drain_seconds: Seconds = Field(
        10,
        description="At a stop, for the turns under way to end and their audit rows to be written. What is "
        "not done then is cancelled.",
    )

    device_turns_per_second: Rate = Field(
        10,
        description="Sentences of one device, in the long run. One too many is not understood: the "
        "answer, at once, is to wait a moment. Nobody speaks that fast, but a program may.",
    )
    device_turns_burst: Count = Field(
        200, description="How many more than that a device may say in a row after a pause."
    )
    address_turns_per_second: Rate = Field(
        100,
        description="The same of all devices at one IP address (of IPv6: one /64 network) together, and once "
        "more of those there who show no credential. What one device is refused does not count against the "
        "others. All Home Assistants that this server runs share one address.",
    )
    address_turns_burst: Count = Field(
        1_000, description="How many more than that may come from one address in a row after a pause."
    )
    max_turns: Count = Field(
        256,
        description="Sentences of all users being served at the same time. To a further one the answer, "
        "at once, is to wait a moment.",
    )
    max_turns_per_user: Count = Field(
        16,
        description="The same for one user, however many devices speak: so one slow home holds up no other.",
    )
    failed_authentications: Count = Field(
        5,
        description="Refused tokens that an IP address (of IPv6: one /64 network) is answered at once, "
        "until it has shown none for a minute. Each further one is answered later, up to "
        "FAILED_AUTHENTICATION_SECONDS; valid tokens from there are not held up.",
    )
    failed_authentication_seconds: Seconds = Field(
        8, description="The longest that the answer to a refused token is held back."
    )

    turn_deadline_seconds: Seconds = Field(
        10,
        description="For a whole turn, from transcript to answer. At its end the answer says that it took "
        "too long.",
    )
    home_call_timeout_seconds: Seconds = Field(
        5,
        description="For one call to a Home Assistant. After it the answer says that Home Assistant did not"
        " answer. Shorter than TURN_DEADLINE_SECONDS, or it never comes to that.",
    )
    session_ttl_seconds: Seconds = Field(
        3_600, description="How long a device's context is kept after its last turn. Then it starts afresh."
    )
    question_ttl_seconds: Seconds = Field(
        30,
        description="How long a question asked back waits for its answer. Then the next sentence stands "
        "alone.",
    )

    ha_driver: Annotated[Literal["process", "external", "docker"], Word] = Field(
        "process",
        description="How a new user's Home Assistant is run. process: one process each on this machine; "
        "external: one that the user already has; docker: one container each, which keeps users apart.",
    )
    ha_python: Annotated[Place, BeforeValidator(_program)] | None = Field(
        None,
        description="The interpreter that Home Assistant is installed with, by path or by name; its version"
        " decides which release. Default: the best one found on this machine.",
    )
    ha_port_range_start: Port = Field(
        8200, description="The first port for Home Assistants, each of which listens on 127.0.0.1 only."
    )
    ha_port_range_end: Port = Field(
        8300, description="The last of these ports. When all are taken, no further user gets an instance."
    )
    ha_memory_limit: Annotated[int, BeforeValidator(_memory), Field(ge=LEAST_MEMORY, le=MOST_MEMORY)] = Field(
        512 << 20,
        description="Memory of one Home Assistant, such as 512m or 1g. One that needs more is stopped and "
        "started again. Not enforced by the process driver.",
    )
    ha_cpu_limit: Annotated[float, Field(ge=LEAST_CPUS, le=MOST_CPUS, allow_inf_nan=False)] = Field(
        0.5,
        description="Processors for one Home Assistant; beyond it, it is slowed down. Not enforced by the "
        "process driver.",
    )
    ha_network_pool: Annotated[IPv4Network, BeforeValidator(_network)] = Field(
        IPv4Network("10.213.0.0/16"),
        description="The network out of which every user of the Docker driver gets a /28 of their own. When"
        " it is used up, no further instance is created.",
    )
    ha_boot_timeout_seconds: Seconds = Field(
        120,
        description="From the start of a Home Assistant to its first answer. After it the instance has "
        "failed: boot-timeout.",
    )
    ha_start_concurrency: Annotated[int, Field(ge=1, le=64)] = Field(
        2, description="Home Assistants that start at the same time. The others wait for their turn."
    )
    docker_host: Annotated[str, AfterValidator(_docker_host)] | None = Field(
        None,
        description="The Docker engine of the Docker driver. Default: unix:///var/run/docker.sock.",
    )
    ha_image: str = Field(
        "homeassistant/home-assistant:2025.4",
        min_length=1,
        max_length=512,
        description="The image of Home Assistant that the Docker driver runs, with its version or digest.",
    )
    ha_image_pull: Annotated[Literal["missing", "always", "never"], Word] = Field(
        "missing",
        description="When the engine fetches that image. missing: where it has it not; always: at every "
        "start of the server; never: whoever runs the engine loads it.",
    )
    ha_image_pull_seconds: Seconds = Field(
        3600,
        description="For fetching the image, once for all who wait for it. After it they have failed: "
        "image-missing. It is tried again by itself, and what has come is kept.",
    )
    ha_image_command: Annotated[tuple[str, ...] | None, BeforeValidator(_words)] = Field(
        None,
        description="The command that is run in it, as on a command line. Default: the image's own.",
    )
    ha_image_user: Annotated[str, Field(pattern=r"^[0-9]{1,10}(:[0-9]{1,10})?$")] | None = Field(
        None,
        description="As whom it runs, such as 1000:1000. Default: the image's own user.",
    )
    ha_image_config: Annotated[str, Field(pattern=r"^/[A-Za-z0-9._/-]{1,200}$")] = Field(
        "/config", description="Where that image has Home Assistant's configuration."
    )
    ha_image_health: Annotated[tuple[str, ...] | None, BeforeValidator(_words)] = Field(
        None,
        description="The command with which the engine sees every two minutes whether it is well, shown by "
        "docker ps; the server looks for itself. Default: python3 in it asks Home Assistant.",
    )

    ollama_model: str = Field(
        "ministral-3:3b-instruct-2512-q4_K_M",
        min_length=1,
        max_length=255,
        description="The language model for sentences that no rule understands.",
    )
    ollama_urls: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_model_servers)] = Field(
        ("http://127.0.0.1:11434",),
        max_length=16,
        description="The Ollama servers that run the model, separated by commas; the least busy one is asked."
        " off: there is no model, and what no rule understands is not understood.",
    )
    ollama_pull: Annotated[Literal["missing", "never"], Word] = Field(
        "missing",
        description="missing: a server that does not have the model is told to fetch it (about 3 GB); never: "
        "whoever runs Ollama does that.",
    )
    llm_timeout_seconds: Seconds = Field(
        30,
        description="For one sentence with the model: waiting for its turn, asking, asking again. After it,"
        " or after nine tenths of TURN_DEADLINE_SECONDS, the answer says that it took too long.",
    )
    llm_candidates: Annotated[int, Field(ge=1, le=200)] = Field(
        24,
        description="Things of a home among which the model may choose for one sentence: those that have most"
        " to do with it. More take it longer.",
    )
    llm_context_tokens: Annotated[int, Field(ge=2048, le=131_072)] = Field(
        8192,
        description="Tokens that the model has for what it is asked and what it answers. More take more of"
        " the graphics card's memory; of a home that does not fit, the model is told the rooms only.",
    )
    llm_parallel: Annotated[int, Field(ge=1, le=64)] = Field(
        1,
        description="Sentences that one Ollama works on at a time: its OLLAMA_NUM_PARALLEL. Others wait,"
        " users in turns.",
    )
    llm_queue_size: Count = Field(
        64,
        description="Sentences that wait for the model, of all users. When there are as many, the answer to a"
        " further one says that many are asking.",
    )
    llm_probe_seconds: Seconds = Field(
        5,
        description="How often a model that failed is tried, on the side. Until it answers, sentences for it"
        " are answered at once: it cannot be reached.",
    )

    device_token_days: Days = Field(
        365,
        description="How long a device's token is valid. After it the device needs a new one: device rotate.",
    )
    audit_retention_days: Days = Field(
        90,
        description="How long the audit log keeps a turn, and the journal what was done with an instance. "
        "Older ones are deleted once an hour.",
    )
    audit_queue_size: Count = Field(
        10_000,
        description="Turns that wait to be written to the audit log, where the database is slow or locked. "
        "When there are as many, further turns are answered but not recorded; a row of the "
        "audit log and the log say how many.",
    )
    audit_text_length: Annotated[int, Field(ge=16, le=100_000)] = Field(
        2_000,
        description="Characters of what was said, and of what went wrong, in one row of the audit log. "
        "What is longer is cut there, and ends in an ellipsis.",
    )

    loop_lag_seconds: Seconds = Field(
        0.1,
        description="When the server was kept from serving anybody for so long, the log has a line that says "
        "for how long and by what.",
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Word] = Field(
        "info", description="debug, info, warning or error: what is less grave is not logged."
    )
    log_format: Annotated[Literal["auto", "json", "console"], Word] = Field(
        "auto", description="json, console, or auto: console where stderr is a terminal, json elsewhere."
    )
    log_utterances: bool = Field(
        False,
        description="Logs what was said and answered, too. The audit log has it in any case, for as long as"
        " AUDIT_RETENTION_DAYS.",
    )

    _origins: Mapping[str, Origin] = PrivateAttr(default_factory=dict)

    @property
    def production(self) -> bool:
        """Whether `ENVIRONMENT` is production."""
        return self.environment == "production"

    @property
    def jwt_secrets(self) -> tuple[str, ...]:
        """The secrets of `JWT_SECRET`, the one that signs first; empty if there is none."""
        return split_secrets(self.jwt_secret)

    @property
    def encryption_keys(self) -> tuple[str, ...]:
        """The keys of `ENCRYPTION_KEY`, the one that encrypts first; empty if there is none."""
        return split_secrets(self.encryption_key)

    @property
    def serves_docker(self) -> bool:
        """Whether a server with these settings runs containers."""
        return self.ha_driver == "docker" or self.docker_host is not None

    @property
    def ha_port_range(self) -> range:
        """The ports for Home Assistants, `HA_PORT_RANGE_END` included."""
        return range(self.ha_port_range_start, self.ha_port_range_end + 1)

    @property
    def secrets_dir(self) -> Path:
        """Where generated secrets are kept."""
        return self.data_dir / "secrets"

    def origin(self, name: str) -> Origin:
        """Where the value of the field `name` came from."""
        return self._origins.get(name, Origin.GIVEN if name in self.model_fields_set else Origin.DEFAULT)

    def replaced(self, values: Mapping[str, Any], origins: Mapping[str, Origin]) -> Settings:
        """Give a copy with other `values` (already of the right type), which came from `origins`."""
        copy = self.model_copy(update=dict(values))
        copy._origins = {**self._origins, **origins}  # noqa: SLF001 - another instance of this very class
        return copy


def split_secrets(value: SecretStr | None) -> tuple[str, ...]:
    """Give the members of a list of secrets, separated by commas or, in a file, by lines."""
    if value is None:
        return ()
    text = value.get_secret_value().replace("\n", ",")
    return tuple(part for raw in text.split(",") if (part := raw.strip()))


def environment_name(field: str) -> str:
    """Give the name of a field in the environment."""
    return field.upper()


def is_secret(field: FieldInfo) -> bool:
    """Whether a setting holds a secret: it is masked wherever it is shown, and has a `NAME_FILE`."""
    return field.annotation is SecretStr or SecretStr in get_args(field.annotation)


SECRETS = tuple(name for name, field in Settings.model_fields.items() if is_secret(field))
