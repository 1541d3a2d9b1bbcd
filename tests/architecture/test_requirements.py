"""The lock files fix what is installed, and nothing names where it comes from."""

import re

import pytest

from deploy.local.environment import PACKAGES
from tests.architecture.locks import PIN, entries, pins
from tests.architecture.repository import ROOT, relative, repository_files

LOCKS = sorted(path.name for path in (ROOT / "requirements").glob("*.txt"))
DEPLOYED = ("gateway.txt", "outline_worker.txt", "document_worker.txt", "local.txt", "pdf.txt", "build.txt")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
_ELSEWHERE = re.compile(r"://|^\s*-|\s@\s|--(?!hash=)", re.MULTILINE)
# Put together here, so that this file does not name them either.
HOSTS = [
    ".".join(parts).encode()
    for parts in (
        ("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("yarnpkg", "com"),
        ("crates", "io"), ("rubygems", "org"), ("anaconda", "org"), ("proxy", "golang", "org"),
        ("pkg", "dev"), ("deb", "debian", "org"), ("archive", "ubuntu", "com"),
    )
]  # fmt: skip
_INDEX = re.compile(rb"https?://[^\s\"'<>]*/(?:simple|artifactory|nexus|devpi)(?:/|\b)")


def test_there_are_locks() -> None:
    assert {*DEPLOYED, "dev.txt", "model.txt"} <= set(LOCKS)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash(lock: str) -> None:
    locked = entries(lock)
    assert locked
    assert [entry for entry in locked if not (PIN.match(entry) and _HASH.search(entry))] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_names_an_address(lock: str) -> None:
    assert [entry for entry in entries(lock) if _ELSEWHERE.search(entry)] == []


@pytest.mark.parametrize("lock", DEPLOYED)
def test_what_is_deployed_is_what_is_tested(lock: str) -> None:
    tested = pins("dev.txt")
    assert {name: versions for name, versions in pins(lock).items() if not versions <= tested.get(name, set())} == {}


def test_no_file_names_a_package_registry() -> None:
    naming = []
    for path in repository_files():
        content = path.read_bytes()
        found = [host.decode() for host in HOSTS if host in content]
        if found or _INDEX.search(content):
            naming.append((relative(path), found))
    assert naming == []


def test_the_readme_says_what_is_fetched() -> None:
    readme = " ".join((ROOT / "README.md").read_text().split())
    run, pdf, dev = (PACKAGES[name] for name in ("run", "pdf", "dev"))
    assert f"({run.fetch_mb} MB to fetch, {run.disk_mb} MB on disk, about a minute)" in readme
    assert f"fetches what PDF files need ({pdf.fetch_mb} MB, once)" in readme
    assert f"runs the tests (another {pdf.fetch_mb + dev.fetch_mb} MB to fetch)" in readme
