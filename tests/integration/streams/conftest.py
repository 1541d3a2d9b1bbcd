"""The board, and Redis prepared for workers."""

import pytest_asyncio

from shared.redis.client import Connections
from shared.redis.reads import Reads
from shared.redis.scripts import Scripts
from tests.support.board import KIND, Board


@pytest_asyncio.fixture
async def board(redis_connections: Connections, scripts: Scripts, reads: Reads) -> Board:
    await reads.ensure_groups(KIND)
    return Board(redis_connections.commands, scripts, reads)
