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
PROMPTED = replace(JOB, body={"task_prompt": "How bees make honey"})
READY = Event("2-1", "outline_ready", {"version": 1})
HANDED_OVER = [
    *JOURNAL[:2], READY, Event("3-0", "queued", {"reason": "outline_ready"}), Event("4-0", "started", {"attempt": 1}),
    Event("4-1", "completed", {}),
]  # fmt: skip


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


def _prompted(journal: list[Event], *titles: str, **changes: Any) -> View:
    """A document from a prompt, with sections of these titles in the only version of its outline."""
    outline = {"title": "Bees", "language": "en", "nodes": [{"title": title} for title in titles]}
    version = {"version": 1, "author": None, "created_at": "2026-01-01T00:00:00Z", "outline": outline}
    written = {"document": {"markdown": "", "sections": [{"title": "Part 1"}]}}
    record = _with(fence="4", settled_fence="4", outline_version="1", **changes)
    work = {"outline:1": json.dumps(version)}
    state = State({"job": JobState(record, journal, "{}", written, work)}, ended=1)
    return View(History(1), state, {"job": PROMPTED}, {})


def _with(**fields: str) -> dict[str, str]:
    return {**RECORD, **fields}


def _told(phase: Any, what: str, **data: Any) -> Callable[[View], None]:
    return lambda view: view.history.add(9, phase, what, "job", **data)


def test_a_job_that_went_well_breaks_nothing() -> None:
    assert check(_view()) == []


FAILED = _with(state="failed", attempt="3", error=json.dumps({"retryable": True}))
ENDED_FAILED = [*JOURNAL[:3], Event("2-2", "failed", {})]
FOUR_STARTS = [Event(f"{n}-0", "started", {"attempt": n - 1}) for n in range(2, 6)]
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
        ("I4", {"journal": [*FOUR_STARTS, Event("5-1", "completed", {})]}),
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


def test_a_job_that_was_handed_over_breaks_nothing() -> None:
    assert check(_prompted(HANDED_OVER, "Part 1")) == []


def test_attempts_count_afresh_at_the_hand_over() -> None:
    planned = [
        JOURNAL[0],
        *(Event(f"2-{n}", "started", {"attempt": n + 1}) for n in range(3)),
        replace(READY, id="2-3"),
    ]
    written = [Event(f"3-{n}", "started", {"attempt": n + 1}) for n in range(3)]
    view = _prompted([*planned, *written, Event("4-0", "completed", {})], "Part 1", attempt="3")
    assert check(view) == []
    more = [*planned, *written, Event("3-3", "started", {"attempt": 4}), Event("4-0", "completed", {})]
    assert {violation.invariant for violation in check(_prompted(more, "Part 1"))} == {"I4"}


@pytest.mark.parametrize(
    ("invariant", "journal", "titles"),
    [
        ("I2", JOURNAL, ["Part 1"]),
        ("I2", [*HANDED_OVER[:-1], Event("4-1", "outline_ready", {}), Event("4-2", "completed", {})], ["Part 1"]),
        (
            "I2",
            [*HANDED_OVER[:-1], Event("4-1", "progress", {"step": "draft"}), Event("4-2", "completed", {})],
            ["Part 1"],
        ),
        ("I4", [*HANDED_OVER[:-2], Event("4-0", "started", {"attempt": 2}), HANDED_OVER[-1]], ["Part 1"]),
        ("I5", HANDED_OVER, ["Part 1", "Part 2"]),
    ],
)
def test_what_is_planned_is_handed_over_once(invariant: str, journal: list[Event], titles: list[str]) -> None:
    assert invariant in {violation.invariant for violation in check(_prompted(journal, *titles))}


@pytest.mark.parametrize(
    ("what", "times", "body"),
    [("approve", 1, {}), ("patch", 1, {"version": 2}), ("patch", 2, {"version": 1})],
)
def test_what_reviewers_were_told_is_compared(what: str, times: int, body: dict[str, Any]) -> None:
    changed = Event("3-0", "outline_changed", {"version": 1})
    approved = Event("3-0", "queued", {"reason": "approved"})
    journal = [*HANDED_OVER[:3], approved if what == "patch" else changed, *HANDED_OVER[4:]]
    if times > 1:
        journal[3:4] = [changed, replace(approved, id="3-1")]
    view = _prompted(journal, "Part 1")
    assert check(view) == []
    for _ in range(times):
        view.history.add(9, "ok", what, "job", body=body)
    assert {violation.invariant for violation in check(view)} == {"I2"}


def test_a_documented_loss_is_forgiven_to_its_jobs_only() -> None:
    gone = _view(jobs={}, ended=0)
    assert check(replace(gone, lost=frozenset({"job"}))) == []
    assert {violation.invariant for violation in check(replace(gone, lost=frozenset({"another"})))} == {"I1"}


def test_all_keys_of_a_job_are_known() -> None:
    ttls = {"draftline:{0}:job:default/a": 5, "draftline:{0}:stats:29000000": 5, "draftline:{0}:worker:vm-1-ab": 5}
    assert check(_view(ttls=ttls)) == []
