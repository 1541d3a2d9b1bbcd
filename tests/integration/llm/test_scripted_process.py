"""The scripted model as a process, as end-to-end tests use it."""

import asyncio
import sys
from collections.abc import AsyncIterator

import httpx2
import pytest

from shared.lifecycle.clock import SystemClock
from shared.llm import ChatClient
from tests.support.llm import chat, model_settings


@pytest.fixture
async def base_url() -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.support.scripted_model", "--script", "thinking", "--latency", "0.01", "--chunk-delay", "0.001"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    yield (await process.stdout.readline()).decode().strip()
    process.terminate()
    assert await process.wait() == 0


async def test_calls_are_seen_from_outside(base_url: str) -> None:
    async with ChatClient(model_settings(base_url), SystemClock()) as client:
        answer = await client.complete(chat("Write 20 words."))
    assert len(answer.text.split()) == 20
    async with httpx2.AsyncClient(base_url=base_url.removesuffix("v1")) as http:
        assert (await http.get("health")).json() == {"status": "ok"}
        assert (await http.get("v1/models")).json()["data"][0]["id"] == "scripted"
        (call,) = (await http.get("calls")).json()
        assert call["body"]["messages"][-1]["content"] == "Write 20 words."
        assert call["ended_at"] > call["started_at"]
        assert not call["disconnected"]
        await http.post("reset")
        assert (await http.get("calls")).json() == []


async def test_whole_answers(base_url: str) -> None:
    async with httpx2.AsyncClient(base_url=base_url) as http:
        body = {"model": "m", "messages": [{"role": "user", "content": "Write 20 words."}]}
        answer = (await http.post("chat/completions", json=body)).json()
    assert answer["choices"][0]["message"]["content"].startswith("<think>")
    assert answer["usage"]["prompt_tokens"] == 3
