"""``python -m tests.chaos.poison_worker``: an outline worker that a job with the word ``poison`` takes with it."""

import asyncio
import os

import uvloop

from outline_worker.settings import OutlineWorkerSettings
from shared.contracts.states import JobKind
from shared.lifecycle.clock import Clock
from shared.lifecycle.supervisor import Drain, run_service
from shared.redis.store import Store
from shared.streams import Handler, Session, run_worker

POISON = b"poison"
RESULT = b'{"outline":{"nodes":[]}}'


async def _handle(session: Session) -> bytes:
    payload = await session.payload()
    await asyncio.sleep(0.2)
    if POISON in payload:
        os._exit(1)
    await asyncio.sleep(0.2)
    return RESULT


def _handler(store: Store, _clock: Clock) -> Handler:
    return _handle


async def _main(drain: Drain) -> None:
    await run_worker(JobKind.OUTLINE, OutlineWorkerSettings().metrics_port, _handler, drain)


if __name__ == "__main__":
    run_service("poison worker", _main, uvloop.new_event_loop)
