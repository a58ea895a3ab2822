"""How many there are of each."""

from hypothesis import given
from hypothesis import strategies as st

from backend.journal.counts import Counts


@given(st.lists(st.sampled_from("abcdef"), max_size=60), st.integers(0, 7), st.integers(1, 5))
def test_the_largest_are_those_that_a_look_at_all_would_find(
    steps: list[str], most: int, at_least: int
) -> None:
    counts, plain = Counts(), dict.fromkeys("abcdef", 0)
    for number, key in enumerate(steps):
        if number % 3 == 2 and plain[key]:
            counts.remove(key)
            plain[key] -= 1
        else:
            counts.add(key)
            plain[key] += 1
    assert {key: counts[key] for key in plain} == plain
    assert len(counts) == sum(1 for count in plain.values() if count)
    told = sorted((count for count in plain.values() if count >= at_least), reverse=True)
    largest = counts.largest(most, at_least)
    assert list(largest.values()) == told[:most]
    assert all(plain[str(key)] == count for key, count in largest.items())
