"""Ctrl-C once asks for a clean stop, twice for an immediate one."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stop_signals(kill: Callable[[], None]) -> Iterator[asyncio.Event]:
    """Inside, the first signal sets the event and each further one calls ``kill``."""
    asked = asyncio.Event()

    def on_signal() -> None:
        if asked.is_set():
            kill()
        asked.set()

    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, on_signal)
    try:
        yield asked
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
