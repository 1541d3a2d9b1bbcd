"""What is installed brings its own libraries: a machine with Python alone has few."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

GLIBC = {"libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0", "librt.so.1", "libutil.so.1"}
LOADERS = {"ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
OF_EVERY_SYSTEM = {"libgcc_s.so.1", "libstdc++.so.6", "libz.so.1"}
"""Outside glibc. PEP 600 lets wheels count on them; in Debian, apt and dpkg themselves need all three."""
NEVER_LOADED = {"falkordb.so"}
"""A module that lies beside the Redis server of a test dependency."""
TAGS = {"DT_NEEDED": "needed", "DT_RPATH": "rpath", "DT_RUNPATH": "runpath"}
"""The tags of the dynamic section that count here, each with the attribute that has its value."""
ENVIRONMENT = Path(sys.prefix)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads ELF files")


def elf_files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            if path.is_symlink() or name in NEVER_LOADED:
                continue
            with path.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    yield path


def unresolved(path: Path) -> set[str]:
    """The libraries a file needs that are neither in its own search path nor on every system."""
    with path.open("rb") as file:
        sections = [section for section in ELFFile(file).iter_sections() if isinstance(section, DynamicSection)]
        tags = [(tag.entry.d_tag, tag) for section in sections for tag in section.iter_tags()]
        values = [(kind, getattr(tag, TAGS[kind])) for kind, tag in tags if kind in TAGS]
    needed = {value for kind, value in values if kind == "DT_NEEDED"}
    searched = [value for kind, value in values if kind != "DT_NEEDED"]
    folders = [
        Path(part.replace("$ORIGIN", str(path.parent))) for paths in searched for part in paths.split(":") if part
    ]
    brought = {name for name in needed if any((folder / name).is_file() for folder in folders if _is_ours(folder))}
    return needed - brought - GLIBC - LOADERS - OF_EVERY_SYSTEM


def _is_ours(folder: Path) -> bool:
    return folder.resolve().is_relative_to(ENVIRONMENT.resolve())


def test_nothing_needs_a_library_of_the_system() -> None:
    needs = {path: unresolved(path) for path in elf_files(ENVIRONMENT)}
    assert len(needs) > 100
    assert {str(path.relative_to(ENVIRONMENT)): names for path, names in needs.items() if names} == {}


def test_a_missing_library_is_found(tmp_path: Path) -> None:
    """The library that the embedded model brings is not in the search path of a copy elsewhere."""
    (original,) = (path for path in elf_files(ENVIRONMENT) if path.name.startswith("xllamacpp.abi3"))
    copy = tmp_path / original.name
    copy.write_bytes(original.read_bytes())
    (missing,) = unresolved(copy)
    assert missing.startswith("libgomp")
