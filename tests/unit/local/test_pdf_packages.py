"""The packages that only PDF files need, fetched by a process of its own."""

import asyncio
import sys
from pathlib import Path

import pytest

from deploy.local import pdf_packages
from deploy.local.environment import ROOT
from tests.support.waiting import eventually
from tests.unit.local.conftest import alive


def test_what_is_installed_is_not_fetched() -> None:
    assert not pdf_packages.missing()


def test_only_the_environment_of_the_checkout_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    monkeypatch.setattr(sys, "prefix", str(ROOT / ".venv"))
    assert pdf_packages.missing()
    monkeypatch.setattr(sys, "prefix", "/opt/elsewhere")
    assert not pdf_packages.missing()


async def test_a_failure_is_said_and_no_more() -> None:
    said: list[str] = []
    await pdf_packages.fetch(said.append, (sys.executable, "-c", "raise SystemExit('No network.')"))
    assert said == [
        "Fetching what PDF files need, once: 51 MB.",
        "No network.\nServing without PDF files; the next start tries again.",
    ]


async def test_it_ends_with_the_launcher(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    waiting = f"import os, pathlib, time; pathlib.Path({str(pid)!r}).write_text(str(os.getpid())); time.sleep(60)"
    async with asyncio.TaskGroup() as group:
        fetching = group.create_task(pdf_packages.fetch(lambda _line: None, (sys.executable, "-c", waiting)))
        await eventually(lambda: pid.exists() and bool(pid.read_text()), seconds=30)
        fetching.cancel()
    assert not alive(int(pid.read_text()))
