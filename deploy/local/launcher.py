"""The life of `make run` and `make serve`: start everything, do the work, stop everything."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path

import httpx2

from deploy.local import model, valkey
from deploy.local.children import Child, Fleet
from deploy.local.context import read_context
from deploy.local.errors import LaunchError
from deploy.local.gateway_client import GatewayClient
from deploy.local.lock import folder_lock
from deploy.local.ports import Ports, choose_ports
from deploy.local.readiness import http_probe, wait_ready
from deploy.local.sample import PROMPT, SampleRequest, write_document
from deploy.local.services import gateway_url, services
from deploy.local.settings import LauncherSettings
from deploy.local.signals import stop_signals
from deploy.local.view import View, write_error

STATE_FOLDER = Path(".draftline")
OUT_FOLDER = Path("out")
EMBEDDED_TARGET_WORDS = 800
"""The embedded model writes about a hundred tokens a second and soon loses the thread."""
REQUEST_SECONDS = 30.0
"""Context files may come to 24 MiB."""
INTERRUPTED_STATUS = 130
AFTER_DEATH = (
    "The others are being stopped. Once the cause is mended, start again: accepted jobs go on where they were."
)


@dataclass(frozen=True, slots=True)
class Finished:
    """All that was asked for is done."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A signal asked for the end."""


@dataclass(frozen=True, slots=True)
class Died:
    """A child ended by itself."""

    child: Child


@dataclass(frozen=True, slots=True)
class Failed:
    """Something could not be done."""

    reason: str


Ending = Finished | Interrupted | Died | Failed


class Launcher:
    """One run. Paths are relative to the current folder, the root of the repository."""

    def __init__(self, settings: LauncherSettings, view: View, request: SampleRequest | None) -> None:
        self._settings = settings
        self._view = view
        self._request = request
        self._url = gateway_url(settings.host, settings.port)
        self._fleet = Fleet(STATE_FOLDER / "logs")
        self._written: Path | None = None
        self._serving = False

    async def run(self) -> int:
        """The exit status; raises LaunchError for what is wrong before anything was started."""
        settings = self._settings
        with folder_lock(STATE_FOLDER), stop_signals(self._fleet.kill) as asked:
            ports = choose_ports(settings.host, settings.port)
            server = None if settings.redis_url else valkey.server_program()
            weights = None if settings.model_name else model.model_weights()
            try:
                ending = await self._first_of(asked, self._work(ports, server, weights))
                self._explain(ending)
            finally:
                killed = await self._fleet.stop()
        for name in killed:
            write_error(f"{name} was killed: it did not stop by itself.")
        return self._status(ending)

    async def _work(self, ports: Ports, server: Path | None, weights: Path | None) -> None:
        async with httpx2.AsyncClient(base_url=self._url, trust_env=False, timeout=REQUEST_SECONDS) as client:
            await self._start(ports, server, weights, client)
            if self._request is not None:
                path = await write_document(GatewayClient(client), self._view, self._request, OUT_FOLDER)
                self._written = path
        if self._settings.once:
            return
        if self._written is not None:
            self._view.say(str(self._written))
        self._serving = True
        self._view.say(f"Serving on {self._url}. Ctrl-C stops everything.")
        await asyncio.Event().wait()

    async def _start(self, ports: Ports, server: Path | None, weights: Path | None, client: httpx2.AsyncClient) -> None:
        """Valkey and the model side by side, then the services, which want both."""
        environment = {**self._settings.inherited, "PYTHONUNBUFFERED": "1"}
        waits = []
        if server is not None:
            spec = valkey.valkey_spec(server, ports.valkey, STATE_FOLDER / "valkey", environment)
            waits.append((await self._fleet.start(spec), valkey.valkey_probe(ports.valkey)))
            environment["REDIS_URL"] = valkey.valkey_url(ports.valkey)
        if weights is not None:
            spec = model.model_spec(weights, ports.model, environment)
            waits.append((await self._fleet.start(spec), model.model_probe(client, ports.model)))
            environment |= model.model_variables(ports.model)
        self._view.say(
            f"Starting the gateway and two workers on {'a Valkey of our own' if server else 'REDIS_URL'}, "
            f"writing with {self._settings.model_name or f'the embedded model {model.MODEL_NAME}'}."
        )
        for child, probe in waits:
            await wait_ready(child, probe)
        parts = services(self._settings.host, ports, environment, self._settings.grace_seconds)
        started = [(await self._fleet.start(part.spec), http_probe(client, part.ready_url)) for part in parts]
        for child, probe in started:
            await wait_ready(child, probe)

    async def _first_of(self, asked: asyncio.Event, work: Coroutine[None, None, None]) -> Ending:
        """What comes first; a death explains a failure at the same moment, so it goes before it."""
        async with asyncio.TaskGroup() as group:
            death = group.create_task(self._fleet.first_death())
            signal = group.create_task(asked.wait())
            working = group.create_task(_attempt(work))
            await asyncio.wait({death, signal, working}, return_when=asyncio.FIRST_COMPLETED)
            for task in (death, signal, working):
                task.cancel()
        if signal.done() and not signal.cancelled():
            return Interrupted()
        if (child := self._fleet.dead()) is not None:
            return Died(child)
        return working.result()

    def _explain(self, ending: Ending) -> None:
        match ending:
            case Died(child):
                write_error(f"{child.obituary()}\n{AFTER_DEATH}")
            case Failed(reason):
                write_error(f"{reason}\nThe logs of all processes are in {self._fleet.logs}.")
            case Interrupted() | Finished():
                pass
        waiting = isinstance(ending, Interrupted)
        grace = f" Running jobs get {self._settings.grace_seconds:.0f} s; Ctrl-C again ends at once." if waiting else ""
        self._view.say(f"Stopping.{grace}")

    def _status(self, ending: Ending) -> int:
        match ending:
            case Finished():
                if self._written is not None:
                    self._view.say(str(self._written))
                return 0
            case Interrupted():
                return 0 if self._serving else INTERRUPTED_STATUS
            case Died() | Failed():
                return 1


async def _attempt(work: Coroutine[None, None, None]) -> Ending:
    try:
        await work
    except LaunchError as error:
        return Failed(str(error))
    return Finished()


def sample_request(settings: LauncherSettings) -> SampleRequest:
    """What the variables ask for; raises LaunchError if a file can't be read or the prompt can't be used."""
    request = SampleRequest(
        prompt=settings.prompt or PROMPT,
        target_words=EMBEDDED_TARGET_WORDS if settings.model_name is None else None,
        files=read_context(settings.context),
    )
    request.outline_command()
    return request
