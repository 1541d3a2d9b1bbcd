"""Events on the wire."""

from datetime import UTC, datetime

import pytest

from shared.contracts.errors import JobError
from shared.contracts.events import EVENT_MODELS, Cancelled, Delta, EventData, Failed, Scheduled
from shared.streams.codec import encode, type_of

EVENTS: list[EventData] = [
    Cancelled(),
    Delta(section_id="s", revision=1, offset=3, text="二\n"),
    Failed(error=JobError(code="c", message="m", retryable=False)),
    Scheduled(not_before=datetime(2026, 1, 2, tzinfo=UTC)),
]


@pytest.mark.parametrize("data", EVENTS, ids=type_of)
def test_what_is_written_can_be_read(data: EventData) -> None:
    assert EVENT_MODELS[type_of(data)].model_validate_json(encode(data)) == data


def test_every_model_has_one_type() -> None:
    assert len(set(EVENT_MODELS.values())) == len(EVENT_MODELS)
