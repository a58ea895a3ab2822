"""nginx before several processes: what of its configuration depends on which they are.

    python -m scripts.nginx NAME=HOST:PORT... [-NAME=HOST:PORT...] > /etc/nginx/processes.conf

NAME is the process's PROCESS_NAME. One with a hyphen before it is about to end: its sessions are
still sent there, and new ones are not. Standard library only.
"""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

FILES = Path(__file__).resolve().parent.parent / "deploy" / "nginx"

# Debian has it where only root's PATH leads.
PROGRAM = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

# A process closes a connection that has asked for nothing for 30 s; nginx has to give it up before,
# or would send a request into the close.
KEEPALIVE = "keepalive {count};\n    keepalive_timeout 20s;"
# Open connections to a process that wait for the next request, for each worker of nginx.
KEPT_OPEN = 32


def processes_conf(processes: Mapping[str, str], leaving: Mapping[str, str] | None = None) -> str:
    """The text of processes.conf for these addresses by name; who is `leaving` gets no new
    sessions."""
    everybody = {**processes, **(leaving or {})}
    keepalive = KEEPALIVE.format(count=KEPT_OPEN)
    servers = "\n".join(
        f"    server {address} max_fails=1 fail_timeout=2s;" for address in processes.values()
    )
    named = "\n".join(
        f"upstream crs_{name} {{\n    server {address};\n    {keepalive}\n}}"
        for name, address in everybody.items()
    )
    routes = "\n".join(f'    "~^{name}\\."  crs_{name};' for name in everybody)
    return f"""\
# Written by `python -m scripts.nginx`: which processes there are.

# New sessions and REST go to the process with the fewest WebSockets that began as such.
upstream crs_any {{
    zone crs_any 128k;
    least_conn;
{servers}
    {keepalive}
}}

{named}

# A session's id begins with the name of its process.
map $arg_sid $crs_upstream {{
    default crs_any;
{routes}
}}
"""


def prepare(folder: Path, processes: Mapping[str, str], site: str) -> list[str]:
    """Put the configuration into `folder`, with this site.conf, and nothing that nginx writes
    elsewhere; returns the command that runs it in the foreground."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("nginx.conf", "routes.conf"):
        shutil.copy(FILES / name, folder)
    (folder / "processes.conf").write_text(processes_conf(processes))
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    (folder / "site.conf").write_text(f"access_log off;\n{paths}{site}")
    # As root the workers would be nobody, who may not enter the folder.
    user = "user root; " if os.geteuid() == 0 else ""
    main = f"{user}daemon off; pid {folder}/pid; error_log {folder}/error.log;"
    return [PROGRAM or "nginx", "-c", str(folder / "nginx.conf"), "-e", "stderr", "-g", main]


def plain_site(host: str, port: int) -> str:
    """A site.conf without TLS, for this machine alone."""
    return f"server {{\n    listen {host}:{port};\n    include routes.conf;\n}}\n"


if __name__ == "__main__":
    if not sys.argv[1:] or not all("=" in argument for argument in sys.argv[1:]):
        sys.exit(__doc__)
    given = dict(argument.split("=", 1) for argument in sys.argv[1:])
    leaving = {name[1:]: address for name, address in given.items() if name.startswith("-")}
    staying = {name: address for name, address in given.items() if not name.startswith("-")}
    print(processes_conf(staying, leaving), end="")
