"""The REST calls about the market, and the document that describes all calls."""

from functools import partial

from flask import Flask, request
from flask_limiter import Limiter

from backend.api.daily import DailyIndex
from backend.api.limits import PUBLIC_LIMIT, PUBLIC_SCOPE
from backend.api.market import market_blueprint
from backend.api.openapi.routes import openapi_blueprint
from backend.api.ratings import Ratings
from backend.api.record import record_blueprint
from backend.api.symbols import symbols_blueprint
from backend.assembly.ground import Ground
from backend.assembly.stores import Stores
from backend.auth.sessions import LoginSessions
from backend.history.looks import Looks
from backend.history.reader import CandleReader
from backend.history.record_reader import REFRESH_SECONDS, RecordReader
from backend.http.exchange import EXCHANGE
from backend.market.roster import Roster
from backend.streaming.added_symbols import AddedSymbols
from backend.streaming.forecaster import Forecaster
from backend.streaming.source import Source
from backend.turns import SLICE_SECONDS, Turns


def serve_market_calls(
    app: Flask,
    ground: Ground,
    limiter: Limiter,
    stores: Stores,
    looks: Looks,
    roster: Roster,
    added: AddedSymbols,
    source: Source,
    forecaster: Forecaster,
    sessions: LoginSessions,
) -> None:
    """Serve them from `app`: all but the addition of a symbol to anybody, and within one limit."""
    market, published, settings = source.market, source.published, ground.settings
    history = CandleReader(market, stores.archive, ground.offload, looks)
    record = RecordReader(market, stores.records, ground.offload)
    ground.every(REFRESH_SECONDS, "record answers", record.refresh)
    for public in (
        market_blueprint(
            market,
            history,
            published,
            forecaster,
            Ratings(history, published.levels, ground.clock),
            DailyIndex(history, settings.symbols, ground.clock),
            roster,
            added.note,
            partial(_rest, ground.turns),
        ),
        record_blueprint(record, roster, settings.signal_timeframe),
        openapi_blueprint(roster),
    ):
        limiter.shared_limit(PUBLIC_LIMIT, scope=PUBLIC_SCOPE)(public)
        app.register_blueprint(public)
    app.register_blueprint(
        symbols_blueprint(market, roster, added, sessions, limiter, PUBLIC_LIMIT, PUBLIC_SCOPE)
    )


def _rest(turns: Turns) -> None:
    """Let others have their turn while the answer to a request is being made."""
    turns.wait(request.environ[EXCHANGE].place.share, SLICE_SECONDS / 4)
