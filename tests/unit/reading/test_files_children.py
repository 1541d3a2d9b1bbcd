"""What bad files do to the children that read them, and what comes of the good ones around them."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.contracts.commands import ContextFile
from shared.contracts.errors import TransientError
from shared.evidence.parts import ReadFile
from shared.reading.files import FileReader, ReadLimits
from shared.sandbox import Sandbox
from tests.support.made_files import context_file, docx, drawn_pdf, paragraph, run, swollen_pdf
from tests.support.waiting import eventually

GOOD = ContextFile(name="good.txt", text="Bees hum.")
ALSO_GOOD = context_file("also.docx", docx(paragraph(run("Bees hum."))))
BAD = ContextFile(name="bad.txt", text="BAD")
_STRICKEN = """
import os, signal, sys, time
from shared.reading import reading
honest = reading.read_file
def read_file(file):
    if file.text == "BAD":
        {fate}
    return honest(file)
reading.read_file = read_file
reading.main()
"""


def reader(fate: str, limits: ReadLimits = ReadLimits()) -> FileReader:  # noqa: B008
    """A reader whose children meet this fate at the bad file."""
    return FileReader(Sandbox(1), limits, (sys.executable, "-I", "-c", _STRICKEN.format(fate=fate)))


def reasons(files: list[ReadFile]) -> list[str]:
    return [file.unreadable for file in files]


@pytest.mark.parametrize(
    ("fate", "why"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "the file made its reader crash"),
        ("os.abort()", "the file made its reader crash"),
        ("raise RuntimeError('unforeseen')", "the file made its reader crash"),
        ("os._exit(0)", "the file made its reader crash"),
        ("bytearray(8 << 30)", "the file needs more memory than allowed"),
        ("time.sleep(60)", "the file took too long to read"),
        ("while True: pass", "the file took too long to read"),
        ("signal.signal(signal.SIGALRM, signal.SIG_DFL); sum(range(1 << 60))", "the file took too long to read"),
    ],
)
async def test_a_file_that_ends_its_child_between_two_good_ones(fate: str, why: str) -> None:
    limits = ReadLimits(file_seconds=3.0, memory_bytes=1 << 30)

    outcomes = await reader(fate, limits).read([GOOD, BAD, ALSO_GOOD])

    assert reasons(outcomes) == ["", why, ""]
    assert [file.name for file in outcomes] == ["good.txt", "bad.txt", "also.docx"]
    assert [file.text for file in outcomes] == ["Bees hum.", "", "Bees hum."]


async def test_more_than_a_child_may_say() -> None:
    fate = "return reading.ReadFile(file.name, 'text/plain', (reading.Part('x' * 3_000_000),))"

    outcomes = await reader(fate, ReadLimits(output_bytes=1_000_000)).read([GOOD, BAD, GOOD])

    assert reasons(outcomes) == [
        "", "the file holds more text than is allowed", "the files before it took all that reading may take",
    ]  # fmt: skip


async def test_a_child_that_answers_with_nonsense() -> None:
    fate = "reading._say = lambda stream, _: (stream.write(b'\\0\\0\\0\\2{{}}'), stream.flush())"
    outcomes = await reader(fate).read([GOOD, BAD, GOOD])
    assert reasons(outcomes) == ["", "the file made its reader crash", ""]


async def test_what_libraries_print_is_no_answer() -> None:
    outcomes = await reader("print('noise'); os.write(1, b'noise')").read([BAD, GOOD])
    assert [file.text for file in outcomes] == ["BAD", "Bees hum."]


async def test_a_file_that_a_child_died_of_once_is_tried_again(tmp_path: Path) -> None:
    mark = tmp_path / "met"
    fate = f"os.path.exists({str(mark)!r}) or (open({str(mark)!r}, 'x'), os.kill(os.getpid(), signal.SIGKILL))"

    outcomes = await reader(fate).read([GOOD, BAD, GOOD])

    assert [file.text for file in outcomes] == ["Bees hum.", "BAD", "Bees hum."]


async def test_all_files_share_one_time() -> None:
    limits = ReadLimits(file_seconds=1.0, seconds=2.5)

    outcomes = await reader("time.sleep(0.9)", limits).read([BAD] * 8)

    read = [file for file in outcomes if not file.unreadable]
    late = [file for file in outcomes if file.unreadable]
    assert read == outcomes[: len(read)]
    assert 1 <= len(read) <= 2
    assert set(reasons(late[1:])) <= {
        "the files before it took all the time there is", "the files before it took all that reading may take",
    }  # fmt: skip


async def test_not_every_file_may_cost_a_child() -> None:
    outcomes = await reader("os.abort()", ReadLimits(crashes=3)).read([BAD] * 5)

    assert reasons(outcomes) == [
        *["the file made its reader crash"] * 2, *["the files before it took all that reading may take"] * 3,
    ]  # fmt: skip


async def test_a_program_that_is_no_reader_is_not_the_fault_of_files() -> None:
    with pytest.raises(TransientError, match="did not start") as raised:
        await FileReader(Sandbox(1), program=(sys.executable, "-c", "raise SystemExit(3)")).read([GOOD])
    assert raised.value.code == "file_reader_failed"


async def test_no_files_need_no_child() -> None:
    assert await FileReader(Sandbox(1), program=("/nonexistent",)).read([]) == []


async def test_a_page_that_unpacks_without_end() -> None:
    bomb = context_file("bomb.pdf", swollen_pdf(500_000_000))
    good = context_file("good.pdf", drawn_pdf("BT /F 12 Tf 50 300 Td (Bees hum.) Tj ET"))

    outcomes = await FileReader(Sandbox(1), ReadLimits(file_seconds=5.0, memory_bytes=400 << 20)).read(
        [good, bomb, good]
    )

    assert [file.text for file in outcomes] == ["Bees hum.", "", "Bees hum."]
    assert outcomes[1].unreadable


def met(mark: Path) -> Callable[[], bool]:
    return lambda: mark.exists() and bool(mark.read_text())


async def test_a_child_that_is_killed_from_outside_is_followed_by_another(tmp_path: Path) -> None:
    mark = tmp_path / "met"
    fate = f"os.path.exists({str(mark)!r}) or (open({str(mark)!r}, 'w').write(str(os.getpid())), time.sleep(60))"

    async with asyncio.TaskGroup() as group:
        reading = group.create_task(reader(fate).read([GOOD, BAD, GOOD]))
        await eventually(met(mark), seconds=20)
        os.kill(int(mark.read_text()), signal.SIGKILL)

    assert [file.text for file in reading.result()] == ["Bees hum.", "BAD", "Bees hum."]


async def test_nothing_is_left_of_reading_that_is_cancelled(tmp_path: Path) -> None:
    mark = tmp_path / "met"
    fate = f"(open({str(mark)!r}, 'w').write(str(os.getpid())), time.sleep(60))"

    async with asyncio.TaskGroup() as group:
        reading = group.create_task(reader(fate).read([BAD]))
        await eventually(met(mark), seconds=20)
        reading.cancel()

    assert reading.cancelled()
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)
