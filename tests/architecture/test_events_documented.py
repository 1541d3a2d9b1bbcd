"""docs/events.md lists the events as the models have them."""

import re

from pydantic import BaseModel

from shared.contracts.errors import JobError
from shared.contracts.events import EVENT_MODELS, EventType
from shared.contracts.usage import Usage
from tests.architecture.repository import read, rows, under

DOCUMENT = "docs/events.md"
OBJECTS: dict[str, type[BaseModel]] = {"error": JobError, "usage": Usage}


def _fields(chapter: str) -> dict[str, list[str]]:
    """Names of the fields under each ``### `name` `` of a chapter."""
    text = under(read(DOCUMENT), f"## {chapter}")
    names = re.findall(r"^### `(\w+)`$", text, re.MULTILINE)
    return {name: [row[0] for row in rows(under(text, f"### `{name}`"))] for name in names}


def test_every_event_has_a_model() -> None:
    assert set(EVENT_MODELS) == set(EventType)


def test_event_types_and_fields_are_documented() -> None:
    expected = {event.value: list(model.model_fields) for event, model in EVENT_MODELS.items()}
    assert _fields("Event types") == expected


def test_inner_objects_are_documented() -> None:
    assert _fields("Objects in events") == {name: list(model.model_fields) for name, model in OBJECTS.items()}
