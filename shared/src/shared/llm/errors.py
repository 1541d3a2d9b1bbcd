"""What can go wrong with a model's endpoint or its answers."""

from shared.contracts.errors import PermanentError, TransientError


class ModelTimeoutError(TransientError):
    code = "model_timeout"
    meaning = "The model endpoint did not answer in time, or stopped sending in the middle of its answer"
    advice = "Wait; if it lasts, raise `DRAFTLINE_MODEL_IDLE_SECONDS` or check the endpoint"


class ModelUnavailableError(TransientError):
    code = "model_unavailable"
    meaning = "The model endpoint cannot be reached, or failed"
    advice = "Check `OPENAI_BASE_URL` and the endpoint's own log"


class ModelStreamBrokenError(TransientError):
    code = "model_stream_broken"
    meaning = "The model's answer broke off before its end"
    advice = "Wait; if it lasts, check the network and the proxies in between"


class ModelRateLimitedError(TransientError):
    code = "model_rate_limited"
    meaning = "The model endpoint limits the rate of requests"
    advice = "Lower `DRAFTLINE_MODEL_CONCURRENCY`, or ask the provider for a higher limit"


class ModelEmptyAnswerError(TransientError):
    code = "model_empty_answer"
    meaning = "The model answered without text"
    advice = "Check `OPENAI_MODEL`; a reasoning model may need more tokens"


class ModelOutputInvalidError(TransientError):
    code = "model_output_invalid"
    meaning = "The model's answer did not have the requested form, even after corrections"
    advice = "Use a more capable model"


class ModelAuthFailedError(PermanentError):
    code = "model_auth_failed"
    meaning = "The model endpoint denied access"
    advice = "Check `OPENAI_API_KEY`"


class ModelQuotaExhaustedError(PermanentError):
    code = "model_quota_exhausted"
    meaning = "The account at the model endpoint has no credit left"
    advice = "Top it up, then submit the job again"


class ModelNotFoundError(PermanentError):
    code = "model_not_found"
    meaning = "The endpoint does not know the model, or there is no model endpoint at this address"
    advice = "Check `OPENAI_MODEL` and `OPENAI_BASE_URL`"


class ModelContextExceededError(PermanentError):
    code = "model_context_exceeded"
    meaning = "The request is longer than the model's context window"
    advice = "Set `DRAFTLINE_MODEL_CONTEXT_TOKENS` to the size of that window"


class ModelRequestRefusedError(PermanentError):
    code = "model_request_refused"
    meaning = "The model endpoint refused the request as invalid"
    advice = "Read the message; check whether the endpoint is compatible"


class ModelContentFilteredError(PermanentError):
    code = "model_content_filtered"
    meaning = "The endpoint's content filter refused to answer"
    advice = "Change the prompt or the files"


class EmbeddingsMalformedError(PermanentError):
    code = "embeddings_malformed"
    meaning = (
        "The embeddings endpoint answered with something other than one vector per text. No job ends with it: passages "
        "are ranked by words alone. It is counted in `draftline_llm_calls_total`"
    )
    advice = "Check `DRAFTLINE_EMBEDDINGS_BASE_URL`"


class BudgetExceededError(PermanentError):
    code = "budget_exceeded"
    meaning = "The next model call would have passed `max_tokens_total` or `max_cost_usd`"
    advice = (
        "Read what is finished with `?partial=true`; submit the job again with a higher limit, or ask for less. What "
        "was spent stays spent: a retry has the same limit and fails at once"
    )


class PriceUnknownError(PermanentError):
    code = "price_unknown"
    meaning = "The job has `max_cost_usd`, but the worker does not know the price of its model"
    advice = "Operators: set `DRAFTLINE_MODEL_PRICES`; or limit tokens (`max_tokens_total`)"
