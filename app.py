"""The entry point: `python app.py`. Everything is wired in `backend.create_app`."""

import warnings

# eventlet was chosen with this known; its one warning at import would only alarm.
warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")

import eventlet

# First of all, before anything imports a socket. Database calls run in threads, not on the hub.
eventlet.monkey_patch(psycopg=False)

import os
import sys
from typing import Any

from dotenv import load_dotenv

from backend import create_app, logs
from backend.config import ConfigError, Settings, load_settings
from backend.config_values import PROJECT_ROOT
from backend.memory import settle, tame_malloc
from backend.server import (
    PortInUse,
    TooFewFiles,
    listen,
    raise_file_limit,
    serve,
    url_of,
)
from backend.storage.faults import StorageUnavailable, unusable


def main() -> int:
    load_dotenv(PROJECT_ROOT / ".env")
    try:
        settings = load_settings(os.environ)
        places = raise_file_limit()
        tame_malloc()
        listener = listen(settings.host, settings.port)
    except (ConfigError, TooFewFiles) as error:
        print(error, file=sys.stderr)
        return 2
    except PortInUse as error:
        print(f"{error} is in use; stop what listens there or set PORT", file=sys.stderr)
        return 1
    try:
        run(settings, places, listener)
    except StorageUnavailable as error:
        print(unusable(settings.database_url, error), file=sys.stderr)
        return 2
    return 0


def run(settings: Settings, places: int, listener: Any) -> None:
    """Serve until somebody ends it. Raises `StorageUnavailable` where it can't begin."""
    stop_logging = logs.start(settings.log_level)
    try:
        app = create_app(settings)
        runtime = app.extensions["crs"]
        server = runtime.http_server(app, places)
        # Accepts from here on, so that whoever asks whether it is ready is told that it is not yet.
        server.start(listener)
        runtime.start()
        settle()
        out = logs.Writer(logs.STDOUT)
        out.write(f"CRS is ready at {url_of(listener)} (market feed: {runtime.feed_name})")
        serve(server, runtime.say_farewell, runtime.drain)
        runtime.close()
        out.close()
    finally:
        stop_logging()


if __name__ == "__main__":
    sys.exit(main())
