"""Where a client stopped in the journals of several jobs, as one word."""

import hashlib
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Sequence

from shared.contracts.ids import EventId, JobRef

FORMAT = b"cursor-1"
"""Part of the digest: another format makes another one, so that no gateway misreads a cursor."""
DIGEST_BYTES = 8
LONGEST_NUMBER_BITS = 56
"""Enough for the 15 digits of a fence or a seq."""


class JobSet:
    """The jobs of a stream, each once, in an order that does not depend on the client's.

    A cursor is base64url over a digest and the positions in that order, each number in LEB128 (7 bits a byte, the
    lowest first; the high bit says that more follow). The digest is of the list and the positions: a cursor of another
    list is none, nor is one that was changed on its way.
    """

    __slots__ = ("_digest", "refs")

    def __init__(self, refs: Iterable[JobRef]) -> None:
        self.refs = sorted(set(refs), key=str)
        self._digest = hashlib.blake2b(digest_size=DIGEST_BYTES, person=FORMAT)
        self._digest.update(b"".join(b"%s\0" % str(ref).encode() for ref in self.refs))

    def cursor(self, positions: Sequence[EventId]) -> str:
        """The positions, one for each job, as an ``id:``."""
        packed = bytes(_packed(number for position in positions for number in position))
        return urlsafe_b64encode(self._digest_of(packed) + packed).rstrip(b"=").decode()

    def positions(self, cursor: str) -> list[EventId] | None:
        """What a cursor holds, or None where the text is no cursor of these jobs."""
        try:
            raw = b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            packed = raw[DIGEST_BYTES:]
            numbers = list(_unpacked(packed))
        except ValueError:
            return None
        if raw[:DIGEST_BYTES] != self._digest_of(packed) or len(numbers) != 2 * len(self.refs):
            return None
        return [EventId(fence, seq) for fence, seq in zip(numbers[::2], numbers[1::2], strict=True)]

    def _digest_of(self, packed: bytes) -> bytes:
        digest = self._digest.copy()
        digest.update(packed)
        return digest.digest()


def _packed(numbers: Iterable[int]) -> Iterator[int]:
    for number in numbers:
        rest = number
        while rest > 0x7F:
            yield rest & 0x7F | 0x80
            rest >>= 7
        yield rest


def _unpacked(packed: bytes) -> Iterator[int]:
    """The numbers; raises ValueError where the last one is cut off or one is too long."""
    number = bits = 0
    for byte in packed:
        number |= (byte & 0x7F) << bits
        bits += 7
        if byte <= 0x7F:
            yield number
            number = bits = 0
        elif bits >= LONGEST_NUMBER_BITS:
            msg = "a number that is too long"
            raise ValueError(msg)
    if bits:
        msg = "the last number is cut off"
        raise ValueError(msg)
