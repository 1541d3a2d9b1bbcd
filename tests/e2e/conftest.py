"""One server, one scripted model, a fleet of real processes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.support.processes import Fleet, fleet
from tests.support.scripted_model import ScriptedModel
from tests.support.servers import Server, running, server_binaries


@pytest_asyncio.fixture
async def redis_server() -> AsyncIterator[Server]:
    """The embedded Valkey: what users start with."""
    async with running("valkey9", server_binaries()["valkey9"], "--maxmemory", "1gb") as started:
        yield started


@pytest_asyncio.fixture
async def model() -> AsyncIterator[ScriptedModel]:
    async with ScriptedModel() as started:
        yield started


@pytest_asyncio.fixture
async def services(redis_server: Server, model: ScriptedModel, tmp_path: Path) -> AsyncIterator[Fleet]:
    """Nothing started yet; leases short, so that a lost worker is noticed soon."""
    async with fleet(
        redis_server.url,
        model.base_url,
        tmp_path,
        DRAFTLINE_LEASE_SECONDS="2",
        DRAFTLINE_BACKOFF_BASE_SECONDS="0.2",
        DRAFTLINE_SAMPLE_SECONDS="0.2",
    ) as started:
        yield started
