"""The entry point: `python app.py`. Everything is wired in `backend.create_app`."""

import warnings

# eventlet was chosen with this known; its one warning at import would only alarm.
warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")

import eventlet

# First of all, before anything imports a socket. Database calls run in threads, not on the hub.
eventlet.monkey_patch(psycopg=False)

import os
import sys

from dotenv import load_dotenv

from backend import create_app
from backend.config import PROJECT_ROOT, ConfigError, load_settings
from backend.server import PortInUse, listen, raise_file_limit, serve, url_of
from backend.storage.faults import StorageUnavailable, unusable


def main() -> int:
    load_dotenv(PROJECT_ROOT / ".env")
    try:
        settings = load_settings(os.environ)
        listener = listen(settings.host, settings.port)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    except PortInUse as error:
        print(f"{error} is in use; stop what listens there or set PORT", file=sys.stderr)
        return 1
    try:
        app = create_app(settings)
    except StorageUnavailable as error:
        print(unusable(settings.database_url, error), file=sys.stderr)
        return 2
    runtime = app.extensions["crs"]
    runtime.start()
    print(f"CRS is ready at {url_of(listener)} (market feed: {runtime.feed_name})", flush=True)
    serve(listener, app, raise_file_limit(), runtime.drain)
    runtime.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
