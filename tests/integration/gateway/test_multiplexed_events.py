"""Several jobs on one stream: the story of each as on a stream of its own, from wherever the client stopped."""

import asyncio
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sse.follower import JOURNAL_PAGE
from gateway.sse.positions import JobSet
from shared.contracts.ids import START, EventId, JobRef
from shared.contracts.jobs import Claim
from shared.observability.metrics import SSE_CONNECTIONS
from shared.redis.client import Connections
from shared.redis.keys import Keyspace
from tests.support.gateway import Gateway, Hand, gateway_in_loop
from tests.support.problems import problem
from tests.support.servers import Server, running
from tests.support.sse import Frame, all_events, follow_all, open_stream, path_of_all, stories

JOBS = ("a", "b", "c")


async def _submit(gateway: Gateway, *job_ids: str) -> None:
    for job_id in job_ids:
        body = {"task_prompt": "x", "job_id": job_id}
        assert (await gateway.client.post("/api/v1/jobs/outline", json=body)).status_code == 202


async def _claimed(gateway: Gateway, hand: Hand, *job_ids: str) -> dict[str, Claim]:
    await _submit(gateway, *job_ids)
    claims = [await hand.take() for _ in job_ids]
    return {claim.ref.job_id: claim for claim in claims}


async def _finished(gateway: Gateway, hand: Hand, *job_ids: str, deltas: int = 3) -> None:
    for claim in (await _claimed(gateway, hand, *job_ids)).values():
        await hand.write(claim, *(f"piece {n}" for n in range(deltas)))
        await hand.complete(claim)


async def _all(gateway: Gateway, job_ids: tuple[str, ...], after: str | None = None) -> list[Frame]:
    async with follow_all(gateway.client, job_ids, after) as stream:
        assert stream.status == 200
        return await stream.rest()


def _cursor(job_ids: tuple[str, ...], **positions: EventId) -> str:
    return JobSet(map(JobRef, job_ids)).cursor([positions.get(job_id, START) for job_id in sorted(job_ids)])


def _story(events: int) -> list[str]:
    """The ids of a job that one worker ended with its ``events``-th event."""
    return ["1-0", *(f"2-{n}" for n in range(events + 1))]


async def _forget(redis_connections: Connections, job_id: str) -> None:
    keys, ref = Keyspace(0), JobRef(job_id)
    await redis_connections.commands.delete(keys.job(ref), keys.events(ref))


async def test_the_events_of_three_jobs_come_interleaved_and_whole(gateway: Gateway, hand: Hand) -> None:
    claims = await _claimed(gateway, hand, *JOBS)
    before = SSE_CONNECTIONS._value.get()
    async with follow_all(gateway.client, JOBS) as stream:
        opening = await stream.frame()
        assert 1_000 <= (opening.retry or 0) <= 3_000
        assert stream.response.headers["content-type"].startswith("text/event-stream")
        seen = [await stream.event() for _ in range(6)]
        assert SSE_CONNECTIONS._value.get() == before + 1
        for job_id in ("b", "a", "c", "a", "b"):
            await hand.write(claims[job_id], f"of {job_id}")
            seen.append(await stream.event())
            assert seen[-1].json()["job_id"] == job_id
        for job_id in ("c", "a", "b"):
            await hand.complete(claims[job_id])
        seen += await stream.rest()
    assert stories(seen) == {"a": _story(3), "b": _story(3), "c": _story(2)}
    assert len({frame.id for frame in seen}) == len(seen)
    for job_id in JOBS:
        alone = [(frame.event, frame.data) for frame in await all_events(gateway.client, job_id)]
        assert [(frame.event, frame.data) for frame in seen if frame.json()["job_id"] == job_id] == alone
    assert gateway.watched == 0


async def test_a_stream_resumes_after_every_id_on_another_gateway(
    gateway: Gateway, hand: Hand, one_server: Server
) -> None:
    claims = await _claimed(gateway, hand, *JOBS)
    async with follow_all(gateway.client, JOBS) as stream:
        for job_id in ("b", "a", "c", "a", "b"):
            await hand.write(claims[job_id], "x")
        for claim in claims.values():
            await hand.complete(claim)
        whole = await stream.rest()
    async with gateway_in_loop(one_server.url) as other:
        for seen, frame in enumerate(whole[:-1], 1):
            left = stories(whole[seen:])
            assert stories(await _all(other, ("c", "a", "b", "a"), frame.id)) == left
            async with open_stream(other.client, f"{path_of_all(JOBS)}&after={frame.id}") as stream:
                assert stories(await stream.rest()) == left
        headers = {"Last-Event-ID": whole[-1].id or ""}
        last = await other.client.get(path_of_all(JOBS), headers=headers)
    assert (last.status_code, last.content) == (204, b"")


async def test_no_gap_and_no_duplicate_while_events_are_written(
    gateway: Gateway, hand: Hand, one_server: Server
) -> None:
    """Clients come and go at random on two gateways, while three jobs write as fast as they can."""
    choose = random.Random(11)
    async with gateway_in_loop(one_server.url) as other:
        for round_ in range(6):
            job_ids = tuple(f"{name}-{round_}" for name in JOBS)
            claims = await _claimed(gateway, hand, *job_ids)
            readers = [_read_in_pieces([gateway, other], job_ids, choose.randrange(60)) for _ in range(8)]
            read = asyncio.gather(*readers)
            await asyncio.gather(*(_write(hand, claim, 25) for claim in claims.values()))
            assert all(story == dict.fromkeys(job_ids, _story(76)) for story in await read)
    assert gateway.watched == 0


async def _write(hand: Hand, claim: Claim, batches: int) -> None:
    for n in range(batches):
        await hand.write(claim, *(f"{n} {piece}" for piece in "abc"))
    await hand.complete(claim)


async def _read_in_pieces(gateways: list[Gateway], job_ids: tuple[str, ...], first_stop: int) -> dict[str, list[str]]:
    """Follow the jobs, leaving after some events and coming back on the other gateway, until all have ended."""
    await asyncio.sleep(first_stop / 2_000)
    seen: list[Frame] = []
    stop = first_stop
    while sum(frame.event == "completed" for frame in seen) < len(job_ids):
        async with follow_all(gateways[stop % 2].client, job_ids, seen[-1].id if seen else None) as stream:
            for _ in range(1 + stop):
                seen.append(await stream.event())
                if sum(frame.event == "completed" for frame in seen) == len(job_ids):
                    break
        stop = (stop * 7 + 3) % 61
    return stories(seen)


async def test_the_order_of_ids_and_ids_named_twice_do_not_matter(gateway: Gateway, hand: Hand) -> None:
    await _finished(gateway, hand, "a", "b")
    whole = await _all(gateway, ("b", "a", "b", "b"))
    assert stories(whole) == {"a": _story(4), "b": _story(4)}
    assert [frame.id for frame in whole] == [frame.id for frame in await _all(gateway, ("a", "b"))]
    many = path_of_all(["a", "b"] * 200)
    assert (await gateway.client.get(many, headers={"Last-Event-ID": whole[-1].id or ""})).status_code == 204


async def test_what_is_no_cursor_of_the_list_means_from_the_start(gateway: Gateway, hand: Hand) -> None:
    await _finished(gateway, hand, "a", "b")
    good = (await _all(gateway, ("a", "b")))[3].id or ""
    unknown = ["-1", "", "garbage", "2-1", "ÿ", "%00", "=", "A", "9" * 8_000, good[:-1], good + "A", good.swapcase()]
    for position in [*unknown, _cursor(("a", "c")), _cursor(("a",)), _cursor(("a", "b", "c"))]:
        headers = [(b"Last-Event-ID", position.encode())]
        by_header = await gateway.client.get(path_of_all("ab"), headers=headers)
        by_query = await gateway.client.get(f"{path_of_all('ab')}&after={position}")
        for answer in (by_header, by_query):
            assert (answer.status_code, answer.text.count("\nevent: ")) == (200, 12), position


async def test_a_position_beyond_the_end_of_one_job_is_answered_by_a_gap_of_that_job(
    gateway: Gateway, hand: Hand
) -> None:
    await _finished(gateway, hand, "a", "b")
    gap, *rest = await _all(gateway, ("a", "b"), _cursor(("a", "b"), a=EventId(999, 1), b=EventId(2, 1)))
    body = gap.json()
    assert (gap.event, gap.id, body["id"]) == ("gap", _cursor(("a", "b"), a=EventId(2, 4), b=EventId(2, 1)), "2-4")
    assert body["data"]["snapshot"]["job_id"] == "a"
    assert stories(rest) == {"b": ["2-2", "2-3", "2-4"]}


async def test_a_trimmed_journal_is_told_by_a_gap_whose_cursor_goes_on_behind_it(gateway: Gateway, hand: Hand) -> None:
    claims = await _claimed(gateway, hand, "a", "b")
    await hand.write(claims["a"], *["x" * 10_000] * 150)
    for claim in claims.values():
        await hand.complete(claim)
    whole = await _all(gateway, ("a", "b"))
    (at, gap), *others = [(n, frame) for n, frame in enumerate(whole) if frame.event == "gap"]
    assert others == []
    first = int(gap.json()["id"].removeprefix("2-")) + 1
    told = stories(whole)
    assert told == {"a": [f"gap 2-{first - 1}", *(f"2-{n}" for n in range(first, 152))], "b": _story(1)}
    assert stories(await _all(gateway, ("a", "b"), gap.id)) == stories(whole[at + 1 :])


async def test_a_job_retried_after_its_end_is_told_on_the_next_stream(gateway: Gateway, hand: Hand) -> None:
    claims = await _claimed(gateway, hand, "a", "b")
    async with follow_all(gateway.client, ("a", "b")) as stream:
        last = await hand.fail(claims["a"])
        seen = [await stream.event() for _ in range(5)]
        assert stories(seen)["a"][-1] == last
        assert gateway.watched == 1
        await gateway.client.post("/api/v1/jobs/a/retry")
        await hand.complete(claims["b"])
        seen += await stream.rest()
    assert stories(seen) == {"a": ["1-0", "2-0", "2-1"], "b": _story(1)}
    async with follow_all(gateway.client, ("a", "b"), seen[-1].id) as stream:
        again = [await stream.event()]
        await hand.complete(await hand.take())
        again += await stream.rest()
    assert stories(again) == {"a": ["3-0", "4-0", "4-1"]}


async def test_a_job_that_is_gone_counts_as_ended_for_who_was_there(
    gateway: Gateway, hand: Hand, redis_connections: Connections
) -> None:
    await _finished(gateway, hand, "a", deltas=0)
    claims = await _claimed(gateway, hand, "b")
    async with follow_all(gateway.client, ("a", "b")) as stream:
        seen = [await stream.event() for _ in range(5)]
    await _forget(redis_connections, "a")
    async with follow_all(gateway.client, ("a", "b"), seen[-1].id) as stream:
        await hand.complete(claims["b"])
        seen += await stream.rest()
    assert stories(seen) == {"a": _story(1), "b": _story(1)}
    for position in ("", _cursor(("b", "c"))):
        answer = await gateway.client.get(path_of_all("ab"), headers={"Last-Event-ID": position})
        assert problem(answer, 404, "job_not_found")["detail"].startswith("No job a,")
    await _forget(redis_connections, "b")
    assert (await gateway.client.get(path_of_all("ab"), headers={"Last-Event-ID": seen[4].id or ""})).status_code == 204


async def test_a_hundred_jobs_at_once(gateway: Gateway, hand: Hand) -> None:
    job_ids = tuple(f"{n:03}{'x' * 125}" for n in range(100))
    claims = await _claimed(gateway, hand, *job_ids)
    async with follow_all(gateway.client, job_ids) as stream:
        seen = [await stream.event() for _ in range(200)]
        for claim in claims.values():
            await hand.write(claim, *["x"] * 30)
        for claim in claims.values():
            await hand.complete(claim)
        seen += await stream.rest()
    assert stories(seen) == dict.fromkeys(job_ids, _story(31))
    assert max(len(frame.id or "") for frame in seen) < 600
    middle = stories(await _all(gateway, job_ids, seen[1_700].id))
    assert middle == stories(seen[1_701:])


async def test_a_job_with_a_long_journal_does_not_hold_up_the_others(gateway: Gateway, hand: Hand) -> None:
    claims = await _claimed(gateway, hand, *JOBS)
    await hand.write(claims["a"], *["x"] * 4 * JOURNAL_PAGE)
    for claim in claims.values():
        await hand.complete(claim)
    whole = await _all(gateway, JOBS)
    assert stories(whole[: JOURNAL_PAGE + 6]) == {"a": _story(JOURNAL_PAGE - 2), "b": _story(1), "c": _story(1)}
    assert stories(whole)["a"] == _story(4 * JOURNAL_PAGE + 1)


async def test_a_client_that_reads_late_is_served_from_the_journals(one_server: Server, hand: Hand) -> None:
    async with gateway_in_loop(one_server.url, send_buffer=4_096) as gateway:
        claims = await _claimed(gateway, hand, "a", "b")
        async with follow_all(gateway.client, ("a", "b")) as stream:
            seen = [await stream.event() for _ in range(4)]
            watched = [next(iter(watchers)) for watchers in gateway.services.hub._watchers.values()]
            written = 0
            while not all(subscription.behind for subscription in watched):
                for claim in claims.values():
                    await hand.write(claim, *["x" * 1_000] * 20)
                written += 20
            for claim in claims.values():
                await hand.complete(claim)
            seen += await stream.rest()
    assert stories(seen) == dict.fromkeys("ab", _story(written + 1))


async def test_silence_is_broken_by_heartbeats(one_server: Server, hand: Hand) -> None:
    async with gateway_in_loop(one_server.url, heartbeat_seconds=0.05) as gateway:
        await _submit(gateway, "a", "b")
        async with follow_all(gateway.client, ("a", "b")) as stream:
            await stream.event()
            await stream.event()
            assert [(await stream.frame()).comments for _ in range(3)] == [["heartbeat"]] * 3


async def test_while_draining_or_without_redis_there_is_no_stream(one_server: Server) -> None:
    async with running(one_server.name, one_server.binary) as server, gateway_in_loop(server.url) as gateway:
        await _submit(gateway, "a", "b")
        async with follow_all(gateway.client, ("a", "b")) as stream:
            await stream.event()
            await server.stop()
            problem(await gateway.client.get(path_of_all("ab")), 503, "redis_unavailable")
            gateway.services.hub.drain()
            *_, draining = await stream.rest()
        problem(await gateway.client.get(path_of_all("ab")), 503, "draining")
    assert (draining.event, draining.id) == ("server_draining", None)
    about = draining.json()
    assert [about[name] for name in ("job_id", "kind", "id", "request_id", "data")] == [None, None, None, None, {}]


@pytest.mark.parametrize(
    ("job_ids", "status", "code", "detail"),
    [
        ([], 422, "validation_failed", "/query/job_id"),
        ([f"job-{n}" for n in range(101)], 422, "validation_failed", "/query/job_id: 101 jobs"),
        (["a", "no%20job"], 404, "job_not_found", "can have this id"),
        (["a", ""], 404, "job_not_found", "can have this id"),
        (["x", "a", "y"], 404, "job_not_found", "No job x, y,"),
    ],
)
async def test_a_bad_list_is_refused(gateway: Gateway, job_ids: list[str], status: int, code: str, detail: str) -> None:
    await _submit(gateway, "a")
    found: dict[str, Any] = problem(await gateway.client.get(path_of_all(job_ids)), status, code)
    assert detail in found["detail"]
    if status == 422:
        assert [fault["pointer"] for fault in found["errors"]] == ["/query/job_id"]
    assert gateway.watched == 0


_POSITIONS = st.builds(EventId, *[st.integers(min_value=0, max_value=10**15 - 1)] * 2)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,9}", fullmatch=True), _POSITIONS, min_size=1, max_size=20), st.data())
def test_a_cursor_is_read_back_and_nothing_near_it_is(positions: dict[str, EventId], data: st.DataObject) -> None:
    jobs = JobSet(map(JobRef, positions))
    told = [positions[ref.job_id] for ref in jobs.refs]
    cursor = jobs.cursor(told)
    assert jobs.positions(cursor) == told
    assert JobSet(map(JobRef, [*positions, *reversed(positions)])).positions(cursor) == told
    assert JobSet(map(JobRef, [*positions, "another-job"])).positions(cursor) is None
    assert jobs.positions(jobs.cursor(told[1:])) is None
    at = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.sampled_from("Aa0-_").filter(lambda letter: letter != cursor[at]))
    assert jobs.positions(cursor[:at] + other + cursor[at + 1 :]) in (None, told)
    assert jobs.positions(data.draw(st.text())) is None
