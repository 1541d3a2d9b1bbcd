"""Estimates of all kinds of requests: ranges that are ranges, and what moves them."""

import base64
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.estimates.context_size import Material, material_of
from gateway.estimates.estimating import estimate
from gateway.estimates.routes import asked_of
from gateway.estimates.views import Estimate
from gateway.estimates.workload import Asked
from gateway.parts.pricing import Room
from shared.contracts.commands import ContextFile, DocumentPayload
from shared.contracts.outline import Outline, OutlineNode
from shared.contracts.prices import Price
from shared.contracts.states import JobKind

ROOM = Room(32_768, 8_192)
LEAVES = st.lists(st.tuples(st.text(min_size=1, max_size=40), st.one_of(st.none(), st.integers(1, 5_000))), min_size=1)
TEXT = "The hive is full of honey, and the keeper opens it slowly. " * 100


def _outline(leaves: list[tuple[str, int | None]]) -> Outline:
    nodes = [OutlineNode(title=title.strip() or "x", target_words=words) for title, words in leaves]
    return Outline(title="Bees", nodes=nodes).with_ids()


def _estimate(
    kind: JobKind = JobKind.DOCUMENT, room: Room = ROOM, price: Price | None = None, **fields: Any
) -> Estimate:
    payload = DocumentPayload(**({"task_prompt": "Write about bees"} | fields))
    return estimate(kind, asked_of(payload), room, "model", price)


@given(
    st.one_of(st.none(), LEAVES.map(_outline)),
    st.one_of(st.none(), st.integers(1, 200_000)),
    st.sampled_from(["en", "zh", "ja", "ar", "tlh"]),
    st.sampled_from(["none", "context_only", "web"]),
    st.floats(0, 1e7),
    st.sampled_from([ROOM, Room(2_048, 256), Room(1_000_000, 100_000)]),
    st.sampled_from(JobKind),
)
def test_every_range_begins_before_it_ends(
    outline: Outline | None, words: int | None, language: str, research: Any, tokens: float, room: Room, kind: JobKind
) -> None:
    asked = Asked("p" * 400, language, words, outline, research, Material(tokens / 10, tokens))
    told = estimate(kind, asked, room, None, Price(prompt=1, completion=2))
    for bounds in (told.sections, told.calls, told.prompt_tokens, told.completion_tokens, told.total_tokens):
        assert 0 <= bounds.low <= bounds.high
    assert told.cost_usd is not None
    assert 0 <= told.cost_usd.low <= told.cost_usd.high < math.inf
    if kind is JobKind.DOCUMENT:
        assert told.calls.low >= told.sections.low >= 1


def test_a_document_from_a_prompt_costs_its_planning_and_its_writing() -> None:
    whole, planned = _estimate(), _estimate(JobKind.OUTLINE)
    assert whole.sections == planned.sections
    assert (planned.calls.low, planned.calls.high) == (2, 3)
    assert whole.calls.low == planned.calls.low + whole.sections.low
    assert whole.total_tokens.low > planned.total_tokens.low


def test_research_and_files_cost_prompts() -> None:
    files = [ContextFile(name="hive.txt", text=TEXT)]
    bare, given_files, unused = (
        _estimate(),
        _estimate(context_files=files),
        _estimate(context_files=files, research="none"),
    )
    web = _estimate(research="web")
    assert given_files.prompt_tokens.low > bare.prompt_tokens.low
    assert (unused.calls, unused.prompt_tokens) == (bare.calls, bare.prompt_tokens)
    assert (web.prompt_tokens.low, web.prompt_tokens.high > 2 * bare.prompt_tokens.high) == (
        bare.prompt_tokens.low,
        True,
    )
    assert any("search" in said for said in web.basis)


def test_sections_of_an_outline_that_rest_on_nothing_are_shown_nothing() -> None:
    nodes = [OutlineNode(title=title, research="none", target_words=100) for title in ("Hive", "Honey", "Swarm")]
    outline, files = Outline(title="Bees", nodes=nodes).with_ids(), [ContextFile(name="hive.txt", text=TEXT)]
    assert _estimate(outline=outline, context_files=files).total_tokens == _estimate(outline=outline).total_tokens


def test_long_sections_are_gone_on_with() -> None:
    outline = _outline([("One", 900)])
    small, large = _estimate(outline=outline, room=Room(2_048, 600)), _estimate(outline=outline)
    assert (large.calls.low, small.calls.low) == (1, 2)


def test_the_price_makes_the_cost() -> None:
    told = _estimate(price=Price(prompt=1, completion=10))
    assert told.cost_usd is not None
    assert told.cost_usd.low == pytest.approx(
        (told.prompt_tokens.low + 10 * told.completion_tokens.low) / 1e6, abs=1e-6
    )
    assert _estimate().cost_usd is None


def test_text_is_counted_and_what_only_a_worker_reads_is_guessed() -> None:
    encoded = base64.b64encode(TEXT.encode()).decode()
    packed = base64.b64encode(b"%PDF" + bytes(99_996)).decode()
    plain = material_of([ContextFile(name="a.txt", text=TEXT)])
    assert plain == material_of([ContextFile(name="a.txt", content_base64=encoded)])
    assert (plain.low, plain.high, plain.languages) == (len(TEXT) / 4, len(TEXT) / 4, ("en",))
    page = material_of([ContextFile(name="a.html", text=f"<p>{TEXT}</p>")])
    assert page.low < len(TEXT) / 8 < page.high
    both = material_of([ContextFile(name="a.txt", text=TEXT), ContextFile(name="a.pdf", content_base64=packed)])
    assert (both.low, both.high, both.unread) == (plain.low + 1_000, plain.high + 30_000, 1)
    assert material_of([]) == Material()
    chinese = material_of([ContextFile(name="a.txt", text="蜜蜂采集花蜜并且酿成蜂蜜。" * 50)])
    assert chinese.passage_tokens > 3 * plain.passage_tokens
