"""Candles, by source, symbol and interval.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "candle_series",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("symbol", sa.String(16), nullable=False),
        sa.Column("interval", sa.String(4), nullable=False),
        sa.Column("since_ms", sa.BigInteger),
        sa.Column("until_ms", sa.BigInteger),
        sa.Column("exhausted", sa.Boolean, nullable=False),
        sa.UniqueConstraint("source", "symbol", "interval"),
    )
    op.create_table(
        "candle_blocks",
        sa.Column(
            "series_id",
            sa.Integer,
            sa.ForeignKey("candle_series.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("block", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("candles", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("candle_blocks")
    op.drop_table("candle_series")
