"""The steps by which a database comes to the tables of `storage.schema` (Alembic)."""
