"""What each route takes and answers, by its endpoint: the part that a route does not say itself."""

from dataclasses import dataclass

from backend.analysis.ranges import HORIZONS
from backend.api.market import (
    CANDLES_DEFAULT,
    CANDLES_MAX,
    CSV_CANDLES_MAX,
    CSV_FORMAT,
    JSON_FORMAT,
    SIGNALS_DEFAULT,
    SIGNALS_MAX,
)
from backend.api.openapi.shapes import (
    FLAG,
    ID,
    INSTANT,
    LEVELS,
    TEXT,
    Schema,
    array,
    by_name,
    closed,
    integer,
    one_of,
    or_null,
    ref,
)
from backend.api.record import DEFAULT_WINDOW
from backend.api.symbols import FOUND_MAX, SEARCH_MAX_CHARS
from backend.auth.cookies import REFRESH_COOKIE_HEADER
from backend.history.record_reader import WINDOWS
from backend.market.candles import INTERVALS
from backend.market.validation import TIME_MAX_MS
from backend.storage.sessions import SESSIONS_LISTED_MAX

JSON = "application/json"


@dataclass(frozen=True)
class Parameter:
    """A parameter of the query or the path, or a header."""

    name: str
    schema: Schema
    text: str
    required: bool = False
    where: str = "query"


@dataclass(frozen=True)
class Operation:
    """A call. `answers` by status, `errors` are the statuses of the one error shape. `token`: an
    access token is needed; None: any token may be presented."""

    tag: str
    summary: str
    answers: dict[int, Schema]
    errors: tuple[int, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    body: Schema | None = None
    body_required: bool = True
    token: bool | None = False
    content_type: str = JSON
    csv: bool = False  # the same as CSV, where it is asked for


STATUS, MARKET, ANALYSIS, ACCOUNTS = "status", "market", "analysis", "accounts"

_PUBLIC_ERRORS = (429,)
_ACCOUNT_ERRORS = (400, 413, 429, 503)
_COOKIE = Parameter(
    REFRESH_COOKIE_HEADER,
    {"type": "string"},
    "1 keeps the refresh token in a cookie; anything else is as nothing",
    where="header",
)


def _limit(default: int, most: int) -> Parameter:
    return Parameter("limit", {**integer(1, most), "default": default}, "the newest so many")


# Left empty, as a form's field may be, it is as if it were not there.
_SYMBOL_OR_EMPTY = {"anyOf": [ref("Symbol"), {"const": ""}]}
_SYMBOL = Parameter("symbol", _SYMBOL_OR_EMPTY, "of this symbol; without it of all")

OPERATIONS: dict[str, Operation] = {
    "health.health": Operation(
        STATUS,
        "How the process is; 503 where it is degraded",
        {200: ref("Health"), 503: ref("Health")},
    ),
    "health.ready": Operation(
        STATUS,
        "Whether new clients are to be sent here; 503 where it starts, ends or has no market",
        {200: closed({"status": {"const": "ready"}}), 503: ref("NotReady")},
    ),
    "health.prometheus": Operation(
        STATUS, "Metrics in Prometheus' text format", {200: TEXT}, content_type="text/plain"
    ),
    "stats.stats": Operation(
        STATUS,
        "What all processes do, for the first user or those in ADMIN_USERS",
        {
            200: closed(
                {
                    "timestamp": INSTANT,
                    "complete": FLAG,
                    "total": ref("Figures"),
                    "processes": array(ref("Process"), minItems=1),
                }
            )
        },
        (401, 403, 429, 503),
        token=True,
    ),
    "openapi.document": Operation(
        STATUS, "This document", {200: {"type": "object"}}, _PUBLIC_ERRORS
    ),
    "openapi.page": Operation(
        STATUS, "This document, to read", {200: TEXT}, _PUBLIC_ERRORS, content_type="text/html"
    ),
    "symbols.list_symbols": Operation(
        MARKET,
        "The symbols that may be subscribed to; with `search` those that the feed lists",
        {
            200: closed(
                {
                    "symbols": array(ref("ListedSymbol")),
                    "intervals": array(ref("Interval")),
                    "feed": TEXT,
                    "feed_status": ref("FeedStatus"),
                }
            )
        },
        (400, 503, *_PUBLIC_ERRORS),
        (
            Parameter(
                "search",
                {**TEXT, "maxLength": SEARCH_MAX_CHARS},
                f"a part of a symbol or a name: the {FOUND_MAX} that fit best",
            ),
        ),
    ),
    "symbols.add": Operation(
        MARKET,
        "Have a symbol served that the feed lists, while somebody watches it; 200 where it was",
        {200: ref("ListedSymbol"), 201: ref("ListedSymbol")},
        (401, 404, *_ACCOUNT_ERRORS),
        body=closed({"symbol": ref("Ticker")}),
        token=True,
    ),
    "market.quotes": Operation(
        MARKET,
        "The latest quotes, of all symbols or of some",
        {200: closed({"quotes": by_name(ref("Quote"))})},
        (400, *_PUBLIC_ERRORS),
        (
            Parameter(
                "symbols",
                array(_SYMBOL_OR_EMPTY),
                "of these symbols, joined by commas; without them of all",
            ),
        ),
    ),
    "market.candles": Operation(
        MARKET,
        "Candles of a symbol, oldest first, the forming one last; with `before` older ones",
        {
            200: closed(
                {
                    "symbol": ref("Symbol"),
                    "interval": ref("Interval"),
                    "candles": array(ref("Candle"), maxItems=CANDLES_MAX),
                }
            )
        },
        (400, 503, *_PUBLIC_ERRORS),
        (
            Parameter("symbol", ref("Symbol"), "of this symbol", required=True),
            Parameter("interval", {**ref("Interval"), "default": "1m"}, "of this length"),
            Parameter(
                "limit",
                {**integer(1, CSV_CANDLES_MAX), "default": CANDLES_DEFAULT},
                f"the newest so many; at most {CANDLES_MAX} in JSON",
            ),
            Parameter(
                "before",
                {"anyOf": [integer(1, TIME_MAX_MS - 1), INSTANT]},
                "that open before this instant: ISO 8601, or milliseconds since 1970",
            ),
            Parameter(
                "format",
                {**one_of((JSON_FORMAT, CSV_FORMAT)), "default": JSON_FORMAT},
                "JSON, or CSV in the columns that a replay reads, streamed",
            ),
        ),
        csv=True,
    ),
    "market.sentiment": Operation(
        ANALYSIS,
        "Fear and greed: the latest and the recent history, newest first, and an index of days",
        {
            200: closed(
                {
                    "latest": or_null(ref("Sentiment")),
                    "history": array(ref("Sentiment")),
                    "daily": or_null(ref("DailyIndex")),
                }
            )
        },
        _PUBLIC_ERRORS,
    ),
    "market.signals": Operation(
        ANALYSIS,
        "Published signals, newest first",
        {200: closed({"signals": array(ref("Signal"), maxItems=SIGNALS_MAX)})},
        (400, *_PUBLIC_ERRORS),
        (_SYMBOL, _limit(SIGNALS_DEFAULT, SIGNALS_MAX)),
    ),
    "record.signal_record": Operation(
        ANALYSIS,
        "How often signals of each level were right, and what they brought, beside any time's",
        {
            200: closed(
                {
                    "symbol": or_null(ref("Symbol")),
                    "timeframe": ref("Interval"),
                    "window": one_of(tuple(WINDOWS)),
                    "record": array(ref("SignalRecord")),
                }
            )
        },
        (400, 503, *_PUBLIC_ERRORS),
        (
            Parameter("symbol", _SYMBOL_OR_EMPTY, "of this symbol; without it of all together"),
            Parameter("timeframe", ref("Interval"), "of this timeframe; default SIGNAL_TIMEFRAME"),
            Parameter(
                "window",
                {**one_of(tuple(WINDOWS)), "default": DEFAULT_WINDOW},
                "of what ended in so much time before the newest",
            ),
        ),
    ),
    "market.rate": Operation(
        ANALYSIS,
        "A symbol's rating on every timeframe with each vote; null where there are too few candles",
        {
            200: closed(
                {
                    "symbol": ref("Symbol"),
                    "ratings": by_name(or_null(ref("Rating")), *INTERVALS),
                }
            )
        },
        (400, 503, *_PUBLIC_ERRORS),
        (Parameter("symbol", ref("Symbol"), "of this symbol", required=True),),
    ),
    "market.forecast": Operation(
        ANALYSIS,
        "Ranges in which prices will lie, and how often earlier ones held",
        {
            200: closed(
                {
                    "model": TEXT,
                    "horizons": array(one_of(tuple(HORIZONS))),
                    "forecasts": array(ref("Forecast")),
                    "coverage": by_name(by_name(ref("Tally"), *LEVELS), *HORIZONS),
                }
            )
        },
        _PUBLIC_ERRORS,
    ),
    "auth.register": Operation(
        ACCOUNTS,
        "Make an account",
        {201: ref("User")},
        (409, *_ACCOUNT_ERRORS),
        body=ref("Credentials"),
    ),
    "auth.login": Operation(
        ACCOUNTS,
        "Open a session",
        {200: ref("Grant")},
        (401, *_ACCOUNT_ERRORS),
        (_COOKIE,),
        body=ref("Login"),
    ),
    "auth.refresh": Operation(
        ACCOUNTS,
        "A fresh access token for a refresh token, which works once: in the body, in the cookie, "
        "or as Bearer",
        {200: ref("Grant")},
        (401, *_ACCOUNT_ERRORS),
        (_COOKIE,),
        body=ref("RefreshToken"),
        body_required=False,
        token=None,
    ),
    "auth.logout": Operation(
        ACCOUNTS,
        "End the session of a token of either kind, presented in the same ways",
        {200: closed({"status": {"const": "logged_out"}})},
        (401, 400, 413, 503),
        (_COOKIE,),
        body=ref("RefreshToken"),
        body_required=False,
        token=None,
    ),
    "auth.me": Operation(
        ACCOUNTS, "The user of the token", {200: ref("User")}, (401, 503), token=True
    ),
    "auth.list_sessions": Operation(
        ACCOUNTS,
        "The open sessions of the user, that of the token first; `total` counts all",
        {
            200: closed(
                {
                    "sessions": array(ref("Session"), maxItems=SESSIONS_LISTED_MAX),
                    "total": integer(1),
                }
            )
        },
        (401, 429, 503),
        token=True,
    ),
    "auth.end_session": Operation(
        ACCOUNTS,
        "End an open session of the user",
        {200: closed({"status": {"const": "ended"}})},
        (401, 404, 429, 503),
        (Parameter("session_id", ID, "the id of the session", required=True, where="path"),),
        token=True,
    ),
    "auth.logout_all": Operation(
        ACCOUNTS,
        "End every session of the user",
        {200: closed({"status": {"const": "logged_out"}})},
        (401, 429, 503),
        (_COOKIE,),
        token=True,
    ),
    "auth.change_password": Operation(
        ACCOUNTS,
        "Change the password and end every other session",
        {200: closed({"status": {"const": "password_changed"}})},
        (401, *_ACCOUNT_ERRORS),
        body=ref("PasswordChange"),
        token=True,
    ),
}
