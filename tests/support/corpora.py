"""Many inputs in one test, with every failure told: a case for each costs more than the check."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

Case = TypeVar("Case")


async def failures(cases: Iterable[Case], check: Callable[[Case], Awaitable[None]]) -> list[str]:
    """One line for each case whose check does not hold; at least one case is there to be checked."""
    found, checked = [], 0
    for case in cases:
        checked += 1
        try:
            await check(case)
        except AssertionError as error:
            found.append(f"{case!s:.200}: {error!s:.500}")
    assert checked, "no case was checked"
    return found
