"""The binary of the server asked for."""

from pathlib import Path

import pytest

from tests.support.servers import Server, server_binaries


@pytest.fixture(scope="session")
def binary(server: Server) -> Path:
    """The server asked for; of one in a container the first at hand in its place."""
    return server_binaries().get(server.name) or next(iter(server_binaries().values()))
