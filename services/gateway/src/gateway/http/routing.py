"""What the routes of all resources declare in the same way."""

from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel

CursorDep = Annotated[str | None, Query(max_length=400, description="`next_cursor` of the page before")]
LimitDep = Annotated[int, Query(ge=1, le=200)]


def documented(model: type[BaseModel]) -> dict[str, Any]:
    """The body is read by hand (one error shape, no coercion), so its schema is named by hand."""
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}},
        }
    }
