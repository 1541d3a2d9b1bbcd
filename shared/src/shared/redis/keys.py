"""The only place where a key is spelled.

Every key of a job lies in the slot of its shard, so that each script is atomic on a single server, under Sentinel
and in a Cluster alike. A *family* is the beginning of keys that end in a job's id, or in a kind and a band: scripts
that learn these only while they run (fetch, promote, renew) append them.
"""

import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from shared.contracts.ids import JobRef
from shared.contracts.states import Band, JobKind

GROUP = "workers"
REGISTRY_SHARD = 0
"""Workers belong to no job: their registry lies in the first shard."""
SHARDS_KEY = "draftline:shards"
"""String: the number of shards, fixed by the first process that starts."""
_PREFIX = "draftline:"


def shard_of(ref: JobRef, shards: int) -> int:
    """The shard of a job: CRC16 (XMODEM, as Redis Cluster uses) of its full name."""
    return binascii.crc_hqx(str(ref).encode(), 0) % shards


def slot_tag(command: Sequence[object]) -> str:
    """What tells the slot of the key a command names first: its beginning with the hash tag, or else all of it.

    Empty where the command names none.
    """
    for part in command[1:8]:
        name = part.decode(errors="replace") if isinstance(part, bytes) else part
        if isinstance(name, str) and name.startswith(_PREFIX):
            return name[: name.find("}") + 1] or name
    return ""


@dataclass(frozen=True, slots=True)
class Keyspace:
    """All keys of one shard."""

    shard: int

    def _key(self, name: str) -> str:
        return f"{_PREFIX}{{{self.shard}}}:{name}"

    def job(self, ref: JobRef) -> str:
        """Hash: the record of the job."""
        return self._key(f"job:{ref}")

    def payload(self, ref: JobRef) -> str:
        """String: the request as accepted."""
        return self._key(f"payload:{ref}")

    def events(self, ref: JobRef) -> str:
        """Stream: the journal of the job, ids ``<fence>-<seq>``."""
        return self._key(f"events:{ref}")

    def result(self, ref: JobRef) -> str:
        """String: the result as JSON."""
        return self._key(f"job_result:{ref}")

    def export(self, ref: JobRef) -> str:
        """Hash: files made of the result."""
        return self._key(f"export:{ref}")

    def artifact(self, ref: JobRef) -> str:
        """Hash: section texts, evidence, paid model answers."""
        return self._key(f"artifact:{ref}")

    def checkpoint(self, part: str, ref: JobRef) -> str:
        """Hash: a part (heads, blobs, writes) of the graph's checkpoints."""
        return self._key(f"checkpoint:{part}:{ref}")

    def requests(self, kind: JobKind, band: Band) -> str:
        """Stream: waiting and running jobs of one band."""
        return self._key(f"requests:{kind}:{band}")

    def leases(self, kind: JobKind) -> str:
        """Sorted set: running jobs by the end of their lease, ms."""
        return self._key(f"leases:{kind}")

    def delayed(self, kind: JobKind) -> str:
        """Sorted set: scheduled jobs by due time, ms."""
        return self._key(f"delayed:{kind}")

    def dead(self, kind: JobKind, band: Band) -> str:
        """Sorted set: jobs that used up their attempts, by time, ms."""
        return self._key(f"dead:{kind}:{band}")

    def control(self, kind: JobKind) -> str:
        """Stream, capped: wakes workers."""
        return self._key(f"control:{kind}")

    @property
    def exports(self) -> str:
        """Sorted set: files asked for by the time from which a worker may take them, ms."""
        return self._key("exports")

    @property
    def feed(self) -> str:
        """Stream, capped: every event once more, for the gateways."""
        return self._key("feed")

    def index(self, tenant: str) -> str:
        """Sorted set: jobs of a tenant by the time of their creation, ms."""
        return self._key(f"jobs:{tenant}")

    def stats(self, minute: int) -> str:
        """Hash: what ended in one minute, and how long jobs waited and ran."""
        return self._key(f"stats:{minute}")

    def counts(self, kind: JobKind) -> str:
        """Hash: running, scheduled and awaiting jobs by band."""
        return self._key(f"counts:{kind}")

    def batch(self, ref: JobRef) -> str:
        """String: which jobs a batch holds; a batch has a name like a job's."""
        return self._key(f"batch:{ref}")

    def revisions(self, ref: JobRef) -> str:
        """Sorted set: the documents that go back to this one, by the time of their creation, ms."""
        return self._key(f"revisions:{ref}")

    @property
    def paused(self) -> str:
        """Hash: the kinds that no worker may claim."""
        return self._key("paused")

    @property
    def workers(self) -> str:
        """Sorted set: workers by the time their heartbeat runs out, ms."""
        return self._key("workers")

    def worker(self, name: str) -> str:
        """Hash: what a worker says of itself."""
        return self._key(f"worker:{name}")

    @property
    def confirmed(self) -> str:
        """String: when a replica was last asked to confirm a write, ms."""
        return self._key("confirmed")

    def script_keys(self) -> list[str]:
        """KEYS of every script, in the order that lua/keyspace.lua names them."""
        names = (
            "job:",
            "payload:",
            "events:",
            "job_result:",
            "artifact:",
            "checkpoint:heads:",
            "checkpoint:blobs:",
            "checkpoint:writes:",
            "requests:",
            "leases:",
            "delayed:",
            "dead:",
            "control:",
            "feed",
            "jobs:",
            "stats:",
            "counts:",
            "paused",
            "workers",
            "worker:",
            "confirmed",
            "export:",
            "exports",
        )
        return [self._key(name) for name in names]


@cache
def script_keys(shard: int) -> tuple[bytes, ...]:
    """The same for every call on one shard."""
    return tuple(key.encode() for key in Keyspace(shard).script_keys())
