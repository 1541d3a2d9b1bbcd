"""No address in a document that nobody vouches for: a model that was talked into a link does not get it printed."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from shared.language.markdown import outside_code

_LONGEST_TARGET = 2_000
_DEFINITION = re.compile(
    r"^ {0,3}\[(?!\^)([^\[\]\n]{1,200})\]:[ \t]*\n?[ \t]*(<[^<>\n]*>|\S+)[^\n]*(?:\n|$)", re.MULTILINE
)
_SCRIPT = re.compile(r"<(script|style|iframe|object)\b[^<>]*>.{0,20000}?</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<!--.{0,5000}?-->|</?[A-Za-z][A-Za-z0-9-]*(?:\s[^<>]*)?/?>", re.DOTALL)
_DOUBLE_ANGLES = re.compile(r"(?<![\w<])<<(?=\S)([^<>\n/:=]{1,200})(?<=\S)>>(?![\w>])")
_AUTOLINK = re.compile(r"( ?)<([A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*)>(?=([\s.,;:!?]|$)?)")
_ATTRIBUTE = re.compile(r"(?:src|href)\s*=\s*[\"']?([^\s\"'<>]+)", re.IGNORECASE)
_START = re.compile(r"(?:https?|ftp)://|(?<![\w.@/-])www\.(?=\w)", re.IGNORECASE)
_ASCII_RUN = re.compile(r"[!#-;=?-~]*")
_TRAILING = ".,;:!?'*_)]}|~"
_AFTER = re.compile(r"[.,;:!?'\"*_)\]}|~>]*(?:$|[\s<`]|[^\x00-\x7f])")


def without_foreign_addresses(text: str, allowed: Collection[str]) -> tuple[str, int]:
    """Markdown without links, images and addresses that are not ``allowed``, and how many went. A link leaves its
    text, an image its alternative text; HTML tags go as well, scripts with what they hold. Code is left alone.
    """
    sweep = _sweep(text, allowed)
    return sweep.text, len(sweep.removed)


def unlisted_addresses(text: str, allowed: Collection[str]) -> list[str]:
    """What ``without_foreign_addresses`` would take out, in the order of removal; of a tag its address or itself."""
    return _sweep(text, allowed).removed


def _sweep(text: str, allowed: Collection[str]) -> "_Sweep":
    sweep = _Sweep(text, frozenset(allowed))
    while True:
        # What is removed may bring together what has to go as well.
        changed = outside_code(sweep.text, sweep.clean)
        if changed == sweep.text:
            return sweep
        sweep.text = changed


@dataclass(slots=True)
class _Sweep:
    text: str
    allowed: frozenset[str]
    removed: list[str] = field(default_factory=list)

    def clean(self, prose: str) -> str:
        prose = _SCRIPT.sub(self._tag, prose)
        # ``<<interface>>`` is a quotation in ASCII; taken for a tag, only ``<>`` would be left of it.
        prose = _DOUBLE_ANGLES.sub(r"«\1»", prose)
        prose = _AUTOLINK.sub(self._autolink, prose)
        prose = _TAG.sub(self._tag, prose)
        prose = self._without_definitions(prose)
        prose = self._without_targets(prose)
        return self._without_bare(prose)

    def _tag(self, match: re.Match[str]) -> str:
        if match[0][1:-1] in self.allowed:
            return match[0]
        address = _ATTRIBUTE.search(match[0])
        self.removed.append(address[1] if address else match[0][:80])
        return ""

    def _autolink(self, match: re.Match[str]) -> str:
        if match[2] in self.allowed:
            return match[0]
        self.removed.append(match[2])
        return match[1] if match[3] is None else ""

    def _without_definitions(self, prose: str) -> str:
        """``[label]: address`` goes, and ``[text][label]`` leaves its text."""
        labels: set[str] = set()

        def judge(match: re.Match[str]) -> str:
            address = match[2].strip("<>")
            if address in self.allowed:
                return match[0]
            labels.add(match[1].casefold())
            self.removed.append(address)
            return ""

        prose = _DEFINITION.sub(judge, prose)
        for label in labels:
            name = re.escape(label)
            prose = re.sub(rf"!?\[([^\[\]]*)\] ?\[{name}\]", r"\1", prose, flags=re.IGNORECASE)
            prose = re.sub(rf"!?\[({name})\](?:\[\])?(?![(:])", r"\1", prose, flags=re.IGNORECASE)
        return prose

    def _without_targets(self, prose: str) -> str:
        """``[text](address)`` leaves its text. The bracket that opens is looked for from the one that closes, since
        the text may hold brackets and images itself.
        """
        position = 0
        while (position := prose.find("](", position)) >= 0:
            end = _closing(prose, position + 1)
            address = prose[position + 2 : end].strip().partition(" ")[0].partition("\n")[0].strip("<>") if end else ""
            if not end or address in self.allowed or address.startswith("#"):
                position += 2
                continue
            self.removed.append(address)
            opening = _opening(prose, position)
            if opening < 0:
                prose = prose[: position + 1] + prose[end + 1 :]
                continue
            before = prose[:opening]
            before = before.removesuffix("!")
            shown = prose[opening + 1 : position]
            prose = before + shown + prose[end + 1 :]
            position = len(before) + len(shown)
        return prose

    def _without_bare(self, prose: str) -> str:
        done = ""
        while found := _START.search(prose):
            done, prose = done + prose[: found.start()], prose[found.start() :]
            kept = max((one for one in self.allowed if _begins(prose, one)), key=len, default="")
            if kept:
                done, prose = done + kept, prose[len(kept) :]
                continue
            run = _ASCII_RUN.match(prose)
            address = (run[0] if run else "").rstrip(_TRAILING) or found[0]
            self.removed.append(address)
            done, prose = _joined(done, prose[len(address) :])
        return done + prose


def _begins(prose: str, address: str) -> bool:
    """Whether the prose begins with just this address, and not with a longer one."""
    return bool(address) and prose.startswith(address) and bool(_AFTER.match(prose, len(address)))


def _joined(before: str, after: str) -> tuple[str, str]:
    """What stood around a removed address, without empty brackets and doubled spaces."""
    if before[-1:] + after[:1] in {"()", "（）", "[]", "“”", '""', "「」"}:
        before, after = before[:-1], after[1:]
    if before.endswith(" ") and (not after or after[0] in " \n.,;:!?。，；：！？)）"):
        before = before[:-1]
    return before, after


def _closing(prose: str, opening: int) -> int:
    """Where the bracket closes that opens a link's target; 0 where none does."""
    depth = 0
    limit = min(len(prose), opening + _LONGEST_TARGET)
    position = opening
    while position < limit:
        character = prose[position]
        if character == "\\":
            position += 1
        elif character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
            if not depth:
                return position
        position += 1
    return 0


def _opening(prose: str, closing: int) -> int:
    """Where the bracket opens that closes there; -1 where none does."""
    depth = 0
    for position in range(closing, max(-1, closing - _LONGEST_TARGET), -1):
        if position and prose[position - 1] == "\\":
            continue
        if prose[position] == "]":
            depth += 1
        elif prose[position] == "[":
            depth -= 1
            if not depth:
                return position
    return -1
