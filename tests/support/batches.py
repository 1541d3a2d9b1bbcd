"""Batches for tests."""

from typing import Any

import httpx2

from tests.support.gateway import Gateway
from tests.support.sse import Frame

JOBS = "/api/v1/jobs"
BATCHES = "/api/v1/batches"


def prompts(count: int) -> list[dict[str, Any]]:
    """So many requests for outlines."""
    return [{"kind": "outline", "task_prompt": f"Subject {number}"} for number in range(count)]


async def post_batch(
    gateway: Gateway, items: list[Any], batch_id: str | None = "b", key: str | None = None, **fields: Any
) -> httpx2.Response:
    """Submit a batch."""
    body = {"items": items, **({"batch_id": batch_id} if batch_id else {}), **fields}
    headers = {"Idempotency-Key": key} if key else {}
    return await gateway.client.post(f"{JOBS}/batch", json=body, headers=headers)


async def accepted(gateway: Gateway, items: list[Any], batch_id: str = "b", **fields: Any) -> dict[str, Any]:
    """The answer to a batch that is taken."""
    answer = await post_batch(gateway, items, batch_id, **fields)
    assert answer.status_code == 202, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def seen(gateway: Gateway, batch_id: str = "b") -> dict[str, Any]:
    """The batch as it stands."""
    answer = await gateway.client.get(f"{BATCHES}/{batch_id}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def counts(gateway: Gateway, batch_id: str = "b") -> dict[str, int]:
    """How many of its jobs stand where, without zeros and the total."""
    found = (await seen(gateway, batch_id))["jobs"]
    return {name: count for name, count in found.items() if count and name != "total"}


def types_by_job(frames: list[Frame]) -> dict[str, list[str]]:
    """The types of each job's events, in the order they came."""
    found: dict[str, list[str]] = {}
    for frame in frames:
        assert frame.event is not None
        found.setdefault(frame.json()["job_id"], []).append(frame.event)
    return found
