"""Jobs whose outline a person reads and changes, planned by hand."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx2

from shared.contracts.outline import Outline
from shared.contracts.outline_versions import OutlineVersion
from shared.contracts.states import JobKind
from shared.redis.attempts import Settled
from shared.redis.store import Store
from tests.support.gateway import Gateway, Hand

JOBS = "/api/v1/jobs"
OUTLINE: dict[str, Any] = {
    "title": "Bees",
    "language": "en",
    "nodes": [
        {"id": "honey", "title": "Honey", "target_words": 200},
        {"id": "wax", "title": "Wax", "target_words": 100},
        {"id": "queens", "title": "Queens", "target_words": 300},
    ],
}
RESULT = json.dumps({"outline": OUTLINE, "sources": []}).encode()


class Desk:
    """A person at the API, and the workers' hands behind it."""

    def __init__(self, gateway: Gateway, hand: Hand, store: Store) -> None:
        self.client = gateway.client
        self.hand = hand
        self._store = store

    async def made(self, job_id: str = "job") -> None:
        """A finished outline job."""
        answer = await self.client.post(f"{JOBS}/outline", json={"task_prompt": "Bees", "job_id": job_id})
        assert answer.status_code == 202, answer.text
        await self.hand.complete(await self.hand.take(), RESULT)

    async def waiting(self, job_id: str = "job") -> None:
        """A document job that is planned and waits for a person."""
        body = {"task_prompt": "Bees", "job_id": job_id, "review": True}
        answer = await self.client.post(f"{JOBS}/document", json=body)
        assert answer.status_code == 202, answer.text
        assert await self.plan(1) is Settled.AWAITING_REVIEW

    async def plan(self, version: int) -> Settled:
        """Take the next job and hand its outline over."""
        claim = await self.hand.take(JobKind.OUTLINE)
        stored = OutlineVersion(
            version=version, author=None, created_at=datetime.now(UTC), outline=Outline.model_validate(OUTLINE)
        )
        version_json, outline = stored.model_dump_json().encode(), stored.outline.model_dump_json().encode()
        return await self._store.attempts.hand_over(claim, self.hand._next(claim), version, version_json, outline)

    async def read(self, job_id: str = "job", **parameters: int) -> httpx2.Response:
        return await self.client.get(f"{JOBS}/{job_id}/outline", params=parameters)

    async def edit(
        self, *operations: dict[str, Any], seen: int | str = 1, job_id: str = "job", **more: str
    ) -> httpx2.Response:
        """Change the outline as somebody who has seen a version; ``seen`` may be an ``If-Match`` as it stands."""
        return await self.client.patch(
            f"{JOBS}/{job_id}/outline",
            json={"operations": list(operations), **more},
            headers={"If-Match": f'"{seen}"' if isinstance(seen, int) else seen},
        )

    async def versions(self, job_id: str = "job") -> list[dict[str, Any]]:
        """All versions, newest first."""
        answer = await self.client.get(f"{JOBS}/{job_id}/outline/versions")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    async def approve(self, seen: int | None = None, job_id: str = "job") -> httpx2.Response:
        headers = {} if seen is None else {"If-Match": f'"{seen}"'}
        return await self.client.post(f"{JOBS}/{job_id}/approve", headers=headers)

    async def job(self, job_id: str = "job") -> dict[str, Any]:
        found: dict[str, Any] = (await self.client.get(f"{JOBS}/{job_id}")).json()
        return found


def rename(node_id: str | None, title: str) -> dict[str, Any]:
    return {"op": "rename", "id": node_id, "title": title}


def add(title: str, **more: Any) -> dict[str, Any]:
    """A new node at the end."""
    return {"op": "add", "node": {"title": title}, "parent": None, **more}


def titles(view: dict[str, Any]) -> list[str]:
    """Of the chapters of an outline as it is shown."""
    return [node["title"] for node in view["outline"]["nodes"]]
