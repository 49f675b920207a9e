"""A code means one variant, several with quantities, or no goods; lines remember the meaning they stand on.

Revision ID: 0026
"""

from pathlib import Path

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the columns, the table and the indexes from the SQL beside this file."""
    body = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().execution_options(no_parameters=True).exec_driver_sql(body)
