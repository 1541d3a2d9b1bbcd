"""Makes error answers of the gateway readable."""

import httpx2
from pydantic import BaseModel, ConfigDict, ValidationError


class _Pointed(BaseModel):
    pointer: str = ""
    message: str = ""


class Problem(BaseModel):
    """The fields of RFC 9457, and ours, that a person wants to see."""

    model_config = ConfigDict(extra="ignore")

    title: str
    detail: str | None = None
    errors: list[_Pointed] = []


def problem_text(response: httpx2.Response) -> str:
    """Status, title and detail of an answer that was read; the bare status where it is no problem document."""
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        return f"{response.status_code} {response.reason_phrase}"
    parts = [f"{response.status_code} {problem.title}", problem.detail or ""]
    parts += [f"{error.pointer}: {error.message}" for error in problem.errors]
    return "; ".join(part for part in parts if part)
