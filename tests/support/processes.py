"""The services as real processes, for end-to-end tests."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests.support.servers import free_port
from tests.support.waiting import eventually


@dataclass(slots=True)
class Service:
    """One service process and where it can be asked."""

    name: str
    process: asyncio.subprocess.Process
    metrics_port: int
    log: Path

    async def stop(self, number: int = signal.SIGTERM, seconds: float = 20) -> int:
        """Send a signal and wait for the exit status."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(seconds):
            return await self.process.wait()

    async def metrics(self) -> str:
        async with httpx2.AsyncClient() as client:
            return (await client.get(f"http://127.0.0.1:{self.metrics_port}/metrics")).text


@dataclass(slots=True)
class Fleet:
    """Services that share a Redis and a model."""

    redis_url: str
    model_url: str
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    services: list[Service] = field(default_factory=list)
    port: int = field(default_factory=free_port)
    launch: tuple[str, ...] = ("-m",)
    """What stands between the interpreter and the name of a service."""

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v1"

    async def start(self, name: str, python: str = sys.executable, **settings: str) -> Service:
        """Start a service and wait until it is ready."""
        metrics_port = free_port()
        environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("DRAFTLINE_", "OPENAI_")) and key not in {"REDIS_URL", "PORT"}
        } | {
            "REDIS_URL": self.redis_url,
            "OPENAI_BASE_URL": self.model_url,
            "OPENAI_API_KEY": "test",
            "OPENAI_MODEL": "scripted",
            "PORT": str(self.port),
            "DRAFTLINE_METRICS_PORT": str(metrics_port),
            **self.settings,
            **settings,
        }
        log = self.folder / f"{name}-{metrics_port}.log"
        with log.open("wb") as sink:
            process = await asyncio.create_subprocess_exec(
                python, *self.launch, name, env=environment, stdout=sink, stderr=sink
            )
        service = Service(name, process, metrics_port, log)
        self.services.append(service)
        await eventually(lambda: self._ready(service), seconds=30)
        return service

    async def _ready(self, service: Service) -> bool:
        assert service.process.returncode is None, service.log.read_text()[-2_000:]
        async with httpx2.AsyncClient() as client:
            try:
                answer = await client.get(f"http://127.0.0.1:{service.metrics_port}/readyz")
            except httpx2.TransportError:
                return False
        return answer.status_code == 200

    async def post(self, path: str, body: dict[str, Any] | None = None) -> httpx2.Response:
        async with httpx2.AsyncClient(timeout=20) as client:
            return await client.post(self.api + path, json=body)

    async def get(self, path: str) -> httpx2.Response:
        async with httpx2.AsyncClient(timeout=20) as client:
            return await client.get(self.api + path)

    async def job(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.get(f"/jobs/{job_id}")).json()
        return found

    async def settled(self, job_id: str, seconds: float = 40) -> dict[str, Any]:
        """The job once it is terminal."""
        last: dict[str, Any] = {}

        async def terminal() -> bool:
            nonlocal last
            last = await self.job(job_id)
            return last["status"] in {"completed", "failed", "cancelled"}

        await eventually(terminal, seconds=seconds)
        return last


@asynccontextmanager
async def fleet(redis_url: str, model_url: str, folder: Path, **settings: str) -> AsyncIterator[Fleet]:
    """An empty fleet; whatever was started in it and still runs is killed at the end."""
    started = Fleet(redis_url, model_url, folder, settings)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(_kill_all, started)
        yield started


async def _kill_all(started: Fleet) -> None:
    for service in started.services:
        await service.stop(signal.SIGKILL)
