"""``python -m outline_worker``: take outline jobs until SIGTERM."""

import uvloop

from outline_worker.bootstrap import handler_builder
from outline_worker.settings import OutlineWorkerSettings
from shared.contracts.states import JobKind
from shared.lifecycle.supervisor import Drain, run_service
from shared.settings import ModelSettings
from shared.streams import run_worker


async def _main(drain: Drain) -> None:
    # The model has no default: without one this fails here, with the name of the variable.
    model = ModelSettings()
    await run_worker(JobKind.OUTLINE, OutlineWorkerSettings().metrics_port, handler_builder(model), drain)


if __name__ == "__main__":
    run_service("outline worker", _main, uvloop.new_event_loop)
