"""How large a run is: the short form takes about three minutes, the full one has the big crowds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """Clients are counts, `*_seconds` durations of one measurement, `turns` repetitions."""

    turns: int
    # Of what compares this server with itself only.
    own_turns: int
    room_clients: int
    room_seconds: float
    flood_clients: int
    flood_seconds: float
    basket_clients: int
    basket_seconds: float
    deflate_clients: int
    deflate_seconds: float
    stream_clients: int
    login_seconds: float
    deaf_clients: int
    deaf_seconds: float
    # These in the full form only.
    memory_clients: int = 4_000
    crowd_clients: int = 10_000
    crowd_seconds: float = 20.0


SHORT = Scale(
    turns=2,
    own_turns=1,
    room_clients=1_000,
    room_seconds=1.4,
    flood_clients=500,
    flood_seconds=1.4,
    basket_clients=2_000,
    basket_seconds=2.0,
    deflate_clients=300,
    deflate_seconds=2.0,
    stream_clients=500,
    login_seconds=2.6,
    deaf_clients=100,
    deaf_seconds=4.0,
)
FULL = Scale(
    turns=5,
    own_turns=3,
    room_clients=1_000,
    room_seconds=5.0,
    flood_clients=500,
    flood_seconds=4.0,
    basket_clients=2_000,
    basket_seconds=10.0,
    deflate_clients=1_000,
    deflate_seconds=6.0,
    stream_clients=500,
    login_seconds=15.0,
    deaf_clients=100,
    deaf_seconds=60.0,
)
