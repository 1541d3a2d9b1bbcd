"""The board, and Redis prepared for workers."""

import pytest
import pytest_asyncio

from shared.redis.client import Connections
from shared.redis.reads import Reads
from shared.redis.scripts import Scripts
from shared.streams import upkeep
from tests.support.board import KIND, Board


@pytest_asyncio.fixture
async def board(redis_connections: Connections, scripts: Scripts, reads: Reads) -> Board:
    await reads.ensure_groups(KIND)
    return Board(redis_connections.commands, scripts, reads)


@pytest.fixture(autouse=True)
def _look_for_due_jobs_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "PROMOTE_SECONDS", 0.05)
