"""Response headers: what browsers may do with our answers."""

from flask import Flask, Response, request
from flask_cors import CORS

from backend.config import Settings

# The dashboard is served from here and loads nothing from elsewhere. Scripts are files; styles may
# be inline, as chart libraries set them. Sockets: older Safari does not count them to 'self'.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "connect-src 'self' ws: wss:",
        "img-src 'self' data:",
        "style-src 'self' 'unsafe-inline'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
# A year, as browsers' preload lists ask for. Only in production: it can't be taken back, and would
# lock a developer out of http://localhost.
STRICT_TRANSPORT_SECURITY = "max-age=31536000"

AUTH_PREFIX = "/api/auth/"
# Pages of other origins send tokens themselves, never cookies; X-Refresh-Cookie stays out of this
# list, so the refresh cookie only works on our own origin.
CORS_REQUEST_HEADERS = ["Authorization", "Content-Type"]
CORS_MAX_AGE_S = 600


def register_headers(app: Flask, settings: Settings) -> None:
    """Put security headers on every response, and CORS on `/api` and `/health`."""

    @app.after_request
    def secure(response: Response) -> Response:
        for name, value in SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        if settings.production:
            response.headers.setdefault("Strict-Transport-Security", STRICT_TRANSPORT_SECURITY)
        if request.path.startswith(AUTH_PREFIX):
            response.headers["Cache-Control"] = "no-store"
        return response

    if settings.cors_origins:
        CORS(
            app,
            resources={r"/api/.*": {}, r"/health": {}},
            origins=list(settings.cors_origins),
            allow_headers=CORS_REQUEST_HEADERS,
            expose_headers=["Retry-After"],
            max_age=CORS_MAX_AGE_S,
            send_wildcard=True,
        )
