"""The state machine of a job as a pure model, and what is needed to hold the real scripts against it.

``queues``, ``reviewing``, ``owners`` and ``model`` say what the scripts promise; ``moves`` lists the moves; ``world``
runs the scripts on a server; ``seen`` reads everything they left; ``agreement`` compares; ``rules`` is the machine that
hypothesis drives.
"""

from pkgutil import iter_modules

import pytest

# Otherwise a failed assertion here would not tell what it saw.
pytest.register_assert_rewrite(*(f"{__name__}.{module.name}" for module in iter_modules(__path__)))
