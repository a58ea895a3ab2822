"""A server with a hundred honest clients, and attackers, each in a process of its own."""

import itertools
import json
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import cycle, islice
from typing import Any

from backend.auth.keys import Keyring
from backend.auth.tokens import TokenIssuer, new_id
from backend.clock import SystemClock
from benchmarks.machine import cpu_seconds, rss_bytes
from tests.attack.attackers.crowd import Done, sources
from tests.attack.figures import Figures, Schedule, Ticks, figures_of, judge_ticks, schedule_of
from tests.attack.honest import Heard
from tests.attack.watcher import Seen
from tests.servers import PASSWORD, PATIENCE, ROOT, Server

CLIENTS = 100
# Each with so many connections, as a person has with several tabs.
USERS = 10
INTERVAL_SECONDS = 0.5
QUIET_SECONDS = 2.0
# How long after a pause clients are listened to.
AFTER_PAUSE_SECONDS = 3.0
# What is under way when an attack ends may still arrive.
LATE_SECONDS = 1.5 * INTERVAL_SECONDS
# A server that takes less of its core than this share has done what it had to do.
CALM_SHARE = 0.4
CALM_STEP_SECONDS = 0.25
CALM_SECONDS_MAX = 10.0
# Networks of 127.0.0.0/8: of the honest, of those who watch, and the first of the attackers'.
HONEST, WATCHING, ATTACKING = 1, 2, 10
# So many that no limit on an address is reached by watching.
WATCHING_ADDRESSES = 250
# Attackers that have tokens have one for so many connections.
CONNECTIONS_PER_TOKEN = 10
TOKEN_SECONDS = 3600
# Of users that nobody has registered; those that have come first.
FIRST_USER = 1_000_000


@dataclass(frozen=True)
class Wave:
    """One attacking program: so many connections, from so many addresses, and its own arguments.
    With `stop` its process is stopped once it has connected."""

    attacker: str
    connections: int
    addresses: int = 1
    tokens: bool = False
    arguments: tuple[str, ...] = ()
    stop: bool = False


class Helper:
    """A program that is asked by lines and answers by lines of JSON."""

    def __init__(self, module: str, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"tests.attack.{module}", *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, told: dict[str, Any]) -> None:
        """Say what it has to know, and wait until it is ready."""
        self.say(json.dumps(told))
        assert self.line() == "ready"

    def say(self, words: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()

    def line(self) -> str:
        assert self.process.stdout is not None
        assert select.select([self.process.stdout], [], [], PATIENCE)[0], "a helper says nothing"
        return self.process.stdout.readline().strip()

    def ask(self) -> Any:
        self.say("report")
        return json.loads(self.line())

    def end_of_input(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def stop(self) -> None:
        assert self.process.stdout is not None
        self.end_of_input()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Audience:
    """Honest clients of a server, in a process of their own, and the schedule of their ticks."""

    def __init__(self, server: Server, clients: int = CLIENTS) -> None:
        self._clients = clients
        self.accounts = [
            {"username": f"honest-{number}", "password": PASSWORD} for number in range(USERS)
        ]
        # Clients come from different addresses; where they share one is another test's matter.
        homes = sources(HONEST, clients)
        tokens = [
            join(server, account, home) for account, home in zip(self.accounts, homes, strict=False)
        ]
        self.helper = Helper("honest", str(port_of(server)))
        self.helper.start({"tokens": list(islice(cycle(tokens), clients)), "sources": homes})
        self._schedule = Schedule(0.0, INTERVAL_SECONDS)

    def report(self) -> Heard:
        """What was heard since the last report."""
        return Heard(**self.helper.ask())

    def learn_schedule(self) -> None:
        """Take the schedule from what was heard since the last report."""
        self._schedule = schedule_of(self.report(), INTERVAL_SECONDS)

    def judge(self, began: float, ended: float) -> Ticks:
        """How the ticks between two instants were heard, of those since the last report."""
        return judge_ticks(self.report(), self._schedule, self._clients, began, ended)


class Siege:
    """A running server with its honest clients and its watcher.

    `quiet` is the audience of another server, which nobody attacks: what both suffer is not the
    attackers' doing.
    """

    def __init__(self, server: Server, quiet: Audience) -> None:
        self.server = server
        self._quiet = quiet
        self._networks = itertools.count(ATTACKING)
        self._audience = Audience(server)
        self._watcher = Helper("watcher", str(port_of(server)), str(server.process.pid))
        self._watcher.start(
            {**self._audience.accounts[0], "sources": sources(WATCHING, WATCHING_ADDRESSES)}
        )
        quiet.report()
        time.sleep(QUIET_SECONDS)
        for audience in (self._audience, quiet):
            audience.learn_schedule()
        self._unharmed = True

    @property
    def unharmed(self) -> bool:
        """Whether the next attack can be measured here."""
        return self.server.process.poll() is None and self._unharmed

    def attack(self, name: str, waves: Sequence[Wave], seconds: float) -> Figures:
        """Send attackers for so long, and say what it did to the others."""
        self._wait_for_calm()
        memory, log = rss_bytes(self.server.process.pid), self.server.log.stat().st_size
        self._forget()
        began = time.perf_counter()
        done, ended = self._rage(waves, seconds)
        time.sleep(LATE_SECONDS)
        ticks = self._audience.judge(began, ended)
        self._unharmed = ticks.heard == ticks.expected and not ticks.lost_clients
        return figures_of(
            name,
            ticks,
            self._quiet.judge(began, ended),
            Seen(**self._watcher.ask()),
            memory,
            self.server.log.stat().st_size - log,
            done,
        )

    def pause(self, seconds: float) -> Ticks:
        """Stop the server's process for so long; how its clients fare in the time after it."""
        self._forget()
        self.server.process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self.server.process.send_signal(signal.SIGCONT)
        time.sleep(LATE_SECONDS)
        began = time.perf_counter()
        time.sleep(AFTER_PAUSE_SECONDS)
        ended = time.perf_counter()
        time.sleep(LATE_SECONDS)
        ticks = self._audience.judge(began, ended)
        self._unharmed = ticks.heard == ticks.expected and not ticks.lost_clients
        return ticks

    def memory_back(self, before: int, margin: int, seconds: float) -> int:
        """The server's memory once it is within `margin` of what it was, or after `seconds`."""
        deadline = time.monotonic() + seconds
        while (size := rss_bytes(self.server.process.pid)) > before + margin:
            if time.monotonic() > deadline:
                break
            time.sleep(0.5)
        return size

    def stop(self) -> None:
        """End the clients; the servers, and the quiet audience, are their owner's."""
        for helper in (self._audience.helper, self._watcher):
            helper.stop()

    def _wait_for_calm(self) -> None:
        """Wait until what the last attack has left is done, so that it is nobody else's."""
        deadline = time.monotonic() + CALM_SECONDS_MAX
        busy = True
        while busy and time.monotonic() < deadline:
            before = cpu_seconds(self.server.process.pid)
            time.sleep(CALM_STEP_SECONDS)
            busy = cpu_seconds(self.server.process.pid) - before > CALM_SHARE * CALM_STEP_SECONDS

    def _forget(self) -> None:
        """Begin anew with what is heard and seen."""
        self._audience.report()
        self._quiet.report()
        self._watcher.ask()

    def _rage(self, waves: Sequence[Wave], seconds: float) -> tuple[Done, float]:
        """Let attackers attack; what they did, and when their time was over."""
        attackers = [self.send(wave, seconds) for wave in waves]
        done = Done()
        try:
            for wave, attacker in zip(waves, attackers, strict=True):
                assert attacker.line() == "attacking"
                if wave.stop:
                    attacker.process.send_signal(signal.SIGSTOP)
            time.sleep(seconds)
            ended = time.perf_counter()
            for wave, attacker in zip(waves, attackers, strict=True):
                if not wave.stop:
                    done.add(Done(**json.loads(attacker.line())))
        finally:
            for attacker in attackers:
                attacker.stop()
        return done, ended

    def send(self, wave: Wave, seconds: float) -> Helper:
        """Start an attacker, from a network of its own: none is refused for what another did."""
        users = wave.connections // CONNECTIONS_PER_TOKEN + 1 if wave.tokens else 0
        tokens = tokens_of(self.server, users)
        return start_attacker(self.server, wave, next(self._networks), seconds, tokens)


def start_attacker(
    server: Server, wave: Wave, network: int, seconds: float, tokens: Sequence[str] = ()
) -> Helper:
    """Start an attacker, which says `attacking` once it has connected."""
    attacker = Helper(
        f"attackers.{wave.attacker}",
        str(port_of(server)),
        f"--connections={wave.connections}",
        f"--addresses={wave.addresses}",
        f"--network={network}",
        f"--seconds={seconds}",
        *(("--tokens",) if wave.tokens else ()),
        *wave.arguments,
    )
    if tokens:
        attacker.say("\n".join(tokens))
    attacker.end_of_input()
    return attacker


def tokens_of(server: Server, users: int) -> list[str]:
    """Access tokens that the server takes, each of another user."""
    keys = Keyring(server.environment["JWT_SECRET_KEY"])
    issuer = TokenIssuer(keys, TOKEN_SECONDS, TOKEN_SECONDS, SystemClock())
    return [issuer.access(FIRST_USER + user, new_id()).encoded for user in range(users)]


def port_of(server: Server) -> int:
    return int(server.url.rpartition(":")[2])


def join(server: Server, account: dict[str, str], home: str) -> str:
    """Register an account from an address of its own, and log in; the access token."""
    assert post(server, home, "/api/auth/register", account)[0] == 201
    status, answer = post(server, home, "/api/auth/login", account)
    assert status == 200, answer
    return str(answer["access_token"])


def post(server: Server, home: str, path: str, body: dict[str, str]) -> tuple[int, Any]:
    """POST from an address; the status and what the answer says."""
    with closing(
        HTTPConnection("127.0.0.1", port_of(server), timeout=PATIENCE, source_address=(home, 0))
    ) as connection:
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
