"""What the analysis has learnt, by source, learner and symbol.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "learnt",
        sa.Column("source", sa.String(32), primary_key=True),
        sa.Column("learner", sa.String(16), primary_key=True),
        sa.Column("symbol", sa.String(16), primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("written_at_ms", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("learnt")
