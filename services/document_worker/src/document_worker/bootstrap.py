"""Builds the worker's objects, all of them, in one place."""

from collections.abc import Callable

from document_worker.handlers import DocumentHandler
from document_worker.pipeline.graph import build_graph
from shared.checkpoints import RedisSaver
from shared.contracts.states import JobKind
from shared.lifecycle.clock import Clock
from shared.llm import CallMetrics, ChatClient
from shared.redis.reads import Reads
from shared.redis.scripts import Scripts
from shared.settings import ModelSettings
from shared.streams import Handler


def handler_builder(model: ModelSettings) -> Callable[[Scripts, Reads, Clock], Handler]:
    """How to build the handler once Redis is connected."""

    def build(scripts: Scripts, reads: Reads, clock: Clock) -> Handler:
        saver = RedisSaver(scripts, reads, JobKind.DOCUMENT)
        client = ChatClient(model, clock, observer=CallMetrics())
        return DocumentHandler(build_graph(saver), saver, client, model, clock)

    return build
