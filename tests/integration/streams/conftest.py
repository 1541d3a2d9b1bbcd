"""The board, and Redis prepared for workers."""

import pytest_asyncio

from shared.redis.client import Connections
from shared.redis.store import Store
from tests.support.board import KIND, Board


@pytest_asyncio.fixture
async def board(redis_connections: Connections, store: Store) -> Board:
    await store.queues.ensure_groups(KIND)
    return Board(redis_connections.commands, store)
