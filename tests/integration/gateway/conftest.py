"""A gateway over one server: what it does over HTTP is the same on all of them."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from pydantic import SecretStr

from shared.redis.client import Connections, connections
from shared.redis.store import Store
from shared.settings import RedisSettings
from tests.support.gateway import Gateway, Hand, gateway_in_loop
from tests.support.keys import keys_without_end, malformed_events
from tests.support.servers import Server, running, server_binaries


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def one_server(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    """The server asked for, or the first at hand."""
    binaries = server_binaries()
    asked = str(request.config.getoption("--server"))
    name = asked if asked in binaries else next(iter(binaries))
    async with running(name, binaries[name], "--enable-debug-command", "yes") as started:
        yield started


@pytest_asyncio.fixture
async def redis_connections(one_server: Server) -> AsyncIterator[Connections]:
    """Connections to an emptied server. After the test no settled job may have left a key without a TTL."""
    async with connections(RedisSettings(url=SecretStr(one_server.url))) as opened:
        await opened.commands.flushall()
        yield opened
        leaked = await keys_without_end(opened.commands)
        assert not leaked, f"settled jobs left keys without TTL: {leaked}"
        malformed = await malformed_events(opened.commands)
        assert not malformed, f"events that are none of the contract: {malformed[:5]}"


@pytest_asyncio.fixture
async def gateway(redis_connections: Connections, one_server: Server) -> AsyncIterator[Gateway]:
    """A gateway in this loop, over an empty Redis."""
    async with gateway_in_loop(one_server.url) as started:
        yield started


@pytest.fixture
def hand(store: Store) -> Hand:
    return Hand(store)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def module_gateway(one_server: Server) -> AsyncIterator[Gateway]:
    """One gateway for all tests of a module that leave nothing behind; they run in the module's loop."""
    async with connections(RedisSettings(url=SecretStr(one_server.url))) as opened:
        await opened.commands.flushall()
    async with gateway_in_loop(one_server.url) as started:
        yield started
