"""The HTTP side: an OpenAI-compatible endpoint on a loopback port, in a thread of its own."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import uvicorn

from tests.support.scripted_model.app import Call, Recorder, make_app
from tests.support.scripted_model.obedient import obedient
from tests.support.scripted_model.replies import Script

_TICK_SECONDS = 0.005


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the test process."""
        yield

    async def main_loop(self) -> None:
        """Notice the end soon: uvicorn itself looks every 100 ms."""
        while not self.should_exit:  # noqa: ASYNC110 - it is set by another thread
            await asyncio.sleep(_TICK_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drop the connections: uvicorn itself waits for them, 100 ms at least."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        # For the loop to report the connections as lost.
        await asyncio.sleep(_TICK_SECONDS)


class ScriptedModel:
    """The server and what it saw. ``script`` may be changed while it runs.

    A context manager, plain or async. It has an event loop of its own, so a test that blocks its
    own loop does not stall the model.
    """

    def __init__(self, script: Script = obedient, *, port: int = 0) -> None:
        self._recorder = Recorder(script)
        self._socket = socket.create_server(("127.0.0.1", port))
        config = uvicorn.Config(make_app(self._recorder), log_level="critical", lifespan="off", ws="none")
        self._server = _Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="scripted-model")

    @property
    def base_url(self) -> str:
        """Ends in ``/v1``, as OPENAI_BASE_URL does."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"

    @property
    def calls(self) -> list[Call]:
        """The chat requests seen since the start or the last reset, oldest first."""
        return list(self._recorder.calls)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [call.body for call in self.calls]

    @property
    def script(self) -> Script:
        return self._recorder.script

    @script.setter
    def script(self, script: Script) -> None:
        self._recorder.script = script

    def reset(self) -> None:
        """Forget the calls; the next one has index 0."""
        self._recorder.reset()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End at once: calls still in flight are dropped."""
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)


async def until(condition: Callable[[], bool], *, seconds: float = 5.0) -> None:
    """Wait until the condition holds; raises TimeoutError."""
    async with asyncio.timeout(seconds):
        # What is waited for happens in another thread or process, where no asyncio.Event can be set.
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(_TICK_SECONDS)


async def until_calls(model: ScriptedModel, count: int, *, seconds: float = 5.0) -> None:
    """Wait until the server has seen so many calls; raises TimeoutError."""
    await until(lambda: len(model.calls) >= count, seconds=seconds)
