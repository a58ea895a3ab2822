"""Lets atheris look for inputs that reach new lines of a parser: `guided NAME [libFuzzer options]`.

Ends with another status than 0 at the first one that makes it fail.
"""

import contextlib
import sys
import tempfile
from pathlib import Path

import atheris

# What is read before a token is known; instrumented as it is imported.
with atheris.instrument_imports(include=["backend", "h11", "socketio.packet"]):
    from tests.attack.parsers import PARSERS


def main() -> None:
    name, *options = sys.argv[1:]
    parse, seeds, refusals = PARSERS[name]

    def once(data: bytes) -> None:
        with contextlib.suppress(*refusals):
            parse(data)

    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(seeds):
            (Path(folder) / str(number)).write_bytes(seed)
        atheris.Setup([sys.argv[0], *options, folder], once)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
