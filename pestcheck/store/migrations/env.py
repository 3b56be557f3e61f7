"""Alembic's entry: runs the steps on the connection that ``db.migrate`` hands over."""

from alembic import context
from sqlalchemy import text
from sqlmodel import SQLModel

from pestcheck.store import tables  # noqa: F401 - fills the metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()

if connection.dialect.name == "postgresql":
    # Text sorts by its bytes, as in SQLite and in Python, whatever language the database was made for.
    for table, columns in connection.execute(
        text(
            "SELECT table_name, array_agg(column_name::text) FROM information_schema.columns WHERE table_schema = current_schema() "
            "AND data_type = 'character varying' AND collation_name IS DISTINCT FROM 'C' AND table_name <> 'alembic_version' "
            "GROUP BY table_name"
        )
    ).all():
        sorted_so = ", ".join(f'ALTER COLUMN "{column}" TYPE varchar COLLATE "C"' for column in columns)
        connection.execute(text(f'ALTER TABLE "{table}" {sorted_so}'))
