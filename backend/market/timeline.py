"""The market's time: the newest exchange time of all symbols, which closes quiet minutes."""

from collections.abc import Callable

from backend.clock import HOUR_MS, MINUTE_MS

# A minute without further trades is closed when the market's time has passed its end by this
# much: trades of several symbols arrive in almost, not quite, the order of time.
CLOSING_GRACE_MS = 2_000
# A step in time beyond this is believed when a second event confirms it: one lie about the time
# would otherwise close every minute and put all that follows out of order.
LEAP_MS = HOUR_MS


class Timeline:
    """Moves on with events that are good by themselves.

    `close_ended(time_ms)` is called each time another minute is over for every symbol, and again
    with the next events until it says that nothing is left; `deny()` for an event whose leap in
    time was not confirmed.
    """

    def __init__(self, close_ended: Callable[[int], bool], deny: Callable[[], None]) -> None:
        self._close_ended = close_ended
        self._deny = deny
        self._time_ms = 0
        self._leap: tuple[int, Callable[[], None]] | None = None
        # Events before this need not be announced by `advance`: nothing would come of it.
        self.next_close_ms = 0

    def believe(self, time_ms: int) -> None:
        """Take a time for true, as that of closed history."""
        self._time_ms = max(self._time_ms, time_ms)

    def advance(self, time_ms: int, apply: Callable[[], None]) -> bool:
        """Move on to an event's time; whether it may be applied.

        One whose time leaps waits for the next: if that is as far ahead or further, it is applied
        from here by its `apply`, and the next is tried again; else it is denied.
        """
        leap, self._leap = self._leap, None
        if self._time_ms and time_ms - self._time_ms > LEAP_MS:
            if leap is None or time_ms < leap[0] - LEAP_MS:
                if leap:
                    self._deny()
                self._leap = (time_ms, apply)
                return False
            self._move(min(leap[0], time_ms))
            leap[1]()
            apply()  # from the start: after the other one it may be a repeat, or leap again
            return False
        if leap:
            self._deny()
        self._move(time_ms)
        return True

    def _move(self, time_ms: int) -> None:
        self.believe(time_ms)
        ended_ms = time_ms - CLOSING_GRACE_MS
        if self._close_ended(ended_ms):
            self.next_close_ms = ended_ms - ended_ms % MINUTE_MS + MINUTE_MS + CLOSING_GRACE_MS
