import numpy as np
import pytest

from backend.analysis.topics import ASSETS, MAX_TOPICS, MIN_HEAT, heats, trending
from backend.config import DEFAULT_SYMBOLS


def hours(returns, volumes):
    """Log prices and volumes of one symbol with these hourly returns and volumes."""
    steps = np.repeat(np.array(returns) / 60, 60)
    prices = np.concatenate(([0.0], np.cumsum(steps)))
    per_minute = np.concatenate(([0.0], np.repeat(np.array(volumes) / 60, 60)))
    return prices[None, :], per_minute[None, :]


CALM = [0.01, -0.01] * 4
USUAL = [90.0, 110.0] * 4


def test_heat_joins_the_z_scores_of_volume_and_move():
    # The volume's mean is 100 and its deviation 10; the returns' root mean square is 0.01.
    assert heats(*hours([*CALM, 0.03], [*USUAL, 140.0]))[0] == pytest.approx(5)
    assert heats(*hours([*CALM, -0.03], [*USUAL, 100.0]))[0] == pytest.approx(3)


def test_the_hours_end_with_the_newest_minute():
    prices, volumes = hours([*CALM, 0.03], [*USUAL, 140.0])
    earlier = np.full((1, 37), 5.0)
    joined = heats(np.concatenate([earlier, prices], 1), np.concatenate([earlier, volumes], 1))
    assert joined[0] == pytest.approx(5)


def test_little_volume_is_not_hot():
    assert heats(*hours([*CALM, 0.0], [*USUAL, 10.0]))[0] == pytest.approx(0)


def test_nothing_is_hot_without_history_or_variation():
    assert heats(*hours([0.01] * 5, [1.0] * 5))[0] == 0
    assert heats(*hours([0.0] * 9, [5.0] * 9))[0] == 0


def test_names_and_sectors_are_listed_hottest_first():
    symbols = ("BTC", "UNI", "AAVE", "LINK", "DOGE", "WAGMI")
    heat = np.array([2.5, 4.0, 3.0, 2.0, 1.9, 2.2])
    assert trending(symbols, heat) == ("uniswap", "aave", "defi", "bitcoin", "wagmi")


def test_a_sector_needs_two_members_and_a_topic_its_heat():
    assert trending(("DOGE", "LINK"), np.array([MIN_HEAT, MIN_HEAT - 0.01])) == ("dogecoin",)
    assert trending(("DOGE", "SHIB"), np.array([3.0, 3.0])) == ("dogecoin", "meme", "shiba-inu")


def test_topics_are_few_and_lower_case():
    symbols = tuple(DEFAULT_SYMBOLS.split(","))
    topics = trending(symbols, np.linspace(9, 3, len(symbols)))
    assert len(topics) == MAX_TOPICS
    assert all(topic == topic.lower() for topic in topics)


def test_every_default_symbol_has_a_name():
    assert set(DEFAULT_SYMBOLS.split(",")) <= set(ASSETS)
