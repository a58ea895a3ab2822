"""What the simulated market starts from: how each asset trades on an ordinary day."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """`price` in USD, `day_volume` in USD, `day_volatility` the standard deviation of a day's log
    return, `beta` how much of the market's common move the asset makes."""

    price: float
    day_volume: float
    day_volatility: float
    beta: float


# Orders of magnitude of 2024-2025; round on purpose, since nothing here is a quotation.
_KNOWN = {
    "BTC": Profile(64_000.0, 24e9, 0.027, 0.95),
    "ETH": Profile(2_600.0, 14e9, 0.036, 1.15),
    "SOL": Profile(148.0, 2.6e9, 0.047, 1.35),
    "XRP": Profile(0.5872, 1.2e9, 0.040, 1.05),
    "BNB": Profile(582.0, 1.5e9, 0.031, 0.95),
    "ADA": Profile(0.456789, 340e6, 0.043, 1.20),
    "DOGE": Profile(0.1087, 700e6, 0.052, 1.35),
    "AVAX": Profile(27.4, 320e6, 0.049, 1.35),
    "DOT": Profile(4.38, 160e6, 0.043, 1.20),
    "LINK": Profile(11.6, 270e6, 0.045, 1.25),
    "LTC": Profile(66.2, 300e6, 0.036, 1.00),
    "BCH": Profile(338.0, 210e6, 0.042, 1.10),
    "TRX": Profile(0.1534, 340e6, 0.026, 0.60),
    "UNI": Profile(7.12, 140e6, 0.050, 1.25),
    "ATOM": Profile(4.52, 130e6, 0.044, 1.20),
    "XLM": Profile(0.0952, 90e6, 0.040, 1.05),
    "NEAR": Profile(4.63, 230e6, 0.054, 1.40),
    "AAVE": Profile(152.0, 210e6, 0.050, 1.25),
    "FIL": Profile(3.71, 140e6, 0.050, 1.25),
    "ALGO": Profile(0.1268, 45e6, 0.045, 1.20),
    "SHIB": Profile(0.0000178, 240e6, 0.052, 1.30),
    "USDC": Profile(1.0, 6e9, 0.0002, 0.0),
    "USDT": Profile(1.0, 40e9, 0.0002, 0.0),
}


def profile_of(symbol: str) -> Profile:
    """The symbol's profile; one that is not known gets a plausible one, the same each time."""
    known = _KNOWN.get(symbol)
    if known:
        return known
    digest = hashlib.sha256(symbol.encode()).digest()
    price, volume, volatility, beta = (
        int.from_bytes(digest[at : at + 4], "big") / 2**32 for at in range(0, 16, 4)
    )
    return Profile(
        price=0.01 * 10_000**price,
        day_volume=5e6 * 40**volume,
        day_volatility=0.04 + 0.03 * volatility,
        beta=0.8 + 0.6 * beta,
    )
