"""The track record in plain loops, sharing no code with the one that is tested."""

import math
import statistics

MINUTE = 60_000
HORIZONS = {"15m": 15, "1h": 60, "4h": 240, "24h": 1440}
OLDEST_PRICE = 5
SETTLED = 1440


def price_at(closes, minute):
    """`closes` by the minute at whose end they were; the last one, if it is not too old."""
    for age in range(OLDEST_PRICE + 1):
        if minute - age in closes:
            return closes[minute - age]
    return None


def outcome(closes, newest, minute, price, horizon):
    """A return, or "open", or "left out"."""
    until = newest - newest % 15
    end = minute + horizon
    if end > until:
        return "open"
    later = price_at(closes, end)
    if later is not None:
        return later / price - 1
    return "left out" if end <= until - SETTLED else "open"


def moments(closes, newest):
    """Every quarter of an hour with a price: its minute and price."""
    found = []
    for minute in range(min(closes), newest + 1):
        if minute % 15 == 0 and price_at(closes, minute) is not None:
            found.append((minute, price_at(closes, minute)))
    return found


def record(symbols, window=None, cost=0.0):
    """`symbols`: for each (closes, said), said being [(minute, level, price)]. By (level, horizon):
    count, right, base_rate, mean_excess_bp, left_out; `window` in minutes before the newest."""
    rows = {}
    newest_noted = max(
        max([minute for minute, _ in moments(closes, max(closes))] + [each[0] for each in said])
        for closes, said in symbols
    )
    after = -1 if window is None else newest_noted - window
    for horizon, length in HORIZONS.items():
        for closes, said in symbols:
            newest = max(closes)
            base = [
                outcome(closes, newest, minute, price, length)
                for minute, price in moments(closes, newest)
                if minute + length > after
            ]
            base = [each for each in base if isinstance(each, float)]
            if base:
                drift = statistics.fmean(base)
                still = statistics.fmean(abs(each - drift) for each in base)
            for minute, level, price in said:
                row = rows.setdefault((level, horizon), [0, 0, 0.0, 0.0, 0])
                if minute + length <= after:
                    continue
                found = outcome(closes, newest, minute, price, length)
                if found == "left out":
                    row[4] += 1
                if not isinstance(found, float) or not base:
                    continue
                row[0] += 1
                if level == "HOLD":
                    row[1] += abs(found - drift) < still
                    row[2] += sum(abs(each - drift) < still for each in base) / len(base)
                    row[3] += found - drift
                elif level.endswith("BUY"):
                    row[1] += found - drift > cost
                    row[2] += sum(each - drift > cost for each in base) / len(base)
                    row[3] += found - drift - cost
                else:
                    row[1] += drift - found > cost
                    row[2] += sum(drift - each > cost for each in base) / len(base)
                    row[3] += drift - found - cost
    return {
        key: (
            count,
            right,
            chance / count if count else None,
            1e4 * excess / count if count else None,
            left_out,
        )
        for key, (count, right, chance, excess, left_out) in rows.items()
    }


def closes_of(candles):
    """By the minute at whose end they were, of rows that begin with the time in ms; column 4."""
    return {
        round(row[0]) // MINUTE + 1: row[4] for row in candles.tolist() if math.isfinite(row[4])
    }
