"""Counts model requests for Prometheus."""

from shared.contracts.usage import Usage
from shared.observability.metrics import LLM_CALL_SECONDS, LLM_CALLS, LLM_COST, LLM_TOKENS


class CallMetrics:
    """A ``CallObserver`` that moves the metrics."""

    def observed(self, outcome: str, seconds: float, usage: Usage) -> None:
        LLM_CALLS.labels(outcome).inc()
        LLM_CALL_SECONDS.observe(seconds)
        LLM_TOKENS.labels("prompt").inc(usage.prompt_tokens)
        LLM_TOKENS.labels("completion").inc(usage.completion_tokens)
        LLM_COST.inc(usage.cost_usd or 0.0)
