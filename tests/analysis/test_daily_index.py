"""The daily index: what it says, and how near it is to the published one."""

import csv
import gzip

import numpy as np
import pytest

from backend.analysis.daily_index import COMPONENTS, MIN_DAYS, RANKED_DAYS, daily_readings
from backend.clock import DAY_MS
from backend.evaluate.daily import daily_table, rank_correlation
from backend.market.models import CLOSE, OPEN, OPEN_TIME, QUOTE_VOLUME, VOLUME
from tests.analysis.conftest import RECORDINGS

PUBLISHED = RECORDINGS.parent / "indices" / "fear-greed-2018-2021.csv.gz"


@pytest.fixture
def days(candles):
    """Two years of daily candles."""
    rows = candles(count=730, step=0.04)
    rows[:, OPEN_TIME] = DAY_MS * (18_000 + np.arange(len(rows)))
    return rows


def test_there_is_no_reading_before_the_longest_average_and_some_ranks(days):
    assert daily_readings(days[:MIN_DAYS]) == []
    (first,) = daily_readings(days[: MIN_DAYS + 1])
    assert first.time_ms == days[MIN_DAYS, OPEN_TIME] + DAY_MS
    assert set(first.components) == set(COMPONENTS)


def test_the_index_is_the_mean_of_its_components(days):
    for reading in daily_readings(days):
        assert reading.value == pytest.approx(np.mean(list(reading.components.values())))
        assert all(0 <= score <= 100 for score in reading.components.values())


def test_a_long_rise_is_greed_and_a_fall_fear(days):
    drift = np.where(np.arange(730) < 640, 0, 0.02 * (np.arange(730) - 640))[:, None]
    risen, fallen = days.copy(), days.copy()
    risen[:, OPEN:VOLUME] *= np.exp(drift)
    fallen[:, OPEN:VOLUME] /= np.exp(drift)
    assert daily_readings(risen, 1)[0].value > 75
    assert daily_readings(fallen, 1)[0].value < 25


def test_volume_on_rising_days_is_greed(days):
    rises = np.diff(days[:, CLOSE], prepend=days[0, CLOSE]) > 0
    busy, calm = days.copy(), days.copy()
    busy[-30:, QUOTE_VOLUME] *= np.where(rises[-30:], 20, 1)
    calm[-30:, QUOTE_VOLUME] *= np.where(rises[-30:], 1, 20)
    found = [daily_readings(rows, 1)[0].components["volume"] for rows in (busy, calm)]
    assert found[0] > found[1] + 40


@pytest.mark.parametrize("cut", [200, 365, 500])
def test_the_future_changes_no_reading_before_it(days, cut):
    assert daily_readings(days[:cut]) == daily_readings(days)[: cut - MIN_DAYS]
    assert daily_readings(days[:cut], 3) == daily_readings(days[:cut])[-3:]


def test_a_year_is_looked_back_on(days):
    needed = 2 * RANKED_DAYS - 1
    assert daily_readings(days[-needed:], 1) == daily_readings(days, 1)


def test_days_without_moves_or_volume_are_neutral(days):
    still = days.copy()
    still[:, OPEN:VOLUME], still[:, QUOTE_VOLUME] = 100.0, 0.0
    assert daily_readings(still, 1)[0].value == 50


def test_rank_correlation_is_spearmans():
    assert rank_correlation(np.array([1, 2, 3.0]), np.array([1, 8, 27.0])) == pytest.approx(1)
    # By hand: ranks 1, 2.5, 2.5, 4 and 1, 3, 2, 4.
    found = rank_correlation(np.array([1, 2, 2, 3.0]), np.array([1, 3, 2, 4.0]))
    assert found == pytest.approx(4.5 / np.sqrt(4.5 * 5))


def test_the_table_compares_day_by_day(days, tmp_path):
    readings = daily_readings(days)
    path = tmp_path / "published.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("date", "value"))
        for one in readings:
            date = np.datetime64(one.time_ms, "ms").astype("datetime64[D]")
            writer.writerow((date, one.value**3))
    line = daily_table({"days": days}, path).splitlines()[2]
    assert line == f"| days | index | 1.00 | 1.00 | 1.00 | {len(readings)} |"


def test_it_follows_the_published_index(recording):
    if not PUBLISHED.exists():
        pytest.skip("the published index is not at hand")
    with gzip.open(PUBLISHED, "rt") as file:
        assert file.readline().strip() == "date,value"
    line = daily_table({"BTC": recording("BTC-USD-4h-2016-2021")}, PUBLISHED).splitlines()[2]
    assert float(line.split("|")[5]) >= 0.75
