"""Two native threads ask at a time whether a message is to be logged, the hub's and another one, as
often as they can for a second; prints how often they did."""

# Before anything else: it patches the standard library.
import app as entry  # noqa: F401

# isort: split
import logging
import sys
import time

from backend import green, logs

SECONDS = 1.0
# They meet within the first hundred times where they take turns as often as this.
SWITCH_SECONDS = 1e-5


def main() -> None:
    stop = logs.start("info")
    sys.setswitchinterval(SWITCH_SECONDS)
    ends = time.monotonic() + SECONDS
    log = logging.getLogger("busy")
    counts = [0, 0]

    def ask(place: int) -> None:
        while time.monotonic() < ends:
            logging.Logger.manager._clear_cache()  # type: ignore[attr-defined]
            log.isEnabledFor(logging.ERROR)
            counts[place] += 1

    other = green.native("threading").Thread(target=ask, args=(0,))
    other.start()
    ask(1)
    other.join()
    stop()
    print(*counts)


if __name__ == "__main__":
    main()
