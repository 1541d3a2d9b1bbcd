"""I1 to I7 of docs/promises.md, checked over the history, the state of Redis and the calls of the model."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tests.chaos.history import Entry, History
from tests.chaos.jobs import MARKER, Job
from tests.chaos.state import Event, JobState, State, known_keys, place_of, stages

TERMINAL = {"completed", "failed", "cancelled"}
CONSUMER = "worker"
"""All workers read as this one."""
PLANNING = {"analyse", "draft", "refine", "validate"}
"""Steps that only those who plan go through."""
_OF_A_JOB = ("job:", "payload:", "events:", "job_result:", "artifact:", "checkpoint:", "export:")


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was not kept."""

    invariant: str
    job: str
    evidence: str

    def __str__(self) -> str:
        return f"{self.invariant} {self.job or '-'}: {self.evidence}"


@dataclass(frozen=True, slots=True)
class View:
    """All that is known after a fault."""

    history: History
    state: State
    jobs: Mapping[str, Job]
    texts: Mapping[str, Sequence[str]]
    """What the model gave, by marker."""
    mixed: Sequence[str] = ()
    """Prompts that held the markers of several jobs."""
    lost: frozenset[str] = frozenset()
    """Jobs the fault is documented to lose: I1 is not asked."""
    forgiven: frozenset[str] = frozenset()
    """Jobs whose latest writes it is documented to lose: what clients saw of them is not asked."""
    holes: bool = False
    """Whether progress may be missing from journals, as on a full server."""

    def held(self) -> Iterator[tuple[str, JobState]]:
        """The jobs that have to keep what was promised."""
        return ((name, job) for name, job in self.state.jobs.items() if name not in self.forgiven)


def check(view: View) -> list[Violation]:
    """Everything that is not as promised."""
    rules: list[Callable[[View], Iterator[Violation]]] = [
        accepted_jobs_stay, one_end_a_run, streams_without_gaps, attempts_are_bounded, results_are_the_owners,
        nothing_left, nothing_crosses,
    ]  # fmt: skip
    return [violation for rule in rules for violation in rule(view)]


def accepted_jobs_stay(view: View) -> Iterator[Violation]:
    """I1: every 202 is terminal or still live."""
    for name, at in view.history.acknowledged().items():
        if name not in view.state.jobs and name not in view.lost:
            yield Violation("I1", name, f"accepted at {at:.2f} s, and there is no record of it")


def one_end_a_run(view: View) -> Iterator[Violation]:
    """I2: exactly one terminal event a run, at its end; what was said of an end stays true; each is counted once."""
    ends = 0
    lines = view.history.by_job()
    for name, job in view.state.jobs.items():
        for number, run in enumerate(job.runs(), 1):
            found = [event for event in run if event.type in TERMINAL]
            ends += len(found)
            last = number == len(job.runs())
            if len(found) != 1 and (not last or job.record["state"] in TERMINAL or len(found) > 1):
                yield Violation("I2", name, f"run {number} has the ends {[event.id for event in found]}: {_story(run)}")
            elif found and run[-1] is not found[0]:
                yield Violation("I2", name, f"run {number} went on after its end: {_story(run)}")
            if last and found and job.record["state"] != found[-1].type:
                yield Violation("I2", name, f"the record says {job.record['state']}, the journal {found[-1].type}")
        yield from _handed_over_once(name, job, from_prompt=name in view.jobs and view.jobs[name].from_prompt)
        if name not in view.forgiven:
            yield from _said(lines.get(name, ()), name, job)
    if view.state.ended != ends:
        yield Violation("I2", "", f"{ends} jobs ended, {view.state.ended} ends were counted")


def _handed_over_once(name: str, job: JobState, *, from_prompt: bool) -> Iterator[Violation]:
    """What is planned is never planned again, in no run; a document from a prompt was planned before it was written."""
    for number, run in enumerate(job.runs(), 1):
        if len(stages(run)) > 2:
            yield Violation("I2", name, f"run {number} was handed over more than once: {_story(run)}")
    planned, *later = stages(job.journal)
    for event in (event for stage in later for event in stage):
        if event.type == "progress" and event.data["step"] in PLANNING:
            yield Violation("I2", name, f"planned again after it was handed over: {event.id} {event.data['step']}")
    if from_prompt and job.record["state"] == "completed" and not later:
        yield Violation("I2", name, f"written, and nobody was told of its outline: {_story(planned)}")


def _said(entries: Sequence[Entry], name: str, job: JobState) -> Iterator[Violation]:
    yield from _said_to_reviewers(entries, name, job)
    ends = {
        number: event.type for number, run in enumerate(job.runs(), 1) for event in run if event.type in TERMINAL
    }  # fmt: skip
    for entry in entries:
        if entry.phase != "ok" or entry.what not in {"get", "cancel"}:
            continue
        status, run = entry.data["body"].get("status"), entry.data["body"].get("run", 1)
        if entry.what == "cancel" and ends.get(run) != "cancelled":
            yield Violation("I2", name, f"cancelled by a client at {entry.at:.2f} s, yet run {run}: {ends.get(run)}")
        if status in TERMINAL and ends.get(run) != status:
            yield Violation("I2", name, f"{status} at {entry.at:.2f} s, yet run {run} ended as {ends.get(run)}")


def _said_to_reviewers(entries: Sequence[Entry], name: str, job: JobState) -> Iterator[Violation]:
    approved = any(event.type == "queued" and event.data["reason"] == "approved" for event in job.journal)
    changed = {event.data["version"] for event in job.journal if event.type == "outline_changed"}
    made = Counter[int]()
    for entry in (entry for entry in entries if entry.phase == "ok"):
        if entry.what == "approve" and not approved:
            yield Violation("I2", name, f"approved by a client at {entry.at:.2f} s, and not let go on")
        if entry.what == "patch":
            version = entry.data["body"]["version"]
            made[version] += 1
            if version not in changed or version not in job.outlines():
                yield Violation("I2", name, f"version {version} was made at {entry.at:.2f} s, and is not there")
    for version, times in made.items():
        if times > 1:
            yield Violation("I2", name, f"{times} editors were told that version {version} is theirs")


def streams_without_gaps(view: View) -> Iterator[Violation]:
    """I3: ids grow, numbers have no hole, and what clients put together over reconnects is the journal."""
    for name, job in view.held():
        places = [event.place for event in job.journal]
        if places != sorted(set(places)):
            yield Violation("I3", name, f"ids do not grow: {[event.id for event in job.journal]}")
        for (fence, number), (next_fence, following) in pairwise(places):
            hole = following != number + 1 if next_fence == fence else following > 1
            if hole and not view.holes:
                yield Violation("I3", name, f"a hole after {fence}-{number}: {next_fence}-{following}")
    for operation, entries in view.history.followed().items():
        name = entries[0].job
        if name in view.state.jobs and name not in view.forgiven:
            yield from _as_followed(operation, entries, view.state.jobs[name])


def _as_followed(operation: int, entries: Sequence[Entry], job: JobState) -> Iterator[Violation]:
    seen = [str(entry.data["id"]) for entry in entries if entry.data["id"]]
    if any(entry.data["type"] == "gap" for entry in entries):
        yield Violation("I3", entries[0].job, f"follower {operation} was told of a gap")
        return
    last = place_of(seen[-1]) if seen else (0, 0)
    there = [event.id for event in job.journal if event.place <= last]
    if seen != there:
        missing, more = Counter(there) - Counter(seen), Counter(seen) - Counter(there)
        told = f"follower {operation} missed {list(missing)} and saw {list(more)} beyond the journal of {len(there)}"
        yield Violation("I3", entries[0].job, told)


def attempts_are_bounded(view: View) -> Iterator[Violation]:
    """I4: attempts up to the bound, counted afresh where another kind of workers takes the job; then a dead letter."""
    for name, job in view.state.jobs.items():
        most = int(job.record["max_attempts"])
        for number, stage in ((number, stage) for number, run in enumerate(job.runs(), 1) for stage in stages(run)):
            begun = [event.data["attempt"] for event in stage if event.type == "started"]
            given_back = sum(event.type == "queued" and event.data["reason"] == "released" for event in stage)
            if len(begun) - given_back > most:
                yield Violation("I4", name, f"run {number} began {len(begun)} times, {given_back} of them released")
            if begun and begun[0] != 1:
                yield Violation("I4", name, f"run {number} does not count afresh: attempts {begun}")
        failed = job.record["state"] == "failed"
        spent = failed and json.loads(job.record["error"])["retryable"] and int(job.record["attempt"]) >= most
        if spent != (name in view.state.dead):
            where = "is a dead letter" if name in view.state.dead else "is no dead letter"
            yield Violation("I4", name, f"{job.record['state']} after attempt {job.record['attempt']}, and {where}")


def results_are_the_owners(view: View) -> Iterator[Violation]:
    """I5: a result is there if and only if the job is completed; it is the fence holder's, of texts the model gave."""
    for name, job in view.state.jobs.items():
        state = job.record["state"]
        if (job.result is not None) != (state == "completed"):
            yield Violation("I5", name, f"{state}, and {'a' if job.result is not None else 'no'} result is there")
        ended = [event for event in job.journal if event.type in TERMINAL]
        if state in TERMINAL and ended and job.record["settled_fence"] != str(ended[-1].place[0]):
            yield Violation("I5", name, f"settled by fence {job.record['settled_fence']}, told of by {ended[-1].id}")
        if job.result is not None and name in view.jobs:
            given = view.texts.get(view.jobs[name].marker, ())
            for text in _claimed(job.result):
                if not any(text in each for each in given):
                    yield Violation("I5", name, f"the model never gave {text[:80]!r}")
            yield from _as_planned(name, job, job.result)


def _as_planned(name: str, job: JobState, result: dict[str, Any]) -> Iterator[Violation]:
    """A document has the sections of the latest version of its outline."""
    outlines = job.outlines()
    if "document" not in result or not outlines:
        return
    latest = max(outlines)
    if job.record["outline_version"] != str(latest):
        yield Violation("I5", name, f"version {latest} is kept, the record says {job.record['outline_version']}")
    planned = [node.title for node, _ in outlines[latest].walk()]
    written = [section["title"] for section in result["document"]["sections"]]
    if planned != written:
        yield Violation("I5", name, f"version {latest} has the sections {planned}, the document {written}")


def _claimed(result: dict[str, Any]) -> Iterator[str]:
    """The texts of a result that have to come from the model."""
    if "document" in result:
        for paragraph in result["document"]["markdown"].split("\n\n"):
            if paragraph.strip() and not paragraph.startswith("#"):
                yield paragraph.strip()
    for node in result.get("outline", {}).get("nodes", []):
        yield node["title"]


def nothing_left(view: View) -> Iterator[Violation]:
    """I6: at rest no entry, lease, schedule, count or consumer is left, no key unknown, no settled one without TTL."""
    for stream, queue in view.state.queues.items():
        if queue.length or queue.pending or set(queue.consumers) - {CONSUMER}:
            yield Violation("I6", "", f"{stream}: {queue}")
    for key, members in view.state.places.items():
        if members:
            yield Violation("I6", "", f"{key}: {members}")
    if left := {name: count for name, count in view.state.counts.items() if count}:
        yield Violation("I6", "", f"counts {left}")
    known = known_keys()
    for key, ttl in view.state.ttls.items():
        family = key.partition("}:")[2]
        if not known.fullmatch(key):
            yield Violation("I6", "", f"an unknown key {key}")
        elif ttl == -1 and family.startswith(_OF_A_JOB):
            yield Violation("I6", family.rpartition("/")[2], f"at rest, and {key} has no TTL")


def nothing_crosses(view: View) -> Iterator[Violation]:
    """I7: whatever is kept of a job, or asked of the model for it, holds its marker only."""
    for prompt in view.mixed:
        yield Violation("I7", "", f"the model was asked for several jobs at once: {prompt[:200]!r}")
    for name, job in view.state.jobs.items():
        if name not in view.jobs:
            continue
        kept = [job.payload, json.dumps(job.result), *job.record.values(), *job.work.values()]
        kept += [json.dumps(event.data) for event in job.journal]
        foreign = {marker for text in kept for marker in MARKER.findall(text)} - {view.jobs[name].marker}
        if foreign:
            yield Violation("I7", name, f"texts of other jobs: {foreign}")


def _story(run: Sequence[Event]) -> str:
    return " ".join(f"{event.id}:{event.type}" for event in run if event.type not in {"delta", "progress"})
