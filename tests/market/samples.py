"""Trades and candles of two symbols, from a whole minute on."""

from backend.market.models import Candle, Trade

MINUTE = 60_000
START = 1_700_000_040_000  # on a minute


def trade(offset_ms, price, quantity=1.0, trade_id=None, symbol="BTC"):
    return Trade(symbol, START + offset_ms, price, quantity, trade_id)


def candle(minute, open_, high, low, close, volume=1.0, quote_volume=100.0):
    return Candle(START + minute * MINUTE, open_, high, low, close, volume, quote_volume)


def flat(minute, price, quote_volume=100.0):
    return [START + minute * MINUTE, price, price, price, price, 1.0, quote_volume]
