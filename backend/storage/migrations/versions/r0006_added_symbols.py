"""Symbols that users have added.

Revision ID: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "added_symbols",
        sa.Column("symbol", sa.String(16), primary_key=True),
        sa.Column(
            "user_id", sa.Integer, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("added_at_ms", sa.BigInteger, nullable=False),
        sa.Column("watched_at_ms", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("added_symbols")
