"""What of the deployment needs no server to be looked at: its files agree with each other."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from backend.config import load_settings
from scripts.nginx import processes_conf
from tests.servers import ROOT

DEPLOY = ROOT / "deploy"
COMPOSE = DEPLOY / "compose"
SERVICES = yaml.safe_load((COMPOSE / "compose.yml").read_text())["services"]
SERVERS = {name: each for name, each in SERVICES.items() if name.startswith("server")}
UNIT = (DEPLOY / "systemd" / "crs@.service").read_text()


def test_what_the_compose_file_mounts_and_waits_for_is_there() -> None:
    for name, service in SERVICES.items():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (COMPOSE / source).exists(), (name, source)
        assert service.get("depends_on", {}).keys() <= SERVICES.keys()
    for server in SERVERS.values():
        assert (COMPOSE / server["build"]["context"] / server["build"]["dockerfile"]).exists()


def test_nginx_and_prometheus_are_told_of_the_servers_that_compose_starts() -> None:
    addresses = {
        server["environment"]["PROCESS_NAME"]: f"{name}:5000" for name, server in SERVERS.items()
    }
    assert (COMPOSE / "processes.conf").read_text() == processes_conf(addresses)
    (group,) = yaml.safe_load((COMPOSE / "targets.yml").read_text())
    assert group["targets"] == list(addresses.values())


def filled(value: str) -> str:
    """A value of the compose file, with what a user puts in."""
    value = re.sub(r"\$\{\w+:\?[^}]*\}", "s" * 48, value)
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)


@pytest.mark.parametrize("name", SERVERS)
def test_settings_of_the_compose_file_are_ones_that_a_server_takes(
    name: str, tmp_path: Path
) -> None:
    given = {key: filled(value) for key, value in SERVERS[name]["environment"].items()}
    settings = load_settings(given, tmp_path)
    assert settings.production and settings.redis_url and settings.trusted_proxies == 1
    # A name that no server knows would be taken for none.
    assert {key.lower() for key in given} <= set(settings.__slots__)


def test_settings_of_the_units_are_ones_that_a_server_takes(tmp_path: Path) -> None:
    lines = (DEPLOY / "systemd" / "crs.env").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    (own,) = re.findall(r"^Environment=(.*)$", UNIT, re.MULTILINE)
    given |= dict(pair.split("=", 1) for pair in own.replace("%i", "1").split())
    assert given["JWT_SECRET_KEY"] == "", "everybody would have the same"
    settings = load_settings({**given, "JWT_SECRET_KEY": "s" * 48}, tmp_path)
    assert settings.production and settings.process_name == "1"
    assert {key.lower() for key in given} <= set(settings.__slots__)
    listed = (DEPLOY / "nginx" / "processes.conf").read_text()
    assert f"server {settings.host}:{settings.port}" in listed


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_the_units_are_as_systemd_wants_them(tmp_path: Path) -> None:
    # Its programs and its user are not on this machine.
    unit = UNIT.replace("/opt/crs/.venv/bin/python", shutil.which("python3") or "")
    unit = re.sub(r"^(User|Group)=crs\n", "", unit, flags=re.MULTILINE)
    unit = unit.replace("/usr/bin/curl", "/bin/true")
    (tmp_path / "crs@.service").write_text(unit)
    shutil.copy(DEPLOY / "systemd" / "crs.target", tmp_path)
    checked = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / "crs@1.service")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_image_holds_what_the_server_needs_and_no_more() -> None:
    copied = re.findall(
        r"^COPY (?!--from)(.+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE
    )
    sources = {source for line in copied for source in line.split()}
    assert all((ROOT / source).exists() for source in sources)
    kept = (DEPLOY / "Dockerfile.dockerignore").read_text().split()
    assert {source.split("/")[0] for source in sources} <= {
        name.removeprefix("!") for name in kept if name.startswith("!")
    }
