"""The event stream: everything once, in order, from wherever the client stopped."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest

from shared.contracts.states import JobKind
from tests.support.gateway import Gateway, Hand, gateway_in_loop
from tests.support.servers import Server
from tests.support.sse import Frame, all_events, follow
from tests.support.waiting import eventually

FAR = "999-1"


async def _submit(gateway: Gateway, job_id: str = "job", **options: Any) -> None:
    answer = await gateway.client.post("/api/v1/jobs/outline", json={"task_prompt": "x", "job_id": job_id, **options})
    assert answer.status_code == 202


async def _finished(gateway: Gateway, hand: Hand, deltas: int = 5) -> None:
    await _submit(gateway)
    claim = await hand.take()
    await hand.write(claim, *(f"piece {n}" for n in range(deltas)))
    await hand.complete(claim)


def _ids(frames: list[Frame]) -> list[str | None]:
    return [frame.id for frame in frames]


async def test_a_stream_tells_the_whole_story(gateway: Gateway, hand: Hand) -> None:
    await _submit(gateway)
    async with follow(gateway.client, "job") as stream:
        opening = await stream.frame()
        assert (opening.id, opening.event) == (None, None)
        assert 1_000 <= (opening.retry or 0) <= 3_000
        assert stream.response.headers["content-type"].startswith("text/event-stream")
        assert stream.response.headers["cache-control"] == "no-store"
        assert "content-length" not in stream.response.headers
        assert (await stream.event()).event == "queued"
        claim = await hand.take()
        assert (await stream.event()).event == "started"
        await hand.write(claim, "Bees \u2028 \u0085 \\n 蜜蜂")
        delta = await stream.event()
        await hand.complete(claim)
        (completed,) = await stream.rest()
    assert (delta.id, delta.event) == ("2-1", "delta")
    body = delta.json()
    assert body.keys() == {"job_id", "kind", "type", "id", "time", "request_id", "data"}
    assert (body["job_id"], body["kind"], body["type"], body["id"]) == ("job", "outline", "delta", "2-1")
    assert datetime.fromisoformat(body["time"]).tzinfo is not None
    assert body["data"]["text"] == "Bees \u2028 \u0085 \n 蜜蜂"
    assert completed.event == "completed"
    assert completed.json()["data"]["result"]["answer"] == 42
    assert gateway.watched == 0


async def test_a_large_result_is_linked(gateway: Gateway, hand: Hand) -> None:
    await _submit(gateway)
    await hand.complete(await hand.take(), b'{"text":"%s"}' % (b"x" * 20_000))
    data = (await all_events(gateway.client, "job"))[-1].json()["data"]
    assert "result" not in data
    assert data["result_link"] == "/api/v1/jobs/job/result"


async def test_a_stream_resumes_after_every_id_on_another_gateway(
    gateway: Gateway, hand: Hand, one_server: Server
) -> None:
    await _finished(gateway, hand)
    whole = await all_events(gateway.client, "job")
    assert _ids(whole) == ["1-0", "2-0", "2-1", "2-2", "2-3", "2-4", "2-5", "2-6"]
    async with gateway_in_loop(one_server.url) as other:
        for seen, frame in enumerate(whole[:-1], 1):
            assert await all_events(other.client, "job", frame.id) == whole[seen:]
            async with follow(other.client, "job", query=f"?after={frame.id}") as stream:
                assert await stream.rest() == whole[seen:]
        last = await other.client.get("/api/v1/jobs/job/events", headers={"Last-Event-ID": whole[-1].id or ""})
    assert (last.status_code, last.content) == (204, b"")


async def test_the_header_counts_more_than_the_query(gateway: Gateway, hand: Hand) -> None:
    await _finished(gateway, hand)
    async with follow(gateway.client, "job", "2-5", query="?after=1-0") as stream:
        assert _ids(await stream.rest()) == ["2-6"]


NOT_POSITIONS = (
    "-1", "0", "0-0", "", "garbage", "2", "2-", "-2", "2-1-1", "2-1x", "2 - 1", "+2-1", "2.0-1", "1e1-1", "٢-١",
    "9" * 16 + "-1", "1-" + "9" * 16, "9" * 4_000, "2-1,2-2", "$", "*", "(2-1", "null", "undefined", "%00", "ÿ",
)  # fmt: skip


async def test_an_unknown_position_means_from_the_start(gateway: Gateway, hand: Hand) -> None:
    await _finished(gateway, hand, deltas=1)
    for position in NOT_POSITIONS:
        headers = [(b"Last-Event-ID", position.encode())]
        by_header = await gateway.client.get("/api/v1/jobs/job/events", headers=headers)
        by_query = await gateway.client.get("/api/v1/jobs/job/events", params={"after": position})
        for answer in (by_header, by_query):
            ids = [line for line in answer.text.split("\n") if line.startswith("id: ")]
            assert (answer.status_code, ids) == (200, ["id: 1-0", "id: 2-0", "id: 2-1", "id: 2-2"]), position


@pytest.mark.parametrize("position", [FAR, "2-7", "3-0", "999999999999999-999999999999999"])
async def test_a_position_beyond_the_end_is_answered_by_a_gap(gateway: Gateway, hand: Hand, position: str) -> None:
    await _finished(gateway, hand)
    (gap,) = await all_events(gateway.client, "job", position)
    body = gap.json()
    assert (gap.event, gap.id, body["id"]) == ("gap", "2-6", "2-6")
    assert body.keys() == {"job_id", "kind", "type", "id", "time", "request_id", "data"}
    assert body["data"]["snapshot"]["status"] == "completed"
    assert body["data"]["snapshot"]["sections"] == []


async def test_after_a_gap_the_stream_goes_on(gateway: Gateway, hand: Hand) -> None:
    await _submit(gateway)
    claim = await hand.take()
    await hand.write(claim, "a", "b")
    async with follow(gateway.client, "job", FAR) as stream:
        gap = await stream.event()
        assert (gap.event, gap.id) == ("gap", "2-2")
        assert gap.json()["data"]["snapshot"]["status"] == "running"
        await hand.write(claim, "c")
        await hand.complete(claim)
        assert _ids(await stream.rest()) == ["2-3", "2-4"]


async def test_a_trimmed_journal_is_told_by_a_gap(gateway: Gateway, hand: Hand) -> None:
    await _submit(gateway)
    claim = await hand.take()
    await hand.write(claim, *["x" * 10_000] * 150)
    await hand.complete(claim)
    gap, *rest = await all_events(gateway.client, "job", "2-3")
    assert gap.event == "gap"
    assert gap.json()["data"]["snapshot"]["status"] == "completed"
    first = int((gap.id or "").removeprefix("2-")) + 1
    assert 3 < first < 150
    assert _ids(rest) == [f"2-{n}" for n in range(first, 152)]
    assert rest[-1].event == "completed"


async def test_a_cancelled_waiting_job_ends_its_streams(gateway: Gateway) -> None:
    await _submit(gateway, delay_seconds=60)
    async with follow(gateway.client, "job") as stream:
        assert (await stream.event()).event == "scheduled"
        await gateway.client.post("/api/v1/jobs/job/cancel")
        assert [frame.event for frame in await stream.rest()] == ["cancelled"]


async def test_a_failed_attempt_does_not_end_the_stream(gateway: Gateway, hand: Hand) -> None:
    await _submit(gateway)
    claim = await hand.take()
    async with follow(gateway.client, "job", "2-0") as stream:
        await hand.release(claim)
        again = await hand.take()
        await hand.fail(again)
        events = [frame.event for frame in await stream.rest()]
    assert events[-2:] == ["started", "failed"]


async def test_silence_is_broken_by_heartbeats(one_server: Server, hand: Hand) -> None:
    async with gateway_in_loop(one_server.url, heartbeat_seconds=0.05) as gateway:
        await _submit(gateway)
        async with follow(gateway.client, "job", "1-0") as stream:
            await stream.frame()
            beats = [await stream.frame() for _ in range(3)]
            assert [beat.comments for beat in beats] == [["heartbeat"]] * 3
            assert all(beat.id is None and beat.event is None for beat in beats)
            await hand.complete(await hand.take())
            assert [frame.event for frame in await stream.rest()] == ["started", "completed"]


async def test_a_client_that_leaves_is_forgotten(gateway: Gateway) -> None:
    await _submit(gateway)
    async with follow(gateway.client, "job") as stream:
        await stream.event()
        assert gateway.watched == 1
    await eventually(lambda: gateway.watched == 0)


async def _chunks() -> AsyncIterator[bytes]:
    for _ in range(10):
        yield b" " * 65_536


async def test_a_body_does_not_disturb_a_stream_and_a_large_one_ends_it(gateway: Gateway, hand: Hand) -> None:
    await _submit(gateway)
    path = "/api/v1/jobs/job/events"
    assert (await gateway.client.request("GET", path, content=b" " * 300_000)).status_code == 413
    large = await gateway.client.request("GET", path, content=_chunks())
    assert (large.status_code, large.text.count("event: ")) in {(200, 0), (200, 1)}
    await hand.complete(await hand.take())
    small = await gateway.client.request("GET", path, content=b"{}")
    assert small.text.count("event: ") == 3


async def test_no_gap_and_no_duplicate_while_events_are_written(
    gateway: Gateway, hand: Hand, one_server: Server
) -> None:
    """Clients come and go at random on two gateways, while a job writes as fast as it can."""
    choose = random.Random(7)
    async with gateway_in_loop(one_server.url) as other:
        for round_ in range(12):
            job_id = f"job-{round_}"
            await _submit(gateway, job_id)
            claim = await hand.take(JobKind.OUTLINE)
            readers = [_read_in_pieces([gateway, other], job_id, choose.randrange(40)) for _ in range(12)]
            _, *stories = await asyncio.gather(_write(hand, claim, 40), *readers)
            expected = ["1-0", "2-0", *(f"2-{n}" for n in range(1, 122))]
            assert all(story == expected for story in stories)
    assert gateway.watched == 0


async def _write(hand: Hand, claim: Any, batches: int) -> None:
    for n in range(batches):
        await hand.write(claim, *(f"{n} {piece}" for piece in "abc"))
    await hand.complete(claim)


async def _read_in_pieces(gateways: list[Gateway], job_id: str, first_stop: int) -> list[str | None]:
    """Follow a job, leaving after some events and coming back on the other gateway, until it ends."""
    await asyncio.sleep(first_stop / 2_000)
    story: list[Frame] = []
    stop = first_stop
    while not story or story[-1].event != "completed":
        gateway = gateways[stop % 2]
        async with follow(gateway.client, job_id, story[-1].id if story else None) as stream:
            for _ in range(1 + stop):
                story.append(await stream.event())
                if story[-1].event == "completed":
                    break
        stop = (stop * 7 + 3) % 41
    return _ids(story)
