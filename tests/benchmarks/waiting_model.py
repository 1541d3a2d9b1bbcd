"""Starts the model that only waits, and reads what it was asked."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2
from pydantic import TypeAdapter

from tests.benchmarks.contenders import process
from tests.benchmarks.line import Options
from tests.benchmarks.model_process import Call

_CALLS = TypeAdapter(list[Call])


@dataclass(frozen=True, slots=True)
class Asked:
    """All calls so far, and the most that the model's own timers were late."""

    calls: list[Call]
    most_late_seconds: float

    def of(self, document: str) -> list[Call]:
        """The calls of one document."""
        return [call for call in self.calls if call.document == document]


@dataclass(frozen=True, slots=True)
class WaitingModel:
    """The running model."""

    url: str

    async def asked(self) -> Asked:
        async with httpx2.AsyncClient(timeout=60, trust_env=False) as client:
            told = (await client.get(self.url.removesuffix("/v1") + "/calls")).json()
        return Asked(_CALLS.validate_python(told["calls"]), told["most_late_seconds"])

    async def reset(self) -> None:
        async with httpx2.AsyncClient(timeout=60, trust_env=False) as client:
            await client.post(self.url.removesuffix("/v1") + "/reset")


@asynccontextmanager
async def waiting_model(options: Options, latency: float) -> AsyncIterator[WaitingModel]:
    """The model in a process of its own while the block runs."""
    command = (sys.executable, "-m", "tests.benchmarks.model_process", "--latency", str(latency))
    async with process(command, options.root, options.data / "model.log", talks=True) as started:
        assert started.stdout is not None
        yield WaitingModel((await started.stdout.readline()).decode().strip())
