"""Plain prose of an exact length, different for every seed."""

import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

_WORDS: dict[str, list[str]] = json.loads(Path(__file__).with_name("vocabulary.json").read_text(encoding="utf-8"))
_HAN = re.compile(r"[\u3400-\u9fff]")
_LATIN_WORD = re.compile(r"[A-Za-z]{5,}")


def is_chinese(text: str) -> bool:
    """Whether Han characters make up a fair part of the text."""
    return len(_HAN.findall(text)) * 8 > len(text)


def phrase(chance: random.Random, words: int, *, chinese: bool) -> str:
    """A heading or a clause without a full stop, of about so many words."""
    if chinese:
        return _han_clause(chance, words * 2, _WORDS["han_nouns"])
    return _clause(chance, max(words, 5), _WORDS["nouns"])


def prose(seed: str, length: int, keys: Sequence[tuple[str, str]], *, chinese: bool) -> str:
    """Paragraphs of ``length`` words, or Han characters, that cite every key once.

    ``keys`` pairs each evidence key with the text it stands for, whose words the sentence takes up.
    """
    chance = random.Random(seed)
    clauses = [
        (_han_clause if chinese else _clause)(chance, size, _nouns(text, chance, chinese=chinese))
        for size, (_, text) in zip(_sizes(chance, length, chinese=chinese), _endless(keys), strict=False)
    ]
    stop = "。" if chinese else "."
    sentences = [f"{clause}{''.join(cites)}{stop}" for clause, cites in _placed(clauses, keys, chinese=chinese)]
    join = "" if chinese else " "
    return "\n\n".join(join.join(sentences[i : i + 5]) for i in range(0, len(sentences), 5))


def _sizes(chance: random.Random, length: int, *, chinese: bool) -> Iterator[int]:
    low, high = (13, 27) if chinese else (8, 16)
    left = length
    while left >= 2 * low:
        size = min(chance.randint(low, high), left - low)
        yield size
        left -= size
    yield left


def _endless(keys: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    yield from keys
    while True:
        yield "", ""


def _placed(clauses: list[str], keys: Sequence[tuple[str, str]], *, chinese: bool) -> Iterator[tuple[str, list[str]]]:
    space = "" if chinese else " "
    for i, clause in enumerate(clauses):
        mine = keys[i : i + 1] if i + 1 < len(clauses) else keys[i:]
        yield clause, [f"{space}[@{key}]" for key, _ in mine]


def _nouns(text: str, chance: random.Random, *, chinese: bool) -> Sequence[str]:
    """The span's own words where there are enough, so that the sentence is about the span."""
    if chinese:
        han = "".join(_HAN.findall(text))
        own = [han[i : i + 2] for i in range(0, len(han) - 1, 2)]
        return own if len(own) >= 3 else _WORDS["han_nouns"]
    own = [word.lower() for word in _LATIN_WORD.findall(text)]
    return [*own, *chance.sample(_WORDS["nouns"], 3)] if len(own) >= 3 else _WORDS["nouns"]


def _clause(chance: random.Random, words: int, nouns: Sequence[str]) -> str:
    """Five words at least: ``The valley shapes the market``, then longer."""
    phrases, adjectives = divmod(max(words - 5, 0), 3)
    first, second = (_adjective(chance) if adjectives > i else "" for i in range(2))
    determiner = chance.choice(("The", "Each", "Every", "This"))
    subject = f"{determiner} {first}{chance.choice(nouns)}"
    clause = f"{subject} {chance.choice(_WORDS['verbs'])} the {second}{chance.choice(nouns)}"
    for _ in range(phrases):
        clause += f" {chance.choice(('of', 'near', 'beyond', 'behind', 'within'))} the {chance.choice(nouns)}"
    return clause


def _adjective(chance: random.Random) -> str:
    return f"{chance.choice(_WORDS['adjectives'])} "


def _han_clause(chance: random.Random, characters: int, nouns: Sequence[str]) -> str:
    """``城市推动了经济`` in seven characters, then longer by three and by two."""
    left = max(characters - 7, 0)
    clause = f"{chance.choice(nouns)}{chance.choice(_WORDS['han_verbs'])}了{chance.choice(nouns)}"
    if left % 3 == 2:
        clause, left = f"{chance.choice(_WORDS['han_adjectives'])}{clause}", left - 2
    while left >= 3:
        clause, left = f"{clause}的{chance.choice(nouns)}", left - 3
    return clause
