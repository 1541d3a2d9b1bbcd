"""The images and the compose file, on a real Docker engine."""

import base64
import importlib.util
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.made_files import written

pytestmark = [pytest.mark.ci, pytest.mark.xdist_group("containers"), pytest.mark.docker, pytest.mark.timeout(1_200)]

ROOT = Path(__file__).parents[2]
TAG = "e2e"
SERVICES = ("gateway", "outline_worker", "document_worker")
METRICS_PORTS = {"gateway": 9100, "outline_worker": 9101, "document_worker": 9102}
DOCUMENT_WORKERS = 3
LONG_CHAPTER_WORDS = 2_000
"""Takes the scripted model longer than a deploy with a grace of one second."""
ENVIRONMENT = {
    "IMAGE_TAG": TAG,
    "OPENAI_MODEL": "scripted",
    "OPENAI_BASE_URL": "http://model:9000/v1",
    "OPENAI_API_KEY": "scripted",
    "PORT": "0",
    "PROMETHEUS_PORT": "0",
}
ENDS = {"completed", "failed", "cancelled"}
OUTLINE = {
    "title": "Tidal power",
    "nodes": [{"title": f"Chapter {number}", "target_words": 60} for number in range(1, 4)],
}
PROBE = """
import importlib.metadata, json, os, pathlib, sysconfig
venv = pathlib.Path("/opt/venv")
sources = [p for p in venv.glob("lib/*/site-packages/**/*.py")]
def writable(folder):
    try:
        pathlib.Path(folder, "probe").touch()
    except OSError:
        return False
    return True
print(json.dumps({
    "uid": os.getuid(),
    "writable": [f for f in ("/", "/opt/venv", "/tmp", "/var/tmp") if writable(f)],
    "sources": len(sources),
    "without_bytecode": sum(not list(p.parent.glob(f"__pycache__/{p.stem}.*.pyc")) for p in sources),
    "distributions": sorted(d.name for d in importlib.metadata.distributions(path=[sysconfig.get_path("purelib")])),
}))
"""


def _command(*command: str | Path, env: dict[str, str] | None = None, status: int = 0) -> str:
    """Standard output of a command that ends with this status; else its output in the failure."""
    variables = {**os.environ, **ENVIRONMENT} if env is None else env
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=900)
    assert done.returncode == status, f"{command}\n{done.stdout[-4_000:]}\n{done.stderr[-8_000:]}"
    return done.stdout if status == 0 else done.stderr


def _compose() -> Path:
    # The package's own script always ends with 0, so the binary beside it is asked.
    package = importlib.util.find_spec("compose")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).with_name("docker-compose")


def _image(service: str) -> str:
    return f"draftline-{service.replace('_', '-')}:{TAG}"


def _until(condition: Callable[[], bool], what: str, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.2)


@dataclass(frozen=True)
class Stack:
    """The running compose project and its gateway."""

    project: str
    api: httpx2.Client

    def compose(self, *arguments: str) -> str:
        files = ("-f", "docker-compose.yml", "-f", "tests/e2e/compose.scripted.yml")
        return _command(_compose(), "--env-file", os.devnull, "-p", self.project, *files, *arguments)

    def up(self, *arguments: str) -> None:
        scale = f"document_worker={DOCUMENT_WORKERS}"
        self.compose("up", "--detach", "--no-build", "--scale", scale, *arguments)

    def address(self, service: str, port: int) -> str:
        return "http://" + self.compose("port", service, str(port)).strip()

    def submit(self, kind: str, body: dict[str, Any]) -> str:
        answer = self.api.post(f"{self.address('gateway', 8000)}/api/v1/jobs/{kind}", json=body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["job_id"])

    def get(self, path: str) -> httpx2.Response:
        answer = self.api.get(f"{self.address('gateway', 8000)}/api/v1/jobs/{path}")
        assert answer.status_code == 200, answer.text
        return answer

    def finish(self, job_id: str) -> None:
        """Wait until the job is completed; any other end fails the test."""

        def ended() -> bool:
            job = self.get(job_id).json()
            assert job["status"] not in {"failed", "cancelled"}, job
            return bool(job["status"] == "completed")

        _until(ended, f"{job_id} completed")

    def starts(self, job_id: str) -> list[dict[str, Any]]:
        """Who took a completed job, and in which attempt, as its event stream tells."""
        frames = [
            json.loads(line.removeprefix("data:"))
            for line in self.get(f"{job_id}/events").text.splitlines()
            if line.startswith("data:")
        ]
        assert [frame["type"] for frame in frames if frame["type"] in ENDS] == ["completed"]
        return [frame["data"] for frame in frames if frame["type"] == "started"]

    def targets(self) -> list[tuple[str, str]]:
        """Job name and health of everything Prometheus scrapes."""
        answer = self.api.get(f"{self.address('prometheus', 9090)}/api/v1/targets").json()
        return sorted((t["labels"]["job"], t["health"]) for t in answer["data"]["activeTargets"])

    def exit_codes(self) -> dict[str, int]:
        """By name, of the containers of the three services; running ones fail the test."""
        ids = self.compose("ps", "--all", "--quiet", *SERVICES).split()
        states = json.loads(_command("docker", "inspect", *ids))
        assert all(state["State"]["Status"] == "exited" for state in states)
        return {state["Name"]: state["State"]["ExitCode"] for state in states}


@pytest.fixture(scope="module")
def images() -> None:
    for service in SERVICES:
        file = f"services/{service}/Dockerfile"
        # The host's network, so that a package mirror known to the host is reached as well.
        _command("docker", "build", "--network", "host", "--file", file, "--tag", _image(service), ".")


@pytest.fixture(scope="module")
def stack(images: None) -> Iterator[Stack]:
    with httpx2.Client(timeout=30) as api:
        stack = Stack(f"draftline-{os.getpid()}", api)
        try:
            stack.up("--wait")
            yield stack
        except BaseException:
            print(stack.compose("logs", "--no-color", "--tail", "50"))
            raise
        finally:
            stack.compose("down", "--volumes", "--timeout", "5")


@pytest.fixture(scope="module", params=SERVICES)
def probed(request: pytest.FixtureRequest, images: None) -> tuple[str, dict[str, Any]]:
    """A service, and what a look around in a locked-down container of it shows."""
    locked = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--network", "none")
    image = _image(request.param)
    report = _command("docker", "run", "--rm", *locked, "--entrypoint", "python", image, "-c", PROBE)
    return request.param, json.loads(report)


def test_an_image_needs_no_root_and_no_writable_disk(probed: tuple[str, dict[str, Any]]) -> None:
    _, report = probed
    assert report["uid"] == 10001
    assert report["writable"] == ["/tmp"]
    assert report["sources"] > 100
    assert report["without_bytecode"] == 0


def test_an_image_holds_the_service_and_nothing_of_its_making(probed: tuple[str, dict[str, Any]]) -> None:
    service, report = probed
    look = "ls -d /root/.cache /src /wheels /opt/build 2>/dev/null || true"
    assert _command("docker", "run", "--rm", "--user", "0", "--entrypoint", "sh", _image(service), "-c", look) == ""
    here = set(report["distributions"])
    assert {"draftline-shared", f"draftline-{service.replace('_', '-')}"} <= here
    assert not here & {"pip", "setuptools", "hatchling", "pytest"}
    assert (here & {"langgraph", "openai"}) == (set() if service == "gateway" else {"langgraph", "openai"})


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_gets_its_signals_and_tells_its_health(service: str, images: None) -> None:
    (image,) = json.loads(_command("docker", "image", "inspect", _image(service)))
    config = image["Config"]
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["python", "-m", service]
    assert config["StopSignal"] == "SIGTERM"
    assert "/livez" in config["Healthcheck"]["Test"][-1]
    assert f"{METRICS_PORTS[service]}/tcp" in config["ExposedPorts"]


def test_the_worker_images_differ_in_names_only() -> None:
    outline, document = ((ROOT / f"services/{name}_worker/Dockerfile").read_text() for name in ("outline", "document"))
    assert outline.replace("outline_", "document_").replace("9101", "9102") == document


def test_every_container_is_locked_down_and_published_to_this_machine_only() -> None:
    command = (_compose(), "--env-file", os.devnull, "config", "--format", "json")
    for name, service in json.loads(_command(*command))["services"].items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert all(port["host_ip"] == "127.0.0.1" for port in service.get("ports", [])), name


def test_compose_asks_for_the_model() -> None:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    command = (_compose(), "--env-file", os.devnull, "config")
    assert "set OPENAI_MODEL, OPENAI_BASE_URL and OPENAI_API_KEY in .env" in _command(*command, env=bare, status=1)


def test_jobs_are_spread_over_all_document_workers(stack: Stack) -> None:
    outline_job = stack.submit("outline", {"task_prompt": "Tidal power, for a town council", "target_words": 300})
    stack.finish(outline_job)
    documents = [stack.submit("document", {"outline": OUTLINE}) for _ in range(3 * DOCUMENT_WORKERS)]
    documents.append(stack.submit("document", {"outline_job_id": outline_job}))
    for job_id in documents:
        stack.finish(job_id)
    starts = [start for job_id in documents for start in stack.starts(job_id)]
    assert len(starts) == len(documents)
    assert len({start["worker"] for start in starts}) == DOCUMENT_WORKERS


def test_files_are_read_and_made_where_nothing_can_be_written(stack: Stack) -> None:
    note = base64.b64encode(written("docx", "# Turbines\n\nEach turbine gives 40 megawatts at spring tide.")).decode()
    files = [{"name": "note.docx", "content_base64": note}]
    job_id = stack.submit("document", {"outline": OUTLINE, "context_files": files})
    stack.finish(job_id)
    outcomes = {file["name"]: file["status"] for file in stack.get(f"{job_id}/result").json()["quality"]["files"]}
    assert outcomes in ({"note.docx": "used"}, {"note.docx": "not_used"})
    begins = {"pdf": b"%PDF", "docx": b"PK", "html": b"<!DOCTYPE html", "bibtex": b""}
    for name, beginning in begins.items():
        made = stack.get(f"{job_id}/result?format={name}").content
        assert made.lower().startswith(beginning.lower()), made[:200]


def test_prometheus_finds_every_replica(stack: Stack) -> None:
    replicas = {"gateway": 1, "outline_worker": 1, "document_worker": DOCUMENT_WORKERS}
    expected = sorted((job, "up") for job, count in replicas.items() for _ in range(count))
    _until(lambda: stack.targets() == expected, f"Prometheus sees {expected}")


def test_a_deploy_in_the_middle_of_a_job_costs_no_attempt(stack: Stack) -> None:
    chapter = {"title": "Turbines", "target_words": LONG_CHAPTER_WORDS}
    job_id = stack.submit("document", {"outline": {"title": "Tidal power", "nodes": [chapter]}})
    _until(lambda: bool(stack.get(job_id).json()["status"] == "running"), f"{job_id} running")
    stack.up("--force-recreate", "--no-deps", "document_worker")
    stack.finish(job_id)
    first, second = stack.starts(job_id)
    assert first["worker"] != second["worker"]
    assert first["attempt"] == second["attempt"] == 1


def test_a_worker_told_to_restart_is_started_again(stack: Stack) -> None:
    url = f"{stack.address('gateway', 8000)}/api/v1/workers"

    def living() -> set[str]:
        return {worker["worker_id"] for worker in stack.api.get(url, params={"kind": "document"}).json()["items"]}

    before = living()
    assert len(before) == DOCUMENT_WORKERS
    told = stack.api.post(f"{url}/restart", params={"kind": "document"}).json()["workers"]
    assert set(told) == before
    _until(lambda: len(living() - before) == DOCUMENT_WORKERS, "all are back")
    stack.finish(stack.submit("document", {"outline": OUTLINE}))


def test_services_stop_cleanly_and_jobs_outlive_them(stack: Stack) -> None:
    job_id = stack.submit("document", {"outline": OUTLINE})
    stack.finish(job_id)
    result = stack.get(f"{job_id}/result").json()
    stack.compose("stop")
    assert set(stack.exit_codes().values()) == {0}
    stack.up("--wait")
    assert stack.get(f"{job_id}/result").json() == result
