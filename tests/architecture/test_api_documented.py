"""docs/openapi.json is what the code says, and says enough for a client to be made of it."""

import json
from typing import Any

from tests.architecture.repository import read
from tests.support.openapi import described

DOCUMENT = "docs/openapi.json"


def _operations() -> dict[str, dict[str, Any]]:
    paths = json.loads(described())["paths"]
    return {operation["operationId"]: operation for path in paths.values() for operation in path.values()}


def test_the_description_is_up_to_date() -> None:
    assert read(DOCUMENT) == described(), "run: make docs"


def test_operations_have_short_names() -> None:
    assert set(_operations()) >= {"create_outline_job", "create_document_job", "get_job", "get_result", "job_events"}


def test_errors_are_documented_as_problems() -> None:
    for name, operation in _operations().items():
        errors = {status: answer for status, answer in operation["responses"].items() if status[0] in "45"}
        assert errors or name == "livez"
        for answer in errors.values():
            assert list(answer["content"]) == ["application/problem+json"]


def test_bodies_and_answers_have_schemas() -> None:
    for name, operation in _operations().items():
        if name.startswith("create_"):
            assert operation["requestBody"]["required"]
            assert operation["responses"]["202"]["headers"].keys() == {"Location", "Retry-After", "Idempotent-Replayed"}
        for status, answer in operation["responses"].items():
            assert status in {"204", "304"} or all(media["schema"] != {} for media in answer["content"].values()), name


def test_every_reference_leads_somewhere() -> None:
    text = described()
    schemas = json.loads(text)["components"]["schemas"]
    named = {part.partition('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert named == set(schemas)
