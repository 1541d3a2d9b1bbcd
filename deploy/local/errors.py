"""The one kind of failure the launcher shows to people."""


class LaunchError(Exception):
    """What went wrong and what to do about it, in words for the person at the terminal."""
