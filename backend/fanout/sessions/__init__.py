"""What holds a client: its connection, what waits for it, its polls and pings. Knows no server."""
