"""A checkpoint saver on plain hashes: three keys a job, one fenced script a write.

Of a checkpoint, the channel values are stored by channel and version, so that unchanged ones are not written again;
the pending writes of finished tasks are what lets a crashed fan-out re-run its unfinished branches only.
Fields are joined by an unprintable separator, since namespaces hold any printable one.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_id,
    get_checkpoint_metadata,
)

from shared.contracts.errors import LeaseLostError
from shared.contracts.ids import JobRef
from shared.redis.attempts import CheckpointItem, Owned
from shared.redis.store import Store

_SEPARATOR = "\x1f"
_PARTS = ("heads", "blobs", "writes")


def _field(*parts: object) -> str:
    return _SEPARATOR.join(map(str, parts))


class RedisSaver(BaseCheckpointSaver[str]):
    """Saves under the fence given as ``configurable.fence``; ``thread_id`` is the job's full name.

    Writes raise LeaseLostError where the fence no longer holds the job.
    """

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store

    def get_next_version(self, current: str | None, channel: None) -> str:
        """Versions that sort as text."""
        return f"{int(current or 0) + 1:08}"

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The checkpoint named in the config, else the newest of its namespace."""
        ref, namespace = _thread(config)
        stored = await self._stored(ref)
        checkpoint_id = get_checkpoint_id(config) or max(stored.ids(namespace), default=None)
        return stored.read(namespace, checkpoint_id) if checkpoint_id else None

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """The checkpoints of a thread, newest first."""
        if config is None:
            return
        stored = await self._stored(JobRef.parse(config["configurable"]["thread_id"]))
        namespace = config["configurable"].get("checkpoint_ns")
        wanted = get_checkpoint_id(config)
        bound = get_checkpoint_id(before) if before else None
        found = 0
        for head_ns, checkpoint_id in stored.heads(namespace):
            if (wanted and checkpoint_id != wanted) or (bound and checkpoint_id >= bound):
                continue
            item = stored.read(head_ns, checkpoint_id)
            if item is None or any(item.metadata.get(key) != value for key, value in (filter or {}).items()):
                continue
            if limit is not None and found >= limit:
                return
            found += 1
            yield item

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint and the channel values that are new in it."""
        ref, namespace = _thread(config)
        values = checkpoint["channel_values"]
        body = {name: value for name, value in checkpoint.items() if name != "channel_values"}
        items = [
            CheckpointItem("blobs", _field(namespace, channel, version), self._pack(values[channel]))
            for channel, version in new_versions.items()
            if channel in values
        ]
        head = (body, get_checkpoint_metadata(config, metadata), config["configurable"].get("checkpoint_id"))
        items.append(CheckpointItem("heads", _field(namespace, checkpoint["id"]), self._pack(head)))
        await self._put(ref, config, items)
        return _config(ref, namespace, checkpoint["id"])

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Save what a task has written; repeating it changes nothing."""
        ref, namespace = _thread(config)
        checkpoint_id = config["configurable"]["checkpoint_id"]
        items = []
        for position, (channel, value) in enumerate(writes):
            index = WRITES_IDX_MAP.get(channel, position)
            name = _field(namespace, checkpoint_id, task_id, index)
            packed = self._pack((task_path, channel, value))
            items.append(CheckpointItem("writes", name, packed, keep=index >= 0))
        if items:
            await self._put(ref, config, items)

    async def adelete_thread(self, thread_id: str) -> None:
        """Forget a job's checkpoints."""
        await self._store.jobs.drop_checkpoints(JobRef.parse(thread_id), _PARTS)

    async def _put(self, ref: JobRef, config: RunnableConfig, items: list[CheckpointItem]) -> None:
        told = await self._store.attempts.put_checkpoint(ref, config["configurable"]["fence"], items)
        if told is not Owned.OK:
            msg = f"job {ref} is no longer ours"
            raise LeaseLostError(msg)

    async def _stored(self, ref: JobRef) -> "_Stored":
        return _Stored(self, ref, *[await self._store.jobs.checkpoint_hash(part, ref) for part in _PARTS])

    def _pack(self, value: object) -> bytes:
        kind, data = self.serde.dumps_typed(value)
        return kind.encode() + b"\0" + data

    def unpack(self, packed: bytes) -> Any:
        kind, _, data = packed.partition(b"\0")
        return self.serde.loads_typed((kind.decode(), data))


class _Stored:
    """All checkpoints of one thread as read at once: a job has few, and their values are small."""

    def __init__(
        self,
        saver: RedisSaver,
        ref: JobRef,
        heads: dict[bytes, bytes],
        blobs: dict[bytes, bytes],
        writes: dict[bytes, bytes],
    ) -> None:
        self._saver = saver
        self._ref = ref
        self._heads = heads
        self._blobs = blobs
        self._writes = writes

    def heads(self, namespace: str | None) -> list[tuple[str, str]]:
        """Namespace and id of each checkpoint, newest first."""
        pairs = [tuple(name.decode().split(_SEPARATOR)) for name in self._heads]
        kept = [(ns, checkpoint_id) for ns, checkpoint_id in pairs if namespace is None or ns == namespace]
        return sorted(kept, key=lambda pair: pair[1], reverse=True)

    def ids(self, namespace: str) -> list[str]:
        return [checkpoint_id for _, checkpoint_id in self.heads(namespace)]

    def read(self, namespace: str, checkpoint_id: str) -> CheckpointTuple | None:
        packed = self._heads.get(_field(namespace, checkpoint_id).encode())
        if packed is None:
            return None
        body, metadata, parent = self._saver.unpack(packed)
        values = {
            channel: self._saver.unpack(blob)
            for channel, version in body["channel_versions"].items()
            if (blob := self._blobs.get(_field(namespace, channel, version).encode())) is not None
        }
        return CheckpointTuple(
            config=_config(self._ref, namespace, checkpoint_id),
            checkpoint=cast("Checkpoint", {**body, "channel_values": values}),
            metadata=metadata,
            parent_config=_config(self._ref, namespace, parent) if parent else None,
            pending_writes=self._pending(namespace, checkpoint_id),
        )

    def _pending(self, namespace: str, checkpoint_id: str) -> list[tuple[str, str, Any]]:
        found: list[tuple[str, str, int, tuple[str, str, Any]]] = []
        for name, packed in self._writes.items():
            write_ns, write_id, task_id, index = name.decode().split(_SEPARATOR)
            if (write_ns, write_id) == (namespace, checkpoint_id):
                task_path, channel, value = self._saver.unpack(packed)
                found.append((task_path, task_id, int(index), (task_id, channel, value)))
        return [item[3] for item in sorted(found, key=lambda item: item[:3])]


def _thread(config: RunnableConfig) -> tuple[JobRef, str]:
    configurable = config["configurable"]
    return JobRef.parse(configurable["thread_id"]), configurable.get("checkpoint_ns", "")


def _config(ref: JobRef, namespace: str, checkpoint_id: str) -> RunnableConfig:
    return {"configurable": {"thread_id": str(ref), "checkpoint_ns": namespace, "checkpoint_id": checkpoint_id}}
