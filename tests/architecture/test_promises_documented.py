"""docs/promises.md has a line for every fault there is, and its links lead somewhere."""

import re

from tests.architecture.repository import ROOT, read, rows, under
from tests.chaos.faults import FAULTS
from tests.chaos.mutate import NOTICED_BY

DOCUMENT = "docs/promises.md"


def test_every_fault_is_documented_with_its_module() -> None:
    documented = {int(row[0]): row[4] for row in rows(under(read(DOCUMENT), "## Faults"))}
    assert sorted(documented) == sorted(FAULTS)
    for number, cell in documented.items():
        module = FAULTS[number].act.__module__.replace(".", "/")
        assert f"(../{module}.py)" in cell, f"fault {number} is in {module}.py"


def test_guards_that_are_taken_out_are_documented_with_their_fault() -> None:
    documented = [int(row[1]) for row in rows(under(read(DOCUMENT), "## Whether the tests can fail"))]
    assert sorted(documented) == sorted(NOTICED_BY.values())


def test_links_lead_to_files() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", read(DOCUMENT))
    assert links
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
