import logging
from collections import Counter

import pytest

from backend.auth.refusals import LINES_A_MINUTE, Refusals
from tests.auth.accounts_app import ManualClock


def test_a_storm_writes_a_few_lines_of_each_kind_and_how_many_more_there_were(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    clock, counted = ManualClock(1_000_000), Counter[str]()
    refusals = Refusals(clock, lambda reason: counted.update([reason]))
    for n in range(1000):
        refusals.note("/api/auth/login", f"192.0.2.{n % 250}", "invalid_credentials")
    refusals.note("/api/auth/me", "192.0.2.1", "token_expired")
    assert counted == {"invalid_credentials": 1000, "token_expired": 1}
    assert len(caplog.messages) == LINES_A_MINUTE + 1
    assert caplog.messages[0] == "/api/auth/login refused from 192.0.2.0: invalid_credentials"
    assert caplog.messages[-1] == "/api/auth/me refused from 192.0.2.1: token_expired"
    caplog.clear()
    clock.set_ms(1_060_000)
    refusals.tell_the_rest()
    refusals.tell_the_rest()
    assert caplog.messages == [
        f"{1000 - LINES_A_MINUTE} more refused in that minute: invalid_credentials"
    ]
    refusals.note("/api/auth/login", "192.0.2.7", "invalid_credentials")
    assert caplog.messages[-1] == "/api/auth/login refused from 192.0.2.7: invalid_credentials"
