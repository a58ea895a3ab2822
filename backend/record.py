"""`python -m backend.record OUT`: write what a feed says to a file that `replay:OUT` plays."""

import argparse
import os
import secrets
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from dotenv import load_dotenv

from backend.clock import SystemClock
from backend.config import ConfigError, Settings, load_settings
from backend.config_values import PROJECT_ROOT
from backend.feeds import create_feed, feed_name
from backend.feeds.recorder import RecordingSink

# How long a feed may take to let go of its connection.
STOP_WAIT_S = 5.0
# How often the end of the feed, or of the time, is looked for.
POLL_S = 0.2


def main(arguments: list[str] | None = None) -> int:
    """Run the command; its exit status: 0 done, 1 the file can't be written, 2 bad usage."""
    options = _parser().parse_args(arguments)
    load_dotenv(PROJECT_ROOT / ".env")
    try:
        settings = _settings(options, os.environ)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    try:
        events = record(settings, options.out, options.seconds, stop)
    except OSError as error:
        print(f"{options.out}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"recorded {events} events to {options.out}")
    return 0


def record(settings: Settings, out: Path, seconds: float | None, stop: threading.Event) -> int:
    """Record until `stop` is set, `seconds` are over or the feed ends; how many events it was.

    Raises OSError when `out` exists already or can't be written.
    """
    clock = SystemClock()
    with RecordingSink(out, feed_name(settings), settings.symbols) as sink:
        feed = create_feed(settings, settings.symbols, sink, clock)
        running = threading.Thread(target=feed.run, name="feed", daemon=True)
        until = None if seconds is None else clock.monotonic() + seconds
        running.start()
        while running.is_alive() and not stop.wait(POLL_S):
            if until is not None and clock.monotonic() >= until:
                break
        feed.stop()
        running.join(STOP_WAIT_S)
    return sink.events


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m backend.record", description=__doc__)
    parser.add_argument("out", type=Path, help="file to write; compressed if it ends in .gz")
    parser.add_argument("--feed", help="as MARKET_FEED, which is the default")
    parser.add_argument("--symbols", help="comma-separated, such as BTC,ETH (default SYMBOLS)")
    parser.add_argument("--seconds", type=float, help="stop after this long (default: Ctrl-C)")
    return parser


def _settings(options: argparse.Namespace, environ: Mapping[str, str]) -> Settings:
    # No token is signed here, so no secret of the installation is asked for, or made.
    wanted = {"MARKET_FEED": options.feed, "SYMBOLS": options.symbols}
    given = {name: value for name, value in wanted.items() if value is not None}
    settings = load_settings({**environ, "JWT_SECRET_KEY": secrets.token_urlsafe(48), **given})
    if "," in settings.market_feed:
        raise ConfigError(f"A recording is of one feed, not of {settings.market_feed}")
    return settings


if __name__ == "__main__":
    sys.exit(main())
