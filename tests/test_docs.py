"""The documentation names everything that there is."""

import re

import pytest

from backend import protocol
from backend.config import Settings
from backend.streaming.limits import LIMITS, Limit
from tests.servers import ROOT

PROTOCOL = (ROOT / "docs" / "protocol.md").read_text()
README = (ROOT / "README.md").read_text()

# What is spelled in protocol.py beside names of the wire.
NOT_WORDS = {"VERSION", "ACCEPTED_ROOM"}
REST_ONLY = {
    "INTERNAL_ERROR",
    "VALIDATION_FAILED",
    "BAD_JSON",
    "UNSUPPORTED_MEDIA_TYPE",
    "USERNAME_TAKEN",
    "INVALID_CREDENTIALS",
    "RATE_LIMITED",
    "FORBIDDEN",
    "NOT_FOUND",
    "NOT_LISTED",
    "METHOD_NOT_ALLOWED",
    "PAYLOAD_TOO_LARGE",
    "BAD_REQUEST",
    "UNAVAILABLE",
}
WORDS = {
    name: value
    for name, value in vars(protocol).items()
    if name.isupper() and isinstance(value, str) and name not in NOT_WORDS
}


@pytest.mark.parametrize("name", sorted(set(WORDS) - REST_ONLY))
def test_every_event_status_and_code_is_described(name: str) -> None:
    assert f"`{WORDS[name]}`" in PROTOCOL


@pytest.mark.parametrize("name", sorted(REST_ONLY))
def test_every_rest_code_is_described(name: str) -> None:
    assert f"`{WORDS[name]}`" in PROTOCOL + (ROOT / "docs" / "accounts.md").read_text()


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.name)
def test_every_limit_of_the_stream_is_described_with_its_reason(limit: Limit) -> None:
    row = f"| `{limit.name}` | {limit.default} | {limit.setting or 'fixed'} | {limit.reason} |"
    assert row in (ROOT / "docs" / "security.md").read_text()


@pytest.mark.parametrize("setting", Settings.__slots__)
def test_every_setting_is_in_the_readme(setting: str) -> None:
    assert f"`{setting.upper()}`" in README


def test_every_page_of_the_documentation_is_linked_from_the_readme() -> None:
    pages = {page.name for page in (ROOT / "docs").glob("*.md")}
    assert {name for name in pages if f"docs/{name}" not in README} == set()


def test_every_path_that_the_readme_names_exists() -> None:
    for path in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / path).exists(), path
