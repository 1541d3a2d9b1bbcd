"""Problems of the forms of a result."""

from gateway.http.problems import ProblemError


class NotAcceptableError(ProblemError):
    status = 406
    code = "not_acceptable"
    title = "The result cannot be had in this form"
    meaning = (
        "The result cannot be had in the form that `Accept` or `format` names; of an outline there is only JSON "
        "and Markdown"
    )
    advice = "The detail lists the forms there are"
