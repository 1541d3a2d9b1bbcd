"""A worker that only says that it is ready, for tests of the launcher: run as a process."""

import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

POLL_SECONDS = 0.02


class _Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if os.environ.get("FAKE_SCENARIO") != "never ready" else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def main(name: str) -> int:
    """Serve until SIGTERM, or until a file named `die` asks for an exit status; `stubborn` ignores SIGTERM."""
    stop = threading.Event()
    if os.environ.get("FAKE_SCENARIO") == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda _signal, _frame: stop.set())
    server = HTTPServer(("127.0.0.1", int(os.environ["DRAFTLINE_METRICS_PORT"])), _Ready)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f'{{"event": "{name} up", "level": "info", "pid": {os.getpid()}}}', flush=True)
    for line in range(20):
        print(f'{{"event": "line {line}", "level": "info"}}', flush=True)
    while not stop.wait(POLL_SECONDS):
        if name == "document_worker" and Path("die").exists():
            print('{"event": "gave up", "level": "error", "cause": "no more bees"}', flush=True)
            os._exit(3)
    return 0
