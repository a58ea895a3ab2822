import logging
import socket
from typing import Any

import pytest
from flask import Flask

from backend.api.errors import register_error_handlers
from backend.api.limits import client_network, create_limiter


def limited_client(redis_url: str = "", refused: list[str] | None = None) -> Any:
    app = Flask("limits")
    register_error_handlers(app)
    limiter = create_limiter(app, redis_url, ([] if refused is None else refused).append)
    app.add_url_rule("/limited", view_func=limiter.limit("2/minute")(lambda: ""), endpoint="a")
    app.add_url_rule("/health", view_func=lambda: "", endpoint="b")
    return app.test_client()


def get(client: Any, path: str, address: str) -> Any:
    return client.get(path, environ_base={"REMOTE_ADDR": address})


def test_beyond_the_limit_the_answer_is_429_with_a_time_to_retry() -> None:
    counted: list[str] = []
    client = limited_client(refused=counted)
    assert [get(client, "/limited", "10.0.0.1").status_code for _ in range(2)] == [200, 200]
    assert counted == []
    refused = get(client, "/limited", "10.0.0.1")
    assert refused.status_code == 429
    assert counted == ["requests_per_address"]
    assert refused.get_json()["error"]["code"] == "rate_limited"
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    assert get(client, "/limited", "10.0.0.2").status_code == 200


def test_nothing_is_limited_unless_it_says_so() -> None:
    client = limited_client()
    assert {get(client, "/health", "10.0.0.1").status_code for _ in range(500)} == {200}


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::1", "::/64"),
        ("", "unknown"),
        ("a socket file", "unknown"),
    ],
)
def test_addresses_count_as_what_one_customer_has(address: str, network: str) -> None:
    app = Flask("networks")
    with app.test_request_context(environ_base={"REMOTE_ADDR": address}):
        assert client_network() == network


def test_without_redis_each_process_goes_on_counting_for_itself(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    with socket.socket() as deaf:  # bound, and nobody listens
        deaf.bind(("127.0.0.1", 0))
        client = limited_client(f"redis://127.0.0.1:{deaf.getsockname()[1]}/0")
        statuses = [get(client, "/limited", "10.0.0.1").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
