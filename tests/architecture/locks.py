"""The lock files in requirements/."""

import re

from tests.architecture.repository import read

PIN = re.compile(r"([A-Za-z0-9._-]+)(?:\[[\w,-]+\])?==([^\s;\\]+)")


def entries(lock: str) -> list[str]:
    """Each requirement with its hashes on one line, comments left out."""
    lines = [line.partition("#")[0].rstrip() for line in read(f"requirements/{lock}").splitlines()]
    return "\n".join(line for line in lines if line).replace("\\\n", " ").splitlines()


def pins(lock: str) -> dict[str, set[str]]:
    """Versions by name; one name may have several, for different platforms."""
    versions: dict[str, set[str]] = {}
    for entry in entries(lock):
        pin = PIN.match(entry)
        assert pin, entry
        versions.setdefault(pin[1].lower(), set()).add(pin[2])
    return versions
