"""Who takes part in ``life``: how each is set up, enqueues, and drains with one worker process."""

import asyncio
import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.line import Options

PEERS = Path(__file__).parent / "peers"
CONTENDER_SECONDS = 180.0
"""Longest time one may take to enqueue or to drain."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A library we are compared with; its best settings, and why, stand in its script."""

    name: str
    worker: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def script(self) -> str:
        return f"{self.name}_tasks.py"

    @property
    def command(self) -> str:
        """How the worker is started, as one would type it."""
        return " ".join([*(f"{name}={value}" for name, value in self.environment.items()), *self.worker])


THEM = (
    Peer(
        "celery",
        ("celery", "-A", "celery_tasks", "worker", "--pool=solo", "--without-gossip", "--without-mingle",
         "--without-heartbeat", "--loglevel=WARNING"),
    ),
    Peer(
        "dramatiq",
        ("dramatiq", "dramatiq_tasks", "--processes=1", "--threads=8"),
        {"dramatiq_queue_prefetch": "1000"},
    ),
    Peer(
        "taskiq",
        ("taskiq", "worker", "taskiq_tasks:broker", "--workers=1", "--max-async-tasks=100", "--no-parse",
         "--log-level=WARNING"),
    ),
    Peer("saq", ("saq", "saq_tasks.settings")),
    Peer("arq", ("arq", "arq_tasks.WorkerSettings", "--custom-log-dict=arq_tasks.LOGGING")),
    Peer("streaq", ("streaq", "run", "streaq_tasks:worker")),
)  # fmt: skip


def programs(peer: Peer, options: Options) -> Path:
    """The folder of programs of a peer's environment, made on first use and whenever its lock changes."""
    environment = options.data / peer.name
    lock = PEERS / f"{peer.name}.txt"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = environment / "lock.sha256"
    if not stamp.exists() or stamp.read_text() != digest:
        options.say(f"life: {peer.name} gets its environment")
        shutil.rmtree(environment, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        install = ("-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--require-hashes", "--no-deps")
        python = environment / "bin" / "python"
        # What it says is of use only where it fails.
        done = subprocess.run([python, *install, "-r", lock], capture_output=True, text=True)
        if done.returncode:
            message = f"no environment for {peer.name}:\n{done.stderr}"
            raise RuntimeError(message)
        stamp.write_text(digest)
    return environment / "bin"


def surroundings(told: Mapping[str, str]) -> dict[str, str]:
    """Environment variables for a process: this one's, without what would lead it to our packages and settings."""
    ours = ("DRAFTLINE_", "OPENAI_", "BENCHMARK_")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(ours) and name not in {"VIRTUAL_ENV", "REDIS_URL", "PORT"}
    }
    return {**kept, **told}


@asynccontextmanager
async def process(
    command: tuple[str | Path, ...], cwd: Path, log: Path, told: Mapping[str, str] | None = None, *, talks: bool = False
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process with its log, killed with all its children at the end. One that ``talks`` has pipes, to and fro."""
    pipe = asyncio.subprocess.PIPE if talks else None
    with log.open("ab") as sink:
        started = await asyncio.create_subprocess_exec(
            *command,
            cwd=cwd,
            env=surroundings(told or {}),
            stdin=pipe,
            stdout=pipe or sink,
            stderr=sink,
            start_new_session=True,
        )
    try:
        yield started
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        await started.wait()


async def printed_seconds(command: tuple[str | Path, ...], cwd: Path, log: Path, told: Mapping[str, str]) -> float:
    """What a process that ends by itself prints: how long its work took."""
    async with asyncio.timeout(CONTENDER_SECONDS), process(command, cwd, log, told, talks=True) as started:
        out, _ = await started.communicate()
        if started.returncode:
            message = f"{command} failed, see {log}"
            raise RuntimeError(message)
        return float(out.split()[-1])
