"""Runs the scripted model as a process until SIGINT or SIGTERM."""

import argparse
import signal
import threading

from tests.support.scripted_model.scripts import SCRIPTS, delayed
from tests.support.scripted_model.server import ScriptedModel


def main() -> None:
    """Serve, and print the base URL once connections are taken."""
    parser = argparse.ArgumentParser(prog="scripted_model", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--script", choices=sorted(SCRIPTS), default="obedient")
    parser.add_argument("--latency", type=float, default=0.0, metavar="S", help="before the first token")
    parser.add_argument("--chunk-delay", type=float, default=0.0, metavar="S", help="after each chunk")
    options = parser.parse_args()
    script = delayed(SCRIPTS[options.script], first_token_seconds=options.latency, chunk_seconds=options.chunk_delay)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with ScriptedModel(script, port=options.port) as model:
        print(model.base_url, flush=True)
        stopped.wait()


if __name__ == "__main__":
    main()
