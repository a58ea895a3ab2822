"""Ratings that are kept up with a market, read anew with turns for others, and restored."""

import json
from typing import Any

import numpy as np
import pytest

from backend import green
from backend.analysis.board import RatingBoard
from backend.analysis.level_changes import NO_CHANGES, Changes
from backend.analysis.rows import REMEMBERED_CANDLES
from backend.analysis.signal_board import SignalBoard
from backend.clock import DAY_MS, HOUR_MS, MINUTE_MS, SystemClock
from backend.market.candles import roll_up, row_candle
from backend.market.market import Market
from backend.market.models import CandleArray
from backend.offload import Overloaded
from backend.streaming.rater import Rater
from tests.streaming.conftest import NothingEarlier, go_over

SYMBOLS = ("BTC", "ETH")
FIRST_MS = 28_000_000 * MINUTE_MS - 28_000_000 * MINUTE_MS % DAY_MS


def walk(count: int, seed: int, step_ms: int = MINUTE_MS, end_ms: int | None = None) -> CandleArray:
    rng = np.random.default_rng(seed)
    closes = 100 * np.exp(np.cumsum(rng.normal(0, 1e-3, count)))
    opens = np.concatenate(([100.0], closes[:-1]))
    highs, lows = np.maximum(opens, closes) * 1.0005, np.minimum(opens, closes) * 0.9995
    begin = FIRST_MS if end_ms is None else end_ms - count * step_ms
    volumes = rng.exponential(5, count)
    times = begin + step_ms * np.arange(count)
    return np.column_stack([times, opens, highs, lows, closes, volumes, volumes * closes])


ROWS = {symbol: walk(3 * 1440, seed) for seed, symbol in enumerate(SYMBOLS)}


class Stored(NothingEarlier):
    """Hours and days from before the market's, once they have arrived."""

    def __init__(self) -> None:
        self.pages = self.coming = 0
        self.waited = 0
        self.asked: list[tuple[str, int]] = []

    def wait(self) -> None:
        self.waited += 1
        self.pages = max(self.pages, self.coming)

    def version(self, symbol: str) -> int:
        return self.pages

    def before(self, symbol: str, minutes: CandleArray, count: int) -> dict[str, CandleArray]:
        self.asked.append((symbol, count))
        if not self.pages:
            return {}
        hours = walk(1_000, 7, HOUR_MS, FIRST_MS)
        return {"1h": hours, "4h": roll_up(hours, 4 * HOUR_MS)}


class Desk:
    """A market and a rater of its hours."""

    def __init__(self, loaded: int = 2_000, **options: Any) -> None:
        self.market = Market(SYMBOLS, SystemClock(), "test")
        self.earlier = Stored()
        self.rater = Rater(self.market, SYMBOLS, "1m", self.earlier, **options)
        for symbol in SYMBOLS:
            self.market.load_history(symbol, ROWS[symbol][:loaded])

    def close_minute(self, number: int) -> None:
        for symbol in SYMBOLS:
            self.market.apply_candle(symbol, row_candle(ROWS[symbol][number]))

    def look(self) -> dict[str, dict[str, str]]:
        for symbol in SYMBOLS:
            self.rater.catch_up(symbol)
        levels = self.rater.changed_levels()
        return {symbol: dict(of_symbol) for symbol, of_symbol in (levels or {}).items()}

    def state(self, symbol: str) -> Any:
        ((source, state),) = self.rater.states(symbol)
        assert source == self.market.source(symbol)
        return json.loads(state)

    def restore(self, symbol: str, state: Any) -> None:
        self.rater.restore(symbol, self.market.source(symbol), json.dumps(state))

    def scores(self) -> list[float]:
        return [one.score for one in self.rater.assess(SYMBOLS)]


def of_board(count: int) -> list[float]:
    board = SignalBoard(SYMBOLS)
    for symbol in SYMBOLS:
        board.load(symbol, ROWS[symbol][:count])
    none = dict.fromkeys(SYMBOLS)
    return [one.score for one in board.assess("1m", none, dict.fromkeys(SYMBOLS, 0))]


def test_what_closes_while_a_symbol_is_read_anew_is_not_lost() -> None:
    minutes = iter(range(2_000, 2_010))

    def run(work: Any) -> Any:
        for number in (next(minutes, None), next(minutes, None)):
            if number is not None:
                desk.close_minute(number)
        return work()

    desk = Desk(run=run)
    desk.look()
    desk.look()
    assert 2_000 < (reached := next(minutes)) < 2_010
    assert desk.scores() == pytest.approx(of_board(reached))


def test_who_looks_while_a_symbol_is_read_anew_sees_what_there_was_before() -> None:
    seen: list[tuple[list[float], Any]] = []

    def run(work: Any) -> Any:
        seen.append((desk.scores(), desk.state("BTC")))
        done = work()
        seen.append((desk.scores(), desk.state("BTC")))
        return done

    desk = Desk()
    desk.look()
    before = desk.scores()
    desk = Desk(run=run)
    desk.rater.catch_up("BTC")
    assert seen[0] == ([], {"version": 1, "said": -1, "levels": seen[0][1]["levels"]})
    assert all(each == seen[0] for each in seen)
    desk.rater.catch_up("ETH")
    seen.clear()
    for symbol in SYMBOLS:
        desk.market.load_history(symbol, ROWS[symbol][1_000:2_000])
    desk.look()
    assert len(seen) >= 2 * len(SYMBOLS)
    assert all(scores == pytest.approx(before) for scores, _state in seen)
    assert all(state == seen[0][1] for _scores, state in seen)


def test_a_symbol_that_could_not_be_read_is_read_the_next_time() -> None:
    refusals = [Overloaded("busy")]

    def run(work: Any) -> Any:
        if refusals:
            raise refusals.pop()
        return work()

    desk = Desk(run=run)
    with pytest.raises(Overloaded):
        desk.look()
    desk.look()
    assert desk.scores() == pytest.approx(of_board(2_000))


def pausing(work: Any) -> Any:
    green.pause()
    done = work()
    green.pause()
    return done


def test_two_who_want_the_same_symbol_do_not_read_it_twice() -> None:
    desk = Desk(run=pausing)
    done: list[int] = []
    for number in range(2):
        green.spawn(lambda number=number: (desk.rater.catch_up("BTC"), done.append(number)))
    while len(done) < 2:
        green.pause()
    assert desk.earlier.asked == [("BTC", REMEMBERED_CANDLES)]


def test_a_symbol_may_go_while_somebody_waits_to_read_it() -> None:
    desk = Desk(run=pausing)
    ended: list[BaseException | None] = []

    def catch_up() -> None:
        try:
            desk.rater.catch_up("BTC")
            ended.append(None)
        except KeyError as error:
            ended.append(error)

    for _ in range(2):
        green.spawn(catch_up)
    green.pause()  # one reads, the other waits for its turn
    desk.rater.unfollow("BTC")
    desk.market.give_up("BTC")
    while len(ended) < 2:
        green.pause()
    assert ended == [None, None]
    assert not desk.rater.has_read("BTC")


def test_nothing_is_said_of_one_sources_candles_and_another_ones_price() -> None:
    seen: list[list[str]] = []

    def rated() -> list[str]:
        return [one.symbol for one in desk.rater.assess(SYMBOLS)]

    def run(work: Any) -> Any:
        seen.append(rated())
        return work()

    desk = Desk(run=run)
    desk.look()
    before = desk.scores()
    go_over(desk.market, "BTC", "dear", ROWS["BTC"][:2_000] * [1, 3, 3, 3, 3, 1, 3])
    assert rated() == ["ETH"]
    seen.clear()
    desk.rater.catch_up("BTC")
    assert seen and all(symbols == ["ETH"] for symbols in seen)
    # The same moves, at another price.
    assert rated() == list(SYMBOLS) and desk.scores() == pytest.approx(before)


def test_longer_timeframes_are_rated_once_their_candles_have_arrived() -> None:
    desk = Desk()
    assert {symbol: list(levels) for symbol, levels in desk.look().items()} == {
        symbol: ["1m", "5m", "15m"] for symbol in SYMBOLS
    }
    assert desk.look() == {}
    desk.earlier.pages += 1
    assert list(desk.look()["BTC"]) == ["1m", "5m", "15m", "1h", "4h"]
    asked = len(desk.earlier.asked)
    desk.look()
    desk.close_minute(2_000)
    desk.look()
    assert len(desk.earlier.asked) == asked == 2 * len(SYMBOLS)


def test_the_past_is_gone_through_once_and_gives_what_is_said_live() -> None:
    """However much of it is history: the same levels, and nothing of it is said twice."""
    board = RatingBoard(SYMBOLS)
    for symbol in SYMBOLS:
        board.load(symbol, ROWS[symbol][:900])
    expected = board.changes()
    for loaded in (900, 700, 30):
        heard: dict[str, list[Changes]] = {symbol: [] for symbol in SYMBOLS}
        desk = Desk(
            loaded=loaded,
            heard=lambda source, symbol, changes, heard=heard: heard[symbol].append(changes),
        )
        desk.look()
        for number in range(loaded, 900):
            desk.close_minute(number)
            if number % 3 == 0:
                desk.look()
        desk.look()
        for symbol in SYMBOLS:
            of_rater = np.concatenate([NO_CHANGES, *heard[symbol]])
            assert by_timeframe(of_rater) == by_timeframe(expected[symbol])
            assert desk.state(symbol) == board.state(symbol)


def by_timeframe(changes: Changes) -> list[Any]:
    """As they were said of each, without the last digits of scores."""
    rows = changes.copy()
    rows["score"] = rows["score"].round(9)
    found: list[Any] = rows[np.argsort(rows["timeframe"], kind="stable")].tolist()
    return found


@pytest.mark.parametrize("cut", [61, 2_000, 2_700])
def test_levels_go_on_after_a_restart_as_if_there_had_been_none(cut: int) -> None:
    """However long it was stopped, and whether it is restored before its candles or after them."""
    whole = Desk(loaded=cut)
    whole.look()
    states = {symbol: whole.state(symbol) for symbol in SYMBOLS}
    for number in range(cut, cut + 900):
        whole.close_minute(number)
        whole.look()
    for late in (False, True):
        again = Desk(loaded=cut + 850)
        if late:
            again.look()
        for symbol, state in states.items():
            again.restore(symbol, state)
        again.look()
        for number in range(cut + 850, cut + 900):
            again.close_minute(number)
        again.look()
        for symbol in SYMBOLS:
            assert again.state(symbol) == whole.state(symbol)


def test_restored_levels_are_told_though_none_has_changed() -> None:
    first = Desk()
    told = first.look()
    again = Desk()
    for symbol in SYMBOLS:
        again.restore(symbol, first.state(symbol))
    assert again.look() == told
    assert again.look() == {}


def test_a_symbol_is_read_for_the_first_time_when_there_is_what_comes_at_once() -> None:
    desk = Desk()
    earlier = desk.earlier
    earlier.coming = 1
    desk.look()
    assert earlier.waited == len(earlier.asked) == len(SYMBOLS)
    desk.look()
    assert earlier.waited == len(earlier.asked) == len(SYMBOLS)
