"""Frames of the event stream."""

import json
from datetime import UTC, datetime
from typing import Any

from shared.contracts.events import EventType
from shared.contracts.ids import EventId, JobRef
from shared.contracts.jobs import Job
from shared.redis.reads import Entry

HEARTBEAT = b": heartbeat\n\n"


def opening(retry_ms: int) -> bytes:
    """Sent first: flushes the headers and tells browsers how soon to come back."""
    return b"retry: %d\n\n" % retry_ms


def event_frame(ref: JobRef, kind: str, request_id: str, entry: Entry) -> bytes:
    """A stored event. Its data is passed through as it was written: one line of JSON."""
    head = json.dumps(
        {
            "job_id": ref.job_id,
            "kind": kind,
            "type": entry.type,
            "id": str(entry.id),
            "time": _rfc3339(entry.time_ms),
            "request_id": request_id,
        },
        ensure_ascii=False,
    )
    return b'id: %s\nevent: %s\ndata: %s, "data": %s}\n\n' % (
        str(entry.id).encode(),
        entry.type.encode(),
        head[:-1].encode(),
        entry.data,
    )


def control_frame(
    event_type: EventType, job: Job, now: datetime, data: dict[str, Any], event_id: EventId | None = None
) -> bytes:
    """A frame of the gateway's own; only `gap` carries an id, that of its snapshot."""
    body = {
        "job_id": job.ref.job_id,
        "kind": job.kind,
        "type": event_type.value,
        "id": str(event_id) if event_id else None,
        "time": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "request_id": job.request_id,
        "data": data,
    }
    head = f"id: {event_id}\n" if event_id else ""
    return f"{head}event: {event_type.value}\ndata: {json.dumps(body, ensure_ascii=False)}\n\n".encode()


def _rfc3339(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
