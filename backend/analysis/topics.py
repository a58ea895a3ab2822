"""What is being traded unusually: names and sectors with abnormal volume or moves."""

import numpy as np

from backend.analysis.averages import Floats
from backend.analysis.factors import HOUR

# Two standard deviations: about one hour in twenty of one quantity that is normally distributed.
MIN_HEAT = 2.0
MAX_TOPICS = 5
# Fewer hours have no meaningful standard deviation; more than two days tell of another market.
MIN_HOURS = 7
MAX_HOURS = 48
LOOKED_AT_MINUTES = MAX_HOURS * HOUR + 1
# One member would only repeat its own name.
MIN_SECTOR_MEMBERS = 2

# Ticker to name and sectors, as the projects describe themselves.
ASSETS: dict[str, tuple[str, tuple[str, ...]]] = {
    "BTC": ("bitcoin", ("store-of-value",)),
    "ETH": ("ethereum", ("layer-1", "smart-contracts")),
    "SOL": ("solana", ("layer-1", "smart-contracts")),
    "XRP": ("xrp", ("payments",)),
    "BNB": ("bnb", ("layer-1", "exchange-tokens")),
    "ADA": ("cardano", ("layer-1", "smart-contracts")),
    "DOGE": ("dogecoin", ("meme", "payments")),
    "AVAX": ("avalanche", ("layer-1", "smart-contracts")),
    "DOT": ("polkadot", ("layer-1", "interoperability")),
    "LINK": ("chainlink", ("oracle", "defi")),
    "LTC": ("litecoin", ("payments",)),
    "BCH": ("bitcoin-cash", ("payments",)),
    "TRX": ("tron", ("layer-1", "payments")),
    "UNI": ("uniswap", ("defi",)),
    "ATOM": ("cosmos", ("layer-1", "interoperability")),
    "XLM": ("stellar", ("payments",)),
    "NEAR": ("near", ("layer-1", "smart-contracts")),
    "AAVE": ("aave", ("defi",)),
    "FIL": ("filecoin", ("storage",)),
    "ALGO": ("algorand", ("layer-1", "smart-contracts")),
    "APE": ("apecoin", ("metaverse",)),
    "APT": ("aptos", ("layer-1", "smart-contracts")),
    "AR": ("arweave", ("storage",)),
    "ARB": ("arbitrum", ("layer-2",)),
    "AXS": ("axie-infinity", ("metaverse", "gaming")),
    "BONK": ("bonk", ("meme",)),
    "COMP": ("compound", ("defi",)),
    "CRV": ("curve", ("defi",)),
    "ETC": ("ethereum-classic", ("layer-1",)),
    "FET": ("fetch-ai", ("ai",)),
    "GRT": ("the-graph", ("ai",)),
    "HBAR": ("hedera", ("layer-1", "payments")),
    "ICP": ("internet-computer", ("layer-1",)),
    "INJ": ("injective", ("layer-1", "defi")),
    "LDO": ("lido", ("defi", "staking")),
    "MANA": ("decentraland", ("metaverse", "gaming")),
    "MATIC": ("polygon", ("layer-2",)),
    "MKR": ("maker", ("defi",)),
    "OKB": ("okb", ("exchange-tokens",)),
    "OP": ("optimism", ("layer-2",)),
    "PEPE": ("pepe", ("meme",)),
    "POL": ("polygon", ("layer-2",)),
    "PYTH": ("pyth", ("oracle",)),
    "RENDER": ("render", ("ai",)),
    "RPL": ("rocket-pool", ("staking", "defi")),
    "SAND": ("the-sandbox", ("metaverse", "gaming")),
    "SEI": ("sei", ("layer-1",)),
    "SHIB": ("shiba-inu", ("meme",)),
    "SNX": ("synthetix", ("defi",)),
    "STX": ("stacks", ("layer-2",)),
    "SUI": ("sui", ("layer-1", "smart-contracts")),
    "TAO": ("bittensor", ("ai",)),
    "TIA": ("celestia", ("modular",)),
    "TON": ("toncoin", ("layer-1", "payments")),
    "VET": ("vechain", ("supply-chain",)),
    "WIF": ("dogwifhat", ("meme",)),
    "XMR": ("monero", ("privacy", "payments")),
    "XTZ": ("tezos", ("layer-1",)),
    "ZEC": ("zcash", ("privacy",)),
}


def heats(log_prices: Floats, volumes: Floats) -> Floats:
    """How unusual each symbol's last hour is, in standard deviations of its own earlier hours.

    From forward-filled log prices and quote volumes, both (s, n): the root of the sum of squares
    of the z-scores of the hour's volume (only above the mean) and of its return (about zero).
    0 where there is too little history, or none that varied.
    """
    symbols, minutes = log_prices.shape
    hours = min((minutes - 1) // HOUR, MAX_HOURS)
    if hours < MIN_HOURS:
        return np.zeros(symbols)
    span = hours * HOUR
    volume = volumes[:, -span:].reshape(symbols, hours, HOUR).sum(axis=2)
    returns = np.nan_to_num(np.diff(log_prices[:, -span - 1 :: HOUR]))
    past_volume, past_returns = volume[:, :-1], returns[:, :-1]
    surge = _in_units(volume[:, -1] - past_volume.mean(axis=1), past_volume.std(axis=1))
    move = _in_units(returns[:, -1], np.sqrt((past_returns**2).mean(axis=1)))
    return np.hypot(np.maximum(surge, 0), move)


def trending(symbols: tuple[str, ...], heat: Floats) -> tuple[str, ...]:
    """Names and sectors with a heat of at least `MIN_HEAT`, hottest first, `MAX_TOPICS` at most.

    A sector's heat is the mean of its members'. A symbol that is not in `ASSETS` goes by its
    ticker, in lower case.
    """
    topics: dict[str, float] = {}
    members: dict[str, list[float]] = {}
    for symbol, own in zip(symbols, heat.tolist(), strict=True):
        name, sectors = ASSETS.get(symbol, (symbol.lower(), ()))
        topics[name] = max(own, topics.get(name, 0.0))
        for sector in sectors:
            members.setdefault(sector, []).append(own)
    for sector, of_members in members.items():
        if len(of_members) >= MIN_SECTOR_MEMBERS:
            topics[sector] = sum(of_members) / len(of_members)
    hot = [(-own, name) for name, own in topics.items() if own >= MIN_HEAT]
    return tuple(name for _, name in sorted(hot)[:MAX_TOPICS])


def _in_units(values: Floats, deviations: Floats) -> Floats:
    some = deviations > 0
    units: Floats = np.divide(values, deviations, out=np.zeros_like(values), where=some)
    return units
