"""``make run REVIEW=1`` as its users see it: what it asks, what it takes, and what becomes of their text."""

import sys
from pathlib import Path

import httpx2
import pytest

from tests.unit.local.conftest import Launch, Launched, record
from tests.unit.local.fake_gateway import DOCUMENT_JOB

QUESTION = "Enter approves it"
REVIEW = {"REVIEW": "1", "ONCE": "1", "REDIS_URL": "redis://127.0.0.1:9"}
EDITOR = """\
import pathlib, sys
file, count = pathlib.Path(sys.argv[-1]), pathlib.Path("edits")
done = count.read_text().count("x") if count.exists() else 0
count.write_text("x" * (done + 1))
pathlib.Path(f"opened-{done}").write_text(file.read_text())
old, new = sys.argv[1 + 2 * done : 3 + 2 * done]
file.write_text(file.read_text().replace(old, new))
"""


def editor(folder: Path, *replacements: str) -> str:
    """An editor that replaces one text by another, the next pair each time it is opened."""
    (folder / "editor.py").write_text(EDITOR)
    words = [sys.executable, "editor.py", *replacements]
    return " ".join(f"'{word}'" for word in words)


async def asked(launched: Launched, method: str, path: str, body: object = None) -> httpx2.Response:
    """Somebody else at the gateway."""
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{launched.port}", trust_env=False) as client:
        return await client.request(
            method, f"/api/v1/jobs/{DOCUMENT_JOB}/{path}", json=body, headers={"If-Match": '"1"'}
        )


RENAMED = {"operations": [{"op": "rename", "id": "s1", "title": "Hives"}], "author": "somebody else"}


@pytest.mark.parametrize("answer", [b"\n", b"what?\napprove"])
async def test_an_approved_outline_is_written(launch: Launch, folder: Path, answer: bytes) -> None:
    launched = await launch("run", answers=answer, **REVIEW)
    assert await launched.finish() == (0, [])
    assert record(folder, "submitted")[0]["body"]["review"] is True
    assert [approved["version"] for approved in record(folder, "approved")] == [1]
    at = launched.out.index("  Bees (2 sections to write, 4 words)")
    assert launched.out[at + 1 : at + 6] == [
        "    [s1] Colonies (3 words)",
        "      How bees live.",
        "    [s2] Honey",
        "      [s2.1] Wax (1 words)",
        'Enter approves it, "edit" opens it in your editor, "cancel" ends the job:',
    ]
    assert launched.out[-1] == f"out/{DOCUMENT_JOB}.md"
    assert ('"what?" is no answer.' in launched.out) == answer.startswith(b"what")


async def test_nothing_is_written_before_the_answer(launch: Launch, folder: Path) -> None:
    launched = await launch("run", answers=None, **REVIEW)
    await launched.until(QUESTION)
    assert record(folder, "approved") == []
    launched.answer(b"approve\n")
    await launched.until("approved, the document is written from this outline")
    assert await launched.finish() == (0, [])


async def test_an_edited_outline_is_sent_and_shown(launch: Launch, folder: Path) -> None:
    program = editor(folder, "How bees live.", "How they live.\n  - Drones")
    launched = await launch("run", answers=b"edit\napprove\n", EDITOR=program, **REVIEW)
    assert await launched.finish() == (0, [])
    assert record(folder, "edited")[0]["operations"] == ["set_summary", "add"]
    assert record(folder, "approved")[0]["version"] == 2
    at = launched.out.index("Changed: 1 added, 1 rewritten.")
    assert launched.out[at + 1 : at + 5] == [
        "  Bees (2 sections to write, 4 words)",
        "    [s1] Colonies",
        "      How they live.",
        "      [n2-1] Drones (3 words)",
    ]
    assert list((folder / "out").iterdir()) == [folder / launched.out[-1]]


async def test_a_slip_is_told_and_the_text_is_opened_again(launch: Launch, folder: Path) -> None:
    program = editor(folder, "[s1]", "[s9]", "[s9] Colonies", "[s1] Hives")
    launched = await launch("run", answers=b"edit\n\n\n", VISUAL=program, EDITOR="false", **REVIEW)
    assert await launched.finish() == (0, [])
    file = f"out/{DOCUMENT_JOB}.outline-1.md"
    told = launched.out.index(f"{file} can't be used. Line 13: there was no section [s9]; a new one has no [id].")
    assert launched.out[told + 1] == 'Enter opens your text again, "drop" throws it away:'
    assert "- [s9] Colonies" in (folder / "opened-1").read_text()
    assert "Changed: 1 rewritten." in launched.out


async def test_a_text_that_is_dropped_changes_nothing(launch: Launch, folder: Path) -> None:
    program = editor(folder, "[s1]", "[s9]", "Colonies", "Hives")
    launched = await launch("run", answers=b"e\nno\ndrop\ne\napprove\n", EDITOR=program, **REVIEW)
    assert await launched.finish() == (0, [])
    assert '"no" is no answer.' in launched.out
    assert "- [s1] Colonies" in (folder / "opened-1").read_text()
    assert [edited["operations"] for edited in record(folder, "edited")] == [["rename"]]
    assert list((folder / "out").iterdir()) == [folder / launched.out[-1]]


async def test_the_text_of_an_editor_that_failed_is_opened_again(launch: Launch, folder: Path) -> None:
    program = editor(folder, "Colonies", "Hives", "Honey", "Nectar")
    with (folder / "editor.py").open("a") as code:
        code.write("raise SystemExit(done == 0)")
    launched = await launch("run", answers=b"e\ne\napprove\n", EDITOR=program, **REVIEW)
    assert await launched.finish() == (0, [])
    assert "The editor ended with status 1." in launched.out
    assert "- [s1] Hives" in (folder / "opened-1").read_text()
    assert record(folder, "edited")[0]["operations"] == ["rename", "rename"]


async def test_who_comes_second_sees_the_other_version_and_keeps_the_text(launch: Launch, folder: Path) -> None:
    blocked = f"import pathlib, time\nwhile not pathlib.Path('go on').exists(): time.sleep(0.02)\n{EDITOR}"
    program = editor(folder, "Colonies", "Swarms")
    (folder / "editor.py").write_text(blocked)
    launched = await launch("run", answers=None, EDITOR=program, **REVIEW)
    await launched.until(QUESTION)
    launched.answer(b"edit\n")
    assert (await asked(launched, "PATCH", "outline", RENAMED)).status_code == 200
    (folder / "go on").touch()
    await launched.until(QUESTION)
    launched.answer(b"approve\n")
    assert await launched.finish() == (0, [])
    kept = f"out/{DOCUMENT_JOB}.outline-1.md"
    assert "412 The outline was changed; Version 2 is the latest" in launched.out
    assert f'Your text is kept in {kept}. "edit" opens the latest outline:' in launched.out
    assert "    [s1] Hives (3 words)" in launched.out
    assert "- [s1] Swarms" in (folder / kept).read_text()
    assert [approved["version"] for approved in record(folder, "approved")] == [2]


async def test_what_somebody_else_changes_is_shown_at_once(launch: Launch, folder: Path) -> None:
    launched = await launch("run", answers=None, **REVIEW)
    await launched.until(QUESTION)
    await asked(launched, "PATCH", "outline", RENAMED)
    await launched.until("[s1] Hives")
    await launched.until(QUESTION)
    launched.answer(b"\n")
    assert await launched.finish() == (0, [])
    assert record(folder, "approved")[0]["version"] == 2


async def test_an_approval_from_elsewhere_goes_on_without_an_answer(launch: Launch) -> None:
    launched = await launch("run", answers=None, **REVIEW)
    await launched.until(QUESTION)
    await asked(launched, "POST", "approve")
    assert await launched.finish() == (0, [])
    assert launched.out[-1] == f"out/{DOCUMENT_JOB}.md"


async def test_a_cancellation_from_elsewhere_ends_it(launch: Launch) -> None:
    launched = await launch("run", answers=None, **REVIEW)
    await launched.until(QUESTION)
    await asked(launched, "POST", "cancel")
    status, errors = await launched.finish()
    assert (status, errors[0]) == (1, f"The document job {DOCUMENT_JOB} is cancelled.")


async def test_a_person_cancels(launch: Launch, folder: Path) -> None:
    launched = await launch("run", answers=b"cancel\n", **REVIEW)
    status, errors = await launched.finish()
    assert (status, errors[0]) == (1, f"Job {DOCUMENT_JOB} is cancelled, as you asked.")
    assert len(record(folder, "cancelled")) == 1


async def test_the_end_of_the_input_is_no_approval(launch: Launch, folder: Path) -> None:
    launched = await launch("run", answers=b"", **REVIEW)
    status, errors = await launched.finish()
    assert status == 1
    assert errors[0].startswith(f"Standard input ended before anybody approved the outline, so job {DOCUMENT_JOB}")
    assert f"curl -X POST http://127.0.0.1:{launched.port}/api/v1/jobs/<job_id>/approve" in errors[0]
    assert (record(folder, "approved"), len(record(folder, "cancelled"))) == ([], 1)


async def test_an_interrupt_at_the_question_cancels(launch: Launch, folder: Path) -> None:
    launched = await launch("run", answers=None, **REVIEW)
    await launched.until(QUESTION)
    launched.interrupt()
    assert await launched.finish() == (130, [])
    assert len(record(folder, "cancelled")) == 1


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"PATH": "/nowhere"}, "No editor is set. End this run and set one, as in EDITOR=nano make run REVIEW=1, or"),
        ({"EDITOR": "true"}, "The outline is as it was. (An editor that returns at once needs its option to wait.)"),
    ],
)
async def test_without_an_edit_the_question_comes_again(
    launch: Launch, folder: Path, variables: dict[str, str], message: str
) -> None:
    launched = await launch("run", answers=b"edit\napprove\n", **REVIEW, **variables)
    assert await launched.finish() == (0, [])
    assert [line for line in launched.out if line.startswith(message)]
    assert list((folder / "out").iterdir()) == [folder / launched.out[-1]]
