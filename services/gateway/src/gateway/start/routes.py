"""The start page."""

import asyncio
import re

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from gateway.dependencies import Services, ServicesDep
from gateway.start.page import HEADERS, start_page
from shared.contracts.jobs import Job
from shared.redis.failures import ANY, UNAVAILABLE

log = structlog.get_logger()

SHOWN_JOBS = 5
LIST_SECONDS = 1.0
"""A person who wants to know whether the gateway runs gets the page without jobs where Redis is slower."""
_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
router = APIRouter()


@router.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
async def show_start_page(request: Request, service: ServicesDep) -> HTMLResponse:
    """For a person with a browser; whatever the request accepts, the answer is HTML."""
    jobs = await _latest(service)
    page = start_page(request.app.version, _address(request), jobs, service.clock.now())
    return HTMLResponse(page, headers=HEADERS)


async def _latest(service: Services) -> list[Job] | None:
    """Return the newest jobs, or None where Redis does not give them in time."""
    if not service.prepared.is_set():
        return None
    try:
        async with asyncio.timeout(LIST_SECONDS):
            return (await service.lists.jobs(None, None, None, SHOWN_JOBS)).jobs
    except (*UNAVAILABLE, ANY) as error:
        log.warning("latest_jobs_unknown", error=str(error))
        return None


def _address(request: Request) -> str:
    """Return scheme, host and port as the browser used them.

    People copy this address into a shell, so a Host header that is no plain name or number is not shown. The address
    of the connection takes its place.
    """
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        name, port = request.scope["server"]
        host = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
    return f"{'https' if request.url.scheme == 'https' else 'http'}://{host}"
