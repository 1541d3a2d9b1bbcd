"""``python -m tests.support.stuck_exporter PORT``: a document worker that begins every file and never ends one."""

import asyncio
import sys

import uvloop

from shared.contracts.exports import ExportFormat
from shared.contracts.states import JobKind
from shared.exports import ExportLimits
from shared.lifecycle.clock import Clock
from shared.lifecycle.supervisor import Drain, run_service
from shared.redis.store import Store
from shared.streams import Handler, Session, Tuning, run_worker

MAKING_SECONDS = 1.5


async def _handle(_: Session) -> bytes:
    return b"{}"


def _handler(store: Store, _clock: Clock) -> Handler:
    return _handle


async def _export(_result: bytes, _file_format: ExportFormat, /) -> bytes:
    await asyncio.Event().wait()
    return b""


async def _main(drain: Drain) -> None:
    tuning = Tuning(exports=ExportLimits(making_seconds=MAKING_SECONDS))
    await run_worker(JobKind.DOCUMENT, int(sys.argv[1]), _handler, drain, _export, tuning)


if __name__ == "__main__":
    run_service("stuck exporter", _main, uvloop.new_event_loop)
