"""HTTP by hand, for requests that no client library would send."""

import asyncio
from collections.abc import Callable


async def exchange(port: int, request: bytes, enough: Callable[[bytes], bool] | None = None) -> bytes:
    """Send bytes and read until the server closes the connection, or until there is enough."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    try:
        async with asyncio.timeout(10):
            writer.write(request)
            await writer.drain()
            while not (enough and enough(answer)) and (piece := await reader.read(65_536)):
                answer += piece
    finally:
        writer.close()
    return answer


def head_of(answer: bytes) -> list[str]:
    """Status line and headers."""
    return answer.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
