"""The life of `make run` and `make serve`: start everything, do the work, stop everything."""

import asyncio
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import httpx2

from deploy.local import model, valkey
from deploy.local.children import Child, Fleet
from deploy.local.context import read_context
from deploy.local.endings import Died, Ending, Failed, Finished, Interrupted, attempt, first_of
from deploy.local.gateway_client import GatewayClient
from deploy.local.keeping import DEFAULT_PACE, Keeper, Pace, Part
from deploy.local.lock import folder_lock
from deploy.local.person import Person
from deploy.local.ports import choose_ports
from deploy.local.readiness import http_probe, wait_ready
from deploy.local.sample import PROMPT, Sample, SampleRequest
from deploy.local.services import gateway_url, services
from deploy.local.settings import LauncherSettings
from deploy.local.signals import StopSignals, stop_signals
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
class Started:
    """Everything was ready at once."""

    children: list[Child]
    """In the order of their parts."""


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
        with folder_lock(STATE_FOLDER), stop_signals(self._fleet.kill) as stop:
            async with httpx2.AsyncClient(base_url=self._url, trust_env=False, timeout=REQUEST_SECONDS) as client:
                stages = self._stages(client)
                try:
                    ending = await self._live(stop, client, stages)
                    self._explain(ending)
                finally:
                    killed = await self._fleet.stop()
        for name in killed:
            write_error(f"{name} was killed: it did not stop by itself.")
        return self._status(ending)

    def _stages(self, client: httpx2.AsyncClient) -> list[list[Part]]:
        """Valkey and the model side by side, then the services, which want both."""
        settings = self._settings
        ports = choose_ports(settings.host, settings.port)
        program = None if settings.redis_url else valkey.server_program()
        weights = None if settings.model_name else model.model_weights()
        servers = []
        environment = {**settings.inherited, "PYTHONUNBUFFERED": "1"}
        if program is not None:
            spec = valkey.valkey_spec(program, ports.valkey, STATE_FOLDER / "valkey", environment)
            servers.append(Part(spec, valkey.valkey_probe(ports.valkey), needed=True))
            environment = {**environment, "REDIS_URL": valkey.valkey_url(ports.valkey)}
        if weights is not None:
            spec = model.model_spec(weights, ports.model, environment)
            servers.append(Part(spec, model.model_probe(client, ports.model), needed=True))
            environment = {**environment, **model.model_variables(ports.model)}
        found = services(settings.host, ports, environment, settings.grace_seconds)
        return [servers, [Part(service.spec, http_probe(client, service.ready_url), needed=False) for service in found]]

    async def _live(self, stop: StopSignals, client: httpx2.AsyncClient, stages: list[list[Part]]) -> Ending:
        """Before everything is ready a death ends it all; it explains a failure at the same moment."""
        started = await first_of(_interruption(stop.asked), self._first_death(), attempt(self._start(stages)))
        if not isinstance(started, Interrupted) and (dead := self._fleet.dead()) is not None:
            return Died(dead)
        if not isinstance(started, Started):
            return started
        keepers = [Keeper(part, self._fleet, self._view.say, self._pace) for part in chain.from_iterable(stages)]
        kept = first_of(*(keeper.keep(child) for keeper, child in zip(keepers, started.children, strict=True)))
        return await first_of(_interruption(stop.asked), attempt(kept), attempt(self._work(client, stop)))

    async def _first_death(self) -> Died:
        return Died(await self._fleet.first_death())

    async def _start(self, stages: list[list[Part]]) -> Started:
        store = "REDIS_URL" if self._settings.redis_url else "a Valkey of our own"
        writer = self._settings.model_name or f"the embedded model {model.MODEL_NAME}"
        self._view.say(f"Starting the gateway and two workers on {store}, writing with {writer}.")
        children: list[Child] = []
        for parts in stages:
            started = [await self._fleet.start(part.spec) for part in parts]
            for child, part in zip(started, parts, strict=True):
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
        self._serving = True
        self._view.say(f"Serving on {self._url}. Ctrl-C stops everything.")
        await asyncio.Event().wait()
        return Finished()

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


async def _interruption(asked: asyncio.Event) -> Interrupted:
    await asked.wait()
    return Interrupted()


def sample_request(settings: LauncherSettings) -> SampleRequest:
    """What the variables ask for; raises LaunchError if a file can't be read or the prompt can't be used."""
    request = SampleRequest(
        prompt=settings.prompt or PROMPT,
        target_words=EMBEDDED_TARGET_WORDS if settings.model_name is None else None,
        files=read_context(settings.context),
        review=settings.review,
    )
    request.command()
    return request
