"""Short walks that together make every move a script can make."""

from collections.abc import Callable

from shared.contracts.states import Band, JobKind, JobState
from tests.support.machine.model import Held
from tests.support.machine.queues import HOUR_MS, LEASE_MS, Job
from tests.support.machine.rules import StateMachine

KIND = JobKind.OUTLINE


def _submit(machine: StateMachine, name: str, attempts: int = 3, delay_ms: int = 0) -> Job:
    machine.submit_new(name, KIND, 5, attempts, delay_ms)
    return machine.model.jobs[name]


def _claim(machine: StateMachine, name: str, attempts: int = 3) -> Held:
    """A new job, claimed."""
    _submit(machine, name, attempts)
    machine.fetch_as("w1", KIND, 1)
    return machine.owners()[-1]


def _come_due(machine: StateMachine) -> None:
    machine.jump_by(HOUR_MS)
    machine.promote_as(KIND)


def _take_over(machine: StateMachine, held: Held) -> None:
    machine.end_lease_of(held.job)
    machine.fetch_as("w2", KIND, 1)


def waiting(machine: StateMachine) -> None:
    _submit(machine, "a")
    machine.cancel_as("a")
    machine.retry_as("a", "again")
    _submit(machine, "b", delay_ms=HOUR_MS)
    _come_due(machine)
    _submit(machine, "c", delay_ms=HOUR_MS)
    machine.cancel_as("c")


def running(machine: StateMachine) -> None:
    machine.release_for(_claim(machine, "a"), None)
    machine.fetch_as("w1", KIND, 1)
    _take_over(machine, machine.owners()[0])
    machine.finish_for(machine.owners()[0], None)


def failing(machine: StateMachine) -> None:
    machine.fail_for(_claim(machine, "a", attempts=2), 0, None)
    _come_due(machine)
    machine.fetch_as("w1", KIND, 1)
    machine.fail_for(machine.owners()[0], 0, None)
    machine.requeue_as("a", "again")
    machine.fetch_as("w1", KIND, 1)
    machine.fail_for(machine.owners()[0], None, None)
    machine.retry_as("a", "once more")


def crashing(machine: StateMachine) -> None:
    _take_over(machine, _claim(machine, "a", attempts=1))
    machine.purge_as("a")


def unheard(machine: StateMachine) -> None:
    """A claim whose reply is lost, and one more of a job whose end is asked for meanwhile."""
    _submit(machine, "a")
    machine.fetch_as("w1", KIND, 1, lost=True)
    machine.cancel_as("a")
    machine.reconcile_as("w1", KIND)
    machine.fetch_as("w1", KIND, 1)


def asked_to_end(machine: StateMachine) -> None:
    finishing, failing, releasing, dying = [_claim(machine, name) for name in "abcd"]
    for name in "abcd":
        machine.cancel_as(name)
    machine.finish_for(finishing, None)
    machine.fail_for(failing, 0, None)
    machine.release_for(releasing, None)
    _take_over(machine, dying)


def losing_places(machine: StateMachine) -> None:
    """Whatever is deleted by hand, the sweep puts it back, and the job runs."""
    running, released = _claim(machine, "a"), _claim(machine, "b")
    machine.release_for(released, None)
    scheduled, queued = _submit(machine, "c", delay_ms=HOUR_MS), _submit(machine, "d")
    for what, job in (("lease", released.job), ("entry", running.job), ("delay", scheduled), ("entry", queued)):
        machine.take_away(what, job)
        machine.sweep_all(KIND)
    machine.take_away("lease", running.job)
    machine.sweep_all(KIND)
    machine.jump_by(LEASE_MS)
    machine.promote_as(KIND)
    machine.fetch_as("w1", KIND, 4)
    assert [held.job.id for held in machine.owners()] == ["b", "a", "d", "c"]


def by_hand(machine: StateMachine) -> None:
    """What no script leads to: a waiting job without attempts, and one that waits for a person."""
    spent, reviewed = _submit(machine, "a"), _submit(machine, "b")
    spent.attempt = spent.max_attempts
    machine.world.write("a", {"attempt": spent.attempt})
    machine.world.delete_entry(KIND, Band.DEFAULT, "b")
    machine.model.leave(reviewed)
    reviewed.state = JobState.AWAITING_REVIEW
    machine.world.write("b", {"state": "awaiting_review", "entry": ""})
    machine.tampered()
    machine.fetch_as("w1", KIND, 2)
    machine.cancel_as("b")


WALKS: tuple[Callable[[StateMachine], None], ...] = (
    waiting, running, failing, crashing, unheard, asked_to_end, losing_places, by_hand,
)  # fmt: skip
