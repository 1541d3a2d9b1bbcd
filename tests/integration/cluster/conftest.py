"""A Cluster of the server asked for, and services that are told of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.cluster import Cluster, cluster
from tests.support.servers import Server, server_binaries

SHARDS = 4


@pytest.fixture(scope="session")
def binary(server: Server) -> Path:
    """The server asked for; of one in a container the first at hand in its place."""
    return server_binaries().get(server.name) or next(iter(server_binaries().values()))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lasting(binary: Path) -> AsyncIterator[Cluster]:
    """One Cluster for all tests of a module that do it no harm."""
    async with cluster(binary) as started:
        yield started


@pytest_asyncio.fixture
async def nodes(lasting: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """The lasting Cluster, emptied; what is started in the test is told of it."""
    await lasting.flush()
    tell(monkeypatch, lasting)
    return lasting


def tell(monkeypatch: pytest.MonkeyPatch, nodes: Cluster, shards: int = SHARDS) -> None:
    """Put into the environment what a service has to be told."""
    for name, value in {**nodes.environment, "DRAFTLINE_SHARDS": str(shards)}.items():
        monkeypatch.setenv(name, value)
