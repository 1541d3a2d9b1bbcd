"""Problems of workers and dead letters."""

from gateway.http.problems import ProblemError


class WorkerNotFoundError(ProblemError):
    status = 404
    code = "worker_not_found"
    title = "There is no such worker"
    meaning = "No worker of this id lives: it ended, or its heartbeats have stopped"
    advice = "`GET /api/v1/workers` lists them"


class DeadLetterNotFoundError(ProblemError):
    status = 404
    code = "dead_letter_not_found"
    title = "There is no such dead letter"
    meaning = (
        "The job is no dead letter: unknown, begun again, purged, or failed for a reason that attempts do not mend"
    )
    advice = "`GET /api/v1/dead-letters` lists them; `POST .../retry` begins any failed job again"
