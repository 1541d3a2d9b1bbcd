"""Runs a graph for one claim, from its last checkpoint where there is one."""

import functools
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any, Protocol

from langchain_core.runnables import RunnableConfig
from langgraph.runtime import Runtime
from langgraph.types import Durability

from shared.checkpoints.saver import RedisSaver
from shared.contracts.jobs import Claim
from shared.contracts.states import JobKind
from shared.observability.metrics import STAGE_SECONDS

BRANCHES_AT_ONCE = 16
"""Of one job: a document of hundreds of sections leaves room for the jobs beside it."""
_DURABILITY: Durability = "sync"
"""A node counts as done only when its checkpoint is stored: what a crash costs is bounded by this."""


class JobContext(Protocol):
    """What every graph's runtime context can do."""

    def check(self) -> None:
        """Raise LeaseLostError unless the job is still ours."""
        ...


def staged(kind: JobKind, stage: str, node: Callable[..., Awaitable[Any]]) -> Any:
    """The node with its lease checked before and its length measured; Any, since the graph reads its signature."""

    @functools.wraps(node)
    async def measured(state: Any, runtime: Runtime[Any]) -> Any:
        runtime.context.check()
        with STAGE_SECONDS.labels(kind, stage).time():
            return await node(state, runtime)

    return measured


async def run_graph(graph: Any, saver: RedisSaver, claim: Claim, start: object, context: JobContext) -> None:
    """Run a compiled graph to its end; what it makes lies in its artifacts.

    Resumes where the job was left, by whomever; ``start`` is the input where it was never begun.
    """
    thread: RunnableConfig = {
        "configurable": {"thread_id": str(claim.ref), "fence": claim.fence},
        "max_concurrency": BRANCHES_AT_ONCE,
    }
    begun = await saver.aget_tuple(thread) is not None
    stream = graph.astream(
        None if begun else start, thread, context=context, durability=_DURABILITY, stream_mode="updates"
    )
    # Closed explicitly: a generator left to the garbage collector would leave its tasks running.
    async with aclosing(stream):
        async for _ in stream:
            continue
