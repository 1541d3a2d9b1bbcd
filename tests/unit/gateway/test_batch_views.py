"""A batch in numbers: every item is counted once, wherever it stands."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.batches.views import BatchView, accepted_batch, batch_view
from shared.contracts.ids import START, JobRef
from shared.contracts.jobs import Job, Origin, Progress
from shared.contracts.states import Band, JobKind, JobState
from shared.contracts.usage import Usage
from shared.redis.batches import BatchRecord, Fault, Member, Refusal

NOW = datetime(2031, 1, 1, tzinfo=UTC)
COUNTED = ("refused", "accepting", *JobState, "expired")


def _job(index: int, state: JobState, percent: float = 0.0, **changes: Any) -> Job:
    job = Job(
        ref=JobRef(f"b.{index}"),
        kind=JobKind.OUTLINE,
        phase=JobKind.OUTLINE,
        band=Band.DEFAULT,
        state=state,
        entry="",
        run=1,
        run_fence=1,
        fence=1,
        attempt=1,
        max_attempts=3,
        priority=5,
        digest=f"d{index}",
        request_id="r",
        metadata={},
        progress=Progress(percent=percent),
        usage=Usage(llm_calls=1, prompt_tokens=10, cost_usd=0.5),
        error=None,
        created_at=NOW,
        queued_at=NOW,
        started_at=None,
        finished_at=None,
        not_before=None,
        result_expires_at=None,
        worker=None,
        trimmed=START,
        outline_version=None,
        review=None,
        origin=Origin(batch="b"),
    )
    return dataclasses.replace(job, **changes)


def _record(members: int, *refused: int, stored: bool = True) -> BatchRecord:
    return BatchRecord(
        digest="d",
        created_at=NOW,
        request_id="r",
        life_seconds=60,
        members=tuple(Member(index=n, job_id=f"b.{n}", kind=JobKind.OUTLINE, digest=f"d{n}") for n in range(members)),
        refusals=tuple(_refusal(n) for n in refused),
        stored=stored,
    )


def _refusal(index: int) -> Refusal:
    faults = (Fault(pointer=f"/items/{index}/x", message="no"),)
    return Refusal(index=index, status=422, code="validation_failed", detail="no", errors=faults)


def _view(record: BatchRecord, *jobs: Job | None) -> BatchView:
    view = batch_view("b", record, jobs, NOW)
    counts = view.jobs.model_dump()
    assert sum(counts[name] for name in COUNTED) == view.jobs.total == record.total
    return view


def test_every_state_is_counted() -> None:
    jobs = [_job(n, state) for n, state in enumerate(JobState)]
    view = _view(_record(len(jobs), 90, 91), *jobs)
    each = {str(state): 1 for state in JobState}
    assert view.jobs.model_dump() == {"total": 9, "refused": 2, "accepting": 0, "expired": 0, **each}
    assert view.usage == Usage(llm_calls=7, prompt_tokens=70, cost_usd=3.5)
    assert not view.finished
    assert [each.index for each in view.errors] == [90, 91]


def test_progress_is_the_mean_of_the_jobs_and_what_has_ended_counts_whole() -> None:
    view = _view(
        _record(4, 9),
        _job(0, JobState.RUNNING, 50.0, progress=Progress(50.0, expected_at=NOW + timedelta(seconds=30))),
        _job(1, JobState.FAILED, 20.0),
        _job(2, JobState.QUEUED, progress=Progress(expected_at=NOW + timedelta(seconds=900))),
        _job(3, JobState.RUNNING, 10.0, progress=Progress(10.0, expected_at=NOW + timedelta(seconds=40))),
    )
    assert (view.progress.percent, view.progress.eta_seconds) == (40.0, 40.0)


@pytest.mark.parametrize(("stored", "expired", "accepting", "percent"), [(True, 1, 0, 100.0), (False, 0, 1, 50.0)])
def test_a_job_that_is_not_there_has_expired_or_is_still_to_come(
    stored: bool, expired: int, accepting: int, percent: float
) -> None:
    view = _view(_record(2, stored=stored), _job(0, JobState.COMPLETED, 100.0), None)
    assert (view.jobs.expired, view.jobs.accepting, view.finished) == (expired, accepting, stored)
    assert view.progress.percent == percent


def test_an_item_whose_job_could_not_be_stored_is_refused() -> None:
    view = _view(_record(2, 1), _job(0, JobState.COMPLETED), None)
    assert (view.jobs.refused, view.jobs.expired, view.finished) == (1, 0, True)


def test_a_job_that_is_there_counts_more_than_its_refusal() -> None:
    """Of two equal requests at once one may have come too early for its outline."""
    record = _record(2, 1)
    view = _view(record, _job(0, JobState.COMPLETED), _job(1, JobState.QUEUED))
    assert (view.jobs.refused, view.jobs.queued, view.errors) == (0, 1, [])
    accepted = accepted_batch("b", record, [_job(0, JobState.COMPLETED), _job(1, JobState.QUEUED)])
    assert (accepted.accepted, accepted.refused) == (2, 0)


def test_where_no_job_could_be_stored_the_batch_is_finished() -> None:
    view = _view(_record(1, 0), None)
    assert (view.finished, view.progress.percent, view.progress.eta_seconds) == (True, 100.0, None)


def test_the_first_hundred_refusals_are_shown() -> None:
    view = _view(_record(1, *range(1, 151)), _job(0, JobState.QUEUED))
    assert (view.jobs.refused, [each.index for each in view.errors]) == (150, list(range(1, 101)))


def test_the_answer_lists_the_items_in_their_order() -> None:
    accepted = accepted_batch("b", _record(2, 2, 1), [_job(0, JobState.QUEUED), None]).model_dump(mode="json")
    assert (accepted["accepted"], accepted["refused"]) == (1, 2)
    assert accepted["jobs"][0] == {"index": 0, "job_id": "b.0", "kind": "outline", "status": "queued"}
    assert [(each["index"], each["job_id"]) for each in accepted["jobs"][1:]] == [(1, None), (2, None)]
    assert accepted["jobs"][2]["error"] == {
        "type": "urn:draftline:problem:validation_failed",
        "title": "The request breaks the contract",
        "status": 422,
        "detail": "no",
        "code": "validation_failed",
        "request_id": "r",
        "errors": [{"pointer": "/items/2/x", "message": "no"}],
    }


def test_a_job_that_has_expired_is_said_to_have() -> None:
    accepted = accepted_batch("b", _record(1), [None])
    assert [each.model_dump()["status"] for each in accepted.jobs] == ["expired"]
