"""GET /: a page for people, which shows the newest jobs and commands that work as they stand."""

import base64
import hashlib
import shlex
import signal
import subprocess
import sys
import zipfile
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import httpx2
import pytest

from gateway.start.page import ERROR_CHARACTERS
from shared.contracts.jobs import Retention
from shared.contracts.states import JobKind
from shared.redis.store import Store
from tests.support.gateway import Gateway, Hand, gateway_in_loop
from tests.support.http import exchange, head_of
from tests.support.jobs import submission
from tests.support.problems import problem
from tests.support.reviewed import Desk
from tests.support.servers import Server, running
from tests.support.waiting import eventually

GATEWAY_DISTRIBUTION = Path(__file__).parents[3] / "services/gateway"
JOBS = "/api/v1/jobs"
LOADING = {"script", "img", "iframe", "object", "embed", "video", "audio", "form", "base"}


class Page(HTMLParser):
    """What a browser would make of the page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.commands: list[str] = []
        self.attributes: set[str] = set()
        self.icon = ""
        self.text = ""
        self._inside: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags.add(tag)
        self.attributes |= values.keys()
        self._inside.append(tag)
        if tag == "a":
            self.links.append(values["href"])
        if tag == "link":
            self.icon = values["href"]
        if tag == "pre":
            self.commands.append("")

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "pre" in self._inside:
            self.commands[-1] += data
        if "style" not in self._inside:
            self.text += data

    def jobs(self) -> list[str]:
        """The ids of the listed jobs, by the links to their events."""
        ending = "/events"
        return [link.removeprefix(f"{JOBS}/").removesuffix(ending) for link in self.links if link.endswith(ending)]


async def load(gateway: Gateway, **headers: str) -> Page:
    answer = await gateway.client.get("/", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    return Page(answer.text)


def request_of(command: str) -> httpx2.Request:
    """The request that a command line of curl sends."""
    program, *words = shlex.split(command.replace("\\\n", " "))
    assert program == "curl"
    url = next(word for word in words if word.startswith("http"))
    options = dict(pairwise(words))
    body = options.get("-d")
    headers = dict([options["-H"].split(": ")]) if "-H" in options else {}
    return httpx2.Request(options.get("-X", "POST" if body else "GET"), url, headers=headers, content=body)


async def test_the_page_loads_nothing_and_its_policy_allows_only_its_own_style(gateway: Gateway) -> None:
    answer = await gateway.client.get("/")
    page = Page(answer.text)
    assert page.tags & LOADING == set()
    assert page.icon.startswith("data:image/svg+xml,")
    assert "style" not in page.attributes
    assert not any(name.startswith("on") for name in page.attributes)
    assert "url(" not in answer.text
    assert "@import" not in answer.text
    style = answer.text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert answer.headers["content-security-policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


async def test_its_links_lead_somewhere(gateway: Gateway) -> None:
    page = await load(gateway)
    assert page.links == ["/docs", "/openapi.json", JOBS, "/api/v1/stats"]
    for link in page.links:
        assert (await gateway.client.get(link)).status_code == 200


async def test_it_names_the_version_and_stays_out_of_the_api(gateway: Gateway) -> None:
    described = (await gateway.client.get("/openapi.json")).json()
    assert f"Draftline {described['info']['version']}\n" in (await load(gateway)).text
    assert "/" not in described["paths"]


async def test_its_commands_do_what_they_say(gateway: Gateway) -> None:
    page = await load(gateway)
    done = {}
    for command in page.commands:
        request = request_of(command)
        if not request.url.path.endswith("/events"):
            done[command] = (await gateway.client.send(request)).status_code
    submitted = [command for command, status in done.items() if status == 202]
    assert len(submitted) == 2
    assert [command for command, status in done.items() if status in {404, 405, 406, 415, 422, 500}] == []
    assert (await load(gateway)).jobs() == ["tea-2", "tea"]


async def test_the_commands_carry_the_address_that_the_browser_used(gateway: Gateway) -> None:
    for host in (f"localhost:{gateway.port}", "draftline.example", "[::1]:8000", "my_gateway:80"):
        commands = (await load(gateway, Host=host)).commands
        assert all(f'"http://{host}/api/v1/jobs' in command for command in commands)
    secure = (await load(gateway, Host="draftline.example", **{"X-Forwarded-Proto": "https"})).commands
    assert all('"https://draftline.example/api/v1/jobs' in command for command in secure)


@pytest.mark.parametrize(
    "host",
    [
        '"><script>alert(1)</script>',
        "a$(reboot)",
        "a`reboot`",
        'a";reboot;"',
        "a'b",
        "a b",
        "a/..",
        "user@a",
        "[::1",
        "a:b",
        "a:123456",
        "",
        "é",
        "x" * 300,
    ],
)
async def test_a_strange_host_is_not_shown(gateway: Gateway, host: str) -> None:
    request = f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    answer = await exchange(gateway.port, request)
    assert head_of(answer)[0] == "HTTP/1.1 200 OK"
    page = Page(answer.decode())
    assert "script" not in page.tags
    assert page.commands
    assert all(f'"http://127.0.0.1:{gateway.port}/api/v1/jobs' in command for command in page.commands)


async def test_a_request_without_a_host_gets_the_address_of_its_connection(gateway: Gateway) -> None:
    answer = await exchange(gateway.port, b"GET / HTTP/1.0\r\n\r\n")
    assert f'"http://127.0.0.1:{gateway.port}/api/v1/jobs' in Page(answer.decode()).commands[0]


async def test_the_newest_jobs_are_listed_with_where_to_go_on(gateway: Gateway, hand: Hand, store: Store) -> None:
    for number in range(7):
        await store.jobs.submit(submission(f"job-{number}"))
    assert (await load(gateway)).jobs() == [f"job-{number}" for number in (6, 5, 4, 3, 2)]
    await store.jobs.submit(submission("tea", kind=JobKind.DOCUMENT))
    claim = await hand.take(JobKind.DOCUMENT)
    await hand.progress(claim, 42)
    page = await load(gateway)
    assert "running, 42 %" in page.text
    assert f"{JOBS}/tea/result?format=pdf" not in page.links
    await hand.complete(claim)
    page = await load(gateway)
    formats = ("html", "pdf", "docx", "markdown", "json")
    assert page.links[4:11] == [
        f"{JOBS}/tea",
        f"{JOBS}/tea/events",
        *(f"{JOBS}/tea/result?format={form}" for form in formats),
    ]
    assert (await gateway.client.get(page.links[10])).json()["answer"] == 42


async def test_the_outline_of_a_job_that_waits_for_a_person_is_linked(
    gateway: Gateway, hand: Hand, store: Store
) -> None:
    await Desk(gateway, hand, store).waiting()
    page = await load(gateway)
    assert "jobawaiting review" in page.text
    assert page.links[4:] == [f"{JOBS}/job", f"{JOBS}/job/events", f"{JOBS}/job/outline"]


async def test_the_error_of_a_job_is_text(gateway: Gateway, hand: Hand, store: Store) -> None:
    message = b"<script>alert(1)</script>" + b"x" * 1_000
    await store.jobs.submit(submission("job"))
    await hand.fail(await hand.take(), b'{"code":"x","message":"%s","retryable":false}' % message)
    page = await load(gateway)
    assert "script" not in page.tags
    assert f"{message.decode()[:ERROR_CHARACTERS]}…\n" in page.text


async def test_a_result_that_has_expired_is_not_linked(gateway: Gateway, hand: Hand, store: Store) -> None:
    await store.jobs.submit(submission("job", retention=Retention(result_seconds=1)))
    await hand.complete(await hand.take())

    async def unlinked() -> bool:
        return (await load(gateway)).links[4:] == [f"{JOBS}/job", f"{JOBS}/job/events"]

    assert not await unlinked()
    await eventually(unlinked)


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
async def test_the_page_answers_while_redis_does_not(one_server: Server, number: signal.Signals) -> None:
    async with running(one_server.name, one_server.binary) as away, gateway_in_loop(away.url) as gateway:
        assert away.process is not None
        assert "There is no job yet." in (await load(gateway)).text
        away.process.send_signal(number)
        page = await load(gateway)
        away.process.send_signal(signal.SIGCONT) if number is signal.SIGSTOP else None
    assert "Redis does not answer, so the jobs cannot be listed." in page.text
    assert len(page.commands) > 5


async def test_the_page_answers_before_redis_has_answered_once(gateway: Gateway) -> None:
    gateway.services.prepared.clear()
    assert "Redis does not answer" in (await load(gateway)).text


async def test_head_has_the_headers_of_get_and_no_body(gateway: Gateway) -> None:
    got = await gateway.client.get("/")
    answer = await exchange(gateway.port, b"HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert (head_of(answer)[0], body) == ("HTTP/1.1 200 OK", b"")
    assert f"content-security-policy: {got.headers['content-security-policy']}" in head.decode().split("\r\n")


async def test_the_page_is_html_for_everyone_and_other_paths_are_problems(gateway: Gateway) -> None:
    await load(gateway, Accept="application/json")
    posted = await gateway.client.post("/")
    problem(posted, 405, "method_not_allowed")
    assert set(posted.headers["allow"].split(", ")) == {"GET", "HEAD"}
    for path in ("/favicon.ico", "/index.html", "/start_page.html"):
        problem(await gateway.client.get(path, headers={"Accept": "text/html"}), 404, "not_found")


def test_the_wheel_holds_the_page(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path))
    subprocess.run(command, cwd=GATEWAY_DISTRIBUTION, check=True, capture_output=True, timeout=60)
    (wheel,) = tmp_path.glob("*.whl")
    page = zipfile.ZipFile(wheel).read("gateway/start/page.html")
    assert page == (GATEWAY_DISTRIBUTION / "src/gateway/start/page.html").read_bytes()
