"""Lists of jobs, newest first, filtered while they are walked."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from shared.contracts.ids import DEFAULT_TENANT
from shared.contracts.jobs import Job
from shared.contracts.states import JobKind, JobState
from shared.redis.jobs import Jobs
from shared.redis.lists import Lists, Place

PAGE_RECORDS = 200
MOST_WALKED = 5_000
"""Records looked at for one page: a rare state in a long list may take several pages, some of them short."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, and where the next one goes on; None at the end."""

    jobs: list[Job]
    following: Place | None


class JobLists:
    """The lists that clients and operators page through."""

    def __init__(
        self, lists: Lists, jobs: Jobs, page_records: int = PAGE_RECORDS, most_walked: int = MOST_WALKED
    ) -> None:
        self._lists = lists
        self._jobs = jobs
        self.page_records = page_records
        self.most_walked = most_walked

    async def jobs(self, kind: JobKind | None, state: JobState | None, before: Place | None, limit: int) -> Page:
        """All jobs, or those of a kind or in a state."""

        def wanted(job: Job) -> bool:
            return kind in {None, job.kind} and state in {None, job.state}

        return await self._walk(
            lambda place, count: self._lists.jobs(DEFAULT_TENANT, place, count), wanted, before, limit
        )

    async def dead_letters(self, kinds: Sequence[JobKind], before: Place | None, limit: int) -> Page:
        """Jobs that used up their attempts, by the time they did."""

        def wanted(job: Job) -> bool:
            # A letter may outlive its record, and its name be used again.
            return job.phase in kinds and job.state is JobState.FAILED

        return await self._walk(
            lambda place, count: self._lists.dead_letters(kinds, place, count), wanted, before, limit
        )

    async def _walk(
        self,
        read: Callable[[Place | None, int], Awaitable[list[Place]]],
        wanted: Callable[[Job], bool],
        before: Place | None,
        limit: int,
    ) -> Page:
        found: list[tuple[Place, Job]] = []
        walked = 0
        while walked < self.most_walked:
            places = await read(before, self.page_records)
            records = await self._jobs.records([place.ref for place in places])
            for place, record in zip(places, records, strict=True):
                if record and wanted(job := Job.from_record(place.ref, record)):
                    if len(found) == limit:
                        return Page([job for _, job in found], found[-1][0])
                    found.append((place, job))
            walked += len(places)
            if len(places) < self.page_records:
                return Page([job for _, job in found], None)
            before = places[-1]
        return Page([job for _, job in found], before)
