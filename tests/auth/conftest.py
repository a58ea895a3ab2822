"""The account routes over a real SQLite file."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.auth.accounts_app import AccountsApp, build

BuildApp = Callable[..., AccountsApp]


@pytest.fixture
def build_app(tmp_path: Path) -> Iterator[BuildApp]:
    """Builds applications on this test's own database; they are closed with the test."""
    built: list[AccountsApp] = []

    def start(**options: object) -> AccountsApp:
        built.append(build(f"sqlite:///{tmp_path}/crs.db", **options))  # type: ignore[arg-type]
        return built[-1]

    yield start
    for each in built:
        each.close()


@pytest.fixture
def accounts_app(build_app: BuildApp) -> AccountsApp:
    return build_app()


@pytest.fixture
def client(accounts_app: AccountsApp) -> FlaskClient:
    return accounts_app.app.test_client()
