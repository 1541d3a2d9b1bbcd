"""``idle``: what a client costs that only waits."""

import asyncio
import statistics

import redis.asyncio as aioredis

from shared.redis.client import connections
from shared.redis.store import Store
from shared.settings import RedisSettings
from tests.benchmarks.figures import resident_kib
from tests.benchmarks.line import Check, Line, Options
from tests.benchmarks.watching import Watcher, connect, events_path
from tests.support.jobs import submission
from tests.support.processes import fleet
from tests.support.servers import Server, running, server_binaries

MOST_KIB, MOST_CONNECTIONS = 40.0, 4
CLIENTS, QUICK_CLIENTS = 10_000, 2_000
WARM_CLIENTS = 50
SETTLING_SECONDS, LOOKS = 3.0, 5
AT_ONCE = 64
_METHOD = """\
One gateway process; every client watches a queued job of its own, so that nothing happens on its stream. A few clients
come and go first, so that everything is loaded; the gateway's resident memory is read before the clients come and when
all are there (median of some looks), and the difference is divided by them. The connections to Redis are what `CLIENT
LIST` shows while all clients are there, without the one that asks."""


async def measure(options: Options) -> Line:
    """KiB a client, and the gateway's connections."""
    count = QUICK_CLIENTS if options.quick else CLIENTS
    async with (
        running("valkey9", server_binaries()["valkey9"], *options.server) as server,
        fleet(server.url, "http://127.0.0.1:9/v1", options.data) as services,
    ):
        await _submit(server, count)
        gateway = await services.start("gateway")
        paths = [events_path(f"job-{number}") for number in range(count)]
        _close(await connect(services.port, paths[:WARM_CLIENTS], _ignore))
        before = await _looks(gateway.process.pid)
        clients = await connect(services.port, paths, _ignore)
        after = await _looks(gateway.process.pid)
        async with aioredis.Redis.from_url(server.url) as client:
            opened = len(await client.client_list()) - 1
        lost = sum(client.lost for client in clients)
        _close(clients)
    return Line(
        name="idle",
        what=f"{count:,} idle clients on one gateway process",
        method=_METHOD,
        checks=[
            Check("memory of a client", (after - before) / count, MOST_KIB, "KiB"),
            Check("connections to Redis", opened, MOST_CONNECTIONS, "connections"),
            Check("clients lost meanwhile", lost, 0, "clients"),
        ],
        figures={"clients": count, "before_kib": before, "after_kib": after, "redis_connections": opened},
        commands=["python -m gateway"],
    )


async def _submit(server: Server, jobs: int) -> None:
    async with connections(RedisSettings.model_validate({"url": server.url})) as opened:
        store = Store(opened, 1)

        async def some(first: int) -> None:
            for number in range(first, jobs, AT_ONCE):
                await store.jobs.submit(submission(f"job-{number}"))

        async with asyncio.TaskGroup() as group:
            for first in range(AT_ONCE):
                group.create_task(some(first))


async def _looks(pid: int) -> float:
    found = []
    for _ in range(LOOKS):
        await asyncio.sleep(SETTLING_SECONDS / LOOKS)
        found.append(resident_kib(pid))
    return statistics.median(found)


def _ignore(_frame: bytes, _now: float) -> None:
    return


def _close(clients: list[Watcher]) -> None:
    for client in clients:
        client.close()
