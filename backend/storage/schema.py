"""The tables as the code reads them. A change here comes with a migration in `migrations/`.

Instants are UTC milliseconds since the epoch.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

# Browsers' names for themselves have 80 to 150 characters; what is beyond would only be filler.
USER_AGENT_MAX_CHARS = 200
# The longest way to write an IPv6 address.
ADDRESS_MAX_CHARS = 45

metadata = MetaData()

users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("username", String(64), nullable=False),
    # The name in lower case: names are unique ignoring case.
    Column("username_key", String(64), nullable=False, unique=True),
    Column("password_hash", String(255), nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    # Ids aren't used again, so a token can never come to mean another user.
    sqlite_autoincrement=True,
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    # The one refresh token of the session that was not used yet, by its id.
    Column("refresh_id", String(32), nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    # The last login or refresh, and where it came from; nothing is known of those before 0002.
    Column("last_used_at_ms", BigInteger, nullable=False),
    Column("user_agent", String(USER_AGENT_MAX_CHARS), nullable=False),
    Column("address", String(ADDRESS_MAX_CHARS), nullable=False),
    Column("access_expires_at_ms", BigInteger, nullable=False),
    Column("refresh_expires_at_ms", BigInteger, nullable=False),
    Column("revoked_at_ms", BigInteger),
    # Ends with what orders a user's open sessions.
    Index("ix_sessions_user_id", "user_id", "revoked_at_ms", "created_at_ms"),
    Index("ix_sessions_refresh_expires_at_ms", "refresh_expires_at_ms"),
    Index("ix_sessions_revoked_at_ms", "revoked_at_ms"),
)

# One row, which is written again and again to see whether anything can be written.
probe = Table(
    "probe",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("written_at_ms", BigInteger, nullable=False),
)

# Symbols that are served beside those of the settings, whoever serves them.
added_symbols = Table(
    "added_symbols",
    metadata,
    Column("symbol", String(16), primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("added_at_ms", BigInteger, nullable=False),
    # When somebody was last seen to watch it, on whichever process.
    Column("watched_at_ms", BigInteger, nullable=False),
)

# The candles of one source, symbol and interval, and what is known of how whole they are.
candle_series = Table(
    "candle_series",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", String(32), nullable=False),
    Column("symbol", String(16), nullable=False),
    Column("interval", String(4), nullable=False),
    # From here on nothing is missing; null: that is not known yet.
    Column("since_ms", BigInteger),
    # The newest candle, of one-minute series only.
    Column("until_ms", BigInteger),
    # Whether the source has none before `since_ms`.
    Column("exhausted", Boolean, nullable=False),
    UniqueConstraint("source", "symbol", "interval"),
)

# Candles that follow each other, packed as `history.blocks` says: 38 bytes a candle, where a row
# for each takes 71 on SQLite and 108 on PostgreSQL, and a page of 1,500 is read in a third of the
# time.
candle_blocks = Table(
    "candle_blocks",
    metadata,
    Column("series_id", ForeignKey("candle_series.id", ondelete="CASCADE"), primary_key=True),
    Column("block", Integer, primary_key=True, autoincrement=False),
    Column("candles", LargeBinary, nullable=False),
)

# What was said of a symbol in a day, and what became of it, packed as `history.record_store` says:
# 21 bytes a signal, of which a row each would take 90, and a million are read in a second where
# rows would take ten.
signal_days = Table(
    "signal_days",
    metadata,
    Column("source", String(32), primary_key=True),
    Column("symbol", String(16), primary_key=True),
    # Days since 1970, UTC.
    Column("day", Integer, primary_key=True, autoincrement=False),
    # Whoever has read a day knows by this that it is another since; grows with each writing.
    Column("version", BigInteger, nullable=False),
    # Signals among the notes.
    Column("signals", Integer, nullable=False),
    Column("notes", LargeBinary, nullable=False),
)

# What the analysis has learnt of a symbol, as JSON with a version; `learner` says which part of it.
learnt = Table(
    "learnt",
    metadata,
    Column("source", String(32), primary_key=True),
    Column("learner", String(16), primary_key=True),
    Column("symbol", String(16), primary_key=True),
    Column("state", Text, nullable=False),
    Column("written_at_ms", BigInteger, nullable=False),
)

# The newest migration that was made, as alembic keeps it: none of our own tables.
alembic_version = Table(
    "alembic_version", MetaData(), Column("version_num", String(32), primary_key=True)
)
