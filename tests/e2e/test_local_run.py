"""``make run ONCE=1`` with everything embedded: its own Valkey, its own small model, real services, no key."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.gateway import http_client
from tests.support.scripted_model import ScriptedModel
from tests.support.servers import free_port
from tests.support.waiting import eventually

REPOSITORY = Path(__file__).parents[2]
EDITOR = """\
import pathlib, sys
file = pathlib.Path(sys.argv[1])
text = file.read_text()
last = text.rindex("- [")
file.write_text(text[:last] + "- Bees in the city (150 words)\\n  > How hives live on roofs.\\n" + text[last:])
"""


@asynccontextmanager
async def launcher(folder: Path, mode: str, **variables: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A launcher in that folder, killed at the end if it still runs."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment |= {"PYTHONPATH": str(REPOSITORY), "PORT": str(free_port()), **variables}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy.local", mode,
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def run(folder: Path, answers: bytes = b"", **variables: str) -> list[str]:
    """The lines of a run that goes well."""
    async with launcher(folder, "run", ONCE="1", **variables) as process:
        output = (await process.communicate(answers))[0].decode()
    assert process.returncode == 0, output
    return output.splitlines()


async def until_line(process: asyncio.subprocess.Process, text: str) -> None:
    """Read the launcher's output up to a line with this text."""
    assert process.stdout is not None
    lines = []
    while line := (await process.stdout.readline()).decode():
        lines.append(line)
        if text in line:
            return
    raise AssertionError("".join(lines))


def gateway_of(process: asyncio.subprocess.Process) -> int | None:
    """The launcher's child that runs the gateway now, None where there is none."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    found = (pid for pid in children if b"-m\0gateway" in Path(f"/proc/{pid}/cmdline").read_bytes())
    return next((int(pid) for pid in found), None)


@pytest.mark.timeout(400)
async def test_a_document_without_any_key_or_server(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("A beekeeper in Ghent keeps 40 hives on the roof of the library.\n")
    lines = await run(tmp_path, CONTEXT="notes.md")
    document = (tmp_path / lines[-1]).read_text()
    assert document.startswith("# ")
    assert document.count("\n## ") >= 2
    assert len(document.split()) > 200
    assert "[@" not in document


@pytest.mark.ci
async def test_two_checkouts_started_together_both_write(model: ScriptedModel, tmp_path: Path) -> None:
    for attempt in range(2):
        folders = [tmp_path / f"{attempt}-{name}" for name in ("first", "second")]
        for folder in folders:
            folder.mkdir()
        async with asyncio.TaskGroup() as group:
            runs = [
                group.create_task(run(folder, OPENAI_BASE_URL=model.base_url, OPENAI_MODEL="scripted"))
                for folder in folders
            ]
        for folder, task in zip(folders, runs, strict=True):
            assert (folder / task.result()[-1]).read_text().startswith("# ")


@pytest.mark.ci
@pytest.mark.skipif(sys.platform != "linux", reason="finds the gateway in /proc")
async def test_a_killed_gateway_keeps_its_clients(model: ScriptedModel, tmp_path: Path) -> None:
    port = free_port()
    endpoint = {"OPENAI_BASE_URL": model.base_url, "OPENAI_MODEL": "scripted"}
    async with launcher(tmp_path, "serve", PORT=str(port), **endpoint) as started, http_client(port) as client:
        await until_line(started, "Serving on")
        before = gateway_of(started)
        assert before is not None
        os.kill(before, signal.SIGKILL)
        await eventually(lambda: gateway_of(started) is None, every=0.01)
        # The launcher still holds the socket, so the request waits in its backlog for the next gateway.
        assert (await client.get("/livez")).status_code == 200
        assert gateway_of(started) != before
        await until_line(started, "gateway is back")
        started.send_signal(signal.SIGINT)
        assert await started.wait() == 0


@pytest.mark.ci
async def test_a_reviewed_outline_is_what_is_written(model: ScriptedModel, tmp_path: Path) -> None:
    (tmp_path / "editor.py").write_text(EDITOR)
    lines = await run(
        tmp_path,
        b"edit\napprove\n",
        REVIEW="1",
        EDITOR=f"'{sys.executable}' editor.py",
        OPENAI_BASE_URL=model.base_url,
        OPENAI_MODEL="scripted",
    )
    approved = next(at for at, line in enumerate(lines) if line.endswith("written from this outline"))
    assert "Changed: 1 added." in lines[:approved]
    assert "    [n2-1] Bees in the city (150 words)" in lines[:approved]
    assert not any("section done" in line for line in lines[:approved])
    headings = [line for line in (tmp_path / lines[-1]).read_text().splitlines() if line.startswith("## ")]
    assert headings[-2].endswith("Bees in the city")
