import os
import stat
from importlib import metadata
from pathlib import Path

import pytest
from redis.asyncio import Redis

from deploy.local import valkey
from deploy.local.children import Fleet
from deploy.local.errors import LaunchError
from deploy.local.readiness import wait_ready
from tests.support.servers import free_port

DOCUMENTED = {"appendfsync": "always", "maxmemory-policy": "noeviction", "save": "", "bind": "127.0.0.1"}


async def test_data_is_kept_between_two_starts(tmp_path: Path) -> None:
    for start in range(2):
        port = free_port()
        fleet = Fleet(tmp_path / "logs")
        child = await fleet.start(valkey.valkey_spec(valkey.server_program(), port, tmp_path / "data", os.environ))
        try:
            await wait_ready(child, valkey.valkey_probe(port), 20)
            async with Redis.from_url(valkey.valkey_url(port), decode_responses=True) as client:
                assert await client.incr("starts") == start + 1
                settings = await client.config_get("appendfsync", "maxmemory-policy", "save", "bind")
        finally:
            assert await fleet.stop() == []
        assert settings == DOCUMENTED
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


async def test_waiting_ends_with_the_reason(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path / "logs")
    child = await fleet.start(valkey.valkey_spec(valkey.server_program(), free_port(), tmp_path / "data", os.environ))
    try:
        with pytest.raises(LaunchError, match=r"valkey is not ready after 1 s. Port \d+: Connect call failed"):
            await wait_ready(child, valkey.valkey_probe(free_port()), 0.6)
    finally:
        await fleet.stop()


@pytest.fixture
def without_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No server as a wheel, and a PATH of one empty folder."""

    def missing(distribution: str) -> None:
        raise metadata.PackageNotFoundError(distribution)

    monkeypatch.setattr(metadata, "files", missing)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def program(folder: Path, name: str, version: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{version}'\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("name", "version"),
    [("valkey-server", "Valkey server v=8.1.0 sha=0"), ("redis-server", "Redis server v=7.0.15 sha=0")],
)
def test_a_new_enough_server_on_the_path_is_taken(without_wheel: Path, name: str, version: str) -> None:
    path = program(without_wheel, name, version)
    assert valkey.server_program() == path


@pytest.mark.parametrize("version", ["Redis server v=6.2.14 sha=0", "no idea"])
def test_another_server_is_named_and_refused(without_wheel: Path, version: str) -> None:
    path = program(without_wheel, "redis-server", version)
    with pytest.raises(LaunchError, match=rf"version 7.0 or newer was found \({path} can't be used\)"):
        valkey.server_program()


def test_without_any_server_the_way_out_is_named(without_wheel: Path) -> None:
    with pytest.raises(LaunchError, match="or set REDIS_URL"):
        valkey.server_program()
