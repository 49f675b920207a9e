"""The queue of jobs: procrastinate's own tables and functions, in a schema of their own.

Revision ID: 0004
"""

from importlib import resources
from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SCHEMA_SHA256 = "c70ec4b400a60ad9592787653aae5ae77ae41bf801d56b5bd2712751a07f2009"
"""What the library's schema was when this revision was written. Another one needs a revision with its changes."""


def upgrade() -> None:
    """Create the schema, what the library brings along in it, and the rights of the app's role."""
    connection = op.get_bind().execution_options(no_parameters=True)
    connection.exec_driver_sql("create schema procrastinate")
    # Its text names nothing by schema: what it makes lies in the first schema of the path.
    connection.exec_driver_sql("set local search_path = procrastinate, pg_temp")
    connection.exec_driver_sql((resources.files("procrastinate.sql") / "schema.sql").read_text(encoding="utf-8"))
    connection.exec_driver_sql("set local search_path to default")
    connection.exec_driver_sql(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
