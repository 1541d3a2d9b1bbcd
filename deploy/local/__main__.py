"""``python -m deploy.local run`` writes a sample document and serves; ``serve`` only serves."""

import argparse
import asyncio
import io
import sys

from deploy.local.env_file import read_env_file
from deploy.local.errors import LaunchError
from deploy.local.keeping import DEFAULT_PACE, Pace
from deploy.local.launcher import INTERRUPTED_STATUS, STATE_FOLDER, Launcher, sample_request
from deploy.local.machine import disk_full, is_disk_full
from deploy.local.settings import read_settings
from deploy.local.view import make_view, write_error


def main(pace: Pace = DEFAULT_PACE) -> int:
    """The exit status: 0, 1 for what went wrong, 130 for Ctrl-C before the work was done."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    parser.add_argument("mode", choices=("run", "serve"))
    mode = parser.parse_args().mode
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    try:
        settings = read_settings(file=read_env_file())
        request = sample_request(settings) if mode == "run" else None
        return asyncio.run(Launcher(settings, make_view(), request, pace).run())
    except LaunchError as error:
        write_error(str(error))
        return 1
    except OSError as error:
        if not is_disk_full(error):
            raise
        write_error(disk_full(STATE_FOLDER.parent))
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED_STATUS


if __name__ == "__main__":
    sys.exit(main())
