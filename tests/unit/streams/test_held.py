"""Why a handler is stopped: the first reason stays, but a lost lease overrides all."""

import asyncio
from typing import cast

import pytest

from shared.contracts.ids import JobRef
from shared.contracts.jobs import Claim
from shared.contracts.states import Band, JobKind
from shared.leases import Ending, Held, LeaseKeeper
from shared.lifecycle.clock import SystemClock
from shared.redis.attempts import Owned
from shared.redis.queues import Queues


def _held() -> Held:
    claim = Claim(
        JobRef("job"), JobKind.OUTLINE, Band.DEFAULT, 2, 1, 3, 1, "request", 0.0, 0.0, None, None, JobKind.OUTLINE
    )
    return Held(claim, trusted_until=10.0)


@pytest.mark.parametrize(
    ("reasons", "kept"),
    [
        ([Ending.CANCELLED, Ending.RELEASED], Ending.CANCELLED),
        ([Ending.RELEASED, Ending.CANCELLED], Ending.RELEASED),
        ([Ending.CANCELLED, Ending.LOST], Ending.LOST),
        ([Ending.LOST, Ending.CANCELLED], Ending.LOST),
    ],
)
def test_which_reason_stays(reasons: list[Ending], kept: Ending) -> None:
    held = _held()
    for reason in reasons:
        held.end(reason)
    assert held.ending is kept


async def test_handler_is_cancelled_once_for_a_reason() -> None:
    held = _held()
    cancellations = 0

    async def handle() -> None:
        nonlocal cancellations
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancellations += 1
                if cancellations == 2:
                    raise

    async with asyncio.TaskGroup() as group:
        held.handler = handler = group.create_task(handle())
        await asyncio.sleep(0)
        for _ in range(3):
            held.end(Ending.CANCELLED)
            await asyncio.sleep(0)
        assert cancellations == 1
        held.end(Ending.LOST)
        await asyncio.wait({handler})
    assert cancellations == 2


async def test_ended_handler_is_left_alone() -> None:
    held = _held()
    async with asyncio.TaskGroup() as group:
        held.handler = group.create_task(asyncio.sleep(0))
    held.end(Ending.CANCELLED)
    assert not held.handler.cancelled()


class Refusing:
    """Scripts on a server where the job is no longer ours, or is settled already."""

    shards = 1

    async def renew(self, *_: object) -> list[Owned]:
        return [Owned.FENCED]


@pytest.mark.parametrize(("settling", "ending"), [(False, Ending.LOST), (True, None)])
async def test_renewal_refused_while_the_job_is_settled_is_no_lost_lease(settling: bool, ending: Ending | None) -> None:
    keeper = LeaseKeeper(cast("Queues", Refusing()), SystemClock(), 30)
    held = keeper.take(_held().claim, SystemClock().monotonic())
    held.settling = settling
    await keeper._renew(0)
    assert held.ending is ending
