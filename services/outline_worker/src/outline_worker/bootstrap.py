"""Builds the worker's objects, all of them, in one place."""

from collections.abc import Callable

from outline_worker.handlers import OutlineHandler
from outline_worker.pipeline.graph import build_graph
from outline_worker.settings import OutlineWorkerSettings
from shared.checkpoints import RedisSaver
from shared.contracts.states import JobKind
from shared.gathering.gathering import Gatherer, gathering
from shared.lifecycle.clock import Clock, SystemClock
from shared.lifecycle.supervisor import Drain
from shared.llm import CallMetrics, ChatClient
from shared.redis.store import Store
from shared.sandbox import Sandbox
from shared.settings import ModelSettings, PriceSettings, SandboxSettings, SearchSettings
from shared.streams import Handler, run_worker


async def run(drain: Drain) -> None:
    """Take outline jobs until a drain is asked for."""
    # The model has no default: without one this fails here, with the name of the variable.
    model, prices, settings, clock = ModelSettings(), PriceSettings(), OutlineWorkerSettings(), SystemClock()
    sandbox = Sandbox(SandboxSettings().sandbox_children)
    async with gathering(SearchSettings(), sandbox, clock) as gatherer:
        await run_worker(JobKind.OUTLINE, settings.metrics_port, handler_builder(model, prices, gatherer), drain)


def handler_builder(
    model: ModelSettings, prices: PriceSettings, gatherer: Gatherer
) -> Callable[[Store, Clock], Handler]:
    """How to build the handler once Redis is connected."""

    def build(store: Store, clock: Clock) -> Handler:
        saver = RedisSaver(store)
        client = ChatClient(
            model, clock, observer=CallMetrics(), price_of=lambda name: prices.price(name, model.base_url)
        )
        return OutlineHandler(build_graph(saver), saver, client, model, gatherer, clock)

    return build
