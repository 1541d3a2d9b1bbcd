"""Where a list goes on: opaque for clients, checked when it comes back."""

import base64
import binascii
import re

from gateway.http.errors import invalid
from shared.redis.lists import Place

_PLACE = re.compile(r"[0-9a-f]{8} (\d{1,15}) ([A-Za-z0-9._-]{1,64}/[A-Za-z0-9][A-Za-z0-9._:-]{0,127})\Z", re.ASCII)


def write_cursor(place: Place | None) -> str | None:
    """The cursor of a place, None at the end of a list."""
    if place is None:
        return None
    text = f"{place.at_ms} {place.name}".encode()
    return base64.urlsafe_b64encode(b"%08x %s" % (binascii.crc32(text), text)).decode().rstrip("=")


def read_cursor(cursor: str | None) -> Place | None:
    """The place of a cursor; raises ProblemError 422 for what no list has given out."""
    if cursor is None:
        return None
    place = _place(cursor)
    if place is None or write_cursor(place) != cursor:
        message = "no cursor of a list; leave it out to begin anew"
        raise invalid([{"pointer": "/query/cursor", "message": message}])
    return place


def _place(cursor: str) -> Place | None:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        return None
    match = _PLACE.match(text)
    return Place(int(match[1]), match[2]) if match else None
