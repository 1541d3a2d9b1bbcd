"""What has to hold after every step: Redis says what the model says, and each job's own story makes sense."""

from itertools import pairwise

from shared.contracts.ids import EventId, JobRef
from shared.contracts.jobs import Job as Found
from shared.contracts.states import TERMINAL_STATES, Band, JobKind
from tests.support.machine.model import Model
from tests.support.machine.queues import Event, Job
from tests.support.machine.seen import Seen, SeenJob, SeenKind
from tests.support.machine.world import World

SLACK_MS = 120_000
"""The clock of the model stands still between jumps."""


def agree(model: Model, world: World) -> None:
    """Raises AssertionError at the first difference."""
    seen = world.seen
    assert seen.jobs.keys() == model.jobs.keys()
    assert seen.fences == model.fences
    assert all(ttl > 0 for ttls in seen.left.values() for ttl in ttls.values())
    for name, job in model.jobs.items():
        _record_agrees(job, seen.jobs[name])
        _stored_work_agrees(job, seen.jobs[name])
        _tells_one_story(seen.jobs[name].journal)
    assert world.heard == model.feed
    assert model.jobs.keys() <= seen.index <= model.jobs.keys() | model.expired
    assert seen.paused == model.paused
    for kind in JobKind:
        _queues_agree(model, kind, seen.kinds[kind], seen.now)
        if model.sound(kind):
            _each_stands_where_its_state_says(kind, seen)
        _counts_agree(model, world, kind)


def _record_agrees(job: Job, seen: SeenJob) -> None:
    record = Found.from_record(JobRef(job.id), seen.record)
    told = {name: getattr(record, name) for name in ("kind", "phase", "band", "state", "run", "run_fence", "fence",
        "attempt", "max_attempts", "digest", "request_id", "usage", "review", "outline_version")}  # fmt: skip
    assert told == {name: getattr(job, name) for name in told}, job.id
    assert (record.worker or "", record.progress.percent) == (job.worker, job.percent), job.id
    assert (record.error.code if record.error else "") == job.error, job.id
    assert (seen.record["cancel"] == "1") == job.cancel, job.id
    assert seen.record["settled_fence"] == str(job.settled_fence or ""), job.id
    assert bool(record.entry) == (job.entry is not None), job.id
    assert 0 <= record.attempt <= record.max_attempts, job.id
    assert 0 <= int(seen.record["worked"]) <= job.worked + SLACK_MS, job.id
    assert job.worked <= int(seen.record["worked"]) + SLACK_MS, job.id


def _stored_work_agrees(job: Job, seen: SeenJob) -> None:
    assert (seen.artifact, seen.heads, seen.writes) == (job.artifact, job.heads, job.writes), job.id
    result = {"by": job.result_by, "usage": job.usage.model_dump()}
    assert seen.result == (None if job.result_by is None else result), job.id
    assert seen.journal == job.journal, job.id
    ttls = job.ttls()
    assert seen.ttls.keys() == ttls.keys(), job.id
    for family, ttl in ttls.items():
        assert ttl - SLACK_MS / 1_000 <= seen.ttls[family] <= ttl, f"{job.id}: TTL of {family}"


def _tells_one_story(journal: list[Event]) -> None:
    """Ids grow, only owners number events, a run ends once and at its end, and percent never falls in it."""
    ids = [EventId.parse(event_id) for event_id, _, _ in journal]
    assert all(earlier and later and earlier < later for earlier, later in pairwise(ids))
    claimed = {at.fence for at, (_, kind, _) in zip(ids, journal, strict=True) if at and kind == "started"}
    assert {at.fence for at in ids if at and at.seq > 0} <= claimed
    over, percent = False, 0.0
    for _, kind, detail in journal:
        if (kind, detail) == ("queued", "retried"):
            assert over
            over, percent = False, 0.0
        assert not over, "something follows the end of a run"
        over = kind in TERMINAL_STATES
        if kind == "progress":
            assert isinstance(detail, int | float)
            assert detail >= percent
            percent = detail


def _queues_agree(model: Model, kind: JobKind, seen: SeenKind, now: int) -> None:
    names = {job.id for job in model.of(kind)}
    leases = {name: at <= model.now for name, at in model.leases.items() if name in names}
    assert {name: at <= now for name, at in seen.leases.items()} == leases
    assert {name: at <= now for name, at in seen.delayed.items()} == {
        name: at <= model.now for name, at in model.delayed.items() if name in names
    }
    for band in Band:
        assert seen.dead[band] == model.dead[kind, band]
        stream = model.streams[kind, band]
        assert [name for _, name in seen.streams[band]] == [entry.job for entry in stream]
        ids = [entry_id for entry_id, _ in seen.streams[band]]
        given = [entry_id for entry_id, entry in zip(ids, stream, strict=True) if entry.delivered]
        # An entry that was deleted by hand stays pending until a sweep.
        assert [entry_id for entry_id in seen.pending[band] if entry_id in ids] == given


def _each_stands_where_its_state_says(kind: JobKind, seen: Seen) -> None:
    """Judged by the records alone. Who waits for a person stands nowhere."""
    jobs = {name: job.record for name, job in seen.jobs.items() if job.phase == kind}
    states = {name: record["state"] for name, record in jobs.items()}
    queues = seen.kinds[kind]
    entries = sorted((name, entry_id) for band in Band for entry_id, name in queues.streams[band])
    assert entries == sorted(
        (name, jobs[name]["entry"]) for name, state in states.items() if state in {"queued", "running"}
    )
    running = {name for name, state in states.items() if state == "running"}
    assert running <= queues.leases.keys()
    assert {states[name] for name in queues.leases.keys() - running} <= {"queued"}
    assert queues.delayed.keys() == {name for name, state in states.items() if state == "scheduled"}
    assert {states[name] for dead in queues.dead.values() for name in dead & jobs.keys()} <= {"failed"}


def _counts_agree(model: Model, world: World, kind: JobKind) -> None:
    overview = world.overview(kind)
    assert (overview.paused_at_ms is not None) == (kind in model.paused)
    for band, standing in overview.bands.items():
        expected = model.standing(kind, band)
        counts = world.seen.kinds[kind].counts
        states = ("running", "scheduled", "awaiting_review")
        counted = [int(counts.get(f"{state}:{band}", 0)) for state in states]
        assert counted == [expected.running, expected.scheduled, expected.awaiting_review]
        if model.sound(kind):
            assert standing == expected
