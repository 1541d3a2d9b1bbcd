from pathlib import Path

import pytest

from deploy.local import context
from deploy.local.errors import LaunchError


def test_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    paths = [tmp_path / "a/notes.md", tmp_path / "b/notes.md", tmp_path / "b/other.md"]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_text("Bienen: süß")
    files = context.read_context(paths)
    assert [file.name for file in files] == [str(paths[0]), str(paths[1]), "other.md"]
    assert {file.text for file in files} == {"Bienen: süß"}


def test_bytes_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(bytes(range(256)))
    assert [file.content() for file in context.read_context([path])] == [bytes(range(256))]


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match=r"named in CONTEXT: Is a directory"):
        context.read_context([tmp_path])


def test_too_much_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    path.write_bytes(b"\xff" * (19 * 1024 * 1024))
    with pytest.raises(LaunchError, match="come to 25 MiB as sent; 24 MiB are allowed"):
        context.read_context([path])
    with pytest.raises(LaunchError, match="CONTEXT names 101 files"):
        context.read_context([path] * 101)
