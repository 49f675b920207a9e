"""Fewer and narrower indexes on orders and their lines, and no checks of keys that are written together.

Revision ID: 0032
"""

from pathlib import Path

from alembic import op

revision = "0032"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the indexes and constraints from the SQL beside this file."""
    body = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().execution_options(no_parameters=True).exec_driver_sql(body)
