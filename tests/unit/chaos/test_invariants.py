"""Each invariant finds what breaks it, in a history and a state made up for it."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.history import History
from tests.chaos.invariants import View, check
from tests.chaos.jobs import Job
from tests.chaos.state import Event, JobState, Queue, State

MARKER, OTHER = "zqaaaaaaaa", "zqbbbbbbbb"
JOB = Job("job", "document", MARKER, {})
TEXT = f"This is what {MARKER} has to say."
RECORD = {
    "state": "completed", "max_attempts": "3", "attempt": "1", "settled_fence": "2", "error": "", "fence": "2",
}  # fmt: skip
JOURNAL = [
    Event("1-0", "queued", {"reason": "submitted"}),
    Event("2-0", "started", {"attempt": 1}),
    Event("2-1", "section", {"section_id": "s1"}),
    Event("2-2", "completed", {}),
]
RESULT = {"document": {"markdown": f"# Bees\n\n## Part 1\n\n{TEXT}\n"}}
RETRIED = Event("3-0", "queued", {"reason": "retried"})


def _history() -> History:
    history = History(1)
    history.add(1, "ok", "submit", "job", code=202, body={})
    for event in JOURNAL:
        history.add(2, "event", "follow", "job", id=event.id, type=event.type)
    history.add(3, "ok", "get", "job", code=200, body={"status": "completed", "run": 1})
    return history


def _view(**changes: Any) -> View:
    """A job that went as it should; ``changes`` are of its state, or with a capital of the server's."""
    job = JobState(RECORD, list(JOURNAL), "{}", dict(RESULT), {})
    job = replace(job, **{name: value for name, value in changes.items() if name in JobState.__slots__})
    state = State({"job": job}, ended=1, ttls={"draftline:shards": -1})
    state = replace(state, **{name: value for name, value in changes.items() if name in State.__slots__})
    return View(_history(), state, {"job": JOB}, {MARKER: [TEXT]}, changes.get("mixed", ()))


def _with(**fields: str) -> dict[str, str]:
    return {**RECORD, **fields}


def _told(phase: Any, what: str, **data: Any) -> Callable[[View], None]:
    return lambda view: view.history.add(9, phase, what, "job", **data)


def test_a_job_that_went_well_breaks_nothing() -> None:
    assert check(_view()) == []


FAILED = _with(state="failed", attempt="3", error=json.dumps({"retryable": True}))
ENDED_FAILED = [*JOURNAL[:3], Event("2-2", "failed", {})]
STREAM = "draftline:{0}:requests:document:low"


@pytest.mark.parametrize(
    ("invariant", "changes"),
    [
        ("I1", {"jobs": {}, "ended": 0}),
        ("I2", {"journal": JOURNAL[:3]}),
        ("I2", {"journal": [*JOURNAL, Event("2-3", "delta", {})]}),
        ("I2", {"journal": [*JOURNAL, Event("2-3", "completed", {})]}),
        ("I2", {"journal": [*JOURNAL, RETRIED], "ended": 2}),
        ("I2", {"ended": 2}),
        ("I2", {"record": _with(state="cancelled")}),
        ("I3", {"journal": [*JOURNAL[:2], Event("2-3", "section", {}), Event("2-4", "completed", {})]}),
        ("I3", {"journal": [JOURNAL[0], *JOURNAL[:0:-1]]}),
        ("I4", {"journal": [*[Event(f"{n}-0", "started", {}) for n in range(2, 6)], Event("5-1", "completed", {})]}),
        ("I4", {"record": FAILED, "journal": ENDED_FAILED}),
        ("I4", {"dead": {"job"}}),
        ("I5", {"result": None}),
        ("I5", {"record": _with(settled_fence="1")}),
        ("I5", {"result": {"document": {"markdown": "# Bees\n\nNobody said this.\n"}}}),
        ("I6", {"queues": {STREAM: Queue(1, 1, ["worker"])}}),
        ("I6", {"queues": {STREAM: Queue(0, 0, ["worker-7"])}}),
        ("I6", {"places": {"leases": ["default/job"]}}),
        ("I6", {"counts": {"document:running:low": 1}}),
        ("I6", {"ttls": {"draftline:{0}:what": 5}}),
        ("I6", {"ttls": {"draftline:{0}:artifact:default/job": -1}}),
        ("I7", {"payload": f"about {OTHER}"}),
        ("I7", {"mixed": [f"{MARKER} and {OTHER}"]}),
        ("I6", {"ttls": {"draftline:{0}:artifact:other/job": 5}}),
    ],
)  # fmt: skip
def test_each_invariant_is_found_broken(invariant: str, changes: dict[str, Any]) -> None:
    found = {violation.invariant for violation in check(_view(**changes))}
    assert invariant in found


@pytest.mark.parametrize(
    ("invariant", "tell"),
    [
        ("I2", _told("ok", "get", body={"status": "failed", "run": 1})),
        ("I2", _told("ok", "cancel", body={"status": "running", "run": 1})),
        ("I3", _told("event", "follow", id="2-1", type="section")),
        ("I3", _told("event", "follow", id="2-0", type="gap")),
    ],
)
def test_what_clients_were_told_is_compared(invariant: str, tell: Callable[[View], None]) -> None:
    view = _view()
    tell(view)
    assert invariant in {violation.invariant for violation in check(view)}


def test_a_documented_loss_is_forgiven_to_its_jobs_only() -> None:
    gone = _view(jobs={}, ended=0)
    assert check(replace(gone, lost=frozenset({"job"}))) == []
    assert {violation.invariant for violation in check(replace(gone, lost=frozenset({"another"})))} == {"I1"}


def test_all_keys_of_a_job_are_known() -> None:
    ttls = {"draftline:{0}:job:default/a": 5, "draftline:{0}:stats:29000000": 5, "draftline:{0}:worker:vm-1-ab": 5}
    assert check(_view(ttls=ttls)) == []
