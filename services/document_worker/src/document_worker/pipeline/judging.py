"""A second opinion on doubtful sentences, by the model, where the operator wants one."""

import dataclasses
from collections.abc import Mapping, Sequence

from document_worker.pipeline.checks.claims import CheckedClaim
from document_worker.pipeline.prompts import judging
from document_worker.pipeline.schemas import Judgement
from document_worker.pipeline.state import DocumentContext
from shared.evidence import Ledger
from shared.llm import ChatRequest, complete_json

AT_ONCE = 12
"""Sentences shown in one request."""


async def judge(
    context: DocumentContext, ledger: Ledger, claims: Mapping[str, Sequence[CheckedClaim]]
) -> dict[str, list[CheckedClaim]]:
    """The claims with the model's verdict on each that is not plainly supported.

    A number or a quotation that the passage does not hold stays unsupported, whatever the model says of it.
    """
    passages = {passage.key: passage.text for passage in ledger.passages}
    doubtful = [(name, i) for name, found in claims.items() for i, claim in enumerate(found) if claim.verdict == "weak"]
    judged = {name: list(found) for name, found in claims.items()}
    for start in range(0, len(doubtful), AT_ONCE):
        batch = doubtful[start : start + AT_ONCE]
        asked = [claims[name][i] for name, i in batch]
        request = ChatRequest(
            judging.verdicts(asked, passages), max_tokens=60 * len(batch), temperature=0.0, model=context.payload.model
        )
        answer = await complete_json(context.model, request, Judgement, meter=context.spend)
        for (name, i), opinion in zip(batch, answer.verdicts, strict=False):
            judged[name][i] = dataclasses.replace(claims[name][i], verdict=opinion.verdict, why=opinion.why)
    return judged
