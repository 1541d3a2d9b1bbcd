"""A worker that only says that it is ready, for tests of the launcher: run as a process."""

import os
import signal
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

POLL_SECONDS = 0.02


class _Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        unready = os.environ.get("FAKE_SCENARIO") == "never ready" or Path("unready").exists()
        self.send_response(503 if unready else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def exit_when_asked(name: str) -> None:
    """A file `<name>.exit.<status>` asks once for that exit status, a file `die` asks every document worker for 3."""
    while True:
        _exit_if_asked(name)
        time.sleep(POLL_SECONDS)


def _exit_if_asked(name: str) -> None:
    for file in Path().glob(f"{name}.exit.*"):
        file.unlink()
        os._exit(int(file.suffix.removeprefix(".")))
    if name == "document_worker" and Path("die").exists():
        print('{"event": "gave up", "level": "error", "cause": "no more bees"}', flush=True)
        os._exit(3)


def main(name: str) -> int:
    """Serve until SIGTERM or until a file asks for an end; `stubborn` ignores SIGTERM."""
    if os.environ.get("FAKE_SCENARIO") == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        # At once: an event set by a handler, and an end that waits for threads, can each hang on a lock.
        signal.signal(signal.SIGTERM, lambda _signal, _frame: os._exit(0))
    print(f'{{"event": "{name} up", "level": "info", "pid": {os.getpid()}}}', flush=True)
    for line in range(20):
        print(f'{{"event": "line {line}", "level": "info"}}', flush=True)
    # Before it serves: a probe already waits in the backlog and would be answered at once.
    _exit_if_asked(name)
    listener = socket.socket(fileno=int(os.environ["DRAFTLINE_METRICS_FD"]))
    server = HTTPServer(listener.getsockname()[:2], _Ready, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    threading.Thread(target=exit_when_asked, args=(name,), daemon=True).start()
    server.serve_forever()
    return 0
