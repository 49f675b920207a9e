"""Alembic's entry: runs the revisions on the connection that `core.database.migrate` hands over, in its transaction."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table="alembic_version",
    version_table_schema="stockroom",
    transactional_ddl=True,
)
context.run_migrations()
