"""Every metric, declared once. docs/telemetry.md lists them; a test compares the two."""

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.005, 0.02, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_200, 1_800)

JOBS_ACCEPTED = Counter("draftline_jobs_accepted_total", "Jobs accepted by this gateway", ["kind"])
JOBS_STARTED = Counter("draftline_jobs_started_total", "Claims of jobs by this worker, take-overs included", ["kind"])
JOBS_SETTLED = Counter("draftline_jobs_settled_total", "Ends of attempts by outcome", ["kind", "outcome"])
JOBS_RUNNING = Gauge("draftline_jobs_running", "Jobs this worker holds now", ["kind"])
JOB_WAIT_SECONDS = Histogram("draftline_job_wait_seconds", "From runnable to claimed", ["kind"], buckets=_SECONDS)
JOB_SECONDS = Histogram("draftline_job_duration_seconds", "Length of an attempt", ["kind"], buckets=_SECONDS)
STAGE_SECONDS = Histogram(
    "draftline_stage_duration_seconds", "Length of a pipeline node", ["kind", "stage"], buckets=_SECONDS
)
QUEUE_OUTSTANDING = Gauge("draftline_queue_outstanding", "Jobs waiting and running", ["kind", "band"])
QUEUE_JOBS = Gauge(
    "draftline_queue_jobs",
    "Jobs by where they stand (waiting, running, scheduled, awaiting_review, dead)",
    ["kind", "band", "state"],
)
QUEUE_PAUSED = Gauge("draftline_queue_paused", "1 where no worker may take jobs", ["kind"])
WORKERS = Gauge("draftline_workers", "Workers that live", ["kind"])
WORKER_SLOTS = Gauge("draftline_worker_slots", "Jobs the workers that do not drain take at once", ["kind"])
QUEUE_OLDEST_SECONDS = Gauge(
    "draftline_queue_oldest_waiting_seconds", "Age of the oldest job no worker was given, 0 if none", ["kind"]
)
REDIS_MEMORY = Gauge("draftline_redis_memory_ratio", "Memory Redis uses of its maxmemory, 0 where it has none")
EXPORTS = Counter("draftline_exports_total", "Tries to make a file of a document by outcome", ["format", "outcome"])
EXPORT_SECONDS = Histogram(
    "draftline_export_duration_seconds", "Length of a try to make a file", ["format"], buckets=_SECONDS
)
LLM_CALLS = Counter("draftline_llm_calls_total", "Requests to the model by outcome", ["outcome"])
LLM_TOKENS = Counter("draftline_llm_tokens_total", "Tokens by direction (prompt, completion)", ["direction"])
LLM_COST = Counter("draftline_llm_cost_usd_total", "Cost of requests to models whose price is known, US dollars")
LLM_CALL_SECONDS = Histogram("draftline_llm_call_duration_seconds", "Length of a model request", buckets=_SECONDS)
EVENTS_WRITTEN = Counter("draftline_events_written_total", "Events written by this worker", ["type"])
SSE_CONNECTIONS = Gauge("draftline_sse_connections", "Open event streams")
SSE_EVENTS_SENT = Counter("draftline_sse_events_sent_total", "Events sent to clients")
HTTP_REQUESTS = Counter("draftline_http_requests_total", "Answers of the gateway", ["method", "route", "status"])
HTTP_SECONDS = Histogram("draftline_http_request_duration_seconds", "Until the answer began", ["route"])
