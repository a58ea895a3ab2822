"""What the connections of a server have in common."""

# Read of a connection in one go.
RECEIVE_BYTES = 16 * 1024


class Activity:
    """What a server's connections do together: how many are `busy` with a request that has begun to
    come, or with its answer; and whether the server is `closing`, so that an answer is a
    connection's last."""

    __slots__ = ("busy", "closing")

    def __init__(self) -> None:
        self.busy = 0
        self.closing = False

    def end(self) -> None:
        """One that was busy no longer is."""
        self.busy -= 1
