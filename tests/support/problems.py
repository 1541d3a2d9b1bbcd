"""What every error answer must be."""

from typing import Any

import httpx2


def problem(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """The problem an answer carries; fails unless it is a whole one with this status and code."""
    assert (answer.status_code, answer.headers.get("content-type")) == (status, "application/problem+json"), (
        answer.status_code,
        answer.text[:500],
    )
    body: dict[str, Any] = answer.json()
    assert body.keys() >= {"type", "title", "status", "detail", "code", "request_id"}
    assert (body["status"], body["code"]) == (status, code), body
    assert body["type"] == f"urn:draftline:problem:{code}"
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == answer.headers["x-request-id"]
    assert "Traceback" not in answer.text
    return body
