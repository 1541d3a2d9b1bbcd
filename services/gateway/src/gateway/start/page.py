"""The page for a person who opens the gateway's address in a browser. It has no script and loads nothing."""

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime
from html import escape
from importlib import resources
from string import Template

from gateway.http.views import API, Links
from shared.contracts.jobs import Job
from shared.contracts.states import JobKind, JobState

_PAGE = resources.files("gateway").joinpath("start/page.html").read_text(encoding="utf-8")
_TEMPLATE = Template(_PAGE)
_STYLE = _PAGE.partition("<style>")[2].partition("</style>")[0]
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""The page shows jobs and addresses that others chose, so the policy allows its own style and no script at all."""
ERROR_CHARACTERS = 300
"""Of a job's error; the rest stands in the job itself."""
_FORMATS = {
    JobKind.DOCUMENT: {"HTML": "html", "PDF": "pdf", "DOCX": "docx", "Markdown": "markdown", "JSON": "json"},
    JobKind.OUTLINE: {"Markdown": "markdown", "JSON": "json"},
}
_JSON = "\\\n  -H 'Content-Type: application/json' \\\n  -d"
_COMMANDS = (
    (
        "Ask for a document. The same request sent again makes no second job.",
        f"""curl -s "$api/jobs/document" {_JSON} '{{"job_id": "tea", "target_words": 800,
      "task_prompt": "How tea came to Europe, for curious adults"}}'""",
    ),
    ("Watch it: first the outline, then the text as it is written.", 'curl -sN "$api/jobs/tea/events"'),
    ("See its state, progress and usage.", 'curl -s "$api/jobs/tea"'),
    ("Read the result, or save it as a file.", 'curl -s "$api/jobs/tea/result?format=markdown"'),
    ("", 'curl -sOJ "$api/jobs/tea/result?format=pdf"'),
    (
        'Have a say: with "review": true a job waits once it is planned, until its outline is approved.',
        f"""curl -s "$api/jobs/document" {_JSON} '{{"job_id": "tea-2", "review": true,
      "task_prompt": "How tea came to Europe, for curious adults"}}'""",
    ),
    ("", 'curl -s "$api/jobs/tea-2/outline"'),
    ("", 'curl -s -X POST "$api/jobs/tea-2/approve"'),
    ("Stop a job.", 'curl -s -X POST "$api/jobs/tea/cancel"'),
    (
        "Ask what a document would take, without writing it.",
        f"""curl -s "$api/jobs/estimate" {_JSON} '{{"task_prompt": "Green tea", "target_words": 5000}}'""",
    ),
)
"""A title and a command of a shell; commands without a title belong to the title before them."""


def start_page(version: str, address: str, jobs: Sequence[Job] | None, now: datetime) -> str:
    """Return the page as HTML.

    ``address`` is scheme, host and port, as the browser reaches the gateway. ``jobs`` are shown in their order; None
    means that Redis does not answer.
    """
    return _TEMPLATE.substitute(version=escape(version), jobs=_jobs(jobs, now), commands=_commands(address))


def _commands(address: str) -> str:
    parts = []
    for title, command in _COMMANDS:
        if title:
            parts.append(f"<p>{escape(title)}</p>")
        parts.append(f"<pre>{escape(Template(command).substitute(api=f'{address}{API}'), quote=False)}</pre>")
    return "\n".join(parts)


def _jobs(jobs: Sequence[Job] | None, now: datetime) -> str:
    if jobs is None:
        return "<p>Redis does not answer, so the jobs cannot be listed. Load this page again in a moment.</p>"
    if not jobs:
        return "<p>There is no job yet. The first command below makes one.</p>"
    items = "\n".join(_item(job, now) for job in jobs)
    return f'<ul>\n{items}\n</ul>\n<p class="quiet">Load this page again to see how far they have come.</p>'


def _item(job: Job, now: datetime) -> str:
    links = Links.of(job.ref.job_id)
    facts = [
        f"<span>{escape(job.kind)}</span>",
        f'<time datetime="{job.created_at:%Y-%m-%dT%H:%M:%SZ}">{job.created_at:%Y-%m-%d %H:%M} UTC</time>',
        *(f'<a href="{escape(address)}">{escape(name)}</a>' for name, address in _places(job, links, now).items()),
    ]
    why = f'\n<p class="why">{escape(_shortened(job.error.message))}</p>' if job.error else ""
    return (
        f'<li><a class="id" href="{escape(links.self)}">{escape(job.ref.job_id)}</a>{_state(job)}\n'
        f'<div class="facts">{" ".join(facts)}</div>{why}</li>'
    )


def _state(job: Job) -> str:
    name = escape(job.state.replace("_", " "))
    if job.state is not JobState.RUNNING:
        return f'<span class="state {escape(job.state)}">{name}</span>'
    percent = f"{job.progress.percent:.0f}"
    bar = f'<progress max="100" value="{percent}" aria-hidden="true"></progress>'
    return f'<span class="state">{name}, {percent} %</span> {bar}'


def _shortened(message: str) -> str:
    return message if len(message) <= ERROR_CHARACTERS else f"{message[:ERROR_CHARACTERS]}…"


def _places(job: Job, links: Links, now: datetime) -> dict[str, str]:
    """Return where to go on from a job: its events, and what can be read of it now."""
    places = {"Events": links.events}
    if job.state is JobState.AWAITING_REVIEW:
        places["Outline"] = links.outline
    if job.state is JobState.COMPLETED and (job.result_expires_at is None or now < job.result_expires_at):
        # Named, because a browser that accepts HTML gets HTML.
        places |= {name: f"{links.result}?format={form}" for name, form in _FORMATS[job.kind].items()}
    return places
