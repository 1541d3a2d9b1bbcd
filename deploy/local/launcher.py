"""The life of `make run` and `make serve`: start everything, do the work, stop everything."""

import asyncio
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import httpx2

from deploy.local import model, pdf_packages, valkey
from deploy.local.children import Child, Fleet
from deploy.local.context import read_context
from deploy.local.endings import Died, Ending, Failed, Finished, Interrupted, attempt, first_of
from deploy.local.env_file import ENV_FILE
from deploy.local.gateway_client import GatewayClient
from deploy.local.keeping import DEFAULT_PACE, Keeper, Pace, Part
from deploy.local.lock import folder_lock
from deploy.local.machine import full_disk_line
from deploy.local.person import Person
from deploy.local.ports import Listeners, free_port, is_taken, open_listeners
from deploy.local.readiness import http_probe, wait_ready
from deploy.local.sample import OUTLINE, PROMPT, Sample, SampleRequest
from deploy.local.services import gateway_url, services
from deploy.local.settings import LauncherSettings
from deploy.local.signals import StopSignals, stop_signals
from deploy.local.view import View, write_error

STATE_FOLDER = Path(".draftline")
OUT_FOLDER = Path("out")
EMBEDDED_TARGET_WORDS = 500
"""The embedded model writes about a hundred tokens a second and soon loses the thread."""
REQUEST_SECONDS = 30.0
"""Context files may come to 24 MiB."""
INTERRUPTED_STATUS = 130
PORT_TRIES = 3
"""For the servers that can't be handed a socket: another program may take their port before they bind it."""
AFTER_DEATH = (
    "The others are being stopped. Once the cause is mended, start again: accepted jobs go on where they were."
)


@dataclass(frozen=True, slots=True)
class Started:
    """Everything was ready at once."""

    children: list[tuple[Part, Child]]


class Launcher:
    """One run. Paths are relative to the current folder, the root of the repository."""

    def __init__(
        self, settings: LauncherSettings, view: View, request: SampleRequest | None, pace: Pace = DEFAULT_PACE
    ) -> None:
        self._settings = settings
        self._view = view
        self._request = request
        self._pace = pace
        self._url = gateway_url(settings.host, settings.port)
        self._fleet = Fleet(STATE_FOLDER / "logs")
        self._written: Path | None = None
        self._serving = False

    async def run(self) -> int:
        """The exit status; raises LaunchError for what is wrong before anything was started."""
        settings = self._settings
        with (
            folder_lock(STATE_FOLDER),
            stop_signals(self._fleet.kill) as stop,
            closing(open_listeners(settings.host, settings.port)) as listeners,
        ):
            async with httpx2.AsyncClient(base_url=self._url, trust_env=False, timeout=REQUEST_SECONDS) as client:
                try:
                    ending = await self._live(stop, client, listeners)
                    self._explain(ending)
                finally:
                    # A service that drains closes its copy. Held here, the socket would let new clients wait in vain.
                    listeners.close()
                    killed = await self._fleet.stop()
        for name in killed:
            write_error(f"{name} was killed: it did not stop by itself.")
        return self._status(ending)

    def _stages(self, client: httpx2.AsyncClient, listeners: Listeners) -> list[list[Part]]:
        """Valkey and the model side by side, then the services, which want both."""
        settings = self._settings
        program = None if settings.redis_url else valkey.server_program()
        weights = None if settings.model_name else model.model_weights()
        servers = []
        environment = {**settings.inherited, "PYTHONUNBUFFERED": "1"}
        if program is not None:
            port = free_port()
            spec = valkey.valkey_spec(program, port, STATE_FOLDER / "valkey", environment)
            servers.append(Part(spec, valkey.valkey_probe(port), needed=True, port=port))
            environment = {**environment, "REDIS_URL": valkey.valkey_url(port)}
        if weights is not None:
            port = free_port()
            spec = model.model_spec(weights, port, environment)
            servers.append(Part(spec, model.model_probe(client, port), needed=True, port=port))
            environment = {**environment, **model.model_variables(port)}
        found = services(settings.host, listeners, environment, settings.grace_seconds)
        return [servers, [Part(service.spec, http_probe(client, service.ready_url), needed=False) for service in found]]

    async def _live(self, stop: StopSignals, client: httpx2.AsyncClient, listeners: Listeners) -> Ending:
        started = await self._begin(stop, client, listeners)
        if not isinstance(started, Started):
            return started
        keepers = [(Keeper(part, self._fleet, self._view.say, self._pace), child) for part, child in started.children]
        kept = first_of(*(keeper.keep(child) for keeper, child in keepers))
        return await first_of(_interruption(stop.asked), attempt(kept), attempt(self._work(client, stop)))

    async def _begin(self, stop: StopSignals, client: httpx2.AsyncClient, listeners: Listeners) -> Started | Ending:
        """Start everything; again on other ports, where another program took the port of a server meanwhile."""
        for tries_left in reversed(range(PORT_TRIES)):
            stages = self._stages(client, listeners)
            started = await self._try_to_start(stop, stages)
            robbed = _robbed_part(started, stages)
            if robbed is None or not tries_left:
                break
            self._view.say(f"Another program took port {robbed.port} before {robbed.spec.name}. Trying another port.")
            await self._fleet.stop()
        return started

    async def _try_to_start(self, stop: StopSignals, stages: list[list[Part]]) -> Started | Ending:
        """Before everything is ready a death ends the start; it explains a failure at the same moment."""
        started = await first_of(_interruption(stop.asked), self._first_death(), attempt(self._start(stages)))
        if not isinstance(started, Interrupted) and (dead := self._fleet.dead()) is not None:
            return Died(dead)
        return started

    async def _first_death(self) -> Died:
        return Died(await self._fleet.first_death())

    async def _start(self, stages: list[list[Part]]) -> Started:
        if self._settings.from_file:
            self._view.say(f"Settings from {ENV_FILE}: {', '.join(self._settings.from_file)}.")
        store = "REDIS_URL" if self._settings.redis_url else "a Valkey of our own"
        writer = self._settings.model_name or f"the embedded model {model.MODEL_NAME}"
        self._view.say(f"Starting the gateway and two workers on {store}, writing with {writer}.")
        children: list[tuple[Part, Child]] = []
        for parts in stages:
            started = [(part, await self._fleet.start(part.spec)) for part in parts]
            for part, child in started:
                await wait_ready(child, part.probe)
            children += started
        return Started(children)

    async def _work(self, client: httpx2.AsyncClient, stop: StopSignals) -> Finished:
        if self._request is not None:
            person = Person(self._settings.editor, stop.ctrl_c_left_to_another)
            sample = Sample(GatewayClient(client), self._view, person, OUT_FOLDER)
            self._written = await sample.write(self._request)
        if self._settings.once:
            return Finished()
        if self._written is not None:
            self._view.say(str(self._written))
        if pdf_packages.missing():
            await pdf_packages.fetch(self._view.say)
        self._serving = True
        self._view.say(f"Serving on {self._url}. Ctrl-C stops everything.")
        await asyncio.Event().wait()
        return Finished()

    def _explain(self, ending: Ending) -> None:
        if isinstance(ending, Died | Failed) and (full := full_disk_line(STATE_FOLDER)) is not None:
            write_error(full)
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


def _robbed_part(ending: Started | Ending, stages: list[list[Part]]) -> Part | None:
    """The server that died because another program has its port; None where that is not what happened."""
    if not isinstance(ending, Died) or (ending.child.exit_status or 0) < 0:
        return None
    dead = (part for part in chain.from_iterable(stages) if part.spec is ending.child.spec)
    return next((part for part in dead if part.port is not None and is_taken(part.port)), None)


async def _interruption(asked: asyncio.Event) -> Interrupted:
    await asked.wait()
    return Interrupted()


def sample_request(settings: LauncherSettings) -> SampleRequest:
    """What the variables ask for; raises LaunchError if a file can't be read or the prompt can't be used."""
    embedded = settings.model_name is None
    planned = embedded and settings.prompt is None and not settings.review
    request = SampleRequest(
        prompt=None if planned else settings.prompt or PROMPT,
        outline=OUTLINE if planned else None,
        target_words=EMBEDDED_TARGET_WORDS if embedded else None,
        files=read_context(settings.context),
        review=settings.review,
    )
    request.command()
    return request
