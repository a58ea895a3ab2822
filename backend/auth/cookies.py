"""The two cookies: one with the refresh token of a page that must not hold it in script, one by
which a device is known that has logged in before. `docs/accounts.md` says what each is for.
"""

from typing import Any

from flask import Response, request

from backend.api.headers import AUTH_PREFIX
from backend.auth.devices import DEVICE_LIFETIME_S

REFRESH_COOKIE = "crs_refresh"
# Only script of our own origin can set this header (CORS does not allow it), which together with
# SameSite=Strict is what keeps other sites from using the cookie.
REFRESH_COOKIE_HEADER = "X-Refresh-Cookie"

DEVICE_COOKIE = "crs_device"


class Cookies:
    """Sets, reads and removes them; `secure` keeps them to HTTPS."""

    def __init__(self, secure: bool) -> None:
        self._common: dict[str, Any] = {"httponly": True, "samesite": "Strict", "secure": secure}
        self._refresh: dict[str, Any] = {"path": AUTH_PREFIX.rstrip("/"), **self._common}

    def wanted(self) -> bool:
        """Whether the request asks for its refresh token to be kept in the cookie."""
        return request.headers.get(REFRESH_COOKIE_HEADER) == "1"

    def refresh_token(self) -> str | None:
        """The token in the cookie, of a request that says so."""
        return request.cookies.get(REFRESH_COOKIE) if self.wanted() else None

    def keep_refresh_token(self, response: Response, token: str, seconds: int) -> None:
        response.set_cookie(REFRESH_COOKIE, token, max_age=seconds, **self._refresh)

    def remove_refresh_token(self, response: Response) -> None:
        response.delete_cookie(REFRESH_COOKIE, **self._refresh)

    def device(self) -> str | None:
        """What the device is known by, if it is."""
        return request.cookies.get(DEVICE_COOKIE)

    def keep_device(self, response: Response, cookie: str) -> None:
        # Where it is looked at, and nowhere else.
        response.set_cookie(
            DEVICE_COOKIE,
            cookie,
            max_age=DEVICE_LIFETIME_S,
            path=f"{AUTH_PREFIX}login",
            **self._common,
        )
