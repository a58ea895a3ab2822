"""Which minutes are taken for damaged, and when each may be repaired."""

import pytest

from backend.clock import HOUR_MS, MINUTE_MS
from backend.feeds.damage import LATE_MS, SETTLE_MS, Damage, ExchangeTime
from backend.market.models import Trade
from tests.clocks import ManualClock

M0 = 1_767_614_400_000  # a minute's start
M1, M2, M3 = (M0 + number * MINUTE_MS for number in (1, 2, 3))


@pytest.fixture
def time(clock: ManualClock) -> ExchangeTime:
    return ExchangeTime(clock)


def trade(time_ms: int, trade_id: int | None) -> Trade:
    return Trade("BTC", time_ms, 1.0, 1.0, trade_id)


def whole(time: ExchangeTime) -> Damage:
    """The state after the history was loaded and the first minute repaired."""
    damage = Damage(time)
    damage.observe(trade(M0 + 1_000, 1))
    assert damage.repaired(M0, M0, damage.version)
    assert damage.since is None
    return damage


def test_the_past_is_damaged_at_first(time: ExchangeTime) -> None:
    damage = Damage(time)
    assert damage.since == 0
    assert damage.due()


def test_consecutive_trades_damage_nothing(time: ExchangeTime) -> None:
    damage = whole(time)
    assert not any(damage.observe(trade(M0 + 1_000 + n * 30_000, n)) for n in range(2, 9))
    assert damage.since is None


def test_a_missing_id_damages_from_the_last_trade_to_the_next(time: ExchangeTime) -> None:
    damage = whole(time)
    assert damage.observe(trade(M2 + 1_000, 3))
    assert (damage.since, damage.until) == (M0, M2)


def test_a_newest_trade_that_never_came_damages_up_to_now(time: ExchangeTime) -> None:
    damage = whole(time)
    assert not damage.newest_trade(1, M1)
    assert damage.newest_trade(4, M2 + 1_000)
    assert (damage.since, damage.until) == (M0, M2)
    version = damage.version
    assert not damage.newest_trade(4, M2 + 2_000)
    assert not damage.observe(trade(M2 + 3_000, 5))
    assert damage.version == version


def test_a_newest_trade_says_nothing_before_the_first(time: ExchangeTime) -> None:
    damage = Damage(time)
    assert not damage.newest_trade(4, M0)
    assert not damage.observe(trade(M0 + 1_000, 9))


def test_repeats_damage_nothing(time: ExchangeTime) -> None:
    damage = whole(time)
    damage.observe(trade(M1 + 1_000, 2))
    assert not damage.observe(trade(M0 + 1_000, 1))
    assert not damage.observe(trade(M1 + 1_000, 2))
    assert damage.since is None


def test_ids_that_begin_anew_count_as_a_gap(time: ExchangeTime) -> None:
    damage = whole(time)
    damage.observe(trade(M0 + 2_000, 10**15))
    damage.repaired(M0, M1, damage.version)
    assert damage.observe(trade(M2, 2))
    assert damage.observe(trade(M2 + 1, 4))


def test_a_trade_that_may_have_come_too_late_damages_its_minute(time: ExchangeTime) -> None:
    damage = whole(time)
    time.reached(M1 + LATE_MS)
    damage.observe(trade(M1 - 10, 2))
    assert (damage.since, damage.until) == (M0, M0)


def test_the_forming_minute_waits_until_it_is_settled(time: ExchangeTime) -> None:
    damage = whole(time)
    damage.observe(trade(M1 + 20_000, 5))
    assert damage.due()  # M0 can be had
    assert damage.repaired(damage.reach(M1)[1], M1, damage.version)
    assert (damage.since, damage.until) == (M1, M1)
    damage.observe(trade(M2 + 10, 6))
    assert not damage.due()
    time.reached(M2 + SETTLE_MS)
    assert damage.due()
    usable, final = damage.reach(M2)
    assert (usable, final) == (M1, M1)
    assert damage.repaired(final, M2, damage.version)
    assert damage.since is None


def test_a_candle_that_has_just_closed_is_used_but_not_final(time: ExchangeTime) -> None:
    damage = whole(time)
    damage.observe(trade(M2 + SETTLE_MS - 1_000, 5))
    assert damage.reach(M2) == (M1, M0)
    damage.repaired(M0, M2, damage.version)
    assert damage.since == M1


def test_a_silent_symbol_waits_for_the_markets_time_to_pass(time: ExchangeTime) -> None:
    damage = whole(time)
    damage.restarted()
    assert not damage.due()  # its last trade's minute may still be forming
    time.reached(M2 + SETTLE_MS)  # another symbol has told
    assert damage.due()
    assert damage.reach(M2) == (M1, M1)


def test_time_passes_between_events(time: ExchangeTime, clock: ManualClock) -> None:
    time.reached(M1)
    assert time.settled_until() == M0 - MINUTE_MS
    clock.advance(SETTLE_MS / 1000)
    assert time.settled_until() == M0
    assert time.ended_until() == M0 - MINUTE_MS


def test_damage_done_during_a_repair_is_not_forgotten(time: ExchangeTime) -> None:
    damage = whole(time)
    damage.observe(trade(M1 + 1_000, 5))
    version = damage.version
    damage.observe(trade(M3 + 1_000, 9))
    damage.repaired(M1, M2, version)
    assert (damage.since, damage.until) == (M0, M3)


def test_candles_that_lag_are_no_progress(time: ExchangeTime) -> None:
    damage = whole(time)
    damage.observe(trade(M2 + 30_000, 5))
    assert not damage.repaired(M0 - MINUTE_MS, M0, damage.version)
    assert damage.since == M0


def test_one_lie_about_the_time_is_not_believed(time: ExchangeTime) -> None:
    assert time.reached(M0)
    assert not time.reached(M0 + 1_000 * HOUR_MS)
    assert time.reached(M0 + 1)
    assert time.newest_ms == M0 + 1
    assert not time.reached(M0 + 2 * HOUR_MS)
    assert time.reached(M0 + 2 * HOUR_MS + 5)
    assert time.newest_ms == M0 + 2 * HOUR_MS + 5
