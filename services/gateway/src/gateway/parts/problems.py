"""Problems of prices, results and files."""

from typing import Any

from gateway.http.problems import ProblemError


class PriceUnknownError(ProblemError):
    status = 422
    code = "price_unknown"
    title = "Costs cannot be limited where no price is known"
    meaning = "`max_cost_usd` was given, and neither the operator's table nor the published prices know the model"
    advice = "Limit tokens (`max_tokens_total`) instead, or let the operator set `DRAFTLINE_MODEL_PRICES`"


class ResultExpiredError(ProblemError):
    status = 410
    code = "result_expired"
    title = "The result has expired"
    meaning = "The job completed, but its result has expired (after 1 h by default)"
    advice = "Submit the job again under another id"

    def __init__(
        self, detail: str = "Results are kept for a limited time; submit the job again.", **about: Any
    ) -> None:
        super().__init__(detail, **about)


class ExportNotReadyError(ProblemError):
    status = 503
    code = "export_not_ready"
    come_back_seconds = 5
    title = "The file is not made yet"
    meaning = (
        "No document worker has made the file within 30 s, or too many files wait to be made. It is made all the same"
    )
    advice = "Repeat after `Retry-After`; operators: see whether document workers run"


class ExportFailedError(ProblemError):
    status = 409
    code = "export_failed"
    title = "The file could not be made"
    meaning = "The file could not be made; `error` says why"
    advice = (
        "See below, by the code in `error`; after a minute it may be asked for again. The other forms are not affected"
    )
