"""What was said of each symbol, day by day, and what became of it.

Revision ID: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "signal_days",
        sa.Column("source", sa.String(32), primary_key=True),
        sa.Column("symbol", sa.String(16), primary_key=True),
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("signals", sa.Integer, nullable=False),
        sa.Column("notes", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("signal_days")
