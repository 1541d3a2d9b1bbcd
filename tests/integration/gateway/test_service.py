"""Probes, request ids, a Redis that is away or full, and starts that must fail."""

import asyncio
import signal
import socket
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr

from shared.redis.client import Connections, connections
from shared.settings import RedisSettings
from tests.support.gateway import (
    Gateway,
    GatewayProcess,
    Hand,
    answers_counted,
    gateway_in_loop,
    gateway_process,
    http_client,
)
from tests.support.ipv6 import needs_ipv6
from tests.support.problems import problem
from tests.support.servers import Server, free_port, running
from tests.support.waiting import eventually

OUTLINE = "/api/v1/jobs/outline"
PROMPT = {"task_prompt": "x"}


async def test_a_gateway_lives_without_redis_and_heals(one_server: Server, tmp_path: Path) -> None:
    port = free_port()
    away = Server(one_server.name, one_server.binary, port, tmp_path)
    async with gateway_process(away.url, tmp_path) as started, http_client(started.metrics_port) as internal:
        await eventually(started.answers, seconds=15)
        problem(await started.client.get("/readyz"), 503, "redis_unavailable")
        assert (await internal.get("/livez")).status_code == 200
        assert (await internal.get("/readyz")).status_code == 503
        for answer in (
            await started.client.post(OUTLINE, json=PROMPT),
            await started.client.get("/api/v1/jobs/x"),
            await started.client.get("/api/v1/jobs/x/events"),
        ):
            problem(answer, 503, "redis_unavailable")
            assert int(answer.headers["retry-after"]) >= 1
        try:
            await away.start()
            await eventually(started.ready, seconds=10)
            assert (await internal.get("/readyz")).status_code == 200
            assert (await started.client.post(OUTLINE, json=PROMPT)).status_code == 202
            await away.stop()
            problem(await started.client.post(OUTLINE, json=PROMPT), 503, "redis_unavailable")
            problem(await started.client.get("/readyz"), 503, "redis_unavailable")
            assert await started.answers()
        finally:
            await away.stop()
        started.process.send_signal(signal.SIGTERM)
        assert await started.status() == 0, started.log.read_text()


async def test_a_full_redis_takes_no_new_jobs_but_serves_the_old_ones(one_server: Server) -> None:
    async with AsyncExitStack() as stack:
        full = await stack.enter_async_context(running(one_server.name, one_server.binary))
        gateway = await stack.enter_async_context(gateway_in_loop(full.url))
        opened = await stack.enter_async_context(connections(RedisSettings(url=SecretStr(full.url))))
        await gateway.client.post(OUTLINE, json={**PROMPT, "job_id": "old"})
        await opened.commands.config_set("maxmemory-policy", "noeviction")
        await opened.commands.config_set("maxmemory", "1")
        answer = await gateway.client.post(OUTLINE, json=PROMPT)
        problem(answer, 503, "redis_full")
        assert int(answer.headers["retry-after"]) >= 1
        assert (await gateway.client.get("/readyz")).status_code == 200
        assert (await gateway.client.get("/api/v1/jobs/old")).status_code == 200
        assert (await gateway.client.post("/api/v1/jobs/old/cancel")).json()["status"] == "cancelled"
        await opened.commands.config_set("maxmemory", "0")
        assert (await gateway.client.post(OUTLINE, json=PROMPT)).status_code == 202


async def test_lost_groups_are_made_again(gateway: Gateway, hand: Hand, redis_connections: Connections) -> None:
    await redis_connections.commands.flushall()
    assert (await gateway.client.get("/readyz")).status_code == 200
    groups = await redis_connections.commands.xinfo_groups("draftline:{0}:requests:outline:default")
    assert [group["name"] for group in groups] == [b"workers"]


@pytest.mark.parametrize("request_id", ["a", "A-1.b:c_d".replace("_", "-"), "x" * 128])
async def test_a_sound_request_id_is_kept(gateway: Gateway, request_id: str) -> None:
    answer = await gateway.client.get("/api/v1/jobs/x", headers={"X-Request-Id": request_id})
    assert problem(answer, 404, "job_not_found")["request_id"] == request_id


async def test_any_other_request_id_is_replaced(gateway: Gateway) -> None:
    offered: list[dict[str, str]] = [
        {},
        *({"X-Request-Id": value} for value in ("", "a b", "x" * 129, "a/b", "<x>", "é")),
    ]
    seen = set()
    for headers in offered:
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        answer = await gateway.client.get("/livez", headers=raw)
        assert len(answer.headers["x-request-id"]) == 32
        seen.add(answer.headers["x-request-id"])
    assert len(seen) == len(offered)


async def test_a_crash_is_answered_marked_and_counted(gateway: Gateway, redis_connections: Connections) -> None:
    before = answers_counted('method="GET",route="/api/v1/jobs/{job_id}",status="500"')
    await redis_connections.commands.hset("draftline:{0}:job:default/odd", "state", "of none")
    answer = await gateway.client.get("/api/v1/jobs/odd", headers={"X-Request-Id": "find-me"})
    await redis_connections.commands.delete("draftline:{0}:job:default/odd")
    assert problem(answer, 500, "internal_error")["request_id"] == "find-me"
    counted = answers_counted('method="GET",route="/api/v1/jobs/{job_id}",status="500"')
    assert counted == before + 1


async def test_metrics_are_on_their_own_port_and_name_templates_only(
    one_server: Server, redis_connections: Connections, tmp_path: Path
) -> None:
    async with gateway_process(one_server.url, tmp_path, DRAFTLINE_SAMPLE_SECONDS="0.05") as started:
        await eventually(started.ready, seconds=15)
        for n in range(3):
            await started.client.get(f"/api/v1/jobs/id-{n}")
            await started.client.get(f"/nowhere/id-{n}")
        await started.client.post(OUTLINE, json=PROMPT)
        async with http_client(started.metrics_port) as internal:

            async def text() -> str:
                return (await internal.get("/metrics")).text

            async def sampled() -> bool:
                return 'draftline_queue_outstanding{band="default",kind="outline"} 1.0' in await text()

            await eventually(sampled)
            metrics = await text()
            assert (await internal.get("/api/v1/jobs/x")).status_code == 404
    assert 'draftline_http_requests_total{method="GET",route="/api/v1/jobs/{job_id}",status="404"} 3.0' in metrics
    assert 'draftline_http_requests_total{method="GET",route="unmatched",status="404"} 3.0' in metrics
    assert 'draftline_jobs_accepted_total{kind="outline"} 1.0' in metrics
    assert "id-1" not in metrics


async def _refuses_to_start(started: GatewayProcess) -> str:
    assert await started.status() == 1
    return started.log.read_text()


async def test_another_number_of_shards_refuses_to_start_and_takes_no_job(
    gateway: Gateway, one_server: Server, tmp_path: Path
) -> None:
    answers = []
    async with gateway_process(one_server.url, tmp_path, DRAFTLINE_SHARDS="4") as started:
        while started.process.returncode is None:
            try:
                answers.append((await started.client.post(OUTLINE, json=PROMPT)).status_code)
            except httpx2.TransportError:
                await asyncio.sleep(0.005)
        said = await _refuses_to_start(started)
    assert said.splitlines()[-1] == ("gateway: DRAFTLINE_SHARDS is 4, but this Redis was set up with 1: start with 1")
    assert set(answers) <= {500, 503}


async def test_no_job_is_taken_before_redis_has_agreed_on_the_shards(gateway: Gateway) -> None:
    gateway.services.prepared.clear()
    problem(await gateway.client.post(OUTLINE, json=PROMPT), 503, "redis_unavailable")
    problem(await gateway.client.get("/readyz"), 503, "redis_unavailable")
    assert (await gateway.client.get("/livez")).status_code == 200


@pytest.mark.parametrize("variable", ["PORT", "DRAFTLINE_METRICS_PORT"])
async def test_a_busy_port_is_named(one_server: Server, tmp_path: Path, variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        async with gateway_process(one_server.url, tmp_path, **{variable: str(port)}) as started:
            said = await _refuses_to_start(started)
    assert "Traceback" not in said
    assert f"cannot listen on 127.0.0.1:{port}" in said
    assert f"choose another {variable}" in said


@needs_ipv6
@pytest.mark.parametrize(("host", "reached"), [("::1", ["[::1]"]), ("::", ["[::1]", "127.0.0.1"])])
async def test_api_and_internal_port_are_on_ipv6(
    one_server: Server, tmp_path: Path, host: str, reached: list[str]
) -> None:
    async with gateway_process(one_server.url, tmp_path, DRAFTLINE_HOST=host) as started:
        urls = [f"http://{at}:{port}/livez" for at in reached for port in (started.port, started.metrics_port)]

        async def all_answer() -> bool:
            assert started.process.returncode is None, started.log.read_text()
            try:
                return {(await started.client.get(url)).status_code for url in urls} == {200}
            except httpx2.TransportError:
                return False

        await eventually(all_answer, seconds=15)


@pytest.mark.parametrize("variable", ["DRAFTLINE_LISTEN_FD", "DRAFTLINE_METRICS_FD"])
async def test_a_descriptor_that_was_not_handed_down_is_named(
    one_server: Server, tmp_path: Path, variable: str
) -> None:
    async with gateway_process(one_server.url, tmp_path, **{variable: "99"}) as started:
        said = await _refuses_to_start(started)
    assert "Traceback" not in said
    assert f"cannot listen on the socket handed down as {variable}=99 (Bad file descriptor)" in said


@pytest.mark.parametrize(
    ("variable", "value"),
    [("PORT", "eighty"), ("PORT", "70000"), ("DRAFTLINE_HEARTBEAT_SECONDS", "0"), ("DRAFTLINE_SHARDS", "0")],
)
async def test_a_wrong_setting_is_named(one_server: Server, tmp_path: Path, variable: str, value: str) -> None:
    async with gateway_process(one_server.url, tmp_path, **{variable: value}) as started:
        said = await _refuses_to_start(started)
    assert "Traceback" not in said
    assert "the environment is not valid" in said
    assert variable.removeprefix("DRAFTLINE_").lower() in said.lower()


async def test_a_draining_gateway_is_not_ready(gateway: Gateway) -> None:
    gateway.services.hub.drain()
    problem(await gateway.client.get("/readyz"), 503, "draining")
    await gateway.client.post(OUTLINE, json={**PROMPT, "job_id": "job"})
    answer = await gateway.client.get("/api/v1/jobs/job/events")
    problem(answer, 503, "draining")
    assert int(answer.headers["retry-after"]) >= 1
