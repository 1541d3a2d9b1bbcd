"""``make run ONCE=1`` with everything embedded: its own Valkey, its own small model, real services, no key."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.support.scripted_model import ScriptedModel
from tests.support.servers import free_port

REPOSITORY = Path(__file__).parents[2]
EDITOR = """\
import pathlib, sys
file = pathlib.Path(sys.argv[1])
text = file.read_text()
last = text.rindex("- [")
file.write_text(text[:last] + "- Bees in the city (150 words)\\n  > How hives live on roofs.\\n" + text[last:])
"""


async def run(folder: Path, answers: bytes = b"", **variables: str) -> list[str]:
    """The lines of a run that goes well."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment |= {"PYTHONPATH": str(REPOSITORY), "ONCE": "1", "PORT": str(free_port()), **variables}
    launcher = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy.local", "run",
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        output = (await launcher.communicate(answers))[0].decode()
    finally:
        if launcher.returncode is None:
            launcher.kill()
    assert launcher.returncode == 0, output
    return output.splitlines()


@pytest.mark.timeout(400)
async def test_a_document_without_any_key_or_server(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("A beekeeper in Ghent keeps 40 hives on the roof of the library.\n")
    lines = await run(tmp_path, CONTEXT="notes.md")
    document = (tmp_path / lines[-1]).read_text()
    assert document.startswith("# ")
    assert document.count("\n## ") >= 2
    assert len(document.split()) > 200
    assert "[@" not in document


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
