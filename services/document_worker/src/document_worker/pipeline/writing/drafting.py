"""The model's text of a section: the first draft, and a better one where it is asked for again."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from document_worker.pipeline.prompts import mending, writing
from document_worker.pipeline.writing.assignment import Assignment
from document_worker.pipeline.writing.streamed import StreamedText
from shared.evidence.citations import cited_in, length_of
from shared.llm import Answer, ChatRequest, Message

MAX_CONTINUATIONS = 2
_TOKENS_PER_UNIT = 1.6
_TOKENS_PER_CITATION = 10
"""Tokens a Han character or a Latin word usually takes. A text cut off before its length is gone on with."""
_SHYEST = 0.25
"""A model that writes less than this share of what it is asked for is not asked for ever more."""

Usable = Callable[["Draft"], bool]
"""Whether an answer leaves anything once it is cleaned. One that leaves nothing is not stored: the next attempt would
only find it again.
"""


@dataclass(frozen=True, slots=True)
class Draft:
    """What the model wrote."""

    text: str
    cut: bool
    """It stops before its end."""
    out_of_time: bool = False


async def compose(job: Assignment, streamed: StreamedText, usable: Usable) -> Draft:
    """The model's text; where the time is over, as far as it has come. Begun in time, it has some more to end."""
    desk, loop = job.context.desk, asyncio.get_running_loop()
    try:
        async with asyncio.timeout(desk.soft_seconds_left()) as scope:

            def allow_more() -> None:
                if not scope.expired():
                    scope.reschedule(loop.time() + desk.text_seconds_left())

            streamed.on_first = allow_more
            return await _write(job, streamed, usable)
    except TimeoutError:
        if not scope.expired():
            raise
        return Draft(streamed.shown, cut=True, out_of_time=True)


async def rewrite(job: Assignment, draft: str, faults: list[str], streamed: StreamedText, usable: Usable) -> Draft:
    """The whole section again, without its faults."""
    target = job.planned.target_words
    asked = _asked_for(target, written=length_of(draft), target=target) if length_of(draft) < target else target
    messages = mending.rewrite(job.plan, job.planned, job.evidence, draft, faults, asked, job.contents_tokens)
    streamed.begin("")
    answer = await _ask(job, messages, target, len(job.evidence), streamed, usable)
    return Draft(answer.text, cut=answer.finish_reason == "length")


async def extend(job: Assignment, text: str, streamed: StreamedText, usable: Usable) -> Draft:
    """A text that is too short, and more paragraphs after it, from evidence it does not cite yet."""
    target, written = job.planned.target_words, length_of(text)
    missing = max(1, target - written)
    cited = set(cited_in(text))
    rest = [passage for passage in job.evidence if passage.key not in cited] or job.evidence
    tail = text[-job.context.context_tokens // 4 :]
    asked = _asked_for(missing, written, target)
    messages = mending.extend(job.plan, job.planned, rest, tail, asked, job.contents_tokens)
    streamed.begin(f"{text}\n\n")
    answer = await _ask(job, messages, missing, len(rest), streamed, usable)
    return Draft(f"{text}\n\n{answer.text}", cut=answer.finish_reason == "length")


def _asked_for(wanted: int, written: int, target: int) -> int:
    """Words to ask for, so that a model that writes less than it is asked for writes about as many as wanted."""
    return round(wanted / max(_SHYEST, min(1.0, written / target)))


async def _write(job: Assignment, streamed: StreamedText, usable: Usable) -> Draft:
    """The model's whole text, gone on with where the length limit cut it."""
    planned, context = job.planned, job.context
    messages = _messages(job)
    answer = await _ask(job, messages, planned.target_words, len(planned.evidence), streamed, usable)
    parts = [answer.text]
    while answer.finish_reason == "length" and len(parts) <= MAX_CONTINUATIONS and not _enough(parts, job):
        if context.desk.time_is_short():
            return Draft("".join(parts), cut=True, out_of_time=True)
        streamed.keep()
        # The end of the text is enough to go on from, and the whole might not fit.
        so_far = "".join(parts)[-context.context_tokens // 4 :]
        answer = await _ask(
            job, writing.more(messages, so_far), planned.target_words, len(planned.evidence), streamed, usable
        )
        parts.append(answer.text)
    return Draft("".join(parts), cut=answer.finish_reason == "length")


def _messages(job: Assignment) -> tuple[Message, ...]:
    if job.planned.role == "body":
        return writing.section(job.plan, job.planned, job.evidence, job.contents_tokens, job.surroundings)
    return writing.closing(job.plan, job.planned, job.digest, job.surroundings)


def _enough(parts: list[str], job: Assignment) -> bool:
    """A text past its budget that still goes on is better ended at its last whole sentence."""
    return length_of("".join(parts)) >= job.planned.target_words


async def _ask(
    job: Assignment, messages: tuple[Message, ...], words: int, citations: int, streamed: StreamedText, usable: Usable
) -> Answer:
    """One request for about so many words."""
    tokens = round(words * _TOKENS_PER_UNIT) + 60 + _TOKENS_PER_CITATION * citations
    request = ChatRequest(
        messages,
        max_tokens=min(tokens, job.context.answer_tokens),
        temperature=0.4,
        model=job.context.payload.model,
    )
    return await job.context.model.complete(
        request,
        sink=streamed,
        meter=job.context.spend,
        keep=lambda answer: usable(Draft(answer.text, cut=False)),
    )
