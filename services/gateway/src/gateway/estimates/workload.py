"""The arithmetic of what both pipelines ask of the model.

The low end is a run in which nothing has to be mended, the high end one in which everything has to be once. A test runs
both pipelines and holds what they used against it.
"""

import math
from dataclasses import dataclass

from gateway.estimates.context_size import Material
from gateway.parts.pricing import Room
from shared.contracts.outline import Outline, Research
from shared.contracts.roles import leaf_roles
from shared.contracts.shape import (
    CONCLUSION_SHARE,
    DEFAULT_TARGET_WORDS,
    INTRODUCTION_SHARE,
    budgets,
    is_framed,
    shape_of,
)
from shared.contracts.tokens import estimate_tokens
from shared.language.text import is_han


@dataclass(frozen=True, slots=True)
class Span:
    """A number that is known to lie between two others."""

    low: float
    high: float

    def __add__(self, other: "Span") -> "Span":
        return Span(self.low + other.low, self.high + other.high)

    def __mul__(self, other: "Span | float") -> "Span":
        by = other if isinstance(other, Span) else Span(other, other)
        return Span(self.low * by.low, self.high * by.high)

    def most(self, limit: float) -> "Span":
        return Span(min(self.low, limit), min(self.high, limit))

    @property
    def unlikely(self) -> "Span":
        """The same as what may happen or not."""
        return Span(0, self.high)


NONE = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Work:
    """Calls of the model and the tokens of all of them."""

    calls: Span = NONE
    prompt: Span = NONE
    completion: Span = NONE

    def __add__(self, other: "Work") -> "Work":
        return Work(self.calls + other.calls, self.prompt + other.prompt, self.completion + other.completion)

    @property
    def unlikely(self) -> "Work":
        return Work(self.calls.unlikely, self.prompt.unlikely, self.completion.unlikely)


def each(count: Span, prompt: Span, completion: Span) -> Work:
    """So many calls, each of so many tokens."""
    return Work(count, count * prompt, count * completion)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as far as it counts."""

    task_prompt: str
    language: str
    target_words: int | None
    outline: Outline | None
    """Where one is given; else it is planned."""
    research: Research
    material: Material

    @property
    def words(self) -> int:
        return self.target_words or DEFAULT_TARGET_WORDS

    def evidence(self, sections: Span, most_each: int, room: int) -> Span:
        """Tokens of passages shown to so many writers together, of which none is shown twice."""
        if self.research == "none":
            return NONE
        room_each = min(room, most_each * self.material.passage_tokens)
        # A passage that speaks of no section goes to none; each comes with its key.
        shown = Span(0.6 * self.material.low, 1.1 * self.material.high)
        if self.research == "web":
            shown = Span(shown.low, math.inf)
        return Span(min(shown.low, sections.low * room_each), min(shown.high, sections.high * room_each))


@dataclass(frozen=True, slots=True)
class Sections:
    """What there is to write."""

    body: Span
    closings: int
    """An introduction and a conclusion, written from the finished body."""
    body_words: int
    closing_words: int
    contents: Span
    """Tokens of the table of contents that every writer is shown."""

    @property
    def count(self) -> Span:
        return self.body + Span(self.closings, self.closings)


_WORD_TOKENS = {False: Span(1.3, 1.65), True: Span(0.95, 1.25)}
"""Tokens of a word of the document, by whether it is a Han character; stops and citations included."""
_ROUNDED_UP = Span(0, 20)
"""How much longer an answer may be than the words asked for."""


def planned_sections(asked: Asked, room: Room) -> Sections:
    """As the outline pipeline will plan them."""
    framed = is_framed(asked.language, asked.words)
    shape = shape_of(asked.words, room.answer, framed=framed)
    parts = max(1, shape.subsections)
    body = Span(shape.sections * parts, (shape.sections + 1) * parts)
    closing = round(asked.words * (INTRODUCTION_SHARE + CONCLUSION_SHARE)) if framed else 0
    headings = body + Span(shape.sections, shape.sections + 1) * (1 if shape.subsections else 0) + Span(2, 2)
    contents = headings * Span(8, 14) + body * Span(12, 32)
    return Sections(body, 2 if framed else 0, asked.words - closing, closing, contents.most(room.context // 10))


def given_sections(outline: Outline, target_words: int | None, room: Room) -> Sections:
    """Of an outline that is there; ``target_words`` as in the request."""
    leaves, roles = outline.leaves(), leaf_roles(outline)
    lengths = budgets(leaves, target_words)
    closing = [leaf for leaf in leaves if roles.get(leaf.id or "", "body") != "body"]
    closing_words = sum(lengths[leaf.id or ""] for leaf in closing)
    titles = sum(estimate_tokens(node.title) + 3 for node, _ in outline.walk())
    summaries = sum(estimate_tokens(leaf.summary) + 2 for leaf in leaves)
    body = len(leaves) - len(closing)
    return Sections(
        Span(body, body),
        len(closing),
        sum(lengths.values()) - closing_words,
        closing_words,
        Span(titles, titles + summaries + 40).most(room.context // 10),
    )


def planning(asked: Asked, room: Room) -> Work:
    """analyse, draft, refine by the evidence, one repair."""
    prompt = min(estimate_tokens(asked.task_prompt), room.context // 6)
    shape = shape_of(asked.words, room.answer, framed=is_framed(asked.language, asked.words))
    entries = Span(shape.sections, shape.sections + 1) * (1 + shape.subsections)
    once, brief = Span(1, 1), Span(100, 300)
    drafted = (entries * Span(26, 55) + Span(10, 30)).most(shape.answer_tokens)
    asking = Span(140 + prompt, 200 + prompt) + brief
    shown = asked.evidence(once, 12, room.context // 4)
    refined = each(once, asking + drafted + shown + Span(40, 150), drafted)
    if asked.material.high and asked.research != "none":
        refining = refined
    else:
        refining = refined.unlikely if asked.research == "web" else Work()
    analysed = each(once, Span(95 + prompt, 200 + prompt), brief)
    return analysed + each(once, asking, drafted) + refining + refined.unlikely


def writing(asked: Asked, sections: Sections, room: Room) -> Work:
    """A call a section, its repair and what is reworded; introduction and conclusion from the digest of the body."""
    rate = _WORD_TOKENS[is_han(asked.language)]
    asked_tokens = min(250, estimate_tokens(asked.task_prompt))
    wished = Span(asked_tokens, asked_tokens)
    base = Span(90, 150) + wished + sections.contents
    shown = asked.evidence(sections.body, 16, room.context // 4)
    citing = Span(60 if shown.low else 0, 100 if shown.high else 0)
    text = rate * sections.body_words + sections.body * _ROUNDED_UP
    body = Work(sections.body, sections.body * (base + citing) + shown, text)
    # A repair is shown the draft, and the evidence again.
    mended = body + Work(prompt=text + sections.body * Span(0, 80))
    reworded = each(sections.body * 0.5, Span(0, 400), Span(0, 120)).unlikely
    ending = _ending(sections, base, wished, rate, text, room)
    beside = _continued(sections, rate, base, room) + _translated(asked, sections)
    return body + mended.unlikely + reworded + ending + beside


def _ending(sections: Sections, base: Span, wished: Span, rate: Span, text: Span, room: Room) -> Work:
    both = Span(sections.closings, sections.closings)
    closing = rate * sections.closing_words + both * _ROUNDED_UP
    digest = Span(0.95 * text.low, text.high).most(room.context // 3)
    written = Work(both, both * (Span(110, 160) + wished + digest), closing)
    mended = Work(both, both * (base + Span(0, 80)) + closing, closing)
    return written + mended.unlikely


def _continued(sections: Sections, rate: Span, base: Span, room: Room) -> Work:
    """Calls that go on where one answer cannot hold a section."""
    longest = rate * (sections.body_words / sections.body.low)
    more = Span(longest.low // room.answer, longest.high // room.answer).most(2)
    return each(sections.body * more, base, Span(0, 0))


def _translated(asked: Asked, sections: Sections) -> Work:
    """Search words in the language of the sources, where that is another one."""
    if asked.research == "none":
        return Work()
    known = asked.material.languages
    foreign = [language for language in known if is_han(language) != is_han(asked.language)]
    batches = Span(math.ceil(sections.count.low / 30), math.ceil(sections.count.high / 30))
    a_batch = sections.count.high / batches.high
    asking = each(batches, Span(50, 100) + Span(6, 20) * a_batch, Span(5, 45) * a_batch)
    if foreign and not asked.material.unread and asked.research != "web":
        return asking
    return asking.unlikely if foreign or asked.material.unread or asked.research == "web" else Work()
