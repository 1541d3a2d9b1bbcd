"""The launcher with delays of the test's own: ``python -m tests.unit.local.paced '{"settled_seconds": 0}' serve``."""

import json
import sys

from deploy.local.__main__ import main
from deploy.local.keeping import Pace

if __name__ == "__main__":
    sys.exit(main(Pace(**json.loads(sys.argv.pop(1)))))
