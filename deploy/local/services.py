"""The gateway and the workers as child processes."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from deploy.local.children import ChildSpec
from deploy.local.ports import LOOPBACK, Ports

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


def services(host: str, ports: Ports, environment: Mapping[str, str], grace_seconds: float) -> list[Service]:
    """All services, each with a metrics port of its own."""
    base = {**environment, "DRAFTLINE_HOST": host, "PORT": str(ports.gateway)}
    found = []
    for module, metrics_port in zip(("gateway", "outline_worker", "document_worker"), ports.metrics, strict=True):
        spec = ChildSpec(
            name=module,
            program=(sys.executable, "-m", module),
            environment={**base, "DRAFTLINE_METRICS_PORT": str(metrics_port)},
            stop_order=0,
            stop_seconds=grace_seconds + BEYOND_GRACE_SECONDS,
        )
        port = ports.gateway if module == "gateway" else metrics_port
        found.append(Service(spec, f"{gateway_url(host, port)}/readyz"))
    return found
