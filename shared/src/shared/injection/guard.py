"""Foreign text on its way to a model: orders to the model stay outside, our own marks cannot be imitated.

Many models obey whatever they read, so text that gives orders is withheld, not explained. What is encoded (base64,
rot13, other languages but for the commonest order in German, French and Spanish) is not looked into.
"""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from shared.injection.families import ENGLISH_FAMILIES
from shared.injection.families_chinese import CHINESE_FAMILIES
from shared.injection.orders_chinese import CHINESE
from shared.injection.orders_english import ENGLISH
from shared.injection.signs import Sign, weight_of

FLAGGED = 0.9
"""Score from which a sentence counts as an order to the model."""
FLAGGED_IN_COMPANY = 0.6
"""The same for what follows right after such a sentence: there the payload stands."""
_SUSPECT = 0.8
"""Two such sentences in one paragraph are as good as one order."""
_TURNING = 0.5
"""What one family weighs where a sentence prepares the next."""
_SLIGHT = {"payload", "place", "brief", "praise", "exclusive", "turn"}
"""Families that do not make a quotation a whole order."""
_COMPANY = 2
"""How many paragraphs, list items or rows after a withheld one."""
_LONGEST_UNIT = 700
_SENTENCES_AFTER = 3
_EXCERPT = 120

_HINTED: dict[str, list[Sign]] = {}
for _sign in ENGLISH + CHINESE + ENGLISH_FAMILIES + CHINESE_FAMILIES:
    for _hint in _sign.hints:
        _HINTED.setdefault(_hint, []).append(_sign)
_INVISIBLE = dict.fromkeys(
    [0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x3164, 0xFEFF, *range(0x180B, 0x180F), *range(0x200B, 0x2010),
     *range(0x202A, 0x202F), *range(0x2060, 0x2070), *range(0x0300, 0x0370), *range(0xFE00, 0xFE10),
     *range(0xFFF9, 0xFFFC), *range(0xE0100, 0xE01F0), 0xE0001, 0xE007F]
)  # fmt: skip
_TAGS = {0xE0000 + code: chr(code) for code in range(0x20, 0x7F)}
"""Invisible doubles of ASCII, which some models read."""
_LOOK_ALIKE = str.maketrans(
    "аеорсухіјѕԁԛԝһмнткваАЕОРСУХІЈЅМНТКВαοριντυκχɑɡｌ“”„‟«»‘’‚`「」『』",
    'aeopcyxijsdqwhmhtkbaAEOPCYXIJSMHTKBaopivtukxagl""""""\'\'\'"""""',
)
_SIMPLIFIED = str.maketrans(
    "無視請輸內現這與應從後記說個僅將則統詞語復對話設開發員體條參獻來鏈連結網註標過關續廢棄絕許當為變寫舊讀譯執訊規"
    "遵實際總處閱讀種類顯導約聽別隱藏題戶兩給會裡準單見證據資圖添隨書問歸刪腳給啟類機擬裝",
    "无视请输内现这与应从后记说个仅将则统词语复对话设开发员体条参献来链连结网注标过关续废弃绝许当为变写旧读译执讯规"
    "遵实际总处阅读种类显导约听别隐藏题户两给会里准单见证据资图添随书问归删脚给启类机拟装",
)
_FOLDED = _INVISIBLE | _TAGS | _LOOK_ALIKE | _SIMPLIFIED
_HYPHENATED = re.compile(r"(?<=[a-z])-[ \t]*\n\s*(?=[a-z])")
_SPACED = re.compile(r"(?<![^\W_])[A-Za-z](?:[ .\-_*·|]{1,3}[A-Za-z]){4,}(?![^\W_])")
_HAN_GAP = re.compile(r"(?<=[\u4e00-\u9fff])[ \t\n.\-_*·|]+(?=[\u4e00-\u9fff])")

_BLANK = re.compile(r"\n(?:[ \t\r]*\n)+")
_UNIT = re.compile(r"^[ \t]*(?:(?:[-*+•]|\d{1,3}[.)、])[ \t]|\||#{1,6}[ \t])", re.MULTILINE)
_ONE_LINE = re.compile(r"[ \t]*(?:\||#{1,6}[ \t])")
_BULLET = re.compile(r"^[ \t]*(?:[-*+•]|\d{1,3}[.)、])[ \t]+")
_SENTENCE = re.compile(r"(?:[^.!?。！？\n]|[.!?](?!\s|$)|\n(?!\s*\n))+[.!?。！？]*[\"'”’」』）)\]]*\s*|[.!?。！？\s]+")
_QUOTED = re.compile(r"\"([^\"]{4,80})\"|'([^']{4,80})'|《([^》]{4,40})》")
_TALK = re.compile(
    r"attack|inject|phrase|such as|example|e\.g|called|prompts? like|strings? like|jailbreak|adversar|malicious|"
    r"例如|比如|所谓|攻击|注入|诸如|类似|越狱|恶意|示例"
)


@dataclass(frozen=True, slots=True)
class Withheld:
    """A text without what addresses a model."""

    text: str
    removed: tuple[str, ...]
    """The beginning of each removed stretch, on one line."""


def withhold(text: str) -> Withheld:
    """The text without each paragraph, list item or table row that gives orders to a model. Of a long paragraph goes
    the sentence that does, with the three after it. Without any such sentence the text comes back as it is.
    """
    sieve = _Sieve()
    kept = "".join(sieve.kept(unit) for unit in _units(text))
    if not sieve.removed:
        return Withheld(text, ())
    return Withheld(re.sub(r"\n[ \t]*\n(?:[ \t]*\n)+", "\n\n", kept).strip("\n"), tuple(sieve.removed))


def score(sentence: str) -> float:
    """How much a sentence is an order to a model: 0 not at all, 1 or more is withheld. Orders that are named, in
    quotation marks and with a word about attacks or examples, count little, unless they are whole ones.
    """
    return _total(_weights(sentence))


def _total(weights: dict[str, float]) -> float:
    return round(sum(weights.values()), 2)


def _weights(sentence: str) -> dict[str, float]:
    """What each family of signs weighs in a sentence."""
    cased = _fold(_BULLET.sub("", sentence))
    folded = cased.casefold()
    found = list(_signs_in(folded, cased))
    if not found:
        return {}
    named = _named(folded)
    families: dict[str, float] = {}
    inside = {sign.family for sign, match, _ in found if _within(match, named)} - _SLIGHT
    for sign, match, weight in found:
        mentioned = len(inside) < 2 and _within(match, named)
        families[sign.family] = max(families.get(sign.family, 0.0), weight * 0.3 if mentioned else weight)
    return families


def _scores(sentences: list[str]) -> list[float]:
    """What each sentence scores. Where a sentence turns the reader from something and the next one tells to what, they
    are one order in two sentences.
    """
    weights = [_weights(one) for one in sentences]
    scores = [_total(one) for one in weights]
    for number, (one, other) in enumerate(pairwise(weights)):
        turning = max((weight for family, weight in one.items() if family not in _SLIGHT), default=0.0)
        if turning >= _TURNING and other:
            both = _total({family: max(one.get(family, 0.0), other.get(family, 0.0)) for family in one | other})
            if both >= FLAGGED:
                scores[number] = max(scores[number], both)
    return scores


def _signs_in(folded: str, cased: str) -> Iterator[tuple[Sign, re.Match[str], float]]:
    hinted = {sign for hint, signs in _HINTED.items() if hint in folded for sign in signs}
    for sign in hinted:
        found = weight_of(sign, cased if sign.cased else folded)
        if found:
            yield sign, found[1], found[0]


def _named(folded: str) -> list[tuple[int, int]]:
    """Where a sentence quotes something and says what it is."""
    quoted = [match.span() for match in _QUOTED.finditer(folded)]
    return quoted if quoted and _TALK.search(_QUOTED.sub(" ", folded)) else []


def _within(match: re.Match[str], spans: list[tuple[int, int]]) -> bool:
    return any(start <= match.start() and match.end() <= end for start, end in spans)


def _fold(text: str) -> str:
    """What a model reads in a text that is dressed up: one form of each letter, nothing invisible, nothing spaced."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text).translate(_FOLDED)
    text = _HYPHENATED.sub("", text)
    text = _SPACED.sub(lambda match: _joined(match[0]), text)
    return " ".join(_HAN_GAP.sub("", text).split())


def _joined(spaced: str) -> str:
    return " ".join(re.sub(r"[ .\-_*·|]", "", word) for word in re.split(r" {2,}", spaced))


def _units(text: str) -> Iterator[str]:
    """Paragraphs, list items, table rows and headings, each with the white space after it."""
    start = 0
    for blank in [*(match.end() for match in _BLANK.finditer(text)), len(text)]:
        paragraph = text[start:blank]
        cuts = [0, len(paragraph)]
        for match in _UNIT.finditer(paragraph):
            cuts.append(match.start())
            if _ONE_LINE.match(match[0]):
                cuts.append(paragraph.find("\n", match.end()) + 1 or len(paragraph))
        marks = sorted(set(cuts))
        yield from (paragraph[a:b] for a, b in pairwise(marks))
        start = blank


@dataclass(slots=True)
class _Sieve:
    removed: list[str] = field(default_factory=list)
    _company: int = 0
    """For how many more units the lower threshold holds."""

    def kept(self, unit: str) -> str:
        if not unit.strip():
            return unit
        threshold = FLAGGED_IN_COMPANY if self._company else FLAGGED
        self._company = max(0, self._company - 1)
        sentences = _SENTENCE.findall(unit)
        scores = _scores(sentences)
        if sum(value >= _SUSPECT for value in scores) > 1:
            threshold = min(threshold, _SUSPECT)
        flagged = [number for number, value in enumerate(scores) if value >= threshold]
        if not flagged:
            return unit
        self._company = _COMPANY
        if len(unit) <= _LONGEST_UNIT:
            return self._drop(unit)
        gone: set[int] = set()
        for number in flagged:
            after = _SENTENCES_AFTER if scores[number] >= FLAGGED else 0
            if number not in gone:
                self._drop("".join(sentences[number : number + after + 1]))
            gone.update(range(number, number + after + 1))
        rest = "".join(one for number, one in enumerate(sentences) if number not in gone)
        return rest if rest.endswith("\n") else rest + unit[len(unit.rstrip()) :]

    def _drop(self, gone: str) -> str:
        self.removed.append(" ".join(gone.split())[:_EXCERPT])
        return "\n\n" if gone.endswith("\n\n") else ""


_OWN_KEY = re.compile(r"[\[［【]\s*[@＠]\s*")
_LOOSE_KEY = re.compile(r"[@＠](?=S[0-9a-f]{6,}\b)")
_ROLE = re.compile(
    r"^([ \t]*#{0,6}[ \t]*(?:system|assistant|user|human|instruction|response)s?)[ \t]*[:：]",
    re.IGNORECASE | re.MULTILINE,
)
_MARKS = (
    (_OWN_KEY, "("),
    (_LOOSE_KEY, ""),
    (re.compile(r"`{3,}|~{3,}"), "''"),
    (re.compile(r"<\s*(/?)\s*(think(?:ing)?|system|s|bos|eos|(?:start|end)_of_turn)\b([^<>\n]{0,40})>",
                re.IGNORECASE),
     r"(\1\2\3)"),
    (re.compile(r"<\s*(/?)\s*material-", re.IGNORECASE), r"(\1material-"),
    (re.compile(r"<[|｜]([^|｜<>\n]{0,40})[|｜]>"), r"(\1)"),
    (re.compile(r"\[\s*(/?)\s*(INST)\s*\]", re.IGNORECASE), r"(\1\2)"),
    (re.compile(r"<<\s*(/?)\s*(SYS)\s*>>", re.IGNORECASE), r"(\1\2)"),
    (re.compile(r"<{3,}"), "‹"),
    (re.compile(r">{3,}"), "›"),
    (_ROLE, r"\1 –"),
)  # fmt: skip
_UNSEEN = re.compile("[\u00ad\u200b\u2060-\u206f\ufeff\u202a-\u202e\U000e0000-\U000e007f]")


def neutral(text: str) -> str:
    """Foreign text in which nothing can be taken for our marks or a model's own: citations, fences, code fences,
    thinking, turns of a chat. Readable as before; without characters that cannot be seen.
    """
    while True:
        changed = _UNSEEN.sub("", text)
        for pattern, instead in _MARKS:
            changed = pattern.sub(instead, changed)
        if changed == text:
            return text
        text = changed


def fence(job: str, text: str) -> str:
    """Foreign text between marks that it cannot hold, since they are made from it.

    The same job and text give the same marks, so that a stored answer is found again. Whoever wrote the text would
    have to know the job's id before the job exists: as a key it is secret enough.
    """
    digest = hmac.new(job.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:12]
    return f"<material-{digest}>\n{text}\n</material-{digest}>"
