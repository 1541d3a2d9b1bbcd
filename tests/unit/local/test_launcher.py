"""The launcher as its users see it: its output, its exit status, and what it leaves behind."""

import os
import select
import socket
import sys
from pathlib import Path

import pytest

from deploy.local.keeping import Pace
from shared.lifecycle.supervisor import RESTART_EXIT_STATUS
from tests.support.ipv6 import needs_ipv6
from tests.unit.local.conftest import Launch, alive, lives, record
from tests.unit.local.fake_gateway import DOCUMENT_JOB, MARKDOWN


def pids(folder: Path) -> list[int]:
    """Of the played workers, from their logs."""
    return [pid for name in ("outline_worker", "document_worker") for pid in lives(folder, name)]


async def test_once_writes_the_document_and_prints_its_path_last(launch: Launch, folder: Path) -> None:
    launched = await launch("run", ONCE="1")
    status, errors = await launched.finish()
    assert (status, errors) == (0, [])
    assert launched.out[-1] == f"out/{DOCUMENT_JOB}.md"
    assert (folder / launched.out[-1]).read_text() == MARKDOWN
    assert not any(alive(pid) for pid in pids(folder))


async def test_plain_output_has_a_line_an_event_and_no_control_codes(launch: Launch) -> None:
    launched = await launch("run", ONCE="1")
    await launched.finish()
    text = "\n".join(launched.out)
    assert "\x1b" not in text
    assert "\r" not in text
    assert "   10 %  draft: Drafting" in text
    assert text.count("section done: Colonies (4 words)") == 1
    assert "4 words, 1 section, 0 references, 2.0 seconds, 30 + 40 tokens in 2 calls" in text


@pytest.mark.parametrize("scenario", ["", "large"])
async def test_the_outline_is_shown_before_the_document(launch: Launch, scenario: str) -> None:
    launched = await launch("run", ONCE="1", FAKE_SCENARIO=scenario, REDIS_URL="redis://127.0.0.1:9")
    assert (await launched.finish())[0] == 0
    at = launched.out.index("  Bees (2 sections to write, 4 words)")
    assert launched.out[at + 1 : at + 4] == ["    Colonies (3 words)", "    Honey", "      Wax (1 words)"]
    assert at < launched.out.index("   50 %  write: Writing")


async def test_prompt_and_files_are_submitted(launch: Launch, folder: Path) -> None:
    (folder / "a.txt").write_text("On bees")
    (folder / "b.bin").write_bytes(b"\xff\x00")
    launched = await launch("run", ONCE="1", PROMPT="About bees", CONTEXT="a.txt, b.bin")
    assert (await launched.finish())[0] == 0
    files = [{"name": "a.txt", "text": "On bees"}, {"name": "b.bin", "content_base64": "/wA="}]
    body = {"task_prompt": "About bees", "context_files": files, "review": False}
    assert [sent["body"] for sent in record(folder, "submitted")] == [body]


async def test_run_keeps_serving_until_interrupted(launch: Launch, folder: Path) -> None:
    launched = await launch("run")
    await launched.until("Serving on")
    assert f"out/{DOCUMENT_JOB}.md" in launched.out
    launched.interrupt()
    assert await launched.finish() == (0, [])
    assert not any(alive(pid) for pid in pids(folder))


async def test_serve_submits_nothing(launch: Launch, folder: Path) -> None:
    launched = await launch("serve")
    await launched.until("Serving on")
    launched.interrupt()
    assert await launched.finish() == (0, [])
    assert record(folder, "submitted") == []


async def test_a_child_that_dies_too_often_is_named_with_the_end_of_its_log(launch: Launch, folder: Path) -> None:
    launched = await launch("serve", Pace(first_delay_seconds=0.1, most_short_lives=3))
    await launched.until("Serving on")
    (folder / "die").touch()
    status, errors = await launched.finish()
    assert status == 1
    assert [line for line in launched.out if line.startswith("document_worker")] == [
        "document_worker exited with 3; starting it again in 0.1 s. Its log: .draftline/logs/document_worker.log",
        "document_worker exited with 3; starting it again in 0.2 s. Its log: .draftline/logs/document_worker.log",
    ]
    assert errors[0].startswith("document_worker exited with 3.")
    assert errors[-2] == "  error gave up cause=no more bees"
    assert errors[-1].endswith("start again: accepted jobs go on where they were.")
    assert len(errors) == 12
    assert not any(alive(pid) for pid in pids(folder))


@pytest.mark.parametrize("exit_status", [1, 0, RESTART_EXIT_STATUS])
async def test_a_service_that_ends_before_all_are_ready_ends_the_launch(
    launch: Launch, folder: Path, exit_status: int
) -> None:
    (folder / "gateway.py").write_text(f"print('no such setting', flush=True)\nraise SystemExit({exit_status})")
    launched = await launch("serve", REDIS_URL="redis://127.0.0.1:9")
    status, errors = await launched.finish()
    assert status == 1
    assert errors[0].startswith(f"gateway exited with {exit_status}.")
    assert errors[-2] == "  no such setting"
    assert [line for line in launched.out if line.startswith("gateway")] == []


async def test_a_failed_job_ends_with_its_error(launch: Launch) -> None:
    launched = await launch("run", FAKE_SCENARIO="fails", REDIS_URL="redis://127.0.0.1:9")
    status, errors = await launched.finish()
    assert status == 1
    assert errors == [
        f"The document job {DOCUMENT_JOB} is failed: The model said no (model_refused).",
        "The logs of all processes are in .draftline/logs.",
    ]


async def test_a_refused_job_shows_the_problem(launch: Launch) -> None:
    launched = await launch("run", FAKE_SCENARIO="refuses", REDIS_URL="redis://127.0.0.1:9")
    status, errors = await launched.finish()
    assert status == 1
    assert errors == [
        "The gateway refused POST /api/v1/jobs/document: 409 Queue full; Try again tomorrow",
        "The logs of all processes are in .draftline/logs.",
    ]


async def test_a_busy_port_is_named_before_anything_starts(launch: Launch, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        launched = await launch("run", PORT=str(port))
        status, errors = await launched.finish()
    assert status == 1
    assert len(errors) == 1
    assert f"Port {port} on 127.0.0.1 can't be used: Address already in use." in errors[0]
    assert f"PORT={port + 1}" in errors[0]
    assert not (folder / ".draftline/logs").exists()


@needs_ipv6
@pytest.mark.parametrize("host", ["::1", "::"])
async def test_all_services_are_ready_on_ipv6(launch: Launch, host: str) -> None:
    launched = await launch("serve", DRAFTLINE_HOST=host, REDIS_URL="redis://127.0.0.1:9")
    await launched.until(f"Serving on http://[::1]:{launched.port}.")
    launched.interrupt()
    assert await launched.finish() == (0, [])


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"PORT": "http"}, "PORT=http is no port."),
        ({"CONTEXT": "missing.pdf"}, "Cannot read missing.pdf, named in CONTEXT: No such file or directory."),
        ({"PROMPT": "x" * 20_001}, "PROMPT can't be used: String should have at most 20000 characters."),
        ({"OPENAI_MODEL": ""}, "OPENAI_BASE_URL is set, but not OPENAI_MODEL."),
    ],
    ids=["port", "context", "prompt", "model"],
)
async def test_a_wrong_variable_is_named(launch: Launch, variables: dict[str, str], message: str) -> None:
    status, errors = await (await launch("run", **variables)).finish()
    assert status == 1
    assert len(errors) == 1
    assert errors[0].startswith(message)


async def test_a_second_launcher_in_the_same_folder_is_refused(launch: Launch) -> None:
    first = await launch("serve", REDIS_URL="redis://127.0.0.1:9")
    await first.until("Serving on")
    status, errors = await (await launch("serve")).finish()
    assert status == 1
    assert errors[0].startswith(f"Another launcher (process {first.process.pid}) uses .draftline.")
    first.interrupt()
    assert (await first.finish())[0] == 0


async def test_a_second_interrupt_ends_at_once(launch: Launch, folder: Path) -> None:
    launched = await launch("serve", FAKE_SCENARIO="stubborn", REDIS_URL="redis://127.0.0.1:9")
    await launched.until("Serving on")
    launched.interrupt()
    await launched.until("Stopping.")
    launched.interrupt()
    assert (await launched.finish())[0] == 0
    assert not any(alive(pid) for pid in pids(folder))


async def test_an_interrupted_sample_is_cancelled(launch: Launch, folder: Path) -> None:
    launched = await launch("run", FAKE_SCENARIO="hangs", REDIS_URL="redis://127.0.0.1:9")
    await launched.until("draft: Drafting")
    launched.interrupt()
    assert await launched.finish() == (130, [])
    assert [asked["job_id"] for asked in record(folder, "cancelled")] == [DOCUMENT_JOB]


async def test_an_interrupt_while_starting_is_obeyed(launch: Launch) -> None:
    launched = await launch("serve", FAKE_SCENARIO="never ready", REDIS_URL="redis://127.0.0.1:9")
    await launched.until("Starting")
    launched.interrupt()
    assert await launched.finish() == (130, [])


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's promise is Linux only")
async def test_children_die_with_a_killed_launcher(launch: Launch, folder: Path) -> None:
    launched = await launch("serve")
    await launched.until("Serving on")
    children = [os.pidfd_open(pid) for pid in pids(folder)]
    launched.process.kill()
    await launched.finish()
    ended = [select.select([child], [], [], 10)[0] for child in children]
    for child in children:
        os.close(child)
    assert ended == [[child] for child in children]
