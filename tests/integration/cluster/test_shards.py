"""All processes agree on the number of shards, or end with both numbers named."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.redis.keys import SHARDS_KEY
from tests.support.cluster import Cluster
from tests.support.servers import free_port
from tests.support.waiting import eventually

pytestmark = [pytest.mark.ci, pytest.mark.one_server, pytest.mark.xdist_group("cluster shards")]

SERVICES = ("gateway", "outline_worker")


@dataclass(frozen=True, slots=True)
class Running:
    """A service process."""

    process: asyncio.subprocess.Process
    log: Path

    def said(self, words: str) -> bool:
        return words in self.log.read_text()

    async def status(self) -> int:
        """What it ended with; fails where it does not end by itself."""
        async with asyncio.timeout(15):
            return await self.process.wait()


@asynccontextmanager
async def _started(service: str, nodes: Cluster, shards: int, folder: Path) -> AsyncIterator[Running]:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        **nodes.environment,
        "DRAFTLINE_SHARDS": str(shards),
        "DRAFTLINE_METRICS_PORT": str(free_port()),
        "DRAFTLINE_SAMPLE_SECONDS": "0.2",
        "PORT": str(free_port()),
        "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
        "OPENAI_API_KEY": "test",
        "OPENAI_MODEL": "scripted",
    }
    log = folder / f"{service}-{shards}.log"
    with log.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", service, env=environment, stdout=sink, stderr=sink
        )
    try:
        yield Running(process, log)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
            await process.wait()


async def _fixed(nodes: Cluster) -> bool:
    return bool(await nodes.ask(nodes.holder(SHARDS_KEY), "GET", SHARDS_KEY) == "4")


@pytest.mark.parametrize("service", SERVICES)
async def test_another_number_refuses_to_start(nodes: Cluster, tmp_path: Path, service: str) -> None:
    await nodes.ask(nodes.holder(SHARDS_KEY), "SET", SHARDS_KEY, 4)
    async with _started(service, nodes, 2, tmp_path) as started:
        assert await started.status() == 1
        assert started.said("DRAFTLINE_SHARDS is 2, but this Redis was set up with 4: start with 4")
        assert not started.said("Traceback")
    assert await _fixed(nodes)


async def test_number_that_changes_ends_what_runs(nodes: Cluster, tmp_path: Path) -> None:
    """After a flush another number took the place: jobs would be stored where nobody looks."""
    async with (
        _started("gateway", nodes, 4, tmp_path) as gateway,
        _started("outline_worker", nodes, 4, tmp_path) as worker,
    ):
        await eventually(lambda: _fixed(nodes), seconds=15)
        await eventually(lambda: worker.said("consuming"), seconds=15)
        await nodes.flush()
        await nodes.ask(nodes.holder(SHARDS_KEY), "SET", SHARDS_KEY, 8)
        for each in (gateway, worker):
            assert await each.status() == 1
            assert each.said("DRAFTLINE_SHARDS is 4, but this Redis was set up with 8: start with 8")


async def test_number_that_was_flushed_is_put_back(nodes: Cluster, tmp_path: Path) -> None:
    """So that a process with another number is refused again."""
    async with _started("gateway", nodes, 4, tmp_path) as gateway:
        await eventually(lambda: _fixed(nodes), seconds=15)
        await nodes.flush()
        await eventually(lambda: _fixed(nodes), seconds=15)
        assert gateway.process.returncode is None
