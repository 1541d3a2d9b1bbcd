"""The gateway and the workers as child processes."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from deploy.local.children import ChildSpec
from deploy.local.ports import LOOPBACK, Listeners, port_of

BEYOND_GRACE_SECONDS = 5.0
_EVERY_ADDRESS = {"0.0.0.0": LOOPBACK, "::": "[::1]"}


@dataclass(frozen=True, slots=True)
class Service:
    """What to start, and where it says that it is ready."""

    spec: ChildSpec
    ready_url: str


def gateway_url(host: str, port: int) -> str:
    """Where this machine reaches a gateway bound to that address."""
    return f"http://{_EVERY_ADDRESS.get(host, f'[{host}]' if ':' in host else host)}:{port}"


def services(host: str, listeners: Listeners, environment: Mapping[str, str], grace_seconds: float) -> list[Service]:
    """Describe all services, each with the sockets that are handed down to it."""
    base = {**environment, "DRAFTLINE_HOST": host, "PORT": str(port_of(listeners.gateway))}
    found = []
    for module, metrics in zip(("gateway", "outline_worker", "document_worker"), listeners.metrics, strict=True):
        handed = {"DRAFTLINE_METRICS_FD": metrics}
        if module == "gateway":
            handed["DRAFTLINE_LISTEN_FD"] = listeners.gateway
        spec = ChildSpec(
            name=module,
            program=(sys.executable, "-m", module),
            environment={
                **base,
                "DRAFTLINE_METRICS_PORT": str(port_of(metrics)),
                **{variable: str(listener.fileno()) for variable, listener in handed.items()},
            },
            stop_order=0,
            stop_seconds=grace_seconds + BEYOND_GRACE_SECONDS,
            listeners=tuple(handed.values()),
        )
        ready = handed.get("DRAFTLINE_LISTEN_FD", metrics)
        found.append(Service(spec, f"{gateway_url(host, port_of(ready))}/readyz"))
    return found
