"""Gateways for tests: in the test's own loop, or as a process; always a real server on loopback."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from prometheus_client import generate_latest
from pydantic import SecretStr

from gateway.__main__ import serve
from gateway.bootstrap import build_services
from gateway.dependencies import Services
from gateway.settings import GatewaySettings
from shared.contracts.ids import JobRef
from shared.contracts.jobs import Claim
from shared.contracts.states import Band, JobKind
from shared.lifecycle.supervisor import Drain
from shared.observability.health import Health
from shared.redis.attempts import NewEvent
from shared.redis.client import connections
from shared.redis.queues import Fetcher
from shared.redis.store import Store
from shared.settings import RedisSettings, RetentionSettings
from tests.support.servers import free_port
from tests.support.waiting import eventually

LEASE_MS = 60_000
AWAY = b'{"code":"model_unavailable","message":"It is away.","retryable":true}'


@dataclass(slots=True)
class Gateway:
    """A gateway in the test's own loop."""

    services: Services
    client: httpx2.AsyncClient
    health: Health
    drain: Drain
    port: int

    @property
    def watched(self) -> int:
        """Jobs that somebody follows."""
        return len(self.services.hub._watchers)


def _as_built(services: Services) -> Services:
    return services


@asynccontextmanager
async def gateway_in_loop(
    redis_url: str,
    *,
    shards: int = 1,
    change: Callable[[Services], Services] = _as_built,
    send_buffer: int | None = None,
    **changes: Any,
) -> AsyncIterator[Gateway]:
    """A gateway that serves while the block runs, and is ready.

    ``send_buffer``: bytes the kernel takes of an answer before a client that does not read holds it up.
    """
    settings = GatewaySettings(**{"grace_seconds": 5, **changes})
    redis = RedisSettings(url=SecretStr(redis_url), shards=shards)
    health, drain = Health(), Drain()
    async with connections(redis) as opened, asyncio.TaskGroup() as group:
        services = change(build_services(opened, redis, RetentionSettings(), settings))
        # With its protocol named, else asyncio does not set TCP_NODELAY and each answer waits for a delayed ACK.
        listener = socket.socket(proto=socket.IPPROTO_TCP)
        if send_buffer is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        group.create_task(serve(services, listener, health, drain))
        async with http_client(port) as client:
            await eventually(lambda: health.readiness() is None, every=0.002)
            yield Gateway(services, client, health, drain, port)
        drain.ask()


def http_client(port: int) -> httpx2.AsyncClient:
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
    return httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20, limits=limits, trust_env=False)


@dataclass(slots=True)
class GatewayProcess:
    """A gateway as it is run."""

    process: asyncio.subprocess.Process
    client: httpx2.AsyncClient
    port: int
    metrics_port: int
    log: Path

    async def status(self, seconds: float = 15) -> int:
        """The exit status, once it has ended."""
        async with asyncio.timeout(seconds):
            return await self.process.wait()

    async def answers(self) -> bool:
        assert self.process.returncode is None, self.log.read_text()
        try:
            return (await self.client.get("/livez")).status_code == 200
        except httpx2.TransportError:
            return False

    async def ready(self) -> bool:
        return await self.answers() and (await self.client.get("/readyz")).status_code == 200


@asynccontextmanager
async def gateway_process(redis_url: str, folder: Path, **settings: str) -> AsyncIterator[GatewayProcess]:
    """``python -m gateway`` with its settings in the environment; killed at the end if it still runs."""
    port, metrics_port = free_port(), free_port()
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "REDIS_URL": redis_url,
        "PORT": str(port),
        "DRAFTLINE_METRICS_PORT": str(metrics_port),
        **settings,
    }
    log = folder / f"gateway-{port}.log"
    with log.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", env=environment, stdout=sink, stderr=sink
        )
    try:
        async with http_client(port) as client:
            yield GatewayProcess(process, client, port, metrics_port, log)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
            await process.wait()


def answers_counted(labels: str) -> float:
    """The count of answers with these labels, by gateways in this process."""
    name = "draftline_http_requests_total{" + labels + "} "
    found = [line for line in generate_latest().decode().splitlines() if line.startswith(name)]
    return float(found[0].removeprefix(name)) if found else 0.0


class Hand:
    """Does by hand what a worker would: takes a job, writes its events, ends it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seq: dict[JobRef, int] = {}
        self.held: dict[JobRef, Claim] = {}

    async def take(self, kind: JobKind = JobKind.OUTLINE) -> Claim:
        """Claim the next job."""
        (claim,) = await self._fetch(kind, 1)
        return claim

    async def takes(self, kind: JobKind = JobKind.OUTLINE) -> list[str]:
        """Claim all there are; their ids in the order of the claims."""
        return [claim.ref.job_id for claim in await self._fetch(kind, 1_000)]

    async def _fetch(self, kind: JobKind, count: int) -> list[Claim]:
        claims = (await self._store.queues.fetch(0, kind, Fetcher("hand", 1), LEASE_MS, count, list(Band))).claims
        for claim in claims:
            self._seq[claim.ref] = 0
            self.held[claim.ref] = claim
        return claims

    def _next(self, claim: Claim) -> int:
        self._seq[claim.ref] += 1
        return self._seq[claim.ref]

    async def write(self, claim: Claim, *texts: str) -> str:
        """A delta for each text in one batch; returns the id of the last."""
        events = [NewEvent(self._next(claim), "delta", _delta(text)) for text in texts]
        await self._store.attempts.append_events(claim, events)
        return f"{claim.fence}-{self._seq[claim.ref]}"

    async def complete(self, claim: Claim, result: bytes = b'{"answer":42}') -> str:
        """Settle the job with a result; returns the id of the terminal event."""
        seq = self._next(claim)
        del self.held[claim.ref]
        await self._store.attempts.finish(claim, seq, result)
        return f"{claim.fence}-{seq}"

    async def fail(self, claim: Claim, error: bytes = b'{"code":"x","message":"it broke","retryable":false}') -> str:
        """Settle the job with an error."""
        seq = self._next(claim)
        await self._store.attempts.fail(claim, seq, error, None)
        return f"{claim.fence}-{seq}"

    async def give_up(self, claim: Claim, error: bytes = AWAY) -> None:
        """Fail for a reason that may pass: in its last attempt the job becomes a dead letter."""
        await self._store.attempts.fail(claim, self._next(claim), error, 60_000)

    async def progress(self, claim: Claim, percent: float, eta_seconds: float | None = None) -> None:
        """Tell how far the job has come."""
        data = {"step": "write", "message": "Writing", "percent": percent, "eta_seconds": eta_seconds}
        await self._store.attempts.append_events(
            claim, [NewEvent(self._next(claim), "progress", json.dumps(data).encode())]
        )

    async def release(self, claim: Claim) -> None:
        await self._store.attempts.release(claim, self._next(claim))


def _delta(text: str) -> bytes:
    return b'{"section_id":"s1","revision":1,"offset":0,"text":"%s"}' % text.encode()
