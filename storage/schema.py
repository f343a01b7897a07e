"""The tables. `storage/migrations/` brings a database to them; a test holds the two against each other.

Only types that SQLite and PostgreSQL both have. The columns of `users`, `sessions`, `ha_instances` and
`audit_log` keep the names of the original schema; what more is needed stands after them.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware `datetime` in UTC, also where the database (SQLite) knows no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuses naive values: they mean a different moment on every machine."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored")
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Everything stored is UTC, whatever the driver says of it."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# A constraint without a name cannot be changed by a later migration.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Id = String(32)
_Json = JSON(none_as_null=True)
# SQLite numbers rows only in a column of type INTEGER.
_RowNumber = BigInteger().with_variant(Integer, "sqlite")

users = Table(
    "users",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("email", String(254), nullable=False, unique=True),
    Column("password_hash", String(255), nullable=False),
    Column("ha_instance_url", String(2048)),
    Column("ha_token_encrypted", Text),
    Column("role", String(16), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("language", String(8), nullable=False),
)

devices = Table(
    "devices",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("user_id", _Id, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(100), nullable=False),
    Column("area", String(200)),
    Column("language", String(8)),
    Column("token_id", String(64), unique=True),
    Column("token_expires_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    # What the composite foreign keys below refer to: a device is never joined with somebody else's user.
    UniqueConstraint("id", "user_id"),
)
# The name of a revoked device may be used again.
Index(
    "uq_devices_user_id_name_in_use",
    devices.c.user_id,
    devices.c.name,
    unique=True,
    sqlite_where=text("revoked_at IS NULL"),
    postgresql_where=text("revoked_at IS NULL"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("user_id", _Id, nullable=False),
    Column("device_id", _Id, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("context", _Json, nullable=False),
    ForeignKeyConstraint(["device_id", "user_id"], ["devices.id", "devices.user_id"], ondelete="CASCADE"),
    Index(None, "device_id", "expires_at"),
)

bindings = Table(
    "bindings",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("device_id", _Id, nullable=False),
    Column("user_id", _Id, nullable=False, index=True),
    Column("listener", String(64), nullable=False),
    Column("network", String(64), nullable=False),
    Column("write_only", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["device_id", "user_id"], ["devices.id", "devices.user_id"], ondelete="CASCADE"),
    UniqueConstraint("listener", "network"),
)

# Outlives the device and the user: a token that was taken away stays so until it expires by itself.
revocations = Table(
    "revocations",
    metadata,
    Column("token_id", String(64), primary_key=True),
    Column("device_id", _Id, nullable=False),
    Column("user_id", _Id, nullable=False),
    Column("expires_at", UtcDateTime, index=True),
    Column("revoked_at", UtcDateTime, nullable=False),
)

# No foreign key on the user: the row outlives a removed user until the server has taken the instance down.
ha_instances = Table(
    "ha_instances",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("user_id", _Id, nullable=False, unique=True),
    Column("container_id", String(128)),
    Column("container_name", String(128), nullable=False, unique=True),
    Column("status", String(16), nullable=False),
    Column("host_port", Integer, unique=True),
    Column("docker_network", String(128)),
    Column("timezone", String(64), nullable=False),
    Column("internal_api_token", Text),
    Column("config_yaml", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("driver", String(16), nullable=False),
    Column("desired", String(16), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("observed_generation", Integer, nullable=False),
    Column("spec_hash", String(64)),
    Column("language", String(8), nullable=False),
    Column("country", String(2)),
    Column("failure_reason", String(32)),
    Column("failure_detail", String(1000)),
    Column("phase", String(100)),
    Column("version", String(32)),
    Column("network_subnet", String(18)),
    Column("memory_limit", BigInteger),
    Column("cpu_limit", Float),
    Column("remove_data", Boolean),
    Index("uq_ha_instances_network_subnet", "network_subnet", unique=True),
)

operations = Table(
    "operations",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    # Of users and instances that may be gone: what was done with them is worth knowing then, too.
    Column("user_id", _Id, nullable=False),
    Column("instance_id", _Id, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("began_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("outcome", String(16)),
    Column("detail", String(1000)),
    Index("ix_operations_user_id", "user_id", "id"),
)

# No foreign keys: a row outlives its user and its device, bare of what was said.
audit_log = Table(
    "audit_log",
    metadata,
    Column("id", _RowNumber, primary_key=True, autoincrement=True),
    Column("timestamp", UtcDateTime, nullable=False, index=True),
    Column("user_id", _Id),
    Column("device_id", _Id),
    Column("input_text", Text),
    Column("intent", _Json),
    Column("ha_response", _Json),
    Column("status", String(32), nullable=False),
    Column("latency_ms", Float, nullable=False),
    Column("llm_tokens", Integer),
    Column("error_message", Text),
    Column("request_id", String(64), nullable=False, unique=True),
    Column("stages", _Json),
    Column("language", String(8)),
    Index(None, "user_id", "id"),
    # An id is never given twice, also after the newest rows were purged: `after_id` relies on it.
    sqlite_autoincrement=True,
)

changes = Table(
    "changes",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("subject_id", _Id, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

# One row: the sequence number of the newest change. `storage/changes.py` says why it is not a sequence.
change_counter = Table(
    "change_counter",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("value", BigInteger, nullable=False),
)

lease = Table(
    "lease",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(255), nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)
