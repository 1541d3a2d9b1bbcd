"""One server, one scripted model, a fleet of real processes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lasting_model() -> AsyncIterator[ScriptedModel]:
    """One model for all tests of a module."""
    async with ScriptedModel() as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lasting_services(
    lasting_model: ScriptedModel, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Fleet]:
    """All services, started once for the tests of a module that do them no harm."""
    async with (
        running("valkey9", server_binaries()["valkey9"], "--maxmemory", "1gb") as server,
        fleet(
            server.url, lasting_model.base_url, tmp_path_factory.mktemp("logs"), DRAFTLINE_BACKOFF_BASE_SECONDS="0.2"
        ) as started,
    ):
        for name in ("gateway", "outline_worker", "document_worker"):
            await started.start(name)
        yield started
