"""What clients are told of the feed: one shape for `/health`, `connection_status` and REST."""

from backend.clock import iso
from backend.market.state import MarketState
from backend.protocol import Payload


def feed_status(market: MarketState) -> Payload:
    """`{state, since, detail, stale, last_data, unlisted, replay}`.

    `since` is wall time, `last_data` the exchange's time of the newest data (None before any).
    `replay` is None but for a recording: `{speed, loop, position, begin, end}`, in its own time.
    """
    feed, facts = market.feed_state, market.feed_facts
    newest = iso(market.newest_ms) if market.newest_ms else None
    playback = facts.playback
    return {
        "state": feed.state,
        "since": iso(market.feed_state_since_ms),
        "detail": feed.detail,
        "stale": market.feed_stale(),
        "last_data": newest,
        "unlisted": list(facts.unlisted),
        "replay": playback
        and {
            "speed": playback.speed,
            "loop": playback.loop,
            "position": newest,
            "begin": None if playback.begin_ms is None else iso(playback.begin_ms),
            "end": None if playback.end_ms is None else iso(playback.end_ms),
        },
    }
