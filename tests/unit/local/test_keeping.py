"""A keeper with real processes."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from deploy.local import valkey
from deploy.local.children import ChildSpec, Fleet
from deploy.local.endings import Died
from deploy.local.keeping import Keeper, Pace, Part
from deploy.local.readiness import Probe, wait_ready
from tests.support.servers import free_port
from tests.support.waiting import eventually


async def always_ready() -> str | None:
    return None


class Readiness:
    """A probe that answers as it is told."""

    def __init__(self) -> None:
        self.answer: str | None = None

    async def __call__(self) -> str | None:
        return self.answer


def bee(folder: Path, code: str, probe: Probe = always_ready) -> Part:
    """A child whose code knows the number of its life."""
    count = f"print('life', flush=True)\nlife = open({str(folder / 'bee.log')!r}).read().count('life')\n"
    return Part(ChildSpec("bee", (sys.executable, "-c", count + code), os.environ, 0, 10), probe, needed=False)


def lives(folder: Path) -> int:
    return (folder / "bee.log").read_text().count("life")


@asynccontextmanager
async def kept(part: Part, folder: Path, pace: Pace) -> AsyncIterator[tuple[asyncio.Task[Died], list[str]]]:
    """A child and its keeper, until the end of the context; what the keeper says grows meanwhile."""
    fleet = Fleet(folder)
    said: list[str] = []
    try:
        async with asyncio.TaskGroup() as group:
            child = await fleet.start(part.spec)
            await wait_ready(child, part.probe)
            task = group.create_task(Keeper(part, fleet, said.append, pace).keep(child))
            yield task, said
            task.cancel()
    finally:
        assert await fleet.stop() == []


def test_delays_double_up_to_the_longest() -> None:
    delays = [Pace().delay_seconds(short_lives) for short_lives in range(9)]
    assert delays == [0.5, 0.5, 1, 2, 4, 8, 16, 30, 30]


async def test_a_child_is_given_up_after_five_short_lives(tmp_path: Path) -> None:
    pace = Pace(first_delay_seconds=0.1, longest_delay_seconds=0.3)
    async with kept(bee(tmp_path, "raise SystemExit(4)"), tmp_path, pace) as (task, said):
        died = await task
    assert died.child.exit_status == 4
    assert lives(tmp_path) == 5
    assert [line for line in said if "again" in line] == [
        f"bee exited with 4; starting it again in {delay} s. Its log: {tmp_path}/bee.log"
        for delay in (0.1, 0.2, 0.3, 0.3)
    ]


async def test_a_long_life_clears_the_short_ones(tmp_path: Path) -> None:
    pace = Pace(first_delay_seconds=0.1, settled_seconds=2, most_short_lives=3)
    part = bee(tmp_path, "import time\nif life == 3: time.sleep(2)\nraise SystemExit(4)")
    async with kept(part, tmp_path, pace) as (task, said):
        await task
    assert lives(tmp_path) == 6
    delays = [line.split(" again in ")[1][:3] for line in said if "again" in line]
    assert delays == ["0.1", "0.2", "0.1", "0.1", "0.2"]


async def test_restarts_as_asked_do_not_count(tmp_path: Path) -> None:
    pace = Pace(first_delay_seconds=0.1, most_short_lives=2)
    part = bee(tmp_path, "raise SystemExit(75 if life < 4 else 4)")
    async with kept(part, tmp_path, pace) as (task, said):
        await task
    assert lives(tmp_path) == 5
    assert said.count("bee restarts as asked.") == 3
    assert len([line for line in said if "again in 0.1 s" in line]) == 1


async def test_a_child_that_is_not_ready_again_is_named_and_awaited(tmp_path: Path) -> None:
    readiness = Readiness()
    part = bee(tmp_path, "import signal\nif life == 1: raise SystemExit(4)\nsignal.pause()", readiness)
    async with kept(part, tmp_path, Pace(first_delay_seconds=0, ready_seconds=0.1)) as (task, said):
        readiness.answer = "It sleeps"
        await eventually(lambda: any(line.startswith("bee is not ready after 0 s. It sleeps.") for line in said), 20)
        readiness.answer = None
        await eventually(lambda: said[-1].startswith("bee is back after "), 20)
        assert not task.done()
    assert lives(tmp_path) == 2


async def test_valkey_comes_back_with_its_data(tmp_path: Path) -> None:
    port = free_port()
    spec = valkey.valkey_spec(valkey.server_program(), port, tmp_path / "data", os.environ)
    part = Part(spec, valkey.valkey_probe(port), needed=True)
    async with kept(part, tmp_path, Pace(first_delay_seconds=0)) as (_, said):
        async with Redis.from_url(valkey.valkey_url(port), decode_responses=True) as client:
            await client.set("bees", "many")
            process = (await client.info("server"))["process_id"]
        os.kill(process, signal.SIGKILL)
        await eventually(lambda: bool(said) and said[-1].startswith("valkey is back"), 20)
        async with Redis.from_url(valkey.valkey_url(port), decode_responses=True) as client:
            assert await client.get("bees") == "many"
    assert said[0].startswith("valkey was killed by SIGKILL; starting it again in 0.0 s.")


async def test_a_full_disk_is_said_once_a_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nearly_full = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: nearly_full)
    part = bee(tmp_path, "raise SystemExit(1)")
    async with kept(part, tmp_path, Pace(first_delay_seconds=0, most_short_lives=3)) as (task, said):
        assert isinstance(await task, Died)
    full = f"Disk full: 1 MB are free where {tmp_path} is. Free some and start again; accepted jobs are kept."
    assert said[0] == full
    assert said.count(full) == 1
