"""``python -m document_worker``: take document jobs until SIGTERM."""

import uvloop

from document_worker.bootstrap import handler_builder
from document_worker.settings import DocumentWorkerSettings
from shared.contracts.states import JobKind
from shared.lifecycle.supervisor import Drain, run_service
from shared.settings import ModelSettings
from shared.streams import run_worker


async def _main(drain: Drain) -> None:
    # The model has no default: without one this fails here, with the name of the variable.
    model = ModelSettings()
    await run_worker(JobKind.DOCUMENT, DocumentWorkerSettings().metrics_port, handler_builder(model), drain)


if __name__ == "__main__":
    run_service("document worker", _main, uvloop.new_event_loop)
