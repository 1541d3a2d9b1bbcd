"""Fields of providers' answers, read kindly: what is missing, null or of another type is empty, and spoils no other."""

from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict

Item = TypeVar("Item")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return ""
    return str(value).replace("\0", "") if isinstance(value, str | int | float) else ""


def _texts(value: object) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    return tuple(filter(None, map(_text, values)))


def _objects(value: object) -> tuple[object, ...]:
    return tuple(item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def _object(value: object) -> object:
    return value if isinstance(value, dict) else {}


Text = Annotated[str, BeforeValidator(_text)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]
"""A list of texts, or one text alone."""
Objects = Annotated[tuple[Item, ...], BeforeValidator(_objects)]
Nested = Annotated[Item, BeforeValidator(_object)]


class Part(BaseModel):
    """A part of an answer; what is not named is not read."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)
