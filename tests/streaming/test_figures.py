"""Figures of several processes are theirs together."""

from backend.streaming.figures import together


def test_numbers_of_the_same_name_add_up_and_others_stay() -> None:
    one = {"connections": 2, "clients": {"node": 1}, "lateness": {"a": {"seconds": 0.1}}}
    two = {"connections": 3, "clients": {"node": 2, "python": 5}, "lateness": {"b": {"seconds": 1}}}
    assert together(one, two) == {
        "connections": 5,
        "clients": {"node": 3, "python": 5},
        "lateness": {"a": {"seconds": 0.1}, "b": {"seconds": 1}},
    }
    assert one["clients"] == {"node": 1}, "the sum is another object"
