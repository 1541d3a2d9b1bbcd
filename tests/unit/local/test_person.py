import asyncio
import os
import pty
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext, suppress
from pathlib import Path

import pytest

from deploy.local.person import Lines, Person
from deploy.local.signals import stop_signals
from tests.support.waiting import eventually
from tests.unit.local.conftest import alive


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Both ends of a pipe, the one to read first."""
    ends = os.pipe()
    yield ends
    for end in ends:
        with suppress(OSError):
            os.close(end)


async def test_lines_come_whole_and_end(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    lines = Lines(reader)
    os.write(writer, b"edit\n\nappr")
    assert [await lines.next(), await lines.next()] == ["edit", ""]
    os.write(writer, "ove 蜂".encode())
    os.close(writer)
    assert [await lines.next(), await lines.next()] == ["approve 蜂", None]


async def test_a_wait_that_is_given_up_takes_no_line(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    lines = Lines(reader)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await lines.next()
    os.write(writer, b"approve\n")
    assert await lines.next() == "approve"


async def test_a_file_is_read_like_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "answers").write_text("approve\n")
    with (tmp_path / "answers").open() as answers:
        lines = Lines(answers.fileno())
        assert [await lines.next(), await lines.next()] == ["approve", None]


async def test_a_closed_input_has_no_lines(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    assert await Lines(pipe[0]).next() is None


async def test_what_was_typed_before_the_question_is_no_answer() -> None:
    keyboard, terminal = pty.openpty()
    with ExitStack() as ends:
        for end in (keyboard, terminal):
            ends.callback(os.close, end)
        person = Person(None, nullcontext, terminal)
        os.write(keyboard, b"\napprove\n")
        person.listen()
        os.write(keyboard, b" Edit \n")
        assert await person.answer() == "edit"


async def test_ctrl_c_is_left_to_the_editor_and_other_signals_are_not() -> None:
    killed: list[str] = []
    with stop_signals(lambda: killed.append("children")) as stop:
        with stop.ctrl_c_left_to_another():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGTERM)
            await eventually(stop.asked.is_set)
            assert killed == []
        os.kill(os.getpid(), signal.SIGINT)
        await eventually(lambda: killed == ["children"])


@pytest.mark.parametrize(
    ("editor", "problem"),
    [
        (("true",), None),
        (("false",), "The editor ended with status 1."),
        (("no-such-editor", "-w"), "The editor no-such-editor can't be started: No such file or directory."),
    ],
)
async def test_what_went_wrong_with_the_editor_is_told(
    editor: tuple[str, ...], problem: str | None, tmp_path: Path
) -> None:
    assert await Person(editor, nullcontext).edit(tmp_path / "text") == problem


async def test_an_editor_ends_with_the_launcher(tmp_path: Path) -> None:
    file = tmp_path / "text"
    code = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(60)"
    person = Person((sys.executable, "-c", code), nullcontext)
    async with asyncio.TaskGroup() as group:
        editing = group.create_task(person.edit(file))
        await eventually(lambda: file.exists() and file.read_text() != "")
        editing.cancel()
    assert not alive(int(file.read_text()))
