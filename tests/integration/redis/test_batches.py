"""Records of batches: the first one stands, each look keeps it, and what was promised to be safe is."""

from datetime import UTC, datetime

import pytest

from shared.contracts.ids import JobRef
from shared.contracts.states import JobKind
from shared.redis.batches import BatchRecord, Fault, Member, Refusal
from shared.redis.client import Connections
from shared.redis.failures import UnconfirmedError
from shared.redis.keys import Keyspace
from shared.redis.store import Store

REF = JobRef("b")
KEY = Keyspace(0).batch(REF)
RECORD = BatchRecord(
    digest="d",
    created_at=datetime(2031, 1, 1, tzinfo=UTC),
    request_id="r",
    life_seconds=1_000,
    members=(Member(index=0, job_id="b.0", kind=JobKind.OUTLINE, digest="x"),),
    refusals=(Refusal(index=1, status=422, code="c", detail="d", errors=(Fault(pointer="/p", message="m"),)),),
)


async def test_the_first_record_stands(redis_connections: Connections) -> None:
    batches = Store(redis_connections, 1).batches
    assert await batches.get(REF) is None
    assert await batches.begin(REF, RECORD) == RECORD
    assert await batches.begin(REF, RECORD.model_copy(update={"digest": "other"})) == RECORD
    assert await batches.get(REF) == RECORD
    assert 0 < await redis_connections.commands.ttl(KEY) <= 1_000


async def test_a_look_renews_its_life(redis_connections: Connections) -> None:
    batches = Store(redis_connections, 1).batches
    await batches.begin(REF, RECORD)
    await redis_connections.commands.expire(KEY, 10)
    await batches.get(REF)
    assert await redis_connections.commands.ttl(KEY) > 900


async def test_the_end_replaces_the_beginning(redis_connections: Connections) -> None:
    batches = Store(redis_connections, 1).batches
    await batches.begin(REF, RECORD)
    stored = RECORD.model_copy(update={"stored": True})
    await batches.end(REF, stored)
    assert await batches.get(REF) == stored
    assert await redis_connections.commands.ttl(KEY) > 900


async def test_without_a_replica_nothing_is_confirmed(redis_connections: Connections) -> None:
    batches = Store(redis_connections, 1, confirm_seconds=0.05).batches
    await batches.begin(REF, RECORD)
    with pytest.raises(UnconfirmedError):
        await batches.confirm(REF)
    with pytest.raises(UnconfirmedError):
        await batches.end(REF, RECORD)


def test_items_are_counted_once() -> None:
    assert RECORD.total == 2
    both = RECORD.model_copy(update={"refusals": (RECORD.refusals[0].model_copy(update={"index": 0}),)})
    assert both.total == 1
