"""LangGraph's own conformance suite, on the real saver and real scripts."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata, CheckpointTuple
from langgraph.checkpoint.conformance import checkpointer_test, validate

from shared.checkpoints import RedisSaver
from shared.contracts.ids import JobRef
from shared.contracts.states import Band, JobKind
from shared.redis.queues import Fetcher
from shared.redis.store import Store
from tests.support.jobs import submission


class OwningSaver(RedisSaver):
    """Makes a running job of every thread first, since nothing is saved without one."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._fences: dict[str, int] = {}

    async def _own(self, config: RunnableConfig) -> RunnableConfig:
        thread = _scoped(config)["configurable"]["thread_id"]
        if thread not in self._fences:
            await self._store.jobs.submit(submission(JobRef.parse(thread).job_id))
            fetched = await self._store.queues.fetch(0, JobKind.OUTLINE, Fetcher("w", 1), 60_000, 10, list(Band))
            self._fences.update({str(claim.ref): claim.fence for claim in fetched.claims})
        configurable = {**_scoped(config)["configurable"], "fence": self._fences[thread]}
        return {**config, "configurable": configurable}

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        return _plain(await super().aput(await self._own(config), checkpoint, metadata, new_versions))

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        await super().aput_writes(await self._own(config), writes, task_id, task_path)

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        found = await super().aget_tuple(_scoped(config))
        return found and _plain_tuple(found)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        scoped = _scoped(config) if config else None
        async for item in super().alist(scoped, filter=filter, before=before, limit=limit):
            yield _plain_tuple(item)

    async def adelete_thread(self, thread_id: str) -> None:
        await super().adelete_thread(f"default/{thread_id}")


def _scoped(config: RunnableConfig) -> RunnableConfig:
    thread = config["configurable"]["thread_id"]
    name = thread if "/" in thread else f"default/{thread}"
    return {**config, "configurable": {**config["configurable"], "thread_id": name}}


def _plain(config: RunnableConfig) -> RunnableConfig:
    thread = config["configurable"]["thread_id"].partition("/")[2]
    return {**config, "configurable": {**config["configurable"], "thread_id": thread}}


def _plain_tuple(item: CheckpointTuple) -> CheckpointTuple:
    return item._replace(config=_plain(item.config), parent_config=item.parent_config and _plain(item.parent_config))


async def test_conforms(store: Store) -> None:
    @checkpointer_test(name="RedisSaver", skip_capabilities={"delete_for_runs", "copy_thread", "prune"})
    async def saver() -> AsyncIterator[RedisSaver]:
        yield OwningSaver(store)

    report = await validate(saver)
    failures = {name: result.failures for name, result in report.results.items() if not result.passed}
    assert report.passed_all_base(), failures
