"""Runs a service until it is done, fails, or a signal asks it to drain."""

import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable

from pydantic import ValidationError

from shared.contracts.errors import CannotStartError

RESTART_EXIT_STATUS = 75
"""sysexits' EX_TEMPFAIL: the process asks to be started again."""
YOUNG_OBJECTS = 20_000
"""Allocated between two looks for garbage."""


class Drain:
    """Told once: finish what runs, take nothing new."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.exit_status = 0
        """What the process ends with once it has drained."""

    @property
    def asked(self) -> bool:
        return self._event.is_set()

    def ask(self, exit_status: int = 0) -> None:
        self.exit_status = exit_status
        self._event.set()

    async def wait(self) -> None:
        await self._event.wait()


async def supervise(main: Callable[[Drain], Awaitable[None]]) -> int:
    """Run ``main`` with SIGTERM and SIGINT turned into a drain; returns the exit status when ``main`` returns.

    Raises what ended it: of a group of errors the first, with the others as its cause.
    """
    drain = Drain()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, drain.ask)
    try:
        await main(drain)
        return drain.exit_status
    except BaseExceptionGroup as group:
        raise _first(group) from group
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


def run_service(
    name: str, main: Callable[[Drain], Awaitable[None]], loop_factory: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """The life of a service process: its exit status is the drain's, else 1 with the reason on standard error."""
    # What was imported stays for good: the collector need not look at it again and again, a tenth of a worker's time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 50)
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            status = runner.run(supervise(main))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        sys.exit(f"{name}: the environment is not valid: {faults}")
    except CannotStartError as error:
        sys.exit(f"{name}: {error}")
    sys.exit(status)
