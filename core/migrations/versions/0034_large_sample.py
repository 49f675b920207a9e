"""How far the large sample has been filled, and the tables in which its next days are prepared.

Revision ID: 0034
"""

from pathlib import Path

from alembic import op

revision = "0034"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the columns and constraints from the SQL beside this file."""
    body = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().execution_options(no_parameters=True).exec_driver_sql(body)
