"""docs/openapi.json is what the code says, and says enough for a client to be made of it."""

import json
import re
from typing import Any

import pytest

from gateway.http.problems import (
    HttpError,
    JobNotFoundError,
    MethodNotAllowedError,
    NotFoundError,
    ProblemError,
    RedisFullError,
)
from gateway.http.views import problems, problems_by_status
from tests.architecture.repository import read
from tests.support.openapi import described

DOCUMENT = "docs/openapi.json"
_OF_NO_ROUTE = {error.code for error in (NotFoundError, MethodNotAllowedError, HttpError)}
"""The framework answers with these where no route does."""
_CODE = re.compile(r"^- `(\w+)`: ", re.MULTILINE)


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


def _codes(answer: dict[str, Any]) -> list[str]:
    return _CODE.findall(answer["description"])


def test_each_answer_lists_codes_that_have_its_status() -> None:
    for name, operation in _operations().items():
        for status, answer in operation["responses"].items():
            for code in _codes(answer):
                actual = str(ProblemError.by_code[code].status)
                assert status in {actual, f"{actual[0]}XX"}, f"{name} lists {code} under {status}"
            assert status[0] not in "45" or _codes(answer), f"{name} lists no code under {status}"


def test_each_problem_is_that_of_a_route() -> None:
    answers = [answer for operation in _operations().values() for answer in operation["responses"].values()]
    ours = {code for code, error in ProblemError.by_code.items() if error.__module__.startswith("gateway.")}
    assert {code for answer in answers for code in _codes(answer)} == ours - _OF_NO_ROUTE


@pytest.mark.parametrize(
    ("documented", "expected"),
    [
        (
            problems(JobNotFoundError, RedisFullError),
            {
                "4XX": ["body_too_large", "job_not_found"],
                "5XX": ["internal_error", "redis_full", "redis_unavailable"],
            },
        ),
        (problems(), {"4XX": ["body_too_large"], "5XX": ["internal_error", "redis_unavailable"]}),
        (problems_by_status(JobNotFoundError, RedisFullError), {404: ["job_not_found"], 503: ["redis_full"]}),
    ],
)
def test_statuses_come_from_the_problems(documented: dict[int | str, Any], expected: dict[int | str, Any]) -> None:
    assert {status: _codes(answer) for status, answer in documented.items()} == expected


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
