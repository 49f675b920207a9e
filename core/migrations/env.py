"""Alembic's entry point: runs the revisions on the connection, and in the transaction, of `core.database.migrate`."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table="alembic_version",
    version_table_schema="stockroom",
    transactional_ddl=True,
)
context.run_migrations()
