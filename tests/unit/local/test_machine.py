"""What a machine lacks, said in one line with its remedy."""

import errno
import importlib.util
import platform
import tempfile
from pathlib import Path

import pytest

from deploy.local.errors import LaunchError
from deploy.local.machine import check_machine, full_disk_line, is_disk_full, lacks_of_the_model, memory_mb


def check(root: Path, *, fetch_mb: int = 1, disk_mb: int = 1) -> None:
    check_machine(root, fetch_mb=fetch_mb, disk_mb=disk_mb, embedded_model=True)


def test_this_machine_lacks_nothing(tmp_path: Path) -> None:
    check(tmp_path)
    assert full_disk_line(tmp_path) is None


def test_python_without_its_venv_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ensurepip" else object())
    with pytest.raises(LaunchError, match=r"install its venv module .*apt install python3\.\d+-venv"):
        check(tmp_path)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), "This user may not write to .*Copy the checkout"),
        (OSError(errno.EROFS, "Read-only file system"), "Cannot write to .*: Read-only file system"),
        (OSError(errno.ENOSPC, "No space left on device"), r"Disk full: \d+ MB are free where"),
    ],
)
def test_a_checkout_that_cannot_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, said: str
) -> None:
    def refuse(**_: object) -> None:
        raise error

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(LaunchError, match=said):
        check(tmp_path)


def test_the_folder_of_temporary_files_has_to_hold_the_packages(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match=r"and 1000000000 MB are needed.*TMPDIR"):
        check(tmp_path, fetch_mb=10**9)


def test_processors_and_systems_without_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(LaunchError, match="no packages for the processor riscv64"):
        check(tmp_path)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.17"))
    with pytest.raises(LaunchError, match=r"need glibc 2\.28 and this system has 2\.17"):
        check(tmp_path)


@pytest.mark.parametrize(("flags", "lacking"), [("fpu sse4_2 avx", True), ("fpu sse4_2 avx avx2 fma", False)])
def test_a_processor_without_what_the_model_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: str, lacking: bool
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    (tmp_path / "cpuinfo").write_text(f"processor : 0\nflags\t\t: {flags}\n")
    assert ["OPENAI_MODEL" in lack for lack in lacks_of_the_model(tmp_path / "cpuinfo")] == [True] * lacking


@pytest.mark.parametrize(
    ("group", "file"),
    [
        ("0::/box", "box/memory.max"),
        ("0::/box", "memory.max"),
        ("4:memory:/box", "memory/box/memory.limit_in_bytes"),
        ("4:memory:/box", "memory/memory.limit_in_bytes"),
    ],
)
def test_memory_is_what_the_container_may_use(tmp_path: Path, group: str, file: str) -> None:
    proc, groups = tmp_path / "proc", tmp_path / "groups"
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text("MemTotal:        8000000 kB\nMemFree: 1 kB\n")
    (proc / "self" / "cgroup").write_text(f"{group}\n")
    limit = groups / file
    limit.parent.mkdir(parents=True)
    limit.write_text("512000000\n")
    assert memory_mb(proc, groups) == 512
    limit.write_text("max\n")
    assert memory_mb(proc, groups) == 8192
    assert memory_mb(tmp_path / "absent", groups) is None


def test_a_full_disk_is_told_from_other_errors() -> None:
    assert is_disk_full(OSError(errno.ENOSPC, ""))
    assert is_disk_full(OSError(errno.EDQUOT, ""))
    assert not is_disk_full(OSError(errno.EACCES, ""))
    assert not is_disk_full(ValueError())
