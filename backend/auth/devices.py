"""By what an account's owner is told from a stranger before the password is looked at.

After OWASP's "device cookies": a browser that has logged in holds a signed cookie that names the
account, and a script, which keeps no cookies, comes again from the address that it came from.
Either is a known device: its failed logins count against itself, and those of strangers do not
count against it. It opens nothing: the password is needed as before.
"""

from collections import OrderedDict

from backend.auth.claims import ISSUER, SECOND_MS
from backend.auth.keys import BadSignature, Keyring
from backend.auth.tokens import new_id
from backend.clock import DAY_MS, Clock
from backend.journal.orders import KNOWN_PLACE, Orders

DEVICE = "device"
# Not that of access tokens, so that neither can ever be taken for the other.
AUDIENCE = "crs-login"
# The longest that browsers keep a cookie, give or take; each login starts it anew.
DEVICE_LIFETIME_S = 365 * DAY_MS // SECOND_MS
# Some 200 bytes each. The account that was logged into longest ago is forgotten first, and its
# owner's script is a stranger until it has logged in once more.
PLACES_MAX = 20_000


class Devices:
    """Which devices have logged into which accounts, here or, by `orders`, in another process.
    Lives on the hub's thread.

    `account` is a digest of the username, `network` the client's address or the /64 of it.
    """

    def __init__(
        self, keys: Keyring, orders: Orders, clock: Clock, places_max: int = PLACES_MAX
    ) -> None:
        self._keys = keys
        self._clock = clock
        self._places_max = places_max
        self._places: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._orders = orders
        orders.on(KNOWN_PLACE, self._note)

    def recognise(self, account: str, network: str, cookie: str | None) -> str | None:
        """A name for the device of the account's owner; None for a stranger's."""
        device = None if cookie is None else self._of_cookie(account, cookie)
        if device is None and (account, network) in self._places:
            device = f"{account} at {network}"
        return device

    def remember(self, account: str, network: str) -> str:
        """A device has just logged into the account from there; the cookie for it to keep."""
        self._note(account, network)
        self._orders.give(KNOWN_PLACE, account=account, network=network)
        now = self._clock.now_ms() // SECOND_MS
        return self._keys.sign(
            {
                "sub": account,
                "jti": new_id(),
                "type": DEVICE,
                "iss": ISSUER,
                "aud": AUDIENCE,
                "iat": now,
                "exp": now + DEVICE_LIFETIME_S,
            }
        )

    def _note(self, account: str, network: str) -> None:
        self._places[(account, network)] = None
        self._places.move_to_end((account, network))
        if len(self._places) > self._places_max:
            self._places.popitem(last=False)

    def _of_cookie(self, account: str, cookie: str) -> str | None:
        try:
            payload = self._keys.payload(cookie)
        except BadSignature:
            return None
        genuine = (
            payload.get("type") == DEVICE
            and payload.get("aud") == AUDIENCE
            and payload.get("sub") == account
            and payload["exp"] * SECOND_MS > self._clock.now_ms()
        )
        return str(payload["jti"]) if genuine else None
