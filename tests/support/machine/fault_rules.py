"""What goes wrong: clocks jump, keys vanish, groups are lost; and the sweep after it."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from shared.contracts.states import Band, JobKind, JobState
from tests.support.machine.machine import PICKS, pick
from tests.support.machine.queues import HOUR_MS, Entry, Job
from tests.support.machine.worker_rules import WorkerRules
from tests.support.machine.world import JOBS

_OF_LATE = ("phase", "review", "outline_version", "parent", "root", "section", "batch", "max_tokens", "max_cost")


class FaultRules(WorkerRules):
    @precondition(lambda self: self.calm())
    @rule(hours=st.sampled_from([-12, -1, 1, 6, 12]))
    def jump(self, hours: int) -> None:
        """The clock of Redis is set."""
        self.jump_by(hours * HOUR_MS)

    @precondition(lambda self: self.swept())
    @rule(number=PICKS)
    def sweep(self, number: int) -> None:
        self.sweep_all(pick(self.swept(), number))

    def swept(self) -> list[JobKind]:
        """Kinds in which a sweep finds something, or has to leave a lease alone that ended."""
        model = self.model
        ended = [model.jobs[name].phase for name, at in model.leases.items() if at <= model.now]
        damaged = [job.phase for job in model.jobs.values() if job.damaged]
        return [kind for kind in JobKind if model.expired or kind in ended + damaged]

    @precondition(lambda self: self.calm() and self.places())
    @rule(number=PICKS)
    def lose_place(self, number: int) -> None:
        """The sweep will put it back."""
        self.take_away(*pick(self.places(), number))

    def take_away(self, what: str, job: Job) -> None:
        """A job's entry, lease or schedule is deleted by hand."""
        job.damaged = True
        if what == "entry":
            self.world.delete_entry(*job.queue, job.id)
            self.model.streams[job.queue] = [entry for entry in self.model.streams[job.queue] if entry is not job.entry]
        else:
            self.world.delete_place(job.phase, what, job.id)
            (self.model.leases if what == "lease" else self.model.delayed).pop(job.id)
        self.tampered()

    def places(self) -> list[tuple[str, Job]]:
        """All that could be taken away, job by job."""
        model = self.model
        stands = {
            "lease": lambda job: job.id in model.leases,
            "delay": lambda job: job.id in model.delayed,
            "entry": model.stands,
        }
        return [(what, job) for job in model.jobs.values() for what, there in stands.items() if there(job)]

    @precondition(lambda self: self.calm() and self.live())
    @rule(number=PICKS)
    def add_stray_lease(self, number: int) -> None:
        """A job's lease stands among those of the other kind, whose workers have nothing to do with it."""
        job = pick(self.live(), number)
        other = next(kind for kind in JobKind if kind is not job.phase)
        self.world.add_lease(other, job.id)
        self.tampered()
        if job.state is JobState.RUNNING:
            self.reconcile_as(job.worker, other)
        self.fetch_as("w1", other, 1)

    @precondition(lambda self: self.calm() and self.plain())
    @rule(number=PICKS)
    def predate(self, number: int) -> None:
        """The record is from before there were phases."""
        self.world.omit(pick(self.plain(), number).id, _OF_LATE)
        self.tampered()

    def plain(self) -> list[Job]:
        """Jobs of which an older version knew all there is."""
        return [job for job in self.model.jobs.values() if not job.sort.planned and job.outline_version is None]

    @precondition(lambda self: self.calm() and self.delivered())
    @rule(number=PICKS)
    def destroy_group(self, number: int) -> None:
        """As after a failover that lost it: the next fetch makes it anew and is given every entry again."""
        queue = pick(self.delivered(), number)
        for entry in self.model.streams[queue]:
            entry.delivered = False
        self.world.destroy_group(*queue)
        self.tampered()

    def delivered(self) -> list[tuple[JobKind, Band]]:
        """Streams whose group has read something that is still there."""
        streams = self.model.streams.items()
        return [queue for queue, entries in streams if any(entry.delivered for entry in entries)]

    @precondition(lambda self: self.calm() and self.live() and all(map(self.model.sound, JobKind)))
    @rule(number=PICKS, name=st.sampled_from(JOBS))
    def add_stray_entry(self, number: int, name: str) -> None:
        """An entry that no record names: of a job that is gone, settled, or waits or runs by another entry."""
        queue = pick(self.live(), number).queue
        self.model.streams[queue].append(Entry(name))
        self.world.add_entry(*queue, name)
        self.tampered()
