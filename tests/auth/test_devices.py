from collections.abc import Callable

import pytest

from backend.auth.devices import DEVICE_LIFETIME_S, Devices
from backend.auth.keys import Keyring
from backend.auth.tokens import Authenticator, Revocations, TokenIssuer, TokenRejected, new_id
from backend.journal.orders import LoneOrders
from tests.auth.accounts_app import SECRET
from tests.auth.bad_tokens import INVALID, NOW_MS
from tests.clocks import ManualClock

HOME, AWAY = "192.0.2.1", "198.51.100.1"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_MS)


@pytest.fixture
def devices(clock: ManualClock) -> Devices:
    return Devices(Keyring(SECRET), LoneOrders(), clock)


def test_a_device_is_known_by_its_cookie_anywhere_and_after_a_restart(
    devices: Devices, clock: ManualClock
) -> None:
    cookie = devices.remember("alice", HOME)
    name = devices.recognise("alice", AWAY, cookie)
    assert name is not None
    assert Devices(Keyring(SECRET), LoneOrders(), clock).recognise("alice", AWAY, cookie) == name
    assert devices.recognise("alice", AWAY, devices.remember("alice", HOME)) != name


def test_a_script_without_cookies_is_known_where_it_came_from(devices: Devices) -> None:
    assert devices.recognise("alice", HOME, None) is None
    devices.remember("alice", HOME)
    assert devices.recognise("alice", HOME, None) is not None
    assert devices.recognise("alice", AWAY, None) is None


def test_nobody_is_known_to_an_account_by_having_another(devices: Devices) -> None:
    cookie = devices.remember("mallory", HOME)
    assert devices.recognise("alice", HOME, cookie) is None


def test_a_cookie_ends_with_its_time(devices: Devices, clock: ManualClock) -> None:
    cookie = devices.remember("alice", HOME)
    clock.set_ms(NOW_MS + DEVICE_LIFETIME_S * 1000)
    assert devices.recognise("alice", AWAY, cookie) is None


def test_places_are_forgotten_from_the_oldest_login_on(clock: ManualClock) -> None:
    devices = Devices(Keyring(SECRET), LoneOrders(), clock, places_max=3)
    for name in ("alice", "bob", "carol", "alice", "dave"):
        devices.remember(name, HOME)
    known = [devices.recognise(name, HOME, None) for name in ("alice", "bob", "carol", "dave")]
    assert [name is not None for name in known] == [True, False, True, True]


@pytest.mark.parametrize(
    "cookie", [c for c in INVALID.values() if isinstance(c, str)][:40], ids=lambda c: c[:20]
)
def test_whatever_else_is_presented_makes_nobody_known(devices: Devices, cookie: str) -> None:
    assert devices.recognise("7", AWAY, cookie) is None


def test_a_cookie_is_no_token_and_a_token_no_cookie(devices: Devices, clock: ManualClock) -> None:
    keys = Keyring(SECRET)
    authenticator = Authenticator(keys, Revocations(clock), clock)
    with pytest.raises(TokenRejected):
        authenticator.identify(devices.remember("7", HOME))
    issuer = TokenIssuer(keys, 60, 600, clock)
    for token in (issuer.access(7, new_id()), issuer.refresh(7, new_id())):
        assert devices.recognise("7", AWAY, token.encoded) is None


class Peers:
    """Orders of processes that hear each other at once."""

    def __init__(self) -> None:
        self._handlers: list[Callable[..., None]] = []

    def on(self, _kind: str, handler: Callable[..., None]) -> None:
        self._handlers.append(handler)

    def give(self, _kind: str, **facts: object) -> None:
        for handler in self._handlers:
            handler(**facts)


def test_a_place_that_one_process_knows_is_known_to_all(clock: ManualClock) -> None:
    peers = Peers()
    here, there = (Devices(Keyring(SECRET), peers, clock) for _ in range(2))
    here.remember("alice", HOME)
    assert there.recognise("alice", HOME, None) == here.recognise("alice", HOME, None) is not None
    assert there.recognise("alice", AWAY, None) is None
