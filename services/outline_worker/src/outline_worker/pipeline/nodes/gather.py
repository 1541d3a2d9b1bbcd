"""The evidence: what the context files hold, and what a search finds."""

from langgraph.runtime import Runtime

from outline_worker.pipeline.quoting import opening
from outline_worker.pipeline.state import LEDGER, OutlineContext, OutlineState
from shared.contracts.document import Degradation, DegradationCode
from shared.evidence import Ledger

_MOST_QUESTIONS = 6
_SHORT_PROMPT_CHARACTERS = 200


async def gather(state: OutlineState, runtime: Runtime[OutlineContext]) -> OutlineState:
    """Fill the ledger from where the request allows, unless time is short."""
    context = runtime.context
    command = context.command
    ledger, degradations = Ledger(sources=[], passages=[], unreadable=[]), list[Degradation]()
    wanted = command.research == "web" or (command.research == "context_only" and bool(command.context_files))
    time_is_short = wanted and context.desk.time_is_short()
    context.progress("gather", _says(context) if wanted else "No files to read", 25)
    if time_is_short:
        message = "The soft time limit came before any file was read or anything searched for."
        degradations.append(Degradation(code=DegradationCode.TIME_LIMITED, message=message))
    elif wanted:
        asked = queries(command.task_prompt, state["questions"]) if command.research == "web" else []
        found = await context.gatherer.gather(str(context.ref), command.context_files, asked, command.research)
        ledger, degradations = found.ledger, list(found.degradations)
    await context.desk.store(LEDGER, ledger.model_dump_json().encode())
    return {
        "passages": len(ledger.passages),
        "degradations": [degradation.model_dump_json() for degradation in degradations],
        "time_limited": time_is_short,
    }


def queries(prompt: str, questions: list[str]) -> list[str]:
    """What is searched for: the request in short, and the first questions of each viewpoint."""
    return [opening(prompt, _SHORT_PROMPT_CHARACTERS), *questions[:_MOST_QUESTIONS]]


def _says(context: OutlineContext) -> str:
    files = len(context.command.context_files)
    read = "Reading 1 file" if files == 1 else f"Reading {files} files"
    if context.command.research != "web":
        return read
    return f"{read} and searching" if context.command.context_files else "Searching"
