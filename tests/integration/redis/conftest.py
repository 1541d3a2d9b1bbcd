"""The board every test of a script looks at."""

import pytest
import pytest_asyncio

from shared.redis.client import Connections
from shared.redis.store import Store
from tests.support.board import KIND, Board


@pytest_asyncio.fixture
async def board(redis_connections: Connections, store: Store) -> Board:
    await store.queues.ensure_groups(KIND)
    return Board(redis_connections.commands, store)


@pytest.fixture
def error() -> bytes:
    """Why an attempt failed, as workers write it."""
    return b'{"code":"model_unavailable","message":"It is away.","retryable":true}'
