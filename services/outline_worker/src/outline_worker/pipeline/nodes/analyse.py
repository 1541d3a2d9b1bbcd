"""What is asked, by whom, in which language."""

from langgraph.runtime import Runtime

from outline_worker.pipeline import prompts
from outline_worker.pipeline.schemas import Analysis
from outline_worker.pipeline.state import OutlineContext, OutlineState
from shared.llm import ChatRequest, complete_json
from shared.retrieval.text import detect_language


async def analyse(state: OutlineState, runtime: Runtime[OutlineContext]) -> OutlineState:
    """Settle the language and find the questions the document has to answer."""
    context = runtime.context
    command = context.command
    context.progress("analyse", "Reading the request", 5)
    language = command.language or detect_language(command.task_prompt)
    request = ChatRequest(
        prompts.analyse(command.task_prompt, language), max_tokens=700, temperature=0.3, model=command.model
    )
    analysis = await complete_json(context.model, request, Analysis, meter=context.desk.spend)
    brief = f"Readers: {analysis.audience}\nPurpose: {analysis.purpose}"
    return {"language": language, "brief": brief, "questions": analysis.questions, "repairs": 0, "faults": []}
