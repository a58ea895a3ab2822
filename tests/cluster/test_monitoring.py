"""Prometheus, with the files of `deploy/`, on real processes: every rule and every panel finds what
it asks for."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.cluster.conftest import StartCluster
from tests.cluster.processes import Cluster
from tests.conftest import Connect
from tests.servers import PATIENCE, ROOT, lasting_port, wait_until

DEPLOY = ROOT / "deploy"
ALERTS = DEPLOY / "grafana" / "alerts.yml"
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text())
# What is put in place of Grafana's variables.
VARIABLES = {"$__rate_interval": "10s", "$instance": ".*"}
# Panels of what has not happened here.
EMPTY = {
    "Connections that ended, by how long they lasted",
    "Closed by the server, by why",
    "Refused, by the limit",
    "Redis did not serve",
    "Errors of background tasks",
}

pytestmark = pytest.mark.skipif(
    not shutil.which("promtool"), reason="prometheus, with promtool, is not installed"
)


class Prometheus:
    """A running one that scrapes these processes each second."""

    def __init__(self, folder: Path, urls: list[str]) -> None:
        folder.mkdir()
        config = (DEPLOY / "prometheus" / "prometheus.yml").read_text()
        config, changed = re.subn(r"_interval: 10s", "_interval: 1s", config)
        assert changed == 2
        (folder / "prometheus.yml").write_text(config)
        shutil.copy(ALERTS, folder)
        targets = [url.removeprefix("http://") for url in urls]
        (folder / "targets.yml").write_text(json.dumps([{"targets": targets}]))
        address = f"127.0.0.1:{lasting_port()}"
        self._url = f"http://{address}/api/v1"
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                ["prometheus", f"--config.file={folder}/prometheus.yml"]
                + [f"--storage.tsdb.path={folder}/data", f"--web.listen-address={address}"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def get(self, path: str, **parameters: str) -> Any:
        """What it answers; None where it does not."""
        try:
            answer = requests.get(f"{self._url}/{path}", params=parameters, timeout=PATIENCE)
        except requests.ConnectionError:
            return None
        assert answer.status_code in (200, 503), (parameters, answer.text)
        return answer.json()["data"] if answer.status_code == 200 else None

    def query(self, expression: str) -> list[Any]:
        data = self.get("query", query=expression)
        return [] if data is None else list(data["result"])

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)


@pytest.fixture
def watched(start_cluster: StartCluster, tmp_path: Path) -> Iterator[tuple[Cluster, Prometheus]]:
    cluster = start_cluster(2)
    prometheus = Prometheus(tmp_path / "prometheus", cluster.urls)
    yield cluster, prometheus
    prometheus.stop()


def panels() -> list[tuple[str, str]]:
    """Title and expression, with no variable left."""
    found = []
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            expression = target["expr"]
            for variable, value in VARIABLES.items():
                expression = expression.replace(variable, value)
            assert "$" not in expression
            found.append((panel["title"], expression))
    return found


def test_rules_and_panels_have_what_they_ask_for(
    watched: tuple[Cluster, Prometheus], connect: Connect
) -> None:
    cluster, prometheus = watched
    clients = [
        connect("node", transport, {"token": cluster.servers[0].token}, to=server)
        for server in cluster.servers
        for transport in ("polling", "websocket")
    ]
    for client in clients:
        client.emit("subscribe", {"symbols": ["BTC", "ETH"], "realtime": True})
        told = client.wait("subscription_confirmed")
    # All the while, so that there is something to be a rate of.
    wrong = {"Authorization": "Bearer wrong"}
    place = {"epoch": told["epoch"], "offset": told["offset"]}

    def happens() -> None:
        cluster.servers[0].get("/api/auth/me", headers=wrong)
        again = connect(
            "node", "polling", {"token": cluster.servers[0].token}, to=cluster.servers[0]
        )
        again.emit("subscribe", {"symbols": ["BTC"], "resume": place})
        again.wait("subscription_confirmed")

    def all_filled() -> bool:
        happens()
        empty = {title for title, expression in panels() if not prometheus.query(expression)}
        return empty <= EMPTY

    wait_until(all_filled, "every panel to have something to show")

    groups = prometheus.get("rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert {rule["health"] for rule in rules} == {"ok"}
    told_of = {found["metric"] for found in prometheus.get("targets/metadata")}
    asked = re.findall(r"crs_\w+", ALERTS.read_text() + "".join(e for _, e in panels()))
    missing = {name for name in asked if name.removesuffix("_bucket") not in told_of}
    assert missing == set()
    assert not [rule["name"] for rule in rules if rule["state"] == "firing"]

    cluster.kill(1)
    wait_until(
        lambda: prometheus.query('ALERTS{alertname="CrsProcessDown"}'), "the death to be noticed"
    )


def test_the_names_of_metrics_are_as_prometheus_wants_them(start_cluster: StartCluster) -> None:
    text = start_cluster(1).servers[0].get("/metrics").text
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_alerts_fire_when_they_should_and_not_otherwise() -> None:
    rules = Path(__file__).with_name("alerts_test.yml")
    checked = subprocess.run(
        ["promtool", "test", "rules", str(rules)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    fired = set(re.findall(r"alertname[=:] ?\"?(\w+)", rules.read_text()))
    assert fired == set(re.findall(r"alert: (\w+)", ALERTS.read_text()))
