"""The parts of the accounts, put together."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask
from flask_limiter import Limiter

from backend.api.counters import BoundedCounters
from backend.assembly.ground import Ground
from backend.auth.accounts import Accounts
from backend.auth.admins import Admins
from backend.auth.attempts import Attempts, Counters, Registrations
from backend.auth.cookies import Cookies
from backend.auth.devices import Devices
from backend.auth.gate import Gate
from backend.auth.guard import Guard
from backend.auth.keys import Keyring
from backend.auth.line import Line
from backend.auth.passwords import Passwords
from backend.auth.routes import auth_blueprint
from backend.auth.sessions import LoginSessions
from backend.auth.tokens import Authenticator, Revocations, TokenIssuer
from backend.clock import Clock
from backend.config import Settings
from backend.journal.orders import Orders
from backend.offload import HASHING_WORKERS, Offload
from backend.storage.database import Database
from backend.storage.sessions import SessionStore
from backend.storage.users import UserStore
from backend.streaming.periodic import Relaxed

# While one password is hashed, that of the next is looked up.
TURNS_AT_ONCE = HASHING_WORKERS + 1
# How often the database is asked which sessions other processes have ended, where no order would
# come; also while Redis is away such a session streams for less than a second more ...
REVOCATIONS_SECONDS = 0.4
# ... while orders come, since the one who ended it may have lost Redis alone ...
ORDERED_REVOCATIONS_SECONDS = 0.8
# ... and on SQLite alone, where there is seldom another process: asking it twice a second would
# double what an idle one takes.
LONE_REVOCATIONS_SECONDS = 5.0
# Rows that nobody needs do no harm for a minute.
PURGE_SECONDS = 60.0


@dataclass(frozen=True)
class Auth:
    """What the rest of the process sees of the accounts."""

    accounts: Accounts
    admins: Admins
    sessions: LoginSessions
    issuer: TokenIssuer
    authenticator: Authenticator
    revocations: Revocations


def serve_accounts(
    app: Flask,
    settings: Settings,
    database: Database,
    offload: Offload,
    passwords: Passwords,
    counters: Counters,
    limiter: Limiter,
    orders: Orders,
    count_failure: Callable[[str], None],
    count_refusal: Callable[[str], None],
    clock: Clock,
) -> Auth:
    """Serve `/api/auth/*` from `app` and make `access_required` work in it.

    `counters` are shared by all processes that share a limit, and by `orders` they tell each other
    what they have to know; `count_failure` is called with the reason of every refused login and
    token, `count_refusal` with the name of every limit that somebody ran into. Raises
    `StorageUnavailable`.
    """
    keys = Keyring(settings.jwt_secret_key, settings.jwt_previous_secret_keys)
    revocations = Revocations(clock)
    authenticator = Authenticator(keys, revocations, clock)
    issuer = TokenIssuer(
        keys, settings.access_token_minutes * 60, settings.refresh_token_days * 86_400, clock
    )
    sessions = LoginSessions(
        SessionStore(database), issuer, authenticator, revocations, orders, offload, clock
    )
    sessions.load_revocations()
    gate = Gate(
        Attempts(counters),
        Registrations(counters),
        # Of this process alone, whose threads they wait for.
        Line(BoundedCounters(), clock, TURNS_AT_ONCE),
        Devices(keys, orders, clock),
    )
    users = UserStore(database)
    accounts = Accounts(users, sessions, passwords, gate, offload, clock)
    cookies = Cookies(secure=settings.production)
    guard = Guard(keys, revocations, cookies, count_failure, count_refusal, clock)
    guard.register(app)
    app.register_blueprint(auth_blueprint(accounts, sessions, cookies, guard, limiter))
    admins = Admins(settings.admin_users, users, offload)
    return Auth(accounts, admins, sessions, issuer, authenticator, revocations)


def keep_up_with_sessions(
    ground: Ground, sessions: LoginSessions, database: Database, in_touch: Callable[[], bool]
) -> None:
    """Have ended sessions found out about, and forgotten. While `in_touch()`, orders tell of those
    that another process on the same database has ended."""
    lone = database.is_sqlite and not ground.settings.redis_url
    seconds = LONE_REVOCATIONS_SECONDS if lone else REVOCATIONS_SECONDS
    revocations = Relaxed(
        sessions.load_revocations, ORDERED_REVOCATIONS_SECONDS, in_touch, ground.clock
    )
    ground.every(seconds, "revocations", revocations.call)
    ground.every(PURGE_SECONDS, "purge", sessions.purge)
