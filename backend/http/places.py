"""The places for connections: how many there may be, and who gives way when they are taken."""

from itertools import islice
from typing import Protocol

from backend.turns import Share

# Of all places those that may be held by connections without an accepted token. Who is accepted
# keeps the others, whoever else comes; among strangers the one that came first gives way, which
# after a moment is one that does nothing.
STRANGERS_PART = 0.25
# At so many of the strangers that came first it is looked whether one may go, at each newcomer:
# those that wait are moved behind, so all have been looked at after a while.
LOOKED_AT = 8


class Holder(Protocol):
    """Whose connection it is."""

    def evicted(self) -> None:
        """The place is wanted for somebody else: close the connection. Must not wait."""


class Place:
    """One connection's place. `known` once its token has been accepted."""

    __slots__ = ("share", "network", "held", "holder", "_places")

    def __init__(self, places: "Places", network: str, share: Share) -> None:
        self.share = share
        self.network = network
        self.held = True
        self.holder: Holder | None = None
        self._places = places

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
        self._taken = 0
        # In the order in which they came.
        self._strangers: dict[Place, None] = {}
        self._networks: dict[str, tuple[Share, int]] = {}

    def __len__(self) -> int:
        return self._taken

    def spare_one(self) -> bool:
        """Whether a newcomer would take no place of somebody who waits for their turn here. A
        stranger who does not is the next that gives way."""
        if len(self._strangers) < self._strangers_max:
            return True
        for oldest in list(islice(self._strangers, LOOKED_AT)):
            if not oldest.share.waiting:
                return True
            del self._strangers[oldest]
            self._strangers[oldest] = None
        return False

    def take(self, network: str) -> Place | None:
        """A place for a new connection, whose holder is to be named; None where there is none. May
        have a stranger closed, whose place is free when it is."""
        if self._taken >= self.total:
            return None
        if len(self._strangers) >= self._strangers_max:
            oldest = next(iter(self._strangers))
            del self._strangers[oldest]
            if oldest.holder is not None:
                oldest.holder.evicted()
        shared, count = self._networks.get(network, (Share(), 0))
        self._networks[network] = shared, count + 1
        place = Place(self, network, Share(shared))
        self._taken += 1
        self._strangers[place] = None
        return place

    def acquainted(self, place: Place) -> None:
        self._strangers.pop(place, None)

    def estranged(self, place: Place) -> None:
        if place.held:
            self._strangers[place] = None

    def free(self, place: Place) -> None:
        if not place.held:
            return
        place.held = False
        place.holder = None
        self._taken -= 1
        self._strangers.pop(place, None)
        shared, count = self._networks[place.network]
        if count > 1:
            self._networks[place.network] = shared, count - 1
        else:
            del self._networks[place.network]
