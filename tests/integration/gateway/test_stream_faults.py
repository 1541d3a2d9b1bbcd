"""Event streams when something is slow, full, or away: still everything once and in order."""

import asyncio
import signal
import socket
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from gateway.dependencies import Services
from gateway.sse import hub
from shared.contracts.ids import EventId, JobRef
from shared.redis.client import Connections, connections
from shared.redis.jobs import Jobs, Replay
from shared.redis.runner import ScriptRunner
from shared.redis.store import Store
from shared.settings import RedisSettings
from tests.support.gateway import Gateway, Hand, gateway_in_loop, gateway_process
from tests.support.servers import Server, running
from tests.support.sse import Frame, all_events, follow, follow_all, open_stream, path_of_all, stories
from tests.support.waiting import eventually

FEED = "draftline:{0}:feed"
SINGLE = "/api/v1/jobs/job/events"
SEVERAL = path_of_all(["job", "other"])


async def _submit(gateway: Gateway, job_id: str = "job") -> None:
    answer = await gateway.client.post("/api/v1/jobs/outline", json={"task_prompt": "x", "job_id": job_id})
    assert answer.status_code == 202


def _assert_whole(frames: list[Frame], last: str) -> None:
    """Every id once and in order, to the last; a gap may stand for what is missing before its own id."""
    ids = [EventId.parse(frame.id or "") for frame in frames]
    assert frames[-1].id == last
    for (before, at), frame in zip(pairwise(ids), frames[1:], strict=True):
        assert before is not None
        assert at is not None
        follows = at == (before.fence, before.seq + 1) or (at.fence > before.fence and at.seq == 0)
        assert follows or (frame.event == "gap" and at > before), (before, at)


class Stalled:
    """A client that asks for a stream and reads nothing, until it is told to."""

    def __init__(self, port: int, path: str = SINGLE) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())


@pytest.mark.parametrize("path", [SINGLE, SEVERAL])
async def test_a_client_that_does_not_read_is_cut_and_costs_little(one_server: Server, hand: Hand, path: str) -> None:
    timing: dict[str, Any] = {"slow_client_seconds": 0.3, "grace_seconds": 30}
    async with gateway_in_loop(one_server.url, send_buffer=4_096, **timing) as gateway:
        await _submit(gateway)
        await _submit(gateway, "other")
        client = Stalled(gateway.port, path)
        await eventually(lambda: JobRef("job") in gateway.services.hub._watchers)
        (watching,) = gateway.services.hub._watchers[JobRef("job")]
        claim = await hand.take()
        for _ in range(20):
            await hand.write(claim, *["x" * 1_000] * 50)
            assert len(watching._queue) <= hub.QUEUE_EVENTS
        await eventually(lambda: gateway.watched == 0)
        await hand.complete(claim)
        cut = gateway.services.clock.monotonic()
    assert gateway.services.clock.monotonic() - cut < 5, "the gateway waited for the client to read"
    client.socket.close()


async def test_a_client_that_reads_late_is_served_from_the_journal(one_server: Server, hand: Hand) -> None:
    async with gateway_in_loop(one_server.url, send_buffer=4_096) as gateway:
        await _submit(gateway)
        async with follow(gateway.client, "job") as stream:
            seen = [await stream.event()]
            (watching,) = next(iter(gateway.services.hub._watchers.values()))
            claim = await hand.take()
            while not watching.behind:
                await hand.write(claim, *["x" * 1_000] * 20)
            last = await hand.complete(claim)
            seen += await stream.rest()
    _assert_whole(seen, last)


async def test_a_client_that_reads_too_late_is_told_by_a_gap(one_server: Server, hand: Hand) -> None:
    async with gateway_in_loop(one_server.url, send_buffer=4_096) as gateway:
        await _submit(gateway)
        async with follow(gateway.client, "job") as stream:
            seen = [await stream.event()]
            claim = await hand.take()
            for _ in range(50):
                await hand.write(claim, *["x" * 5_000] * 20)
            last = await hand.complete(claim)
            seen += await stream.rest()
    assert "gap" in [frame.event for frame in seen]
    _assert_whole(seen, last)


class TrimmedWhileRead(Jobs):
    """Between the first and the second page, so much is written that the second one is gone."""

    hand: Hand
    pages = 0

    async def replay(self, ref: JobRef, after: EventId, count: int) -> Replay:
        self.pages += 1
        if self.pages != 2:
            return await super().replay(ref, after, count)
        before, claim = await self.record(ref), self.hand.held[ref]
        await self.hand.write(claim, *["y" * 10_000] * 150)
        await self.hand.complete(claim)
        return replace(await super().replay(ref, after, count), record=before)


async def test_a_journal_trimmed_while_it_is_read_is_told_by_a_gap(
    one_server: Server, hand: Hand, redis_connections: Connections
) -> None:
    def change(services: Services) -> Services:
        services.store.jobs = jobs = TrimmedWhileRead(ScriptRunner(redis_connections, 1))
        jobs.hand = hand
        return services

    async with gateway_in_loop(one_server.url, change=change) as gateway:
        await _submit(gateway)
        claim = await hand.take()
        await hand.write(claim, *["x"] * 300)
        frames = await all_events(gateway.client, "job")
    assert "gap" in [frame.event for frame in frames]
    _assert_whole(frames, "2-451")


class EndsBeforeItIsAsked(Jobs):
    """The job ends after its record was read, and before its newest id is."""

    hand: Hand

    async def replay(self, ref: JobRef, after: EventId, count: int) -> Replay:
        before = await self.record(ref)
        if ref in self.hand.held:
            await self.hand.complete(self.hand.held[ref])
        return replace(await super().replay(ref, after, count), record=before)


async def test_the_snapshot_of_a_gap_holds_all_up_to_its_id(
    one_server: Server, hand: Hand, redis_connections: Connections
) -> None:
    def change(services: Services) -> Services:
        services.store.jobs = jobs = EndsBeforeItIsAsked(ScriptRunner(redis_connections, 1))
        jobs.hand = hand
        return services

    async with gateway_in_loop(one_server.url, change=change) as gateway:
        await _submit(gateway)
        await hand.take()
        async with asyncio.timeout(5):
            (gap,) = await all_events(gateway.client, "job", "999-1")
    assert (gap.event, gap.id) == ("gap", "2-1")
    assert gap.json()["data"]["snapshot"]["status"] == "completed"


class FailsAtFirst(Jobs):
    """Redis is away when the journal is read for the first time."""

    failed = False

    async def replay(self, ref: JobRef, after: EventId, count: int) -> Replay:
        if not self.failed:
            self.failed = True
            raise ConnectionResetError
        return await super().replay(ref, after, count)


async def test_a_journal_that_cannot_be_read_is_read_again(
    one_server: Server, hand: Hand, redis_connections: Connections
) -> None:
    def change(services: Services) -> Services:
        services.store.jobs = FailsAtFirst(ScriptRunner(redis_connections, 1))
        return services

    async with gateway_in_loop(one_server.url, change=change) as gateway:
        await _submit(gateway)
        last = await hand.complete(await hand.take())
        _assert_whole(await all_events(gateway.client, "job"), last)


async def test_broken_connections_to_redis_lose_nothing(
    gateway: Gateway, hand: Hand, redis_connections: Connections
) -> None:
    await _submit(gateway)
    claim = await hand.take()
    async with follow(gateway.client, "job") as stream:
        for _ in range(3):
            await redis_connections.commands.client_kill_filter(_type="normal", skipme=True)
            last = await hand.write(claim, "a", "b", "c")
        seen = await stream.until(last)
        last = await hand.complete(claim)
        seen += await stream.rest()
    _assert_whole(seen, last)


async def test_several_jobs_lose_nothing_by_broken_connections_to_redis(
    gateway: Gateway, hand: Hand, redis_connections: Connections
) -> None:
    for job_id in ("job", "other"):
        await _submit(gateway, job_id)
    claims = [await hand.take(), await hand.take()]
    async with open_stream(gateway.client, SEVERAL) as stream:
        for _ in range(3):
            await redis_connections.commands.client_kill_filter(_type="normal", skipme=True)
            for claim in claims:
                await hand.write(claim, "a", "b", "c")
        for claim in claims:
            await hand.complete(claim)
        told = stories(await stream.rest())
    whole = ["1-0", *(f"2-{n}" for n in range(11))]
    assert told == {"job": whole, "other": whole}


async def test_a_feed_that_begins_again_lower_is_followed(
    gateway: Gateway, hand: Hand, redis_connections: Connections
) -> None:
    """As after a fail-over to a server whose clock is behind: its feed counts on from a lower id."""
    await _submit(gateway)
    claim = await hand.take()
    async with follow(gateway.client, "job") as stream:
        await stream.until("2-0")
        event: dict[Any, Any] = {
            "job": "default/other",
            "kind": "outline",
            "request_id": "",
            "id": "1-0",
            "type": "x",
            "time": 0,
            "data": "{}",
        }
        await redis_connections.commands.xadd(FEED, event, id="9999999999999-0")
        await eventually(lambda: _waiting_again(redis_connections))
        await redis_connections.commands.delete(FEED)
        await redis_connections.commands.client_kill_filter(_type="normal", skipme=True)
        last = await hand.complete(claim)
        async with asyncio.timeout(4):
            _assert_whole([*await stream.rest()], last)


async def _waiting_again(redis_connections: Connections) -> bool:
    """Whether the gateway's reader has come back to wait for more."""
    clients = await redis_connections.commands.client_list()
    readers = [client for client in clients if client["cmd"] == "xread"]
    return any("b" in client["flags"] for client in readers)


async def test_a_restart_of_redis_loses_nothing(one_server: Server, tmp_path: Path) -> None:
    kept = ("--appendonly", "yes", "--appendfsync", "always")
    async with running(one_server.name, one_server.binary) as server:
        await server.stop()
        await server.start(*kept)
        settings = RedisSettings(url=SecretStr(server.url))
        async with connections(settings) as opened, gateway_in_loop(server.url) as gateway:
            hand = Hand(Store(opened, shards=1))
            await _submit(gateway)
            claim = await hand.take()
            async with follow(gateway.client, "job") as stream:
                seen = await stream.until(await hand.write(claim, "a"))
                await server.stop(signal.SIGKILL)
                await server.start(*kept)
                last = await hand.complete(claim)
                seen += await stream.rest()
    _assert_whole(seen, last)


async def test_a_gateway_that_the_feed_overran_heals_from_the_journal(
    one_server: Server, hand: Hand, redis_connections: Connections, tmp_path: Path
) -> None:
    async with gateway_process(one_server.url, tmp_path) as started:
        await eventually(started.ready, seconds=15)
        for job_id in ("job", "noise"):
            await started.client.post("/api/v1/jobs/outline", json={"task_prompt": "x", "job_id": job_id})
        claim, noise = await hand.take(), await hand.take()
        async with follow(started.client, "job") as stream:
            seen = await stream.until(await hand.write(claim, "before"))
            started.process.send_signal(signal.SIGSTOP)
            await hand.write(claim, *["while it stood still"] * 20)
            for _ in range(11):
                await hand.write(noise, *["x"] * 1_000)
            last = await hand.write(claim, "after")
            started.process.send_signal(signal.SIGCONT)
            seen += await stream.until(last)
            last = await hand.complete(claim)
            seen += await stream.rest()
        _assert_whole(seen, last)
        assert "gap" not in {frame.event for frame in seen}
        assert "feed_overrun" in started.log.read_text()
        await hand.complete(noise)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_gateway_that_stops_ends_its_streams_cleanly(
    one_server: Server, redis_connections: Connections, tmp_path: Path, number: signal.Signals
) -> None:
    async with gateway_process(one_server.url, tmp_path) as started:
        await eventually(started.ready, seconds=15)
        for job_id in ("job", "other"):
            await started.client.post("/api/v1/jobs/outline", json={"task_prompt": "x", "job_id": job_id})
        async with (
            follow(started.client, "job") as one,
            follow(started.client, "job", "1-0") as two,
            follow_all(started.client, ["job", "other"]) as several,
        ):
            await one.event()
            await two.frame()
            await several.event()
            await several.event()
            started.process.send_signal(number)
            for stream, about in ((one, "job"), (two, "job"), (several, None)):
                async with asyncio.timeout(3):
                    (draining,) = await stream.rest()
                assert (draining.event, draining.id) == ("server_draining", None)
                assert 200 <= (draining.retry or 0) <= 2_000
                assert (draining.json()["job_id"], draining.json()["data"]) == (about, {})
        assert await started.status(seconds=3) == 0, started.log.read_text()
        assert "Traceback" not in started.log.read_text()


async def test_a_client_that_does_not_read_holds_a_stopping_gateway_no_longer_than_its_grace(
    one_server: Server, hand: Hand, redis_connections: Connections, tmp_path: Path
) -> None:
    async with gateway_process(one_server.url, tmp_path, DRAFTLINE_GRACE_SECONDS="1") as started:
        await eventually(started.ready, seconds=15)
        await started.client.post("/api/v1/jobs/outline", json={"task_prompt": "x", "job_id": "job"})
        client = Stalled(started.port)
        claim = await hand.take()
        for _ in range(60):
            await hand.write(claim, *["x" * 8_000] * 20)
        started.process.send_signal(signal.SIGTERM)
        assert await started.status(seconds=4) == 0, started.log.read_text()
        client.socket.close()
        await hand.complete(claim)
