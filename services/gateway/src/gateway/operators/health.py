"""Probes on the public port."""

import contextlib

from fastapi import APIRouter, Depends
from fastapi.responses import PlainTextResponse

from gateway.dependencies import ServicesDep, prepared
from gateway.http.problems import DrainingError, RedisUnavailableError
from gateway.http.views import problems_by_status
from gateway.operators.views import Ready
from shared.contracts.states import JobKind
from shared.redis.failures import ANY, OUT_OF_MEMORY

router = APIRouter(tags=["service"])


@router.get("/livez", response_class=PlainTextResponse)
async def livez() -> str:
    """The process turns. Never asks Redis: a restart would not bring it back."""
    return "ok\n"


@router.get(
    "/readyz", responses=problems_by_status(DrainingError, RedisUnavailableError), dependencies=[Depends(prepared)]
)
async def readyz(service: ServicesDep) -> Ready:
    """Redis answers, the consumer groups exist, and the server is not stopping."""
    if service.hub.draining:
        raise DrainingError("The server is stopping.", headers={"Retry-After": "1"})
    if not await service.store.connections.ping():
        raise RedisUnavailableError("Redis does not answer.")
    try:
        # A full Redis refuses this, but still serves every job that is there: no reason to take the gateway away.
        with contextlib.suppress(OUT_OF_MEMORY):
            for kind in JobKind:
                await service.store.queues.ensure_groups(kind)
    except ANY as error:
        raise RedisUnavailableError("Redis refuses.") from error
    return Ready()
