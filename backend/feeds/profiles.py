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
# These are what the simulated market lists.
KNOWN = {
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
    "APT": Profile(8.9, 150e6, 0.054),
    "ARB": Profile(0.56, 160e6, 0.055),
    "CRV": Profile(0.31, 90e6, 0.062),
    "DASH": Profile(27.5, 40e6, 0.046),
    "ENA": Profile(0.38, 190e6, 0.068),
    "ENS": Profile(18.2, 70e6, 0.058),
    "ETC": Profile(19.1, 110e6, 0.044),
    "FET": Profile(1.42, 170e6, 0.065),
    "FLOW": Profile(0.56, 20e6, 0.045),
    "GRT": Profile(0.1632, 50e6, 0.056),
    "HBAR": Profile(0.0541, 60e6, 0.050),
    "ICP": Profile(8.13, 75e6, 0.052),
    "IMX": Profile(1.47, 45e6, 0.058),
    "INJ": Profile(21.4, 130e6, 0.059),
    "LDO": Profile(1.12, 85e6, 0.061),
    "MANA": Profile(0.2853, 30e6, 0.050),
    "OP": Profile(1.67, 180e6, 0.057),
    "PEPE": Profile(0.00000912, 900e6, 0.067),
    "POL": Profile(0.3804, 110e6, 0.051),
    "RENDER": Profile(5.36, 120e6, 0.060),
    "RUNE": Profile(4.87, 160e6, 0.060),
    "SAND": Profile(0.2571, 40e6, 0.051),
    "SEI": Profile(0.4218, 140e6, 0.063),
    "STX": Profile(1.83, 65e6, 0.056),
    "SUI": Profile(1.74, 600e6, 0.060),
    "TAO": Profile(532.0, 210e6, 0.062),
    "TIA": Profile(5.42, 130e6, 0.064),
    "TON": Profile(5.31, 230e6, 0.045),
    "WIF": Profile(2.36, 420e6, 0.072),
    "WLD": Profile(1.94, 210e6, 0.064),
    "XTZ": Profile(0.6781, 25e6, 0.043),
    "ZEC": Profile(36.4, 55e6, 0.048),
    "USDC": Profile(1.0, 6e9, 0.0002, 0.0),
    "USDT": Profile(1.0, 40e9, 0.0002, 0.0),
}


def profile_of(symbol: str) -> Profile:
    """The symbol's profile; one that is not known gets a plausible one, the same each time."""
    known = KNOWN.get(symbol)
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
