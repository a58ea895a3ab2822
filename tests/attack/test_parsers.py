"""No bytes that a stranger can send make a parser fail in a way that nobody is ready for."""

import contextlib
import itertools
import random
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.attack.corpus import damaged
from tests.attack.parsers import PARSERS
from tests.servers import ROOT

# Of each parser.
SHORT, LONG = 10_000, 500_000
GUIDED_RUNS = 200_000
GUIDED_SECONDS_MAX = 900


@pytest.mark.parametrize("count", [SHORT, pytest.param(LONG, marks=pytest.mark.soak)])
@pytest.mark.parametrize("name", PARSERS)
def test_damaged_inputs_are_read_or_refused(name: str, count: int) -> None:
    parse, seeds, refusals = PARSERS[name]
    for data in itertools.islice(damaged(random.Random(name), seeds), count):
        try:
            parse(data)
        except refusals:
            pass
        except Exception as error:
            pytest.fail(f"{type(error).__name__}: {error} on {data!r}")


# JSON of any shape, also such as no client would send.
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.sampled_from(("symbols", "fields", "token", "client_time")), inner)
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(payload=JSON)
def test_payloads_of_any_shape_are_read_or_refused(payload: object) -> None:
    try:
        packet = b"42" + orjson.dumps(["subscribe", payload])
    except orjson.JSONEncodeError:
        return  # an integer that JSON has no form for here
    with contextlib.suppress(ValueError):
        PARSERS["events"][0](packet)


@pytest.mark.soak
@pytest.mark.parametrize("name", PARSERS)
def test_a_fuzzer_that_looks_for_new_paths_finds_nothing(name: str, tmp_path: Path) -> None:
    pytest.importorskip("atheris")
    found = subprocess.run(
        [
            *(sys.executable, "-m", "tests.attack.guided", name),
            f"-runs={GUIDED_RUNS}",
            f"-artifact_prefix={tmp_path}/",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=GUIDED_SECONDS_MAX,
        check=False,
    )
    assert found.returncode == 0, found.stderr[-4_000:]
