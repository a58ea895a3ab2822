"""The dashboard's files, as the frontend's build left them."""

from pathlib import Path

from flask import Blueprint, Response, send_from_directory
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound
from werkzeug.routing import PathConverter

# The build names these files after their content, so a browser may keep them for ever.
ASSETS = "assets"
YEAR_SECONDS = 365 * 24 * 3600

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

    @blueprint.record
    def know_paths(state: BlueprintSetupState) -> None:
        state.app.url_map.converters["page"] = PagePath

    @blueprint.get("/", defaults={"path": ""})
    @blueprint.get("/<page:path>")
    def page(path: str) -> ResponseReturnValue:
        if not (dist / "index.html").is_file():
            if path:
                raise NotFound
            return Response(MISSING_PAGE, content_type="text/html; charset=utf-8")
        if path.startswith(f"{ASSETS}/"):
            response = send_from_directory(dist, path, max_age=YEAR_SECONDS)
            response.cache_control.immutable = True
            return response
        name = path if path and _is_file(dist / path) else "index.html"
        return send_from_directory(dist, name, max_age=0)

    return blueprint


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is longer than any file's
        return False
