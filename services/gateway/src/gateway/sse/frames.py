"""Frames of the event streams."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from gateway.http.views import Links
from shared.contracts.events import EventType
from shared.contracts.ids import EventId
from shared.redis.entries import Entry

HEARTBEAT = b": heartbeat\n\n"
_LINKED = frozenset({EventType.OUTLINE_READY, EventType.OUTLINE_CHANGED, EventType.COMPLETED})


class Frame(NamedTuple):
    """An event as it is sent, all but its line ``id:``: that names a place in the client's own stream."""

    id: EventId
    type: str
    body: bytes

    def marked(self, mark: str) -> bytes:
        """The whole frame."""
        return b"id: %s\n%s" % (mark.encode(), self.body)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a frame is about."""

    job_id: str | None
    kind: str | None
    request_id: str | None


SEVERAL_JOBS = Origin(None, None, None)


def opening(retry_ms: int) -> bytes:
    """Sent first: flushes the headers and tells browsers how soon to come back."""
    return b"retry: %d\n\n" % retry_ms


def left_out_frame(entry: Entry) -> Frame:
    """Stands for an event that the client is not sent: a place in the journal, and nothing to send."""
    return Frame(entry.id, entry.type, b"")


def event_frame(origin: Origin, entry: Entry) -> Frame:
    """A stored event. Its data is passed through as it was written, one line of JSON, but for links."""
    time = datetime.fromtimestamp(entry.time_ms / 1000, UTC)
    data = _linked(origin.job_id, entry) if origin.job_id is not None and entry.type in _LINKED else entry.data
    return Frame(entry.id, entry.type, _body(origin, entry.type, entry.id, time, data))


def _linked(job_id: str, entry: Entry) -> bytes:
    """The data with its link: to the outline, or to a result that the event does not hold."""
    data: dict[str, Any] = json.loads(entry.data)
    links = Links.of(job_id)
    if entry.type != EventType.COMPLETED:
        # Workers and gateways of the version before wrote the link themselves.
        data.setdefault("outline_link", links.outline)
    elif "result" not in data:
        data.setdefault("result_link", links.result)
    return json.dumps(data, ensure_ascii=False).encode()


def gap_frame(origin: Origin, position: EventId, now: datetime, snapshot: dict[str, Any]) -> Frame:
    """Stands for the missing events up to a position."""
    data = json.dumps({"snapshot": snapshot}, ensure_ascii=False).encode()
    return Frame(position, EventType.GAP, _body(origin, EventType.GAP, position, now, data))


def draining_frame(origin: Origin, now: datetime, retry_ms: int) -> bytes:
    """The gateway stops. Without an id, so that a browser comes back with that of the last event."""
    return b"retry: %d\n" % retry_ms + _body(origin, EventType.SERVER_DRAINING, None, now, b"{}")


def _body(origin: Origin, event_type: str, event_id: EventId | None, time: datetime, data: bytes) -> bytes:
    head = json.dumps(
        {
            "job_id": origin.job_id,
            "kind": origin.kind,
            "type": event_type,
            "id": None if event_id is None else str(event_id),
            "time": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "request_id": origin.request_id,
        },
        ensure_ascii=False,
    )
    return b'event: %s\ndata: %s, "data": %s}\n\n' % (event_type.encode(), head[:-1].encode(), data)
