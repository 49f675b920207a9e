"""Disputes with their dates, unclear states, released money, and an index for double payments.

Revision ID: 0024
"""

from pathlib import Path

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, columns and constraints from the SQL beside this file."""
    body = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().execution_options(no_parameters=True).exec_driver_sql(body)
