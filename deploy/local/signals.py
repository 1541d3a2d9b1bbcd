"""Ctrl-C once asks for a clean stop, twice for an immediate one."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """What the signals asked for."""

    def __init__(self, kill: Callable[[], None]) -> None:
        self.asked = asyncio.Event()
        self._kill = kill
        self._ctrl_c_is_ours = True

    @contextmanager
    def ctrl_c_left_to_another(self) -> Iterator[None]:
        """Inside, Ctrl-C means the program in the foreground: the terminal sends it to the launcher as well."""
        self._ctrl_c_is_ours = False
        try:
            yield
        finally:
            self._ctrl_c_is_ours = True

    def take(self, number: signal.Signals) -> None:
        if number is signal.SIGINT and not self._ctrl_c_is_ours:
            return
        if self.asked.is_set():
            self._kill()
        self.asked.set()


@contextmanager
def stop_signals(kill: Callable[[], None]) -> Iterator[StopSignals]:
    """Inside, the first signal asks for the end and each further one calls ``kill``."""
    stop = StopSignals(kill)
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, stop.take, number)
    try:
        yield stop
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
