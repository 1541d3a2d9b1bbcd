"""Cancel all, retry the failed: may be repeated, and leave the other jobs alone."""

import asyncio

from tests.support.batches import BATCHES, accepted, counts, post_batch, prompts, seen
from tests.support.gateway import Gateway, Hand


async def _cancel(gateway: Gateway) -> dict[str, int]:
    answer = await gateway.client.post(f"{BATCHES}/b/cancel")
    assert answer.status_code == 200, answer.text
    found: dict[str, int] = answer.json()
    return found


async def _retry(gateway: Gateway) -> dict[str, int]:
    answer = await gateway.client.post(f"{BATCHES}/b/retry")
    assert answer.status_code == 202, answer.text
    found: dict[str, int] = answer.json()
    return found


async def test_cancel_ends_what_waits_and_asks_what_runs(gateway: Gateway, hand: Hand) -> None:
    items = prompts(100)
    items[1] = {**items[1], "delay_seconds": 3_600}
    await accepted(gateway, [*items, {"kind": "poem"}])
    await gateway.client.post("/api/v1/jobs/outline", json={"task_prompt": "not of the batch", "job_id": "apart"})
    done, broken, *running = [await hand.take() for _ in range(5)]
    await hand.complete(done)
    await hand.fail(broken)
    assert await _cancel(gateway) == {"cancelled": 95, "asked": 3, "already_ended": 2}
    assert await _cancel(gateway) == {"cancelled": 0, "asked": 3, "already_ended": 97}
    for claim in running:
        await hand.release(claim)
    assert await counts(gateway) == {"refused": 1, "completed": 1, "failed": 1, "cancelled": 98}
    batch = await seen(gateway)
    assert (batch["finished"], batch["progress"]["percent"]) == (True, 100.0)
    assert await hand.takes() == ["apart"]


async def test_retry_begins_the_failed_again_and_no_others(gateway: Gateway, hand: Hand) -> None:
    await accepted(gateway, prompts(10))
    done, *broken = [await hand.take() for _ in range(5)]
    await hand.complete(done)
    for claim in broken:
        await hand.fail(claim)
    await gateway.client.post("/api/v1/jobs/b.9/cancel")
    assert await _retry(gateway) == {"retried": 4, "not_retried": 0}
    assert await _retry(gateway) == {"retried": 0, "not_retried": 0}
    assert await counts(gateway) == {"completed": 1, "cancelled": 1, "queued": 8}
    for claim in [await hand.take() for _ in range(8)]:
        await hand.complete(claim)
    assert (await seen(gateway))["finished"]


async def test_two_retries_at_once_begin_each_job_once(gateway: Gateway, hand: Hand) -> None:
    await accepted(gateway, prompts(60))
    for claim in [await hand.take() for _ in range(60)]:
        await hand.fail(claim)
    both = await asyncio.gather(_retry(gateway), _retry(gateway))
    assert sum(each["retried"] for each in both) == 60
    assert len(await hand.takes()) == 60


async def test_progress_and_usage_are_those_of_the_jobs(gateway: Gateway, hand: Hand) -> None:
    await accepted(gateway, prompts(4))
    first, second = [await hand.take() for _ in range(2)]
    await hand.progress(first, 40, 90)
    await hand.progress(second, 20, 30)
    batch = await seen(gateway)
    assert batch["progress"]["percent"] == 15.0
    assert 80 < batch["progress"]["eta_seconds"] <= 90
    assert batch["usage"]["llm_calls"] == 0
    await hand.complete(first)
    assert (await seen(gateway))["progress"]["percent"] == 30.0


async def test_a_batch_that_was_cancelled_is_replayed_as_it_is(gateway: Gateway) -> None:
    await accepted(gateway, prompts(3))
    await _cancel(gateway)
    again = await post_batch(gateway, prompts(3))
    assert [entry["status"] for entry in again.json()["jobs"]] == ["cancelled"] * 3
