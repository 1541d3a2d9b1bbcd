"""``python -m gateway``: serve until SIGTERM, then end every stream cleanly."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import structlog
import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.app import create_app
from gateway.bootstrap import build_services
from gateway.dependencies import Services
from gateway.operators.sampling import sample_queues
from gateway.settings import GatewaySettings
from shared.contracts.states import JobKind
from shared.lifecycle.listening import INTERNAL, PUBLIC, open_listener
from shared.lifecycle.pauses import Pauses
from shared.lifecycle.supervisor import Drain, run_service
from shared.observability.health import Health, internal_port
from shared.observability.logging import configure_logging
from shared.redis.client import connections
from shared.redis.failures import ANY, UNAVAILABLE
from shared.settings import ObservabilitySettings, RedisSettings, RetentionSettings

log = structlog.get_logger()


class Server(uvicorn.Server):
    """Leaves the signals to the supervisor: uvicorn's own handling would hang on open streams and exit with 143."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Protocol(HttpToolsProtocol):
    """Lets the application cut a connection: closing one whose client does not read would wait for it for ever."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"]["abort"] = self.transport.abort


async def serve(services: Services, listener: socket.socket, health: Health, drain: Drain) -> None:
    """Serve on a bound socket until a drain is asked for and done."""
    config = uvicorn.Config(
        create_app(services),
        lifespan="off",
        http=Protocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=max(1, round(services.settings.grace_seconds)),
    )
    server = Server(config)
    async with asyncio.TaskGroup() as group:
        background = [
            group.create_task(services.hub.run()),
            group.create_task(sample_queues(services.store, services.clock, services.settings.sample_seconds)),
            group.create_task(services.admission.run()),
            group.create_task(_prepare(services, health)),
            group.create_task(_beat(services, health)),
        ]
        serving = group.create_task(server.serve(sockets=[listener]))
        draining = group.create_task(drain.wait())
        await asyncio.wait({serving, draining}, return_when=asyncio.FIRST_COMPLETED)
        health.not_ready("draining")
        services.hub.drain()
        server.should_exit = True
        await serving
        for task in (*background, draining):
            task.cancel()


async def _prepare(services: Services, health: Health) -> None:
    """Agree on the shards and create the groups as soon as Redis answers."""
    pauses = Pauses()
    while True:
        try:
            await services.store.fix_shards()
            for kind in JobKind:
                await services.store.queues.ensure_groups(kind)
        except (*UNAVAILABLE, ANY) as error:
            log.warning("waiting_for_redis", error=str(error))
            await services.clock.sleep(pauses.following())
        else:
            services.prepared.set()
            health.ready()
            return


async def _beat(services: Services, health: Health) -> None:
    while True:
        health.beat()
        await services.clock.sleep(1)


async def _main(drain: Drain) -> None:
    redis, observability, settings = RedisSettings(), ObservabilitySettings(), GatewaySettings()
    configure_logging(observability, "gateway")
    health = Health()
    with (
        open_listener(observability.host, settings.port, settings.listen_fd, PUBLIC) as listener,
        open_listener(observability.host, settings.metrics_port, observability.metrics_fd, INTERNAL) as internal,
        internal_port(health, internal),
    ):
        async with connections(redis) as opened:
            services = build_services(opened, redis, RetentionSettings(), settings)
            log.info("serving", host=observability.host, port=listener.getsockname()[1])
            await serve(services, listener, health, drain)
    log.info("stopped")


if __name__ == "__main__":
    run_service("gateway", _main, uvloop.new_event_loop)
