import asyncio
import os
import re
import signal
import sys
from dataclasses import replace
from pathlib import Path

from deploy.local.children import ChildSpec, Fleet
from deploy.local.logs import read_tail


def spec(name: str, code: str, *, stop_order: int = 0, stop_seconds: float = 10) -> ChildSpec:
    return ChildSpec(name, (sys.executable, "-c", code), os.environ, stop_order, stop_seconds)


def waiting(name: str, order: Path, *, stop_order: int) -> ChildSpec:
    """A child that notes its name in a file when it is asked to stop."""
    code = (
        "import signal, sys\n"
        f"def stop(*_):\n    open({str(order)!r}, 'a').write({name!r})\n    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, stop)\nprint('up', flush=True)\n"
        "while True:\n    signal.pause()\n"
    )
    return spec(name, code, stop_order=stop_order)


async def until_logged(log: Path) -> None:
    async with asyncio.timeout(20):
        while read_tail(log) == []:  # noqa: ASYNC110 - another process decides
            await asyncio.sleep(0.01)


async def test_children_are_stopped_in_their_order(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path)
    order = tmp_path / "order"
    for name, stop_order in (("c", 2), ("a", 0), ("b", 1)):
        child = await fleet.start(waiting(name, order, stop_order=stop_order))
        await until_logged(child.log)
    assert await fleet.stop() == []
    assert order.read_text() == "abc"


async def test_a_child_that_does_not_stop_is_killed_and_named(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path)
    code = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up', flush=True)\nsignal.pause()"
    child = await fleet.start(spec("stubborn", code, stop_seconds=0.2))
    await until_logged(child.log)
    assert await fleet.stop() == ["stubborn"]
    assert child.obituary().startswith("stubborn was killed by SIGKILL.")


async def test_the_first_death_is_noticed(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path)
    await fleet.start(spec("lives", "import signal; signal.pause()"))
    await fleet.start(spec("dies", "print('last words'); raise SystemExit(4)"))
    child = await fleet.first_death()
    await fleet.stop()
    assert child.spec.name == "dies"
    assert child.obituary() == f"dies exited with 4. The end of its log, {tmp_path}/dies.log:\n  last words"


async def test_a_log_begins_anew_with_each_launcher_and_goes_on_with_each_restart(tmp_path: Path) -> None:
    (tmp_path / "quiet.log").write_text("from last time\n")
    fleet = Fleet(tmp_path)
    child = await fleet.start(spec("quiet", "pass"))
    await child.process.wait()
    assert child.obituary() == f"quiet exited with 0. Its log, {tmp_path}/quiet.log, is empty."
    for word in ("first", "second"):
        await (await fleet.start(spec("quiet", f"print('{word}')"))).process.wait()
    assert read_tail(child.log) == ["first", "second"]


async def test_a_child_started_again_is_the_one_that_is_stopped(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path)
    await (await fleet.start(spec("bee", "raise SystemExit(4)"))).process.wait()
    child = await fleet.start(spec("bee", "import signal; signal.pause()"))
    assert fleet.dead() is None
    await fleet.stop()
    assert child.exit_status == -signal.SIGTERM


async def test_a_kill_of_a_child_that_needs_much_memory_says_how_much(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path)
    hungry = replace(spec("hungry", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"), needs_mb=600)
    child = await fleet.start(hungry)
    await child.process.wait()
    said = r"hungry was killed by SIGKILL, most likely because memory ran out: it needs 600 MB, and there are \d+ MB .*"
    assert re.fullmatch(said, child.death())
