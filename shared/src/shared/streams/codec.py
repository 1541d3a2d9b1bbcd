"""Events on their way to the wire: JSON of the data models."""

from shared.contracts.events import EVENT_MODELS, EventData, EventType

_TYPES = {model: event_type for event_type, model in EVENT_MODELS.items()}


def type_of(data: EventData) -> EventType:
    """The event type a data model stands for."""
    return _TYPES[type(data)]


def encode(data: EventData) -> bytes:
    return data.model_dump_json().encode()
