"""One stream of a whole batch: every lifecycle event of every job once, wherever the client comes back."""

import asyncio
import random
from typing import Any

import pytest

from shared.contracts.ids import JobRef
from shared.contracts.jobs import Claim
from shared.contracts.states import JobKind
from shared.redis.batches import BatchRecord
from shared.redis.client import Connections
from shared.redis.keys import Keyspace
from tests.support.batches import BATCHES, accepted, post_batch, prompts, types_by_job
from tests.support.gateway import Gateway, Hand, gateway_in_loop
from tests.support.problems import problem
from tests.support.servers import Server
from tests.support.sse import Frame, all_events, open_stream, stories
from tests.support.waiting import eventually

PATH = f"{BATCHES}/b/events"
KEYS = Keyspace(0)
TOLD = {"queued", "started", "completed"}


async def _rest(gateway: Gateway, after: str | None = None) -> list[Frame]:
    async with open_stream(gateway.client, PATH, after) as stream:
        assert stream.status == 200
        return await stream.rest()


async def _claims(hand: Hand, kind: JobKind = JobKind.OUTLINE) -> dict[str, Claim]:
    await hand.takes(kind)
    return {ref.job_id: claim for ref, claim in hand.held.items()}


async def test_a_thousand_jobs_to_the_end_with_a_break_in_the_middle(gateway: Gateway, hand: Hand) -> None:
    await accepted(gateway, prompts(1_000))
    async with open_stream(gateway.client, PATH) as stream:
        seen = [await stream.event() for _ in range(1_000)]
        claims = list((await _claims(hand)).values())
        for claim in claims[:500]:
            await hand.write(claim, "a piece of text")
            await hand.progress(claim, 50)
            await hand.complete(claim)
        seen += [await stream.event() for _ in range(700)]
    for claim in claims[500:]:
        await hand.complete(claim)
    seen += await _rest(gateway, seen[-1].id)
    assert types_by_job(seen) == {f"b.{n}": ["queued", "started", "completed"] for n in range(1_000)}
    assert len({frame.id for frame in seen}) == 3_000
    assert max(len(frame.id or "") for frame in seen) < 6_000
    last = await gateway.client.get(PATH, headers={"Last-Event-ID": seen[-1].id or ""})
    assert (last.status_code, last.content) == (204, b"")
    await eventually(lambda: gateway.watched == 0)


async def test_frames_are_those_of_the_jobs_streams(gateway: Gateway, hand: Hand) -> None:
    await accepted(gateway, prompts(3))
    for claim in (await _claims(hand)).values():
        await hand.write(claim, "a piece")
        await hand.progress(claim, 50)
        await hand.complete(claim)
    seen = await _rest(gateway)
    for job_id in ("b.0", "b.1", "b.2"):
        alone = [(each.event, each.data) for each in await all_events(gateway.client, job_id) if each.event in TOLD]
        assert [(frame.event, frame.data) for frame in seen if frame.json()["job_id"] == job_id] == alone


async def test_no_gap_and_no_duplicate_while_events_are_written(
    gateway: Gateway, hand: Hand, one_server: Server
) -> None:
    """Clients come and go at random on two gateways, and the journals are longer than a page."""
    choose = random.Random(5)
    await accepted(gateway, prompts(3))
    async with gateway_in_loop(one_server.url) as other:
        readers = [_read_in_pieces([gateway, other], choose.randrange(1, 5)) for _ in range(6)]
        read = asyncio.gather(*readers)
        claims = (await _claims(hand)).values()
        await asyncio.gather(*(_write(hand, claim) for claim in claims))
        for story in await read:
            assert types_by_job(story) == {f"b.{n}": ["queued", "started", "completed"] for n in range(3)}
    # From the start, over pages that hold nothing to send.
    assert len(await _rest(gateway)) == 9
    await eventually(lambda: gateway.watched == 0)


async def _write(hand: Hand, claim: Claim) -> None:
    for n in range(50):
        await hand.write(claim, *(f"{n} {piece}" for piece in "abcdefghij"))
    await hand.complete(claim)


async def _read_in_pieces(gateways: list[Gateway], stop: int) -> list[Frame]:
    seen: list[Frame] = []
    while sum(frame.event == "completed" for frame in seen) < 3:
        async with open_stream(gateways[stop % 2].client, PATH, seen[-1].id if seen else None) as stream:
            for _ in range(stop):
                seen.append(await stream.event())
                if sum(frame.event == "completed" for frame in seen) == 3:
                    break
        stop = stop % 4 + 1
    return seen


async def test_a_stream_may_begin_while_jobs_are_still_accepted(gateway: Gateway, hand: Hand) -> None:
    """Of a batch whose request was cut off: what is not there yet is told of as it comes."""
    record = await _half_stored(gateway, 6)
    async with open_stream(gateway.client, PATH) as stream:
        seen = [await stream.event() for _ in range(3)]
        assert types_by_job(seen) == {f"b.{n}": ["queued"] for n in range(3)}
        await accepted(gateway, prompts(6))
        seen += [await stream.event() for _ in range(3)]
        for claim in (await _claims(hand)).values():
            await hand.complete(claim)
        seen += await stream.rest()
    assert types_by_job(seen) == {member.job_id: ["queued", "started", "completed"] for member in record.members}
    assert (await gateway.client.get(PATH, headers={"Last-Event-ID": seen[-1].id or ""})).status_code == 204


async def test_while_jobs_may_come_nothing_is_all(gateway: Gateway, hand: Hand) -> None:
    await _half_stored(gateway, 4, stored=2)
    for claim in (await _claims(hand)).values():
        await hand.complete(claim)
    async with open_stream(gateway.client, PATH) as stream:
        seen = [await stream.event() for _ in range(6)]
    async with open_stream(gateway.client, PATH, seen[-1].id) as stream:
        assert stream.status == 200
        await accepted(gateway, prompts(4))
        seen += [await stream.event() for _ in range(2)]
    # Stored at the same time, in any order.
    assert {frame.json()["job_id"] for frame in seen[6:]} == {"b.2", "b.3"}
    await gateway.client.post(f"{BATCHES}/b/cancel")


async def test_a_stream_ends_though_an_item_gets_no_job(one_server: Server, hand: Hand, store: Any) -> None:
    """Another job takes the id of an item: nobody is told of it, nor waits for it."""
    async with gateway_in_loop(one_server.url, heartbeat_seconds=0.1) as gateway:
        await _half_stored(gateway, 3, stored=1)
        async with open_stream(gateway.client, PATH) as stream:
            seen = [await stream.event()]
            other = {"task_prompt": "another", "job_id": "b.1"}
            assert (await gateway.client.post("/api/v1/jobs/outline", json=other)).status_code == 202
            body = await accepted(gateway, prompts(3))
            assert body["jobs"][1]["error"]["code"] == "job_id_conflict"
            for claim in (await _claims(hand)).values():
                await hand.complete(claim)
            seen += await stream.rest()
        story = ["queued", "started", "completed"]
        assert types_by_job(seen) == {"b.0": story, "b.2": story}
        assert (await gateway.client.get(PATH, headers={"Last-Event-ID": seen[-1].id or ""})).status_code == 204


async def _half_stored(gateway: Gateway, items: int, stored: int = 3) -> BatchRecord:
    """A batch as a gateway leaves it that was killed after some of its jobs."""
    await accepted(gateway, prompts(items))
    ref = JobRef("b")
    whole = await gateway.services.store.batches.get(ref)
    assert whole is not None
    for member in whole.members[stored:]:
        await gateway.client.post(f"/api/v1/jobs/{member.job_id}/cancel")
        keys = (KEYS.job, KEYS.events, KEYS.payload)
        await gateway.services.store.connections.commands.delete(*(key(member.ref) for key in keys))
    await gateway.services.store.batches.end(ref, whole.model_copy(update={"stored": False}))
    return whole


async def test_jobs_that_are_gone_count_as_ended(gateway: Gateway, hand: Hand, redis_connections: Connections) -> None:
    await accepted(gateway, prompts(3))
    claims = await _claims(hand)
    await hand.complete(claims["b.0"])
    async with open_stream(gateway.client, PATH) as stream:
        seen = [await stream.event() for _ in range(7)]
    ref = JobRef("b.0")
    await redis_connections.commands.delete(KEYS.job(ref), KEYS.events(ref), KEYS.payload(ref), KEYS.result(ref))
    for job_id in ("b.1", "b.2"):
        await hand.complete(claims[job_id])
    seen += await _rest(gateway, seen[-1].id)
    assert types_by_job(seen) == {f"b.{n}": ["queued", "started", "completed"] for n in range(3)}


async def test_a_trimmed_journal_is_told_by_a_gap_of_that_job(gateway: Gateway, hand: Hand) -> None:
    await accepted(gateway, prompts(2))
    claims = await _claims(hand)
    await hand.write(claims["b.0"], *["x" * 10_000] * 150)
    for claim in claims.values():
        await hand.complete(claim)
    seen = await _rest(gateway)
    assert types_by_job(seen) == {"b.0": ["gap", "completed"], "b.1": ["queued", "started", "completed"]}
    (at,) = [n for n, frame in enumerate(seen) if frame.event == "gap"]
    assert stories(await _rest(gateway, seen[at].id)) == stories(seen[at + 1 :])


async def test_events_that_are_left_out_wake_nobody(gateway: Gateway, hand: Hand) -> None:
    await accepted(gateway, prompts(1))
    claims = await _claims(hand)
    async with open_stream(gateway.client, PATH) as stream:
        await stream.event()
        await stream.event()
        (watched,) = next(iter(gateway.services.hub._watchers.values()))
        for _ in range(20):
            await hand.write(claims["b.0"], *["x"] * 20)
        assert not watched.behind
        await hand.complete(claims["b.0"])
        assert [frame.event for frame in await stream.rest()] == ["completed"]


async def test_silence_is_broken_by_heartbeats(one_server: Server, redis_connections: Connections) -> None:
    async with gateway_in_loop(one_server.url, heartbeat_seconds=0.05) as gateway:
        await accepted(gateway, prompts(2))
        async with open_stream(gateway.client, PATH) as stream:
            await stream.event()
            await stream.event()
            assert [(await stream.frame()).comments for _ in range(3)] == [["heartbeat"]] * 3
        await gateway.client.post(f"{BATCHES}/b/cancel")


async def test_a_draining_gateway_says_so(gateway: Gateway) -> None:
    await accepted(gateway, prompts(2))
    async with open_stream(gateway.client, PATH) as stream:
        await stream.event()
        gateway.services.hub.drain()
        *_, last = await stream.rest()
    assert (last.event, last.id) == ("server_draining", None)
    problem(await gateway.client.get(PATH), 503, "draining")


@pytest.mark.parametrize("position", ["garbage", "2-1", "A" * 3_000])
async def test_what_is_no_cursor_of_the_batch_means_from_the_start(gateway: Gateway, hand: Hand, position: str) -> None:
    await post_batch(gateway, prompts(2))
    for claim in (await _claims(hand)).values():
        await hand.complete(claim)
    assert len(await _rest(gateway, position)) == 6
