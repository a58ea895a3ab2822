"""The dashboard's files, as the frontend's build left them."""

import mimetypes
from pathlib import Path

from flask import Blueprint, Response, request
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound
from werkzeug.routing import PathConverter
from werkzeug.utils import get_content_type

from backend.api.built_files import BuiltFile, BuiltFiles

# The build names these files after their content, so a browser may keep them for ever.
ASSETS = "assets"
YEAR_SECONDS = 365 * 24 * 3600
# As long as a file's name may be on the systems we run on. Nothing that the page routes is longer.
SEGMENT_MAX_BYTES = 255
# What bytes that are no UTF-8 are decoded to.
REPLACEMENT = "\ufffd"

MISSING_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>CRS: the dashboard is not built</title>
<style>
  :root { color-scheme: light dark; font: 1rem/1.6 system-ui, sans-serif }
  main { max-width: 40rem; margin: 12vh auto; padding: 0 1.5rem }
  code { padding: .1em .35em; border-radius: .3em;
         background: color-mix(in srgb, currentcolor 10%, transparent) }
</style>
<main>
  <h1>The server runs; the dashboard is not built</h1>
  <p>Market data, accounts and the live stream work as they are: see <a href="/health">/health</a>
  and <a href="/api/market/quotes">/api/market/quotes</a>.</p>
  <p>The dashboard needs Node.js 20.19 or newer. Install it, then stop the server and start it again
  with <code>make run</code>, which builds the page.</p>
</main>
</html>
"""


class PagePath(PathConverter):
    """Paths that can be the page's: those of calls have routes of their own, or none."""

    regex = r"(?!api/|socket\.io/)[^/].*?"


def pages_blueprint(dist: Path) -> Blueprint:
    """Serves `dist`; any path that is no file is the page's own to route. Where there is no
    build, `/` says what is missing."""
    blueprint = Blueprint("pages", __name__)
    files = BuiltFiles(dist)

    @blueprint.record
    def know_paths(state: BlueprintSetupState) -> None:
        state.app.url_map.converters["page"] = PagePath

    @blueprint.get("/", defaults={"path": ""})
    @blueprint.get("/<page:path>")
    def page(path: str) -> ResponseReturnValue:
        if not _is_routable(path):
            raise NotFound
        found = files.get(path, _accepts) if path else None
        if path.startswith(f"{ASSETS}/"):
            if found is None:
                raise NotFound
            response = _response(path, found)
            response.cache_control.max_age = YEAR_SECONDS
            response.cache_control.immutable = True
            return response
        name = path if found else "index.html"
        found = found or files.get(name, _accepts)
        if found is None:
            if path:
                raise NotFound
            return Response(MISSING_PAGE, content_type="text/html; charset=utf-8")
        response = _response(name, found)
        response.cache_control.no_cache = True
        return response

    return blueprint


def _is_routable(path: str) -> bool:
    """Whether a path could be a file's or one of the page's own."""
    return (
        path.isprintable()
        and REPLACEMENT not in path
        and all(len(segment.encode()) <= SEGMENT_MAX_BYTES for segment in path.split("/"))
    )


def _accepts(encoding: str) -> bool:
    return request.accept_encodings.quality(encoding) > 0


def _response(name: str, file: BuiltFile) -> Response:
    guessed, _ = mimetypes.guess_type(name)
    response = Response(
        file.body, content_type=get_content_type(guessed or "application/octet-stream", "utf-8")
    )
    if file.varies:
        response.vary.add("Accept-Encoding")
    if file.encoding:
        response.content_encoding = file.encoding
    response.set_etag(file.etag)
    response.make_conditional(request)
    return response
