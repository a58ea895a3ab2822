"""What waits for a slow connection: order, conflation, bounds."""

from hypothesis import given
from hypothesis import strategies as st
from socketio.packet import EVENT

from backend.fanout.sessions.outbox import KEPT_BYTES_MAX, KEPT_MESSAGES_MAX, Outbox
from backend.fanout.wire.message import Message


def message(key: object = None) -> Message:
    return Message(EVENT, ["event"], key=key)


def drained(outbox: Outbox) -> list[Message]:
    messages = []
    while (one := outbox.pop()) is not None:
        messages.append(one)
    return messages


def test_messages_without_a_key_keep_their_order() -> None:
    outbox = Outbox()
    messages = [message() for _ in range(10)]
    assert all(outbox.put(one, 1) for one in messages)
    assert len(outbox) == 10
    assert drained(outbox) == messages
    assert len(outbox) == 0


@given(st.lists(st.sampled_from([None, None, "a", "b", "pop"]), max_size=200))
def test_of_each_key_the_newest_waits_at_its_own_place(actions: list[str | None]) -> None:
    outbox = Outbox()
    expected: list[Message] = []
    for action in actions:
        if action == "pop":
            assert outbox.pop() is (expected.pop(0) if expected else None)
            continue
        new = message(action)
        if action is not None:
            expected = [one for one in expected if one.key != action]
        expected.append(new)
        assert outbox.put(new, 1)
        assert len(outbox) == len(expected)
    assert drained(outbox) == expected


def test_replaced_messages_are_let_go_of() -> None:
    outbox = Outbox()
    for _ in range(10_000):
        outbox.put(message("quote"), 1_000)
    assert len(outbox) == 1
    assert len(outbox._queue) < 100


def test_more_messages_than_the_bound_are_too_many() -> None:
    outbox = Outbox()
    assert all(outbox.put(message(), 1) for _ in range(KEPT_MESSAGES_MAX))
    assert not outbox.put(message(), 1)


def test_more_bytes_than_the_bound_are_too_many() -> None:
    outbox = Outbox()
    assert outbox.put(message(), KEPT_BYTES_MAX)
    assert not outbox.put(message(), 1)


def test_quotes_do_not_count_towards_the_bound() -> None:
    outbox = Outbox()
    assert all(outbox.put(message("quote"), KEPT_BYTES_MAX) for _ in range(5_000))
