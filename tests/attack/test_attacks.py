"""Nothing that a client does can hurt the others: a hundred honest clients count their ticks."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.attack.figures import Figures
from tests.attack.siege import Siege, Wave

pytestmark = [pytest.mark.served, pytest.mark.alone]

# How much later ticks may be than those of a server beside it that is not attacked, and what is
# called late at all, beyond how late the machine itself wakes somebody up meanwhile.
LATE_RATIO = 3
LATE_SECONDS_MIN = 0.03
HEALTH_SECONDS_MAX = 0.1
LOGIN_SECONDS_MAX = 2.0
# By how much the server may be larger, so long after an attack.
MEMORY_BYTES_MAX = 20_000_000
MEMORY_SECONDS_MAX = 30.0
# By how much it may be larger meanwhile: a connection takes some 50 KB, and there are thousands.
PEAK_BYTES_MAX = 200_000_000
# Of an attack's log. One that goes on for a day must not fill a disk.
LOG_BYTES_MAX = 100_000

SHORT_SECONDS, LONG_SECONDS = 1.5, 22.0
# All of a storm of reconnects are to be back within this.
SHORT_STORM_SECONDS, LONG_STORM_SECONDS = 3.0, 30.0

# Every attack by itself, for 50 attackers; where their number is what it is about, with that.
ALONE: dict[str, Wave] = {
    "pipelined requests": Wave("pipelined", 1),
    "chunks of one byte": Wave("tiny_chunks", 1),
    "endless body": Wave("endless_body", 1),
    "strangers' pings": Wave("frame_flood", 50, addresses=50),
    **{
        f"frames: {kind}": Wave("frame_flood", 50, 50, tokens=True, arguments=(f"--kind={kind}",))
        for kind in ("ping", "pong", "noop", "fragments", "deflated", "engine-pong")
    },
    "one client's pings": Wave("frame_flood", 1, tokens=True),
    "subscriptions": Wave("churn", 50, 50, tokens=True),
    "subscriptions and reconnects": Wave("churn", 50, 50, tokens=True, arguments=("--reconnect",)),
    "candles, one address": Wave("candles", 50),
    "candles, three addresses": Wave("candles", 50, 3),
    "slow readers": Wave("slow_readers", 50, 50),
    "trickled headers": Wave("trickle", 50),
    "trickled bodies": Wave("trickle", 50, arguments=("--body",)),
    "wrong logins": Wave("accounts", 200, 50),
    "registrations": Wave("accounts", 200, 50, arguments=("--register",)),
    "deaf clients": Wave("deaf", 200, 20, tokens=True),
    "a stopped process": Wave("deaf", 500, 50, tokens=True, stop=True),
    "silent connections": Wave("strangers", 3_000, 10),
    "websockets without a client": Wave("strangers", 2_000, 10, arguments=("--kind=websocket",)),
    "sessions over polling": Wave("strangers", 200, 10, arguments=("--kind=polling",)),
    "sessions that never poll": Wave("unpolled", 1_000, 100, tokens=True),
    "bad tokens": Wave("bad_tokens", 200, 10),
    "attachments that never come": Wave("attachments", 300, 30, tokens=True),
    "bombs": Wave("bombs", 100, 100),
    **{
        f"garbage: {level}": Wave("garbage", 200, 200, True, arguments=(f"--level={level}",))
        for level in ("requests", "frames", "packets", "events", "bodies")
    },
}
# In the short form those that are alike come together.
TOGETHER: dict[str, tuple[Wave, ...]] = {
    "requests that do not end": tuple(
        ALONE[name] for name in ("pipelined requests", "chunks of one byte", "endless body")
    ),
    "frames of strangers": (ALONE["strangers' pings"],),
    "frames of clients": (
        Wave(
            "frame_flood",
            48,
            48,
            tokens=True,
            arguments=("--kind=ping,pong,noop,fragments,deflated,engine-pong",),
        ),
    ),
    "subscriptions": (
        Wave("churn", 25, 25, tokens=True),
        Wave("churn", 25, 25, tokens=True, arguments=("--reconnect",)),
    ),
    "large answers": (ALONE["candles, three addresses"], Wave("slow_readers", 100, 10)),
    "accounts": (
        Wave("accounts", 100, 50),
        Wave("accounts", 50, 50, arguments=("--register",)),
    ),
    "garbage and bombs": (
        *(
            Wave("garbage", 60, 60, tokens=True, arguments=(f"--level={level}",))
            for level in ("requests", "frames", "packets", "events", "bodies")
        ),
        Wave("bombs", 52, 52),
    ),
    "those who wait": (
        Wave("deaf", 100, 10, tokens=True),
        Wave("deaf", 50, 10, tokens=True, stop=True),
        Wave("strangers", 300, 3),
        Wave("strangers", 200, 3, arguments=("--kind=websocket",)),
        Wave("strangers", 50, 3, arguments=("--kind=polling",)),
        Wave("unpolled", 100, 10, tokens=True),
        Wave("trickle", 100, 2),
        Wave("trickle", 100, 2, arguments=("--body",)),
        Wave("bad_tokens", 50, 10),
        Wave("attachments", 50, 10, tokens=True),
    ),
}
CROWD = 500


def crowd_of(wave: Wave) -> Wave:
    """The same attack with so many connections that one processor can't be busier."""
    return replace(
        wave, connections=max(wave.connections, CROWD), addresses=max(wave.addresses * 10, 10)
    )


@pytest.mark.parametrize("name", TOGETHER)
def test_nobody_is_hurt(name: str, siege: Siege, record_figures: Callable[[Figures], None]) -> None:
    figures = siege.attack(name, TOGETHER[name], SHORT_SECONDS)
    record_figures(figures)
    assert not (broken := harm(figures, siege)), "\n".join(broken)


@pytest.mark.soak
@pytest.mark.parametrize("name", ALONE)
def test_nobody_is_hurt_for_long(
    name: str, siege: Siege, record_figures: Callable[[Figures], None]
) -> None:
    figures = siege.attack(name, [ALONE[name]], LONG_SECONDS)
    record_figures(figures)
    assert not (broken := harm(figures, siege)), "\n".join(broken)


@pytest.mark.soak
@pytest.mark.parametrize("name", ALONE)
def test_nobody_is_hurt_by_a_crowd(
    name: str, siege: Siege, record_figures: Callable[[Figures], None]
) -> None:
    figures = siege.attack(f"{name}, a crowd", [crowd_of(ALONE[name])], LONG_SECONDS)
    record_figures(figures)
    assert not (broken := harm(figures, siege)), "\n".join(broken)


@pytest.mark.parametrize(
    ("clients", "seconds"),
    [(500, SHORT_STORM_SECONDS), pytest.param(5_000, LONG_STORM_SECONDS, marks=pytest.mark.soak)],
)
def test_after_a_storm_of_reconnects_all_are_back(
    clients: int,
    seconds: float,
    siege: Siege,
    record_figures: Callable[[Figures], None],
) -> None:
    wave = Wave("regulars", clients, clients // 20, tokens=True)
    figures = siege.attack(f"{clients} reconnect", [wave], seconds)
    record_figures(figures)
    assert figures.done.accepted == clients
    broken = harm(figures, siege)
    assert not broken, "\n".join(broken)


def harm(figures: Figures, siege: Siege) -> list[str]:
    """Which promises did not hold, each with its figures."""
    ticks = figures.ticks
    late_max = max(LATE_RATIO * figures.quiet.p99, LATE_SECONDS_MIN) + figures.noise
    memory = siege.memory_back(figures.memory_before, MEMORY_BYTES_MAX, MEMORY_SECONDS_MAX)
    output = siege.server.output()
    promises = {
        f"{ticks.lost_clients} honest clients were closed, {dict(ticks.closes)}": (
            not ticks.lost_clients
        ),
        f"{ticks.heard} of {ticks.expected} ticks were heard": ticks.heard == ticks.expected,
        f"{ticks.surplus} ticks came twice, or undue": not ticks.surplus,
        f"ticks are {ticks.p99:.3f} s late, over {late_max:.3f}": ticks.p99 <= late_max,
        f"/health failed: {figures.health_failed}": not figures.health_failed,
        f"/health takes {figures.health_p90:.3f} s": (
            figures.health_p90 <= HEALTH_SECONDS_MAX + figures.noise
        ),
        f"of {figures.logins} logins failed: {figures.logins_failed}": (
            figures.logins and not figures.logins_failed
        ),
        f"a login took {figures.login_worst:.2f} s": (
            figures.login_worst <= LOGIN_SECONDS_MAX + figures.noise
        ),
        f"memory is {memory - figures.memory_before:,} bytes up": (
            memory <= figures.memory_before + MEMORY_BYTES_MAX
        ),
        f"memory was {figures.memory_peak - figures.memory_before:,} bytes up meanwhile": (
            figures.memory_peak <= figures.memory_before + PEAK_BYTES_MAX
        ),
        f"the log has grown by {figures.log_bytes:,} bytes": figures.log_bytes <= LOG_BYTES_MAX,
        "an attacker was answered 500": "500" not in figures.done.statuses,
        "a traceback is in the log": "Traceback" not in output,
        "the attack was none": figures.done.opened or figures.name.startswith("a stopped"),
    }
    return [promise for promise, holds in promises.items() if not holds]
