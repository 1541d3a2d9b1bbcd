"""``python -m tests.support.openapi PATH``: write the API's description as docs/openapi.json holds it."""

import json
import sys
from pathlib import Path

from gateway.app import create_app


def described() -> str:
    """The description, sorted and indented."""
    return json.dumps(create_app().openapi(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(described(), encoding="utf-8")
