"""Users and their sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("username_key", sa.String(64), nullable=False, unique=True),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column(
            "user_id", sa.Integer, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("refresh_id", sa.String(32), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("access_expires_at_ms", sa.BigInteger, nullable=False),
        sa.Column("refresh_expires_at_ms", sa.BigInteger, nullable=False),
        sa.Column("revoked_at_ms", sa.BigInteger),
    )
    op.create_index(
        "ix_sessions_user_id", "sessions", ["user_id", "revoked_at_ms", "created_at_ms"]
    )
    op.create_index("ix_sessions_refresh_expires_at_ms", "sessions", ["refresh_expires_at_ms"])
    op.create_index("ix_sessions_revoked_at_ms", "sessions", ["revoked_at_ms"])


def downgrade() -> None:
    op.drop_table("sessions")
    op.drop_table("users")
