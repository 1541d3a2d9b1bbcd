"""Which sources are the same work: decided by DOI, then address, then title and year.

Pure, and without more than pydantic: the gateway's assembly merges reference lists with it.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from shared.contracts.document import Author, Source, SourceKind
from shared.language.text import count_words

_SCHEME = re.compile(r"[a-z][a-z0-9+.\-]*://", re.IGNORECASE)
_TRACKING = re.compile(r"utm_\w+|gclid|fbclid|msclkid|yclid|dclid|igshid|mc_[ce]id|spm", re.IGNORECASE)
_DOI = re.compile(r"10\.\d{4,9}/\S+")
_DOI_HOSTS = {"doi.org", "dx.doi.org"}
_ARXIV_PAPER = re.compile(r"/(?:abs|pdf|html)/((?:[a-z\-]+(?:\.[A-Z]{2})?/)?[\d.]+?)(?:v\d+)?(?:\.pdf)?")
_KEPT_IN_PATHS = "/:@!$&'()*+,;=~"
_TELLING_WORDS = 4
"""Shorter titles, such as "Annual report", are borne by many works of a year."""


class Work(Protocol):
    """What the comparison needs to know; a ``Source`` is one, and so is a search result."""

    @property
    def kind(self) -> SourceKind: ...
    @property
    def title(self) -> str: ...
    @property
    def authors(self) -> Sequence[Author]: ...
    @property
    def issued(self) -> str: ...
    @property
    def doi(self) -> str: ...
    @property
    def url(self) -> str: ...


def canonical_url(url: str) -> str:
    """An address for comparing, not for loading: without scheme, ``www.``, default port, trailing slash, fragment and
    tracking parameters, the parameters sorted; all forms of an arXiv paper are one. Fragments that scripts read as a
    path (``#!``, ``#/``) stay. Empty where the text is no address.
    """
    text = url.strip()
    try:
        parts = urlsplit(text if _SCHEME.match(text) else f"//{text}")
        host, port = (parts.hostname or "").rstrip(".").removeprefix("www."), parts.port
    except ValueError:
        return ""
    if not host:
        return ""
    if host == "arxiv.org" and (paper := _ARXIV_PAPER.fullmatch(parts.path)):
        return f"arxiv.org/abs/{paper[1]}"
    pairs = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if not _TRACKING.fullmatch(pair[0])]
    query = f"?{urlencode(sorted(pairs))}" if pairs else ""
    route = f"#{parts.fragment}" if parts.fragment.startswith(("!", "/")) else ""
    place = f"[{host}]" if ":" in host else host
    if port not in {None, 80, 443}:
        place += f":{port}"
    path = quote(unquote(parts.path), safe=_KEPT_IN_PATHS).rstrip("/")
    return f"{place}{path}{query}{route}"


def bare_doi(text: str) -> str:
    """The DOI in a text that is one, with or without a resolver's address in front; else empty."""
    match = _DOI.search(unquote(text.strip()))
    return match[0].rstrip(".,;") if match else ""


def merge_keys(work: Work) -> list[str]:
    """What the work is recognised by, the surest first; two works with a key in common are the same.

    A file has neither address nor title of its own making, so it needs its authors as well.
    """
    keys = [f"doi:{doi}"] if (doi := _doi(work)) else []
    if address := canonical_url(work.url):
        keys.append(f"url:{address}")
    title, year = _letters(work.title), work.issued[:4]
    if title and year and work.authors:
        keys.append(f"work:{title}:{year}:{'/'.join(sorted(_families(work)))}")
    if title and year and work.kind != "file" and count_words(work.title) >= _TELLING_WORDS:
        keys.append(f"title:{title}:{year}")
    return keys


def merged(sources: Sequence[Source]) -> dict[str, str]:
    """Maps the id of each source to the id of the first one that is the same work."""
    firsts = same_works(sources)
    return {source.id: sources[first].id for source, first in zip(sources, firsts, strict=True)}


def same_works(works: Sequence[Work]) -> list[int]:
    """For each work, the position of the first that is the same.

    Works are joined through a third: one that has only a DOI and one that has only an address are the same if another
    has both. Two works that contradict each other are never joined: different DOIs (but a preprint may have become an
    article), or authors without a name in common.
    """
    groups = _Groups([_Known.of(work) for work in works])
    owners: dict[str, int] = {}
    for position, work in enumerate(works):
        for key in merge_keys(work):
            groups.join(owners.setdefault(key, position), position)
    return [groups.first(position) for position in range(len(works))]


@dataclass(frozen=True, slots=True)
class _Known:
    """What nobody in a group may contradict."""

    doi: str
    families: frozenset[str]

    @classmethod
    def of(cls, work: Work) -> "_Known":
        return cls("" if work.kind == "preprint" else _doi(work), _families(work))

    def contradicts(self, other: "_Known") -> bool:
        if self.doi and other.doi:
            return self.doi != other.doi
        return bool(self.families and other.families and not self.families & other.families)


class _Groups:
    """Disjoint sets; the first member of each stands for it."""

    def __init__(self, known: list[_Known]) -> None:
        self._parents = list(range(len(known)))
        self._known = known

    def first(self, position: int) -> int:
        while self._parents[position] != position:
            position = self._parents[position]
        return position

    def join(self, one: int, other: int) -> None:
        first, second = sorted((self.first(one), self.first(other)))
        ours, theirs = self._known[first], self._known[second]
        if first == second or ours.contradicts(theirs):
            return
        self._parents[second] = first
        self._known[first] = _Known(ours.doi or theirs.doi, ours.families | theirs.families)


def _doi(work: Work) -> str:
    if work.doi:
        return bare_doi(work.doi).lower()
    address = canonical_url(work.url)
    return bare_doi(address).lower() if address.partition("/")[0] in _DOI_HOSTS else ""


def _families(work: Work) -> frozenset[str]:
    """Family names; of a name given in one piece its last word. Initials and accents differ from index to index."""
    names = (author.family or author.literal.rpartition(" ")[2] for author in work.authors)
    return frozenset(filter(None, map(_letters, names)))


def _letters(text: str) -> str:
    """Letters and digits alone, case and accents folded."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in folded if character.isalnum())
