"""The internal port: /metrics, /livez and /readyz, served by a thread so that a busy event loop cannot hide."""

import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import make_wsgi_app

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

STALLED_SECONDS = 30
"""An event loop that did not turn for so long counts as dead."""


class Health:
    """What the probes answer. The event loop writes, the probes' thread reads."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._beaten = monotonic()
        self._not_ready: str | None = "starting"

    def beat(self) -> None:
        """The event loop turns."""
        self._beaten = self._monotonic()

    def ready(self) -> None:
        self._not_ready = None

    def not_ready(self, reason: str) -> None:
        self._not_ready = reason

    def liveness(self) -> str | None:
        """None if alive, else the reason why not."""
        silent = self._monotonic() - self._beaten
        return f"event loop stalled for {silent:.0f} s" if silent > STALLED_SECONDS else None

    def readiness(self) -> str | None:
        """None if ready, else the reason why not."""
        return self._not_ready or self.liveness()


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Probes every few seconds are no news."""


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    """Serves on a socket that already listens, of IPv4 or IPv6."""

    daemon_threads = True

    def __init__(self, listener: socket.socket, app: Callable[..., Iterable[bytes]]) -> None:
        super().__init__(listener.getsockname()[:2], _QuietHandler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.server_name, self.server_port = listener.getsockname()[:2]
        self.setup_environ()
        self.set_app(app)


def _app(health: Health) -> Callable[["WSGIEnvironment", "StartResponse"], Iterable[bytes]]:
    metrics = make_wsgi_app()
    probes = {"/livez": health.liveness, "/readyz": health.readiness}

    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            answer: Iterable[bytes] = metrics(environ, start_response)
            return answer
        if path not in probes:
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"try /metrics, /livez or /readyz\n"]
        reason = probes[path]()
        status = "200 OK" if reason is None else "503 Service Unavailable"
        start_response(status, [("Content-Type", "text/plain")])
        return [(reason or "ok").encode() + b"\n"]

    return app


@contextmanager
def internal_port(health: Health, listener: socket.socket) -> Iterator[None]:
    """Serve metrics and probes on the listening socket while the block runs, then close it."""
    server = _Server(listener, _app(health))
    thread = threading.Thread(target=server.serve_forever, name="internal-port", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
