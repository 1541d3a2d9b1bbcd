"""What is asked, by whom, in which language."""

from collections.abc import Iterable
from itertools import zip_longest

from langgraph.runtime import Runtime

from outline_worker.pipeline import prompts
from outline_worker.pipeline.schemas import Analysis, Perspective
from outline_worker.pipeline.state import OutlineContext, OutlineState
from outline_worker.pipeline.titles import clean_title
from shared.language.text import detect_language
from shared.llm import ChatRequest, complete_json

_MOST_QUESTIONS = 12
_ANSWER_TOKENS = 1_000


async def analyse(state: OutlineState, runtime: Runtime[OutlineContext]) -> OutlineState:
    """Settle the language and find the questions the document has to answer, seen from several sides."""
    context = runtime.context
    command = context.command
    context.progress("analyse", "Reading the request", 5)
    language = command.language or detect_language(command.task_prompt)
    request = ChatRequest(
        prompts.analyse(context.task_prompt, language),
        max_tokens=min(context.answer_tokens, _ANSWER_TOKENS),
        temperature=0.3,
        model=command.model,
    )
    analysis = await complete_json(context.model, request, Analysis, meter=context.spend)
    asked = by_turns(analysis.perspectives)
    return {
        "language": language,
        "brief": f"Kind: {analysis.kind}\nReaders: {analysis.audience}\nPurpose: {analysis.purpose}",
        "purpose": analysis.purpose,
        "questions": list(asked),
        "viewpoints": list(asked.values()),
        "repairs": 0,
        "faults": [],
    }


def by_turns(perspectives: Iterable[Perspective]) -> dict[str, str]:
    """Each question once, with who asks it first; one of each viewpoint before the second of any."""
    asked: dict[str, str] = {}
    rows = zip_longest(*([(each.viewpoint, question) for question in each.questions] for each in perspectives))
    for viewpoint, question in (pair for row in rows for pair in row if pair is not None):
        asked.setdefault(clean_title(question), viewpoint)
    asked.pop("", None)
    return dict(list(asked.items())[:_MOST_QUESTIONS])
