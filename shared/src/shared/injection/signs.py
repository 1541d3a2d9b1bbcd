"""A sign that a sentence gives orders to a language model, and what weighs how much.

A sign weighs more where it is said to somebody (at the beginning of a clause, after "please", "you must", 请) than
where it is told of. Every gap in a pattern has an upper bound, so that a search takes time in proportion to the text.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Sign:
    """A pattern over folded text. Signs of one family count once, families add up."""

    family: str
    hints: tuple[str, ...]
    """One of these stands in every text the pattern matches; looking for them is much cheaper."""
    pattern: re.Pattern[str]
    addressed: float
    """Weight where it is said to the reader."""
    told: float
    """Weight anywhere else."""
    cased: bool
    """Looks at the text with its capitals."""


def sign(family: str, hints: str, pattern: str, addressed: float, told: float, *, cased: bool = False) -> Sign:
    """``hints`` are parted by bars."""
    return Sign(family, tuple(hints.split("|")), re.compile(pattern), addressed, told, cased)


_ADDRESSED = re.compile(
    r"(?:^|[^\w\s]\s?|(?<![a-z])(?:please|now|then|and|but|so|also|just|first|kindly|immediately|simply|instead|always|"
    r"you|(?:you|assistants?|models?|ai|llms?|chatbots?|bots?|agents?|readers?|writers?)"
    r"(?: (?:must|should|shall|will|can|may|need to|have to|has to|are to|is to|now|are (?:required|instructed|asked) "
    r"to))+|"
    r"(?:want|need|order|command|instruct|ask|tell|urge|request|require) (?:that )?you(?: to)?|"
    r"your (?:\w+ )?(?:task|job|goal|role) (?:now )?is (?:now )?to) ?|"
    r"(?:请|你|您|务必|并|并且|然后|接着|现在|立即|马上|直接|而是|ai|助手|模型)"
    r"(?:必须|务必|应该|应当|应|需要|需|须|要|得|现在|立即|马上|直接|先|再|都|在|你|您)*)\W{0,4}$"
)


def weight_of(sign: Sign, text: str) -> tuple[float, re.Match[str]] | None:
    """The weightiest match of a sign in a text, if there is one."""
    found = [(_weight(sign, text, match), match) for match in sign.pattern.finditer(text)]
    return max(found, key=lambda one: one[0]) if found else None


def _weight(sign: Sign, text: str, match: re.Match[str]) -> float:
    before = text[max(0, match.start() - 60) : match.start()].lower()
    return sign.addressed if _ADDRESSED.search(before) else sign.told
