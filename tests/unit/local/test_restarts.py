"""What the launcher does about a child that ends after everything was ready."""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest

from deploy.local.keeping import Pace
from tests.support.gateway import http_client
from tests.support.waiting import eventually
from tests.unit.local.conftest import Launch, Launched, alive, lives
from tests.unit.local.fake_gateway import DOCUMENT_JOB, MARKDOWN

QUICK = Pace(first_delay_seconds=0.1)
EMBEDDED = {"valkey": "-server", "model": "deploy.local.model_server"}
"""What the command line of each has in it."""


async def serving(launched: Launched) -> Launched:
    await launched.until("Serving on")
    return launched


def left_behind(folder: Path) -> list[int]:
    """What runs in the folder, where there is a /proc to see it."""
    found = []
    for cwd in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            if cwd.readlink() == folder:
                found.append(int(cwd.parent.name))
    return found


def process_of(launched: Launched, mark: str) -> int:
    """The launcher's child with this in its command line."""
    parent = launched.process.pid
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return next(int(pid) for pid in children if mark in Path(f"/proc/{pid}/cmdline").read_text())


async def stopped_cleanly(launched: Launched, folder: Path) -> None:
    launched.interrupt()
    assert await launched.finish() == (0, [])
    assert left_behind(folder) == []


async def test_a_killed_worker_is_started_again_with_its_log_kept(launch: Launch, folder: Path) -> None:
    launched = await serving(await launch("serve", QUICK))
    os.kill(lives(folder, "document_worker")[0], signal.SIGKILL)
    said = await launched.until("starting it again")
    back = await launched.until("document_worker is back")
    assert said == (
        "document_worker was killed by SIGKILL; starting it again in 0.1 s. "
        "Its log: .draftline/logs/document_worker.log\n"
    )
    assert back in {f"document_worker is back after {seconds} s.\n" for seconds in range(1, 10)}
    first, second = lives(folder, "document_worker")
    assert (alive(first), alive(second)) == (False, True)
    assert [len(lives(folder, name)) for name in ("gateway", "outline_worker")] == [1, 1]
    await stopped_cleanly(launched, folder)


async def test_a_request_made_while_the_gateway_is_away_is_answered(launch: Launch, folder: Path) -> None:
    launched = await serving(await launch("serve", QUICK))
    (gateway,) = lives(folder, "gateway")
    os.kill(gateway, signal.SIGKILL)
    await eventually(lambda: not alive(gateway), 20)
    async with http_client(launched.port) as client:
        assert (await client.get("/readyz")).status_code == 200
    assert len(lives(folder, "gateway")) == 2
    await stopped_cleanly(launched, folder)


async def test_a_gateway_that_was_shut_down_refuses_connections(launch: Launch, folder: Path) -> None:
    launched = await serving(await launch("serve", QUICK))
    (folder / "gateway.exit.0").touch()
    await launched.until("gateway was shut down as asked")
    async with http_client(launched.port) as client:
        with pytest.raises(httpx2.ConnectError):
            await client.get("/readyz")
    await stopped_cleanly(launched, folder)


async def test_a_worker_that_asks_for_it_restarts_at_once(launch: Launch, folder: Path) -> None:
    launched = await serving(await launch("serve", Pace(first_delay_seconds=3_600, most_short_lives=1)))
    for restarts in (1, 2):
        (folder / "document_worker.exit.75").touch()
        assert await launched.until("document_worker") == "document_worker restarts as asked.\n"
        await launched.until("document_worker is back")
        assert len(lives(folder, "document_worker")) == 1 + restarts
    await stopped_cleanly(launched, folder)


@pytest.mark.parametrize("name", ["gateway", "outline_worker"])
async def test_what_was_shut_down_as_asked_stays_away(launch: Launch, folder: Path, name: str) -> None:
    launched = await serving(await launch("serve", QUICK))
    (folder / f"{name}.exit.0").touch()
    assert await launched.until(name) == f"{name} was shut down as asked; the others go on without it.\n"
    (folder / "document_worker.exit.1").touch()
    await launched.until("document_worker is back")
    assert len(lives(folder, name)) == 1
    await stopped_cleanly(launched, folder)


@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes in /proc")
@pytest.mark.parametrize("name", EMBEDDED)
async def test_the_embedded_servers_are_started_again_whatever_their_status(
    launch: Launch, folder: Path, name: str
) -> None:
    variables = {"OPENAI_MODEL": "", "OPENAI_BASE_URL": ""} if name == "model" else {}
    launched = await serving(await launch("serve", QUICK, **variables))
    first = process_of(launched, EMBEDDED[name])
    os.kill(first, signal.SIGTERM)
    await launched.until(f"{name} exited with 0; starting it again")
    await launched.until(f"{name} is back")
    second = process_of(launched, EMBEDDED[name])
    assert second != first
    await stopped_cleanly(launched, folder)
    assert not alive(second)


@pytest.mark.parametrize("name", ["document_worker", "gateway"])
async def test_the_sample_survives_a_crash(launch: Launch, folder: Path, name: str) -> None:
    launched = await launch("run", QUICK, ONCE="1", FAKE_SCENARIO="waits")
    await launched.until("section done")
    os.kill(lives(folder, name)[0], signal.SIGKILL)
    await launched.until(f"{name} is back")
    (folder / "go on").touch()
    assert await launched.finish() == (0, [])
    assert launched.out[-1] == f"out/{DOCUMENT_JOB}.md"
    assert (folder / launched.out[-1]).read_text() == MARKDOWN
    assert left_behind(folder) == []


async def test_an_interrupt_while_a_restart_is_put_off(launch: Launch, folder: Path) -> None:
    launched = await serving(await launch("serve", Pace(first_delay_seconds=3_600, longest_delay_seconds=3_600)))
    (folder / "document_worker.exit.1").touch()
    await launched.until("starting it again in 3600.0 s")
    await stopped_cleanly(launched, folder)
    assert len(lives(folder, "document_worker")) == 1


async def test_an_interrupt_right_at_a_restart(launch: Launch, folder: Path) -> None:
    launched = await serving(await launch("serve", Pace(first_delay_seconds=0)))
    (folder / "document_worker.exit.1").touch()
    await launched.until("starting it again in 0.0 s")
    await stopped_cleanly(launched, folder)


async def test_an_interrupt_before_a_restarted_child_is_ready(launch: Launch, folder: Path) -> None:
    launched = await serving(await launch("serve", Pace(first_delay_seconds=0, ready_seconds=0.2)))
    (folder / "unready").touch()
    (folder / "document_worker.exit.1").touch()
    await launched.until("document_worker is not ready")
    await eventually(lambda: len(lives(folder, "document_worker")) == 2, 20)
    await stopped_cleanly(launched, folder)
    assert not any("is back" in line for line in launched.out)


async def test_a_restart_nobody_can_be_told_of_ends_everything(launch: Launch, folder: Path) -> None:
    launched = await serving(await launch("serve", QUICK))
    (folder / "unready").touch()
    (folder / "document_worker.exit.75").touch()
    await launched.until("restarts as asked")
    output = launched.process._transport.get_pipe_transport(1)  # type: ignore[attr-defined]
    output.close()
    (folder / "unready").unlink()
    assert await launched.finish() == (
        1,
        ["Nobody reads the output any more.", "The logs of all processes are in .draftline/logs."],
    )
    assert left_behind(folder) == []
