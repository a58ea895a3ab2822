"""The places for connections: how many there may be, and who gives way when they are taken."""

from collections.abc import Callable

from backend.turns import Share

# Of all places those that may be held by connections without an accepted token. Who is accepted
# keeps the others, whoever else comes; among strangers the one that came first gives way, which
# after a moment is one that does nothing.
STRANGERS_PART = 0.25


class Place:
    """One connection's place. `known` once its token has been accepted."""

    __slots__ = ("share", "network", "_places", "_evict")

    def __init__(self, places: "Places", network: str, share: Share) -> None:
        self.share = share
        self.network = network
        self._places = places
        self._evict: Callable[[], None] | None = None

    def when_evicted(self, evict: Callable[[], None]) -> None:
        """Call `evict`, which must not wait, when the place is wanted for somebody else."""
        self._evict = evict

    def evict(self) -> None:
        """Have the connection closed; its place is free when it is."""
        if self._evict is not None:
            self._evict()

    def known(self) -> None:
        """The connection's token has been accepted: it gives way to nobody."""
        if self.share.stranger:
            self.share.stranger = False
            self._places.acquainted(self)

    def unknown(self) -> None:
        """No token of the connection's is good any more."""
        if not self.share.stranger:
            self.share.stranger = True
            self._places.estranged(self)

    def release(self) -> None:
        """The connection has been closed."""
        self._places.free(self)


class Places:
    """At most `total` connections, and of strangers at most a part of them."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._strangers_max = max(1, int(total * STRANGERS_PART))
        self._taken: set[Place] = set()
        # In the order in which they came.
        self._strangers: dict[Place, None] = {}
        self._networks: dict[str, tuple[Share, int]] = {}

    def __len__(self) -> int:
        return len(self._taken)

    def take(self, network: str) -> Place | None:
        """A place for a new connection; None where there is none. May evict a stranger."""
        if len(self._taken) >= self.total:
            return None
        if len(self._strangers) >= self._strangers_max:
            oldest = next(iter(self._strangers))
            del self._strangers[oldest]
            oldest.evict()
        shared, count = self._networks.get(network, (Share(), 0))
        self._networks[network] = shared, count + 1
        place = Place(self, network, Share(shared))
        self._taken.add(place)
        self._strangers[place] = None
        return place

    def acquainted(self, place: Place) -> None:
        self._strangers.pop(place, None)

    def estranged(self, place: Place) -> None:
        if place in self._taken:
            self._strangers[place] = None

    def free(self, place: Place) -> None:
        if place not in self._taken:
            return
        self._taken.discard(place)
        self._strangers.pop(place, None)
        shared, count = self._networks[place.network]
        if count > 1:
            self._networks[place.network] = shared, count - 1
        else:
            del self._networks[place.network]
