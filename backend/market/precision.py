"""How many decimals a price of some magnitude is quoted with."""

from math import floor, log10


def price_decimals(price: float) -> int:
    """Decimals of a tick as exchanges choose it for a positive price.

    From 100 on: 2; from 1 on: 4; below: six significant digits (0.456789, 0.0000123456).
    """
    if price >= 100:
        return 2
    if price >= 1:
        return 4
    return 5 - floor(log10(price))
