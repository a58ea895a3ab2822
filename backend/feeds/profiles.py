"""What the simulated market starts from: how each asset trades on an ordinary day."""

import hashlib
from dataclasses import dataclass

# In an hour symbols correlate by about as much.
COMMON_SHARE = 0.87


@dataclass(frozen=True, slots=True)
class Profile:
    """`price` in USD, `day_volume` in USD, `day_volatility` the standard deviation of a day's log
    return, `common_share` how much of its variance is the market's common move."""

    price: float
    day_volume: float
    day_volatility: float
    common_share: float = COMMON_SHARE


# Orders of magnitude of 2024-2025; round on purpose, since nothing here is a quotation.
_KNOWN = {
    "BTC": Profile(64_000.0, 24e9, 0.027),
    "ETH": Profile(2_600.0, 14e9, 0.036),
    "SOL": Profile(148.0, 2.6e9, 0.047),
    "XRP": Profile(0.5872, 1.2e9, 0.040),
    "BNB": Profile(582.0, 1.5e9, 0.031),
    "ADA": Profile(0.456789, 340e6, 0.043),
    "DOGE": Profile(0.1087, 700e6, 0.052),
    "AVAX": Profile(27.4, 320e6, 0.049),
    "DOT": Profile(4.38, 160e6, 0.043),
    "LINK": Profile(11.6, 270e6, 0.045),
    "LTC": Profile(66.2, 300e6, 0.036),
    "BCH": Profile(338.0, 210e6, 0.042),
    "TRX": Profile(0.1534, 340e6, 0.026),
    "UNI": Profile(7.12, 140e6, 0.050),
    "ATOM": Profile(4.52, 130e6, 0.044),
    "XLM": Profile(0.0952, 90e6, 0.040),
    "NEAR": Profile(4.63, 230e6, 0.054),
    "AAVE": Profile(152.0, 210e6, 0.050),
    "FIL": Profile(3.71, 140e6, 0.050),
    "ALGO": Profile(0.1268, 45e6, 0.045),
    "SHIB": Profile(0.0000178, 240e6, 0.052),
    "USDC": Profile(1.0, 6e9, 0.0002, 0.0),
    "USDT": Profile(1.0, 40e9, 0.0002, 0.0),
}


def profile_of(symbol: str) -> Profile:
    """The symbol's profile; one that is not known gets a plausible one, the same each time."""
    known = _KNOWN.get(symbol)
    if known:
        return known
    digest = hashlib.sha256(symbol.encode()).digest()
    price, volume, volatility = (
        int.from_bytes(digest[at : at + 4], "big") / 2**32 for at in range(0, 12, 4)
    )
    return Profile(
        price=0.01 * 10_000**price,
        day_volume=5e6 * 40**volume,
        day_volatility=0.04 + 0.03 * volatility,
    )
