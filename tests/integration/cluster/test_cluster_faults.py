"""Servers of a Cluster that die, stall, come back or are replaced."""

import asyncio
import signal
from pathlib import Path

import pytest

from shared.contracts.ids import JobRef
from shared.redis.keys import shard_of
from shared.settings import RedisSettings
from tests.integration.cluster.conftest import SHARDS, tell
from tests.integration.cluster.test_cluster import API, ended, names, submit
from tests.support.cluster import Cluster, cluster
from tests.support.gateway import Gateway, gateway_in_loop
from tests.support.problems import problem
from tests.support.servers import Server
from tests.support.waiting import eventually
from tests.support.workers import Blocking, succeed, worker

pytestmark = [pytest.mark.ci, pytest.mark.one_server]

PARTLY = ("--cluster-require-full-coverage", "no")
"""Without it a Cluster that lacks one server answers for no slot at all."""
ALWAYS = ("--appendfsync", "always")


def _on(nodes: Cluster, server: Server, job_ids: list[str]) -> list[str]:
    mine = nodes.shards_of(server, SHARDS)
    return [job_id for job_id in job_ids if shard_of(JobRef(job_id), SHARDS) in mine]


async def _refused(gateway: Gateway, job_id: str, seconds: float) -> None:
    """Reading and submitting a job of a dead shard: 503 in time."""
    body = {"task_prompt": "x", "job_id": job_id}
    async with asyncio.timeout(seconds):
        answers = [
            await gateway.client.post(f"{API}/jobs/outline", json=body),
            await gateway.client.get(f"{API}/jobs/{job_id}"),
            await gateway.client.get(f"{API}/jobs"),
        ]
    for answer in answers:
        problem(answer, 503, "redis_unavailable")
        assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize("number", [0, 1])
async def test_killed_server_stops_its_own_shards_only(
    binary: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Be it the one that all were told of, or the one with the number of shards."""
    handler = Blocking()
    async with cluster(binary, 3, *PARTLY, *ALWAYS) as nodes:
        tell(monkeypatch, nodes)
        dead, jobs = nodes.masters[number], names(1)
        lost = _on(nodes, dead, jobs)
        kept = [job_id for job_id in jobs if job_id not in lost]
        async with (
            gateway_in_loop(nodes.url, shards=SHARDS) as gateway,
            worker(nodes.url, handler, redis=RedisSettings(), concurrency=20, lease_seconds=2, poll_seconds=1),
        ):
            await submit(gateway, *jobs)
            await eventually(lambda: handler.running == len(jobs))
            await dead.stop(signal.SIGKILL)
            # Their leases run out, by the worker's own clock; those of the others do not.
            await eventually(lambda: handler.cancelled == len(lost), seconds=4)
            await _refused(gateway, lost[0], 6)
            more = [job_id for job_id in names(1, "more") if job_id not in _on(nodes, dead, names(1, "more"))]
            await submit(gateway, *more)
            await eventually(lambda: handler.running == len(kept) + len(more), seconds=4)
            assert handler.cancelled == len(lost)
            handler.free.set()
            await eventually(lambda: ended(gateway, [*kept, *more]))
            await nodes.start_again(dead)
            await eventually(lambda: ended(gateway, jobs), seconds=10)
        assert handler.started == len(jobs) + len(more) + len(lost)


async def test_stalled_server_holds_up_nobody_else(binary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes connections and says nothing; the registry of the workers lies on it."""
    async with cluster(binary, 3, *PARTLY) as nodes:
        tell(monkeypatch, nodes)
        stalled, jobs = nodes.masters[2], names(2)
        lost = _on(nodes, stalled, jobs)
        kept = [job_id for job_id in jobs if job_id not in lost]
        async with (
            gateway_in_loop(nodes.url, shards=SHARDS) as gateway,
            worker(nodes.url, succeed, redis=RedisSettings(), concurrency=20, lease_seconds=5, poll_seconds=1),
        ):
            await submit(gateway, lost[0])
            await eventually(lambda: ended(gateway, lost[:1]))
            assert stalled.process is not None
            stalled.process.send_signal(signal.SIGSTOP)
            try:
                async with asyncio.timeout(5):
                    await submit(gateway, *kept)
                await eventually(lambda: ended(gateway, kept), seconds=5)
                async with asyncio.timeout(11):
                    problem(await gateway.client.get(f"{API}/jobs/{lost[0]}"), 503, "redis_unavailable")
            finally:
                stalled.process.send_signal(signal.SIGCONT)
            await eventually(lambda: ended(gateway, lost[:1]), seconds=10)


async def _caught_up(nodes: Cluster, master: Server) -> bool:
    """Whether the replica has all that its master wrote."""
    offsets = [(await nodes.ask(server, "ROLE")) for server in (master, nodes.replicas[0])]
    return bool(offsets[0][1] == offsets[1][4])


async def _promoted(nodes: Cluster) -> bool:
    return await nodes.role(nodes.replicas[0]) == "master"


async def _confirmed_where_a_replica_is(nodes: Cluster) -> None:
    """WAIT names no key: it has to go where the write went."""
    jobs = names(1, "safe")
    safe = _on(nodes, nodes.masters[0], jobs)
    async with gateway_in_loop(nodes.url, shards=SHARDS, durability="replicated", replication_seconds=0.5) as gateway:
        await submit(gateway, *safe)
        for job_id in jobs:
            body = {"task_prompt": "x", "job_id": job_id}
            answer = await gateway.client.post(f"{API}/jobs/outline", json=body)
            if job_id in safe:
                assert (answer.status_code, answer.headers["idempotent-replayed"]) == (202, "true")
            else:
                problem(answer, 503, "durability_unconfirmed")
        await asyncio.gather(*(gateway.client.post(f"{API}/jobs/{job_id}/cancel") for job_id in jobs))


async def test_failover_to_a_replica(binary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handler = Blocking()
    async with cluster(binary, 3, *ALWAYS, replica_of=0) as nodes:
        tell(monkeypatch, nodes)
        dead, jobs = nodes.masters[0], names(1)
        await _confirmed_where_a_replica_is(nodes)
        async with (
            gateway_in_loop(nodes.url, shards=SHARDS) as gateway,
            worker(nodes.url, handler, redis=RedisSettings(), concurrency=20, lease_seconds=6, poll_seconds=1),
        ):
            await submit(gateway, *jobs)
            await eventually(lambda: handler.running == len(jobs))
            await eventually(lambda: _caught_up(nodes, dead))
            await dead.stop(signal.SIGKILL)
            await eventually(lambda: _promoted(nodes), seconds=10)
            handler.free.set()
            await eventually(lambda: ended(gateway, jobs), seconds=10)
            await submit(gateway, *names(1, "later"))
            await eventually(lambda: ended(gateway, names(1, "later")), seconds=10)
        assert handler.cancelled == 0
