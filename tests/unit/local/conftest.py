"""Runs the launcher as a process, with services that are played."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from deploy.local.keeping import Pace
from tests.support.servers import reserved_port

SERVICES = {
    "gateway": "from tests.unit.local.fake_gateway import main\nmain()\n",
    "outline_worker": "from tests.unit.local.fake_worker import main\nraise SystemExit(main('outline_worker'))\n",
    "document_worker": "from tests.unit.local.fake_worker import main\nraise SystemExit(main('document_worker'))\n",
}
WAIT_SECONDS = 90
"""Four Python processes start one after the other; on a busy machine that takes most of a minute."""


class Launched:
    """A launcher process and what it has printed."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.port = port
        self.out: list[str] = []

    async def until(self, text: str) -> str:
        """Read standard output up to a line with this text."""
        assert self.process.stdout is not None
        async with asyncio.timeout(WAIT_SECONDS):
            while line := (await self.process.stdout.readline()).decode():
                self.out.append(line.rstrip("\n"))
                if text in line:
                    return line
        raise AssertionError("\n".join([f"ended without {text!r}", *self.out, *(await self.finish())[1]]))

    async def finish(self) -> tuple[int, list[str]]:
        """Wait for its end; its status and the lines of standard error."""
        async with asyncio.timeout(WAIT_SECONDS):
            out, err = await self.process.communicate()
        self.out += out.decode().splitlines()
        assert self.process.returncode is not None
        return self.process.returncode, err.decode().splitlines()

    def answer(self, text: bytes) -> None:
        """Write to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(text)

    def end_answers(self) -> None:
        """Close its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)


def record(folder: Path, event: str) -> list[dict[str, Any]]:
    """What the played gateway did of one kind, from its log."""
    lines = (folder / ".draftline/logs/gateway.log").read_text().splitlines()
    return [found for found in map(json.loads, lines) if found["event"] == event]


def lives(folder: Path, name: str) -> list[int]:
    """The processes a played service has been, from its log."""
    log = folder / ".draftline/logs" / f"{name}.log"
    records = (json.loads(line) for line in log.read_text().splitlines())
    return [record["pid"] for record in records if record["event"] == f"{name} up"]


def alive(pid: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


Launch = Callable[..., Awaitable[Launched]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which `python -m gateway` and its like are played."""
    for name, code in SERVICES.items():
        (tmp_path / f"{name}.py").write_text(code)
    return tmp_path


@pytest.fixture
async def launch(folder: Path) -> AsyncIterator[Launch]:
    """Start the launcher in that folder; what still runs afterwards is ended."""
    running: list[Launched] = []
    ports = ExitStack()

    async def start(mode: str, pace: Pace | None = None, answers: bytes | None = b"", **variables: str) -> Launched:
        port = ports.enter_context(reserved_port())
        names = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH")
        environment = {name: os.environ[name] for name in names if name in os.environ}
        environment |= {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "PORT": str(port)}
        environment |= {"OPENAI_MODEL": "played", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1", **variables}
        program = ("deploy.local",) if pace is None else ("tests.unit.local.paced", json.dumps(asdict(pace)))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *program,
            mode,
            cwd=folder,
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        launched = Launched(process, port)
        if answers is not None:
            launched.answer(answers)
            launched.end_answers()
        running.append(launched)
        return launched

    with ports:
        yield start
        for launched in running:
            if launched.process.returncode is None:
                launched.process.send_signal(signal.SIGTERM)
                await launched.finish()
