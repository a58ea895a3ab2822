"""Asks `/health` over and over, in a process of its own: `probe PORT SECONDS`.

Prints the figures as one JSON object.
"""

import json
import sys
import time
from http.client import HTTPConnection

REST_SECONDS = 0.1


def main() -> None:
    port, seconds = int(sys.argv[1]), float(sys.argv[2])
    taken = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.perf_counter()
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/health")
        connection.getresponse().read()
        connection.close()
        taken.append((time.perf_counter() - began) * 1e3)
        time.sleep(REST_SECONDS)
    taken.sort()
    print(
        json.dumps(
            {
                "health_p50_ms": taken[len(taken) // 2],
                "health_p99_ms": taken[int(len(taken) * 0.99)],
                "health_worst_ms": taken[-1],
                "health_asked": len(taken),
            }
        )
    )


if __name__ == "__main__":
    main()
