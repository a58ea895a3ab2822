"""Logs one user in at a steady rate, in a process of its own: `logins PORT RATE SECONDS`.

Prints the figures as one JSON object.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

ACCOUNT = {"username": "benchmark", "password": "correct horse battery"}
THREADS = 8


def post(port: int, path: str) -> tuple[int, float]:
    """(status, seconds) of posting the account."""
    began = time.perf_counter()
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request("POST", path, json.dumps(ACCOUNT), headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status, time.perf_counter() - began
    finally:
        connection.close()


def main() -> None:
    port, rate, seconds = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    post(port, "/api/auth/register")
    futures = []
    with ThreadPoolExecutor(THREADS) as pool:
        due = time.monotonic()
        for _ in range(int(rate * seconds)):
            futures.append(pool.submit(post, port, "/api/auth/login"))
            due += 1 / rate
            time.sleep(max(0.0, due - time.monotonic()))
    answers = [future.result() for future in futures]
    good = sorted(taken for status, taken in answers if status == 200)
    print(
        json.dumps(
            {
                "logins": len(good),
                "logins_failed": len(answers) - len(good),
                "login_p50_ms": good[len(good) // 2] * 1e3 if good else 0.0,
            }
        )
    )


if __name__ == "__main__":
    main()
