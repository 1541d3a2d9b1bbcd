"""The machine that hypothesis drives: the rules below, each on the model and on the server."""

from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant
from hypothesis.strategies._internal.featureflags import FeatureFlags

from shared.contracts.ids import DEFAULT_TENANT
from shared.contracts.states import Band, JobKind, JobState
from shared.contracts.usage import Usage
from tests.support.machine.agreement import agree
from tests.support.machine.model import Model
from tests.support.machine.owners import Held
from tests.support.machine.queues import DOCUMENT, HOUR_MS, LEASE_MS, OUTLINE, PLANNED, REVIEWED, Job
from tests.support.machine.world import World

Item = TypeVar("Item")
Reply = TypeVar("Reply")
KINDS = st.sampled_from(list(JobKind))
SORTS = st.sampled_from([OUTLINE, DOCUMENT, PLANNED, REVIEWED])
PICKS = st.integers(0, 5)
"""Which of those there are; see ``pick``."""
LOST = st.booleans()
"""The reply to a command that was carried out is lost: the caller repeats the very same call."""
USAGES = st.sampled_from([None, Usage(llm_calls=1, prompt_tokens=7, completion_tokens=3, cost_usd=0.25),
    Usage(llm_calls=2, prompt_tokens=1, estimated=True)])  # fmt: skip


def pick(items: Sequence[Item], number: int) -> Item:
    return items[number % len(items)]


class Machine(RuleBasedStateMachine):
    """A world, its model, and what the workers believe to hold."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        # Swarm testing takes half of the rules out of an example; these need one another: what was not fetched never
        # ends.
        self._rules_strategy.enabled_rules_strategy = st.builds(FeatureFlags)
        self.world.empty()
        self.model = Model()
        self.held: list[Held] = []
        self.asked = 0
        """Requests so far: each has an id of its own."""
        self.agreed = False
        self.disturbed_at = -1
        """How many events there were when something last came in between."""

    def calm(self) -> bool:
        """Whether something happened since something came in between: disturbances are not to pile up."""
        return self.disturbed_at != len(self.model.feed)

    def disturbed(self) -> None:
        self.disturbed_at = len(self.model.feed)

    def jobs_in(self, *states: JobState) -> list[Job]:
        return [job for job in self.model.jobs.values() if job.state in states]

    def live(self) -> list[Job]:
        """Jobs that have not ended."""
        return self.jobs_in(JobState.SCHEDULED, JobState.QUEUED, JobState.RUNNING, JobState.AWAITING_REVIEW)

    def owners(self) -> list[Held]:
        """Those that hold a job now."""
        return [held for held in self.held if self.model.holds(held)]

    def fenced_off(self) -> list[Held]:
        """Those that were frozen while their job went on without them, was purged, or even made anew."""
        return [held for held in self.held if not self.model.holds(held)]

    def act(self, script: str, call: Coroutine[Any, Any, Reply]) -> Reply:
        self.agreed = False
        self.model.now += 1
        return self.world.act(script, call)

    @contextmanager
    def unchanged(self, *, when: bool = True) -> Iterator[None]:
        """No key may change, neither its value nor its time of expiry."""
        before = self.world.dump() if when else {}
        yield
        assert not when or self.world.dump() == before

    def tampered(self) -> None:
        """Something changed that no script did."""
        self.disturbed()
        self.agreed = False
        self.model.now += 1
        self.world.look()

    def jump_by(self, ms: int) -> None:
        self.model.now += ms
        self.world.jump(ms)
        self.tampered()

    def end_lease_of(self, job: Job) -> None:
        self.model.leases[job.id] = self.model.now - HOUR_MS
        self.world.end_lease(job.phase, job.id)
        self.tampered()

    def repeat(self, lost: bool, step: Callable[[], object]) -> None:
        """Take a step, and once more where its reply was lost: that changes nothing."""
        step()
        if lost:
            with self.unchanged():
                step()

    def sweep_all(self, kind: JobKind) -> None:
        """One whole round: so few jobs are one part."""
        seen, known = self.world.seen, self.model.jobs.keys()
        dropped = len(seen.index - known) + sum(len(self.model.gone(kind, band)) for band in Band)
        restored = self.model.sweep(kind)
        swept = self.act("sweep", self.world.store.queues.sweep(0, kind, DEFAULT_TENANT, 0, LEASE_MS))
        assert (swept.cursor, swept.dropped, swept.restored) == (0, dropped, restored)

    def request_id(self) -> str:
        self.asked += 1
        return f"request-{self.asked}"

    @invariant()
    def agrees(self) -> None:
        agree(self.model, self.world)
        self.agreed = True
