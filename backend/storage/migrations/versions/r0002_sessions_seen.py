"""What a user is told of each session, and a row to try whether anything can be written."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # With defaults in the database, so that SQLite need not copy the table. Nothing is known of
    # sessions that are older than this.
    for column in (
        sa.Column("last_used_at_ms", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("user_agent", sa.String(200), nullable=False, server_default=""),
        sa.Column("address", sa.String(45), nullable=False, server_default=""),
    ):
        op.add_column("sessions", column)
    op.execute("UPDATE sessions SET last_used_at_ms = created_at_ms")
    op.create_table(
        "probe",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("written_at_ms", sa.BigInteger, nullable=False),
    )
    op.execute("INSERT INTO probe VALUES (1, 0)")


def downgrade() -> None:
    op.drop_table("probe")
    for name in ("address", "user_agent", "last_used_at_ms"):
        op.drop_column("sessions", name)
