"""Short walks that together make every move a script can make."""

from collections.abc import Callable

from shared.contracts.states import JobKind
from shared.contracts.usage import Usage
from tests.support.machine.owners import Held
from tests.support.machine.queues import HOUR_MS, LEASE_MS, OUTLINE, PLANNED, REVIEWED, Job, Sort
from tests.support.machine.rules import RECORD, StateMachine
from tests.support.machine.seen import FAMILIES

KIND = JobKind.OUTLINE


def _submit(machine: StateMachine, name: str, attempts: int = 3, delay_ms: int = 0, sort: Sort = OUTLINE) -> Job:
    machine.submit_new(name, sort, 5, attempts, delay_ms)
    return machine.model.jobs[name]


def _claim(machine: StateMachine, name: str, attempts: int = 3, sort: Sort = OUTLINE) -> Held:
    """A new job, claimed."""
    _submit(machine, name, attempts, sort=sort)
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
    """What no script leads to: a waiting job without attempts."""
    spent = _submit(machine, "a")
    spent.attempt = spent.max_attempts
    machine.world.write("a", {"attempt": spent.attempt})
    machine.tampered()
    machine.fetch_as("w1", KIND, 1)


def handing_over(machine: StateMachine) -> None:
    """Claimed twice for its plan, and once for its text, which fails; then once more for the text alone."""
    held = _claim(machine, "a", attempts=1, sort=PLANNED)
    machine.release_for(held, None)
    machine.fetch_as("w1", KIND, 1)
    _hand_over_twice(machine, machine.owners()[0])
    machine.fetch_as("w1", KIND, 1)
    assert machine.owners() == []
    machine.fetch_as("w1", JobKind.DOCUMENT, 1)
    machine.fail_for(machine.owners()[0], 0, None)
    machine.requeue_as("a", "again")
    machine.fetch_as("w2", JobKind.DOCUMENT, 1)
    machine.finish_for(machine.owners()[0], None)


def _hand_over_twice(machine: StateMachine, held: Held) -> None:
    machine.put_checkpoint_for(held)
    machine.repeat(True, lambda: machine.hand_over_for(held, Usage(llm_calls=1)))


def reviewing(machine: StateMachine) -> None:
    """Changed, cancelled, planned again without a new version, and approved."""
    _hand_over_twice(machine, _claim(machine, "a", sort=REVIEWED))
    for base in (1, 2):
        machine.put_outline_as("a", base, f"change {base}")
    machine.cancel_as("a")
    machine.retry_as("a", "again")
    machine.fetch_as("w1", KIND, 1)
    machine.hand_over_for(machine.owners()[0], None)
    assert machine.model.jobs["a"].outline_version == 3
    machine.put_outline_as("a", 1, "too late")
    machine.approve_as("a", 2)
    machine.approve_as("a", 3)
    machine.retry_as("a", "not yet")
    machine.fetch_as("w1", JobKind.DOCUMENT, 1)
    machine.finish_for(machine.owners()[0], None)


def changing_what_is_made(machine: StateMachine) -> None:
    machine.finish_for(_claim(machine, "a"), None)
    for base in (1, 2, 2):
        machine.put_outline_as("a", base, f"change {base}")
    machine.model.expire_work(machine.model.jobs["a"])
    machine.world.forget("a", FAMILIES.keys() - RECORD)
    machine.tampered()
    machine.put_outline_as("a", 3, "too late")


def dying_between(machine: StateMachine) -> None:
    """Its end is asked for while it is planned, and its planner lets go of it at the same moment."""
    held = _claim(machine, "a", sort=REVIEWED)
    machine.cancel_as("a")
    machine.hand_over_for(held, None)


WALKS: tuple[Callable[[StateMachine], None], ...] = (
    waiting, running, failing, crashing, unheard, asked_to_end, losing_places, by_hand,
    handing_over, reviewing, changing_what_is_made, dying_between,
)  # fmt: skip
