"""``make run ONCE=1`` with everything embedded: its own Valkey, its own small model, real services, no key."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.support.servers import free_port

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.timeout(400)
async def test_a_document_without_any_key_or_server(tmp_path: Path) -> None:
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment |= {"PYTHONPATH": str(REPOSITORY), "ONCE": "1", "PORT": str(free_port())}
    (tmp_path / "notes.md").write_text("A beekeeper in Ghent keeps 40 hives on the roof of the library.\n")
    launcher = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy.local", "run",
        cwd=tmp_path,
        env=environment | {"CONTEXT": "notes.md"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output = (await launcher.communicate())[0].decode()
    assert launcher.returncode == 0, output
    written = tmp_path / output.splitlines()[-1]
    document = written.read_text()
    assert document.startswith("# ")
    assert document.count("\n## ") >= 2
    assert len(document.split()) > 200
    assert "[@" not in document
