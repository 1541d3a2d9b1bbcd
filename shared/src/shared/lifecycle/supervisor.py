"""Runs a service until it is done, fails, or a signal asks it to drain."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable

from pydantic import ValidationError

from shared.contracts.errors import CannotStartError


class Drain:
    """Told once: finish what runs, take nothing new."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    @property
    def asked(self) -> bool:
        return self._event.is_set()

    def ask(self) -> None:
        self._event.set()

    async def wait(self) -> None:
        await self._event.wait()


async def supervise(main: Callable[[Drain], Awaitable[None]]) -> None:
    """Run ``main`` with SIGTERM and SIGINT turned into a drain; returns when ``main`` does.

    Raises what ended it: of a group of errors the first, with the others as its cause.
    """
    drain = Drain()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, drain.ask)
    try:
        await main(drain)
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
    """The life of a service process: exit status 0 after a drain, else 1 with the reason on standard error."""
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(supervise(main))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        sys.exit(f"{name}: the environment is not valid: {faults}")
    except CannotStartError as error:
        sys.exit(f"{name}: {error}")
