"""A worker that only says that it is ready, for tests of the launcher: run as a process."""

import os
import signal
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
        for file in Path().glob(f"{name}.exit.*"):
            file.unlink()
            os._exit(int(file.suffix.removeprefix(".")))
        if name == "document_worker" and Path("die").exists():
            print('{"event": "gave up", "level": "error", "cause": "no more bees"}', flush=True)
            os._exit(3)
        time.sleep(POLL_SECONDS)


def main(name: str) -> int:
    """Serve until SIGTERM or until a file asks for an end; `stubborn` ignores SIGTERM."""
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
    threading.Thread(target=exit_when_asked, args=(name,), daemon=True).start()
    stop.wait()
    return 0
