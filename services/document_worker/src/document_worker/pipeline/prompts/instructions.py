"""What writers are told in our own words, so that it is recognised in what they write."""

from functools import lru_cache

from document_worker.pipeline.prompts import mending, writing
from document_worker.pipeline.surroundings import Surroundings
from shared.contracts.plan import Plan, PlannedSection
from shared.evidence import Passage

_BLANK = Surroundings(previous=" ", before=" ", after=" ")


@lru_cache(maxsize=16)
def instructions(language: str) -> str:
    """Return the prompts for a section of the body with everything left out that a job adds to them.

    Those for an introduction or a conclusion are not among them: theirs are words that an honest one may use.
    """
    section = PlannedSection(
        id="", title="", level=1, summary="", leaf=True, target_words=0, evidence=[], instruction=" "
    )
    plan = Plan(title="", language=language, task_prompt=" ", sections=[section], terms=[""])
    evidence = [Passage(key="", source_id="", offset=0, text="")]
    first = writing.section(plan, section, evidence, 0, _BLANK)
    asked = [
        *writing.more(first, ""),
        *mending.rewrite(plan, section, evidence, "", [""], 0, 0),
        *mending.extend(plan, section, evidence, "", 0, 0),
        *mending.reword(plan, "", [""], "", 0),
        *mending.bridge(plan, "", [""], "", "", 0),
    ]
    return "\n".join(message.content for message in asked)
