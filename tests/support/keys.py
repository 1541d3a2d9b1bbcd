"""Finds what no script may leave: keys of settled jobs without an end, and events that are none of the contract."""

from typing import Any

from pydantic import ValidationError

from shared.contracts.events import EVENT_MODELS, EventType

_OF_A_JOB = ("job", "payload", "events", "job_result", "export", "artifact", "checkpoint")
_TERMINAL = {b"completed", b"failed", b"cancelled"}


async def keys_without_end(redis: Any) -> list[str]:
    """Keys of settled (or vanished) jobs that have no TTL."""
    jobs: dict[str, str] = {}
    async for raw in redis.scan_iter("draftline:{*}:*", count=1_000):
        prefix, _, name = raw.decode().partition("}:")
        family, _, rest = name.partition(":")
        if family in _OF_A_JOB:
            job_id = rest.partition(":")[2] if family == "checkpoint" else rest
            jobs[raw.decode()] = f"{prefix}}}:job:{job_id}"
    asked = [command for key, job in jobs.items() for command in (("TTL", key), ("HGET", job, "state"))]
    replies = await redis.together(*asked) if asked else []
    told = zip(jobs, replies[::2], replies[1::2], strict=True)
    return [key for key, ttl, state in told if ttl == -1 and (state is None or state in _TERMINAL)]


async def malformed_events(redis: Any) -> list[str]:
    """Events of the journals that are there which their models refuse: id, type, data and why."""
    journals = [key async for key in redis.scan_iter("draftline:{*}:events:*", count=1_000)]
    pages = await redis.together(*(("XRANGE", key, "-", "+") for key in journals)) if journals else []
    return [found for page in pages for event_id, event in page if (found := _refused(event_id, event))]


def _refused(event_id: bytes, event: dict[bytes, bytes]) -> str:
    try:
        EVENT_MODELS[EventType(event[b"type"].decode())].model_validate_json(event[b"data"])
    except (ValueError, ValidationError) as error:
        return f"{event_id.decode()} {event[b'type'].decode()} {event[b'data'].decode():.200}: {error}"
    return ""
