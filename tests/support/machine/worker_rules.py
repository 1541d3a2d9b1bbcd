"""What workers do, those that hold their jobs and those that only believe so."""

import json
from collections import Counter
from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from shared.contracts.states import Band, JobKind, JobState
from shared.contracts.usage import Usage
from shared.redis.attempts import ArtifactWrite, CheckpointItem, NewEvent
from shared.redis.queues import Fetcher
from tests.support.board import progress, section
from tests.support.machine.machine import LOST, PICKS, USAGES, pick
from tests.support.machine.owners import Batch, Held
from tests.support.machine.planning_rules import PlanningRules
from tests.support.machine.queues import HOUR_MS, LEASE_MS

EVENTS = st.lists(
    st.tuples(st.sampled_from(["progress", "section"]), st.integers(0, 200).map(lambda half: half / 2)),
    min_size=1,
    max_size=4,
)
SELDOM_LOST = st.sampled_from([False, False, False, True])
COUNTS = st.sampled_from([0, 1, 1, 2, 3, 5])
WAITS = st.sampled_from([None, 0, HOUR_MS])
NAMES = ("w1", "w2", "w3")
WORKERS = st.sampled_from(NAMES)
WRITES = st.sampled_from(["one", "two"])


class WorkerRules(PlanningRules):
    woken_at = reconciled_at = 0
    """How many events there were when a frozen owner last woke, or a worker reconciled."""

    def __init__(self) -> None:
        super().__init__()
        self.fetches: Counter[str] = Counter()
        """By worker: how many it sent."""
        self.answered: Counter[tuple[str, JobKind]] = Counter()
        """By worker and kind: the last one whose answer it got."""

    @precondition(lambda self: self.fetchable())
    @rule(worker=WORKERS, number=PICKS, count=COUNTS, reverse=st.booleans(), lost=SELDOM_LOST, suspects=st.booleans())
    def fetch(self, worker: str, number: int, count: int, reverse: bool, lost: bool, suspects: bool) -> None:
        kind = pick(self.fetchable(), number)
        self.fetch_as(worker, kind, count, reverse=reverse, lost=lost, suspects=suspects)

    def fetchable(self) -> list[JobKind]:
        """Kinds in which a lease has ended, or an entry was not read yet."""
        model = self.model
        ended = [model.jobs[name].phase for name, at in model.leases.items() if at <= model.now]
        return ended + [kind for (kind, _), stream in model.streams.items() if not all(e.delivered for e in stream)]

    @precondition(lambda self: self.model.leases)
    @rule(worker=WORKERS, number=PICKS, lost=SELDOM_LOST)
    def take_over(self, worker: str, number: int, lost: bool) -> None:
        """An owner died, or is frozen, and its lease ended an hour ago; a worker comes by."""
        job = self.model.jobs[pick(sorted(self.model.leases), number)]
        self.end_lease_of(job)
        self.fetch_as(worker, job.phase, 1, lost=lost)

    def fetch_as(
        self,
        worker: str,
        kind: JobKind,
        count: int,
        *,
        reverse: bool = False,
        lost: bool = False,
        suspects: bool = True,
    ) -> None:
        """Where the reply is lost, nobody works on what was claimed."""
        self.fetches[worker] += 1
        fetcher, bands = Fetcher(worker, self.fetches[worker]), list(Band)[:: -1 if reverse else 1]
        jobs = self.model.fetch(kind, worker, fetcher.number, count, bands, suspects=suspects)
        fetching = self.world.store.queues.fetch(0, kind, fetcher, LEASE_MS, count, bands, suspects=suspects)
        claims = self.act("fetch", fetching).claims
        assert [(claim.ref.job_id, claim.fence, claim.attempt, claim.max_attempts, claim.run, claim.band,
            claim.request_id, claim.kind, claim.makes) for claim in claims] == [(job.id, job.fence, job.attempt,
            job.max_attempts, job.run, job.band, job.request_id, kind, job.kind) for job in jobs]  # fmt: skip
        assert all(claim.waited_seconds >= 0 and claim.worked_seconds >= 0 for claim in claims)
        assert len(claims) <= count
        assert not (claims and kind in self.model.paused)
        if not lost:
            self.answered[worker, kind] = fetcher.number
            self.held += [Held(job, claim) for job, claim in zip(jobs, claims, strict=True)]

    @precondition(lambda self: self.jobs_in(JobState.RUNNING) and self.reconciled_at != len(self.model.feed))
    @rule(number=PICKS, other=st.booleans())
    def reconcile(self, number: int, other: bool) -> None:
        """By the worker that claimed a job or by another, whether a reply was lost or not."""
        self.reconciled_at = len(self.model.feed)
        job = pick(self.jobs_in(JobState.RUNNING), number)
        worker = next(name for name in NAMES if name != job.worker) if other else job.worker
        self.reconcile_as(worker, job.phase)

    def reconcile_as(self, worker: str, kind: JobKind) -> None:
        answered = Fetcher(worker, self.answered[worker, kind])
        expected = self.model.reconcile(kind, worker, answered.number)
        with self.unchanged(when=not expected):
            assert self.act("reconcile", self.world.store.queues.reconcile(0, kind, answered)) == expected

    @precondition(lambda self: self.model.delayed)
    @rule(number=PICKS, hours=st.sampled_from([6, 1, 0]))
    def promote(self, number: int, hours: int) -> None:
        """As time goes by."""
        kind = pick(self.jobs_in(JobState.SCHEDULED), number).phase
        self.jump_by(hours * HOUR_MS)
        self.promote_as(kind)

    def promote_as(self, kind: JobKind) -> None:
        expected = self.model.promote(kind)
        with self.unchanged(when=not expected):
            moved, wait_ms = self.act("promote", self.world.store.queues.promote(0, kind))
        assert moved == expected
        assert (wait_ms is None) == (not self.world.seen.kinds[kind].delayed)

    @precondition(lambda self: self.owners())
    @rule(number=PICKS, stale=st.booleans())
    def renew(self, number: int, stale: bool) -> None:
        """All leases of a kind in one call, with those that were lost or without."""
        kind = pick(self.owners(), number).claim.kind
        held = [held for held in self.owners() + (self.fenced_off() if stale else []) if held.claim.kind is kind]
        self.renew_for(held)

    @precondition(lambda self: self.owners())
    @rule(number=PICKS, events=EVENTS, first=st.integers(0, 4), lost=LOST)
    def append_events(self, number: int, events: list[tuple[str, float]], first: int, lost: bool) -> None:
        """A batch of which a part may have been written by itself before."""
        held = pick(self.owners(), number)
        batch = [(held.seq + place, kind, told) for place, (kind, told) in enumerate(events)]
        if batch[:first]:
            self.append_for(held, batch[:first])
        self.repeat(lost, lambda: self.append_for(held, batch))
        held.seq += len(batch)

    @precondition(lambda self: self.owners())
    @rule(number=PICKS, write=WRITES, usage=USAGES, lost=LOST)
    def store(self, number: int, write: str, usage: Usage | None, lost: bool) -> None:
        """A paid answer, and a checkpoint with it."""
        held = pick(self.owners(), number)
        self.repeat(lost, lambda: self.put_artifact_for(held, write, usage))
        self.repeat(lost, lambda: self.put_checkpoint_for(held))

    def makers(self) -> list[Held]:
        """Those that hold a job and make what was asked for."""
        return [held for held in self.owners() if not held.job.planning]

    @precondition(lambda self: self.makers())
    @rule(number=PICKS, usage=USAGES, lost=LOST)
    def finish(self, number: int, usage: Usage | None, lost: bool) -> None:
        held = pick(self.makers(), number)
        self.repeat(lost, lambda: self.finish_for(held, usage))

    @precondition(lambda self: self.owners())
    @rule(number=PICKS, wait_ms=WAITS, usage=USAGES, lost=LOST)
    def fail(self, number: int, wait_ms: int | None, usage: Usage | None, lost: bool) -> None:
        held = pick(self.owners(), number)
        self.repeat(lost, lambda: self.fail_for(held, wait_ms, usage))

    @precondition(lambda self: self.owners())
    @rule(number=PICKS, usage=USAGES, lost=LOST)
    def release(self, number: int, usage: Usage | None, lost: bool) -> None:
        held = pick(self.owners(), number)
        self.repeat(lost, lambda: self.release_for(held, usage))

    @precondition(lambda self: self.fenced_off() and self.woken_at != len(self.model.feed))
    @rule(number=PICKS, usage=USAGES, wait_ms=WAITS)
    def frozen_owner_wakes(self, number: int, usage: Usage | None, wait_ms: int | None) -> None:
        """It tries everything; nothing may change, not in any key."""
        self.woken_at = len(self.model.feed)
        held = pick(self.fenced_off(), number)
        with self.unchanged():
            self.append_for(held, [(held.seq, "section", 1.0)])
            self.put_artifact_for(held, "three", usage)
            self.put_checkpoint_for(held)
            self.renew_for([held])
            self.release_for(held, usage)
            self.fail_for(held, wait_ms, usage)
            self.finish_for(held, usage)
            self.hand_over_for(held, usage)

    def append_for(self, held: Held, batch: Batch) -> None:
        expected = self.model.append_events(held, batch)
        events = [_event(seq, kind, told) for seq, kind, told in batch]
        call = self.world.store.attempts.append_events(held.claim, events)
        assert self.act("append_events", call) == expected

    def put_artifact_for(self, held: Held, write: str, usage: Usage | None) -> None:
        expected = self.model.put_artifact(held, write, usage)
        sent = ArtifactWrite(write, f"text:{write}", str(held.claim.fence).encode(), usage)
        assert self.act("put_artifact", self.world.store.attempts.put_artifact(held.claim, sent)) == expected

    def put_checkpoint_for(self, held: Held) -> None:
        expected = self.model.put_checkpoint(held)
        claim, value = held.claim, str(held.claim.fence).encode()
        items = [CheckpointItem("heads", "head", value), CheckpointItem("writes", "write", value, keep=True)]
        call = self.world.store.attempts.put_checkpoint(claim.ref, claim.fence, items)
        assert self.act("put_checkpoint", call) == expected

    def renew_for(self, held: Sequence[Held]) -> None:
        expected = [self.model.renew(each) for each in held]
        kind = held[0].claim.kind if held else JobKind.OUTLINE
        call = self.world.store.queues.renew(0, kind, LEASE_MS, [(each.claim.ref, each.claim.fence) for each in held])
        assert self.act("renew", call) == expected

    def finish_for(self, held: Held, usage: Usage | None) -> None:
        expected = self.model.finish(held, usage)
        result = json.dumps({"by": held.claim.fence}).encode()
        call = self.world.store.attempts.finish(held.claim, held.seq, result, usage)
        assert self.act("finish", call) == expected

    def complete_for(self, held: Held, usage: Usage | None) -> None:
        """The handler returns what it made, or planned."""
        (self.hand_over_for if held.job.planning else self.finish_for)(held, usage)

    def fail_for(self, held: Held, wait_ms: int | None, usage: Usage | None) -> None:
        expected = self.model.fail(held, "model_unavailable", wait_ms, usage)
        error = b'{"code":"model_unavailable","message":"It is away.","retryable":true}'
        call = self.world.store.attempts.fail(held.claim, held.seq, error, wait_ms, usage)
        assert self.act("fail", call) == expected

    def fail_transiently_for(self, held: Held, usage: Usage | None) -> None:
        self.fail_for(held, 0, usage)

    def release_for(self, held: Held, usage: Usage | None) -> None:
        expected = self.model.release(held, usage)
        call = self.world.store.attempts.release(held.claim, held.seq, usage)
        assert self.act("release", call) == expected


def _event(seq: int, kind: str, told: float) -> NewEvent:
    return progress(seq, told) if kind == "progress" else section(seq, title=str(told))
