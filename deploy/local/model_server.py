"""Hosts llama.cpp as an OpenAI-compatible server: ``python -m deploy.local.model_server WEIGHTS --port=N``.

A process of its own: a fault in native code ends it alone, and it computes without holding anybody's event loop.
"""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

import xllamacpp

from deploy.local.ports import LOOPBACK

PARENT_CHECK_SECONDS = 1.0
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def main() -> None:
    """Serve until SIGTERM, or until the launcher is gone."""
    launcher = os.getppid()
    server = xllamacpp.Server(_parameters(_arguments()))  # noqa: F841 - it serves as long as it is held
    # Only now: the server sets a handler of its own, which does not end the process. Its own end waits for connections
    # that clients keep open, and there is nothing to save.
    signal.signal(signal.SIGTERM, lambda _signal, _frame: os._exit(0))
    while os.getppid() == launcher:
        time.sleep(PARENT_CHECK_SECONDS)
    os._exit(0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.local.model_server")
    parser.add_argument("weights", type=Path)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--slots", type=int, required=True)
    parser.add_argument("--slot-tokens", type=int, required=True)
    return parser.parse_args()


def _parameters(arguments: argparse.Namespace) -> xllamacpp.CommonParams:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(arguments.weights)
    parameters.model_alias = arguments.name
    parameters.hostname = LOOPBACK
    parameters.port = arguments.port
    parameters.n_parallel = arguments.slots
    parameters.n_ctx = arguments.slots * arguments.slot_tokens
    parameters.cpuparams.n_threads = usable_processors()
    parameters.cpuparams_batch.n_threads = usable_processors()
    # A model this small falls into loops: repeated words are made less likely, repeated phrases much less (DRY).
    # What is much less likely than the likeliest word is left out: it is where this model turns to nonsense.
    # Both penalties look back over a paragraph only: further back is the prompt, whose words are wanted.
    parameters.sampling.min_p = 0.15
    parameters.sampling.penalty_last_n = 64
    parameters.sampling.penalty_repeat = 1.08
    parameters.sampling.dry_penalty_last_n = 160
    parameters.sampling.dry_multiplier = 0.8
    parameters.sampling.dry_allowed_length = 3
    parameters.webui = False
    # By default up to 8 GiB of old prompts are kept, and no prompt of a job comes twice.
    parameters.cache_ram_mib = 0
    return parameters


def usable_processors(quota: Path = CPU_QUOTA) -> int:
    """Processors this process may keep busy, by affinity and by the container's quota.

    llama.cpp's threads wait for each other in busy loops: with more threads than processors it all but stops.
    """
    allowed = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    try:
        limit, period = quota.read_text().split()
    except OSError:
        return allowed
    return allowed if limit == "max" else max(1, min(allowed, int(limit) // int(period)))


if __name__ == "__main__":
    main()
