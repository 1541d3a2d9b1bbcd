"""`.env` in the current folder configures the launcher and the services it starts."""

from pathlib import Path

import pytest

from tests.unit.local.conftest import Launch, record

SEEING_GATEWAY = """\
import json, os
seen = {name: os.environ.get(name) for name in ("OPENAI_API_KEY", "DRAFTLINE_LOG_LEVEL", "PROMPT")}
print(json.dumps({"event": "environment", "seen": seen}), flush=True)
from tests.unit.local.fake_gateway import main
main()
"""
AS_MAKE_EXPORTS = {"PROMPT": "", "CONTEXT": "", "ONCE": "", "REVIEW": ""}


async def test_the_file_configures_the_launcher_and_its_services(launch: Launch, folder: Path) -> None:
    (folder / "gateway.py").write_text(SEEING_GATEWAY)
    (folder / "notes.txt").write_text("On bees")
    (folder / ".env").write_text(
        "# Written by hand\n"
        "export OPENAI_API_KEY='sk-$ecret'\n"
        "OPENAI_MODEL=file-model\n"
        "DRAFTLINE_LOG_LEVEL=debug # more\n"
        'PROMPT="About bees"\n'
        "CONTEXT=notes.txt\n"
        "ONCE=1\n"
        "DRAFTLINE_FONT_DIRECTORY=\n"
    )
    launched = await launch("run", **AS_MAKE_EXPORTS, OPENAI_MODEL="shell-model")
    assert (await launched.finish()) == (0, [])
    names = "OPENAI_API_KEY, DRAFTLINE_LOG_LEVEL, PROMPT, CONTEXT, ONCE"
    assert launched.out[0] == f"Settings from .env: {names}."
    assert launched.out[1].endswith("writing with shell-model.")
    assert "ecret" not in "\n".join(launched.out)
    seen = {"OPENAI_API_KEY": "sk-$ecret", "DRAFTLINE_LOG_LEVEL": "debug", "PROMPT": None}
    assert [found["seen"] for found in record(folder, "environment")] == [seen]
    (submitted,) = record(folder, "submitted")
    assert submitted["body"]["task_prompt"] == "About bees"
    assert submitted["body"]["context_files"] == [{"name": "notes.txt", "text": "On bees"}]


async def test_a_file_of_empty_values_is_not_mentioned(launch: Launch, folder: Path) -> None:
    (folder / ".env").write_text("OPENAI_API_KEY=\n# PORT=1\n")
    launched = await launch("run", ONCE="1", REDIS_URL="redis://127.0.0.1:9")
    assert (await launched.finish()) == (0, [])
    assert launched.out[0].startswith("Starting the gateway")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"ONCE=1\nOPENAI_MODEL: m\n", "Line 2 of .env cannot be read. Write NAME=value"),
        (b"\xff", "Line 1 of .env is not UTF-8."),
        (b"\nONCE=perhaps\n", "ONCE=perhaps is neither yes nor no."),
        (None, "Cannot read .env: Is a directory."),
    ],
    ids=["line", "bytes", "value", "directory"],
)
async def test_a_wrong_file_ends_the_launch_before_anything_starts(
    launch: Launch, folder: Path, content: bytes | None, message: str
) -> None:
    file = folder / ".env"
    file.mkdir() if content is None else file.write_bytes(content)
    status, errors = await (await launch("serve")).finish()
    assert status == 1
    assert len(errors) == 1
    assert errors[0].startswith(message)
    assert not (folder / ".draftline").exists()
