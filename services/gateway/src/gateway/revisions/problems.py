"""Problems of revisions."""

from gateway.http.problems import ProblemError


class SectionNotFoundError(ProblemError):
    status = 404
    code = "section_not_found"
    title = "There is no such section"
    meaning = "No section of this id has a text that could be written again: unknown, or a heading over others"
    advice = "The detail lists those that can"
