"""One block of a section in other words, where the model's are as good."""

from document_worker.pipeline.writing.assignment import Assignment
from document_worker.pipeline.writing.drafting import Draft
from document_worker.pipeline.writing.review import clean
from shared.evidence.citations import cited_in, length_of
from shared.language.markdown import paragraphs
from shared.language.text import reads_as
from shared.llm import ChatRequest, Message


async def reworded(job: Assignment, block: str, messages: tuple[Message, ...]) -> str | None:
    """The model's answer, cleaned; None unless it is one block that cites the same, is about as long, and in the right
    language. One with pieces of the instructions in it speaks of the task in between, and is not used.
    """
    request = ChatRequest(
        messages,
        max_tokens=min(round(length_of(block) * 1.6) + 60, job.context.answer_tokens),
        temperature=0.6,
        model=job.context.payload.model,
    )
    answer = await job.context.model.complete(request, meter=job.context.spend)
    again = clean(Draft(answer.text, cut=answer.finish_reason == "length"), job)
    return again.text if not again.leftovers and _as_good(again.text, block, job) else None


def _as_good(again: str, before: str, job: Assignment) -> bool:
    return (
        len(paragraphs(again)) == 1
        and set(cited_in(again)) == set(cited_in(before))
        and 0.6 * length_of(before) <= length_of(again) <= 1.5 * length_of(before)
        and reads_as(again, job.plan.language)
    )
