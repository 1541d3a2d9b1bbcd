"""Walking a list page by page, whatever is filtered out and however far one page looks."""

import asyncio
from collections.abc import Sequence
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from gateway.parts.listing import JobLists
from shared.contracts.ids import JobRef
from shared.contracts.states import JobKind, JobState
from shared.redis.jobs import Jobs
from shared.redis.lists import Lists, Place

EMPTY = (
    "entry", "request_id", "digest", "step", "message", "eta", "error", "queued_at", "started_at", "finished_at",
    "not_before", "worker", "trimmed",
)  # fmt: skip
NUMBERS = ("run", "run_fence", "fence", "attempt", "max_attempts", "priority", "percent", "created_at")
RECORD = dict.fromkeys(EMPTY, "") | dict.fromkeys(NUMBERS, "1") | {"band": "default", "metadata": "{}"}
JOBS = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from(JobKind), st.sampled_from(["queued", "failed"]), st.booleans()),
    max_size=40,
)


class Listed:
    """A list in memory: (time, kind, state, whether its record has expired) by place."""

    def __init__(self, jobs: Sequence[tuple[int, JobKind, str, bool]]) -> None:
        self.by_place = {Place(at, f"default/job-{number}"): job for number, (at, *job) in enumerate(jobs)}

    async def jobs(self, tenant: str, before: Place | None, count: int) -> list[Place]:
        places = sorted(self.by_place, reverse=True)
        return [place for place in places if before is None or place < before][:count]

    async def records(self, refs: Sequence[JobRef]) -> list[dict[str, str]]:
        by_ref = {place.ref: job for place, job in self.by_place.items()}
        found = []
        for ref in refs:
            kind, state, expired = by_ref[ref]
            found.append({} if expired else RECORD | {"kind": str(kind), "state": str(state)})
        return found


async def _walk(
    lists: JobLists, kind: JobKind | None, state: JobState | None, limit: int
) -> list[tuple[int, list[JobRef]]]:
    """How many of each page, and which."""
    pages, place = [], None
    while True:
        page = await lists.jobs(kind, state, place, limit)
        pages.append((len(page.jobs), [job.ref for job in page.jobs]))
        place = page.following
        if place is None:
            return pages
        assert len(pages) <= 100


@given(
    JOBS, st.sampled_from([None, *JobKind]), st.sampled_from([None, JobState.QUEUED, JobState.FAILED]),
    st.integers(1, 8), st.integers(1, 9), st.integers(1, 20),
)  # fmt: skip
def test_every_wanted_job_is_in_one_page(
    jobs: list[tuple[int, JobKind, str, bool]],
    kind: JobKind | None,
    state: JobState | None,
    limit: int,
    records: int,
    most: int,
) -> None:
    store = Listed(jobs)
    wanted = [
        place.ref
        for place, (its_kind, its_state, expired) in sorted(store.by_place.items(), reverse=True)
        if kind in {None, its_kind} and state in {None, its_state} and not expired
    ]
    lists = JobLists(cast("Lists", store), cast("Jobs", store), records, most)
    pages = asyncio.run(_walk(lists, kind, state, limit))
    assert [ref for _, refs in pages for ref in refs] == wanted
    assert max(count for count, _ in pages) <= limit
    if most > len(jobs):
        assert len(pages) == max(1, -(-len(wanted) // limit))
