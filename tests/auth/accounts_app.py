"""An application of the account routes alone; as a script, served on a free port."""

import sys

if __name__ == "__main__":
    import eventlet

    eventlet.monkey_patch(psycopg=False)

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from flask import Flask

from backend import green
from backend.api.counters import BoundedCounters
from backend.api.errors import register_error_handlers
from backend.api.headers import register_headers
from backend.api.limits import create_counters, create_limiter
from backend.assembly.accounts import serve_accounts
from backend.auth.accounts import Accounts, Client
from backend.auth.passwords import Passwords
from backend.auth.sessions import LoginSessions
from backend.auth.tokens import Authenticator, Revocations, TokenIssuer
from backend.clock import Clock, SystemClock
from backend.config import Settings, load_settings
from backend.http.places import Places
from backend.http.server import HttpServer
from backend.journal.orders import LoneOrders
from backend.offload import Offload
from backend.server import listen
from backend.storage.database import Database
from backend.turns import Turns

SECRET = "a secret of the tests, long enough for HS256"
# Who asks, where a test does not care.
SOMEBODY = Client("192.0.2.1")


@dataclass
class AccountsApp:
    """The application and those of its collaborators that tests look at."""

    app: Flask
    settings: Settings
    accounts: Accounts
    sessions: LoginSessions
    authenticator: Authenticator
    issuer: TokenIssuer
    revocations: Revocations
    failures: Counter[str]
    refusals: Counter[str]
    database: Database
    offload: Offload

    def close(self) -> None:
        self.offload.close()
        self.database.close()


def build(
    database_url: str,
    clock: Clock | None = None,
    passwords: Passwords | None = None,
    counters: BoundedCounters | None = None,
    **changes: object,
) -> AccountsApp:
    """Wire the accounts as `create_app` does; `changes` are to the settings."""
    settings = load_settings({"JWT_SECRET_KEY": SECRET}, Path("unused"))
    settings = replace(settings, database_url=database_url, **changes)  # type: ignore[arg-type]
    clock = clock or SystemClock()
    database = Database(settings.database_url)
    database.migrate()
    offload = Offload()
    failures: Counter[str] = Counter()
    refusals: Counter[str] = Counter()
    app = Flask("accounts")
    register_error_handlers(app)
    register_headers(app, settings)
    auth = serve_accounts(
        app,
        settings,
        database,
        offload,
        passwords or Passwords(memory_kib=64, passes=1),
        create_counters(settings.redis_url) if counters is None else counters,
        create_limiter(app, settings.redis_url, lambda limit: refusals.update([limit])),
        LoneOrders(),
        lambda reason: failures.update([reason]),
        lambda limit: refusals.update([limit]),
        clock,
    )
    return AccountsApp(
        app,
        settings,
        auth.accounts,
        auth.sessions,
        auth.authenticator,
        auth.issuer,
        auth.revocations,
        failures,
        refusals,
        database,
        offload,
    )


def serve(database_url: str) -> None:
    """Serve with production hashing until the process is told to end; prints the port first."""
    built = build(database_url, passwords=Passwords())
    listener = listen("127.0.0.1", 0)
    print(listener.getsockname()[1], flush=True)
    HttpServer(built.app, Places(1_000), Turns(SystemClock()), print, sys.stderr).start(listener)
    green.Event().wait()


if __name__ == "__main__":
    serve(sys.argv[1])
