"""What a job will take, told from its request."""

import math

from gateway.estimates.views import Bounds, CostBounds, Estimate
from gateway.estimates.workload import Asked, Span, Work, given_sections, planned_sections, planning, writing
from gateway.parts.pricing import Room
from shared.contracts.prices import Price
from shared.contracts.states import JobKind
from shared.contracts.usage import Usage


def estimate(kind: JobKind, asked: Asked, room: Room, model: str | None, price: Price | None) -> Estimate:
    """Of a job that makes an outline, or a document from an outline or from a prompt."""
    if asked.outline is None:
        sections, work = planned_sections(asked, room), planning(asked, room)
    else:
        sections, work = given_sections(asked.outline, asked.target_words, room), Work()
    if kind is JobKind.DOCUMENT:
        work += writing(asked, sections, room)
    prompt, completion = _bounds(work.prompt), _bounds(work.completion)
    return Estimate(
        kind=kind,
        sections=_bounds(sections.count),
        calls=_bounds(work.calls),
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=Bounds(low=prompt.low + completion.low, high=prompt.high + completion.high),
        cost_usd=None if price is None else _costs(price, prompt, completion),
        model=model,
        basis=_basis(asked, kind, room),
    )


def _bounds(span: Span) -> Bounds:
    return Bounds(low=math.floor(span.low), high=math.ceil(span.high))


def _costs(price: Price, prompt: Bounds, completion: Bounds) -> CostBounds:
    low = price.cost(Usage(prompt_tokens=prompt.low, completion_tokens=completion.low))
    high = price.cost(Usage(prompt_tokens=prompt.high, completion_tokens=completion.high))
    return CostBounds(low=round(low, 6), high=round(high, 6))


def _basis(asked: Asked, kind: JobKind, room: Room) -> list[str]:
    """What was assumed, in sentences."""
    said = [
        "Low: nothing has to be mended. High: every section is mended once, and every second one reworded.",
        "A token is a Han character or four others; tokenizers differ by up to a third.",
        f"The model takes {room.context:,} tokens and gives {room.answer:,} at once.",
    ]
    if asked.outline is None:
        by_default = "" if asked.target_words else ", as by default"
        said.append(f"The outline is planned for {asked.words:,} words{by_default}.")
    if asked.material.unread:
        said.append(f"The text of {asked.material.unread} files is guessed from their size.")
    if asked.research == "web":
        said.append("What a search finds is unknown: between nothing and as much as fits.")
    if kind is JobKind.DOCUMENT:
        said.append("Embeddings and second opinions are not counted.")
    return said
