"""Builds the worker's objects, all of them, in one place."""

from collections.abc import Callable

from document_worker.export import Exporter, Fonts, ReferenceFormatter, check_fonts
from document_worker.exporting import DocumentExporter
from document_worker.handlers import DocumentHandler
from document_worker.pipeline.graph import build_graph
from document_worker.settings import DocumentWorkerSettings
from shared.checkpoints import RedisSaver
from shared.contracts.states import JobKind
from shared.gathering.gathering import Gatherer, gathering
from shared.lifecycle.clock import Clock, SystemClock
from shared.lifecycle.supervisor import Drain
from shared.llm import CallMetrics, ChatClient, Embedder
from shared.redis.store import Store
from shared.sandbox import Pandoc, Sandbox
from shared.settings import EmbeddingSettings, ModelSettings, PriceSettings, SandboxSettings, SearchSettings
from shared.streams import Handler, run_worker


async def run(drain: Drain) -> None:
    """Take document jobs until a drain is asked for. Raises CannotStartError where fonts or pandoc are missing."""
    # The model has no default: without one this fails here, with the name of the variable.
    model, prices, settings, clock = ModelSettings(), PriceSettings(), DocumentWorkerSettings(), SystemClock()
    fonts = Fonts.shipped(*([settings.font_directory] if settings.font_directory else []))
    check_fonts(fonts)
    sandbox = Sandbox(SandboxSettings().sandbox_children)
    pandoc = Pandoc(sandbox)
    exporter = DocumentExporter(Exporter(sandbox, pandoc, fonts), clock)
    async with (
        gathering(SearchSettings(), sandbox, clock) as gatherer,
        _embedder(model, prices, clock) as embedder,
    ):
        build = handler_builder(model, prices, settings, gatherer, embedder, ReferenceFormatter(pandoc))
        await run_worker(JobKind.DOCUMENT, settings.metrics_port, build, drain, exporter)


def _embedder(model: ModelSettings, prices: PriceSettings, clock: Clock) -> Embedder:
    settings = EmbeddingSettings()
    base_url = settings.embeddings_base_url or model.base_url
    return Embedder(settings, clock, observer=CallMetrics(), price_of=lambda name: prices.price(name, base_url))


def handler_builder(
    model: ModelSettings,
    prices: PriceSettings,
    settings: DocumentWorkerSettings,
    gatherer: Gatherer,
    embedder: Embedder,
    formatter: ReferenceFormatter,
) -> Callable[[Store, Clock], Handler]:
    """How to build the handler once Redis is connected."""

    def build(store: Store, clock: Clock) -> Handler:
        saver = RedisSaver(store)
        client = ChatClient(
            model, clock, observer=CallMetrics(), price_of=lambda name: prices.price(name, model.base_url)
        )
        return DocumentHandler(
            build_graph(saver), saver, client, model, clock, gatherer, embedder, formatter, judge=settings.claim_judge
        )

    return build
