"""The guard of routes that need a token, and what a request says of who sent it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Flask, Response, g, request
from flask_jwt_extended import JWTManager, jwt_required

from backend.api.errors import error_response
from backend.api.limits import client_network, too_many_requests
from backend.auth.attempts import TooManyAttempts
from backend.auth.claims import LEEWAY_S, Claims, TokenRejected, read_claims
from backend.auth.cookies import Cookies
from backend.auth.keys import ALGORITHM, TOKEN_MAX_CHARS, BadSignature, Keyring
from backend.auth.refusals import log_refusal
from backend.auth.tokens import Revocations
from backend.clock import Clock
from backend.protocol import (
    TOKEN_EXPIRED,
    TOKEN_INVALID,
    TOKEN_MISSING,
    TOKEN_REVOKED,
    AuthFailure,
)

BEARER = "Bearer "
# What is counted and logged of those who are answered 429.
TOO_MANY_ATTEMPTS = "too_many_attempts"

View = Callable[..., Any]


def access_required(view: View) -> View:
    """Let a view be called with a valid access token as Bearer only; `claims` are its then."""
    checked: View = jwt_required()(view)

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        # The library parses what a token says before it has checked the signature.
        if len(request.headers.get("Authorization", "")) > len(BEARER) + TOKEN_MAX_CHARS:
            raise TokenRejected(TOKEN_INVALID)
        return checked(*args, **kwargs)

    return guarded


def claims() -> Claims:
    """The claims of the access token by which a guarded view was reached."""
    found: Claims = g.claims
    return found


class Guard:
    """Makes flask-jwt-extended judge as `Authenticator` does, and refusals of tokens and of those
    who come too often answers in our shape."""

    def __init__(
        self,
        keys: Keyring,
        revocations: Revocations,
        cookies: Cookies,
        count_failure: Callable[[str], None],
        count_refusal: Callable[[str], None],
        clock: Clock,
    ) -> None:
        """`count_failure` is told why a login or a token is refused, `count_refusal` which limit
        somebody ran into."""
        self._keys = keys
        self._revocations = revocations
        self._cookies = cookies
        self._count_failure = count_failure
        self._count_refusal = count_refusal
        self._clock = clock

    def register(self, app: Flask) -> None:
        """Make `access_required` work in an application."""
        app.register_error_handler(TokenRejected, self._on_token_rejected)
        app.register_error_handler(TooManyAttempts, self._on_too_many)
        app.config.update(
            JWT_ALGORITHM=ALGORITHM,
            JWT_TOKEN_LOCATION=["headers"],
            # For the library's own look at `iat` and `nbf`; `read_claims` is exact about `exp`.
            JWT_DECODE_LEEWAY=LEEWAY_S,
        )
        manager = JWTManager(app)
        manager.decode_key_loader(self._key)
        manager.unauthorized_loader(lambda _reason: self._refuse(TOKEN_MISSING))
        manager.invalid_token_loader(lambda _reason: self._refuse(TOKEN_INVALID))
        manager.expired_token_loader(lambda _header, _payload: self._refuse(TOKEN_EXPIRED))
        manager.revoked_token_loader(lambda _header, _payload: self._refuse(TOKEN_REVOKED))
        manager.token_in_blocklist_loader(
            lambda _header, payload: str(payload.get("sid")) in self._revocations
        )
        manager.token_verification_loader(self._keep_claims)

    def _key(self, header: dict[str, Any], payload: dict[str, Any]) -> str:
        if "type" not in payload:
            # The library would take it for an access token.
            raise BadSignature("of no type")
        return self._keys.secret(header)

    def _keep_claims(self, _header: object, payload: dict[str, Any]) -> bool:
        # Instead of False, which has a handler of its own, the refusal that says why.
        g.claims = read_claims(payload, self._clock.now_ms())
        return True

    def refuse(self, code: str, message: str) -> Response:
        """401 in the one shape, counted and logged."""
        self._note(code)
        response = error_response(code, message, 401)
        response.headers["WWW-Authenticate"] = BEARER.strip()
        return response

    def _refuse(self, failure: AuthFailure) -> Response:
        return self.refuse(failure.code, failure.error)

    def _on_token_rejected(self, error: TokenRejected) -> Response:
        response = self._refuse(error.failure)
        if g.get("cookie_presented"):
            self._cookies.remove_refresh_token(response)
        return response

    def _on_too_many(self, error: TooManyAttempts) -> Response:
        self._note(TOO_MANY_ATTEMPTS)
        self._count_refusal(error.limit)
        return too_many_requests(error.retry_after)

    def _note(self, reason: str) -> None:
        self._count_failure(reason)
        # The route as it was written here, and not as the client spells it.
        log_refusal(str(request.url_rule), client_network(), reason)
