"""Who has a place, and who gives way."""

from backend.http.places import LOOKED_AT, Place, Places


class Client:
    """Frees its place when it is wanted, and notes that."""

    def __init__(self, place: Place, evicted: list[str]) -> None:
        self._place = place
        self._evicted = evicted

    def evicted(self) -> None:
        self._evicted.append(self._place.network)
        self._place.release()


def taken(places: Places, network: str, evicted: list[str]) -> Place:
    place = places.take(network)
    assert place is not None
    place.holder = Client(place, evicted)
    return place


def test_there_are_no_more_than_the_total() -> None:
    places = Places(4)
    evicted: list[str] = []
    for number in range(4):
        taken(places, str(number), evicted).known()
    assert places.take("5") is None
    assert evicted == []


def test_of_strangers_the_first_gives_way_to_the_next() -> None:
    places = Places(8)
    evicted: list[str] = []
    for number in range(4):
        taken(places, str(number), evicted)
    assert evicted == ["0", "1"]


def test_who_is_known_gives_way_to_nobody() -> None:
    places = Places(8)
    evicted: list[str] = []
    known = taken(places, "known", evicted)
    known.known()
    for number in range(20):
        taken(places, str(number), evicted)
    assert "known" not in evicted
    known.unknown()
    for number in range(3):
        taken(places, str(number), evicted)
    assert "known" in evicted


def test_a_place_is_given_back_once() -> None:
    places = Places(4)
    place = taken(places, "a", [])
    taken(places, "a", []).known()
    place.release()
    place.release()
    assert len(places) == 1


def test_a_network_shares_what_it_has_had() -> None:
    places = Places(40)
    one, two, other = (taken(places, network, []) for network in ("a", "a", "b"))
    assert one.share.network is two.share.network
    assert one.share.network is not other.share.network


def test_a_stranger_whose_turn_is_to_come_does_not_give_way() -> None:
    places = Places(8)
    evicted: list[str] = []
    first, second = (taken(places, network, evicted) for network in ("first", "second"))
    first.share.waiting = second.share.waiting = True
    assert not places.spare_one()
    second.share.waiting = False
    assert places.spare_one()
    taken(places, "third", evicted)
    assert evicted == ["second"]
    first.share.waiting = False
    assert places.spare_one()


def test_the_one_that_may_go_is_found_behind_many_that_wait() -> None:
    places = Places(400)
    evicted: list[str] = []
    strangers = [taken(places, str(number), evicted) for number in range(100)]
    for place in strangers[:-1]:
        place.share.waiting = True
    looks = 1
    while not places.spare_one():
        looks += 1
    taken(places, "another", evicted)
    assert evicted == ["99"]
    assert looks == 100 // LOOKED_AT + 1
