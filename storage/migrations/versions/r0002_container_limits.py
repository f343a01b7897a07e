"""What an instance in a container has of its own: a subnet, and limits; and whether its data goes with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, empty."""
    op.add_column("ha_instances", sa.Column("network_subnet", sa.String(length=18), nullable=True))
    op.add_column("ha_instances", sa.Column("memory_limit", sa.BigInteger(), nullable=True))
    op.add_column("ha_instances", sa.Column("cpu_limit", sa.Float(), nullable=True))
    op.add_column("ha_instances", sa.Column("remove_data", sa.Boolean(), nullable=True))
    op.create_index("uq_ha_instances_network_subnet", "ha_instances", ["network_subnet"], unique=True)
