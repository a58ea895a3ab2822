"""What several processes share through Redis."""

from tests.conftest import StartServer, start_together
from tests.redis_server import Redis
from tests.servers import ATTENTIVE, PASSWORD, Server, wait_until

LOGIN_FAILURES = 10


def wrong_login(server: Server) -> int:
    body = {"username": "somebody", "password": f"not {PASSWORD}"}
    return server.post("/api/auth/login", body).status_code


def test_processes_count_failed_logins_together(
    redis_server: Redis, start_server: StartServer
) -> None:
    one, two = start_together(start_server, *[{"REDIS_URL": redis_server.url}] * 2)
    # Two windows' worth, so that it does not matter where in a minute this begins.
    answered = [wrong_login(server) for _ in range(LOGIN_FAILURES) for server in (one, two)]
    assert answered[:5] == [401] * 5
    assert 429 in answered
    assert answered.count(401) <= 2 * LOGIN_FAILURES - 1


def test_without_redis_the_process_says_so_and_goes_on(
    redis_server: Redis, start_server: StartServer
) -> None:
    server = start_server(**ATTENTIVE, REDIS_URL=redis_server.url)
    assert server.get("/health").status_code == 200
    redis_server.stop()
    wait_until(lambda: server.get("/health").status_code == 503, "Redis to be missed")
    assert server.get("/health").json()["unreachable"] == ["redis"]
    assert server.new_login()["access_token"]
    redis_server.start()
    wait_until(lambda: server.get("/health").status_code == 200, "Redis to be found again")
    assert "Traceback" not in server.output()
