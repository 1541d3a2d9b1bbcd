"""Runs of eight words that a document says more than once."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from shared.contracts.document import Repetition
from shared.evidence.citations import cited_in, without_keys
from shared.language.markdown import Block, body, sentences, without_code

GRAM_WORDS = 8
_EXAMPLES = 5
_HAN = r"\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f"
_WORD = re.compile(rf"[{_HAN}]|[^\W_{_HAN}]+(?:['’\-][^\W_{_HAN}]+)*")
_EMPTY = re.compile(r"\n[ \t]*\n(?:[ \t]*\n)+")

Gram = tuple[str, ...]
"""Eight words, casefolded; a Han character is a word of its own."""


def eight_grams(text: str) -> list[Gram]:
    """All runs of eight words of a text in order. A run stays within its paragraph, list item or table row; citations,
    code, headings and the reference list are no words.
    """
    return [gram for block in _spoken(text) for gram in _grams(_words(text[block.start : block.end]))]


def repeated(texts: Sequence[str]) -> Repetition:
    """How much a document, given as its sections, repeats: occurrences after the first, among all 8-grams."""
    counts = Counter(gram for text in texts for gram in eight_grams(text))
    again = counts.total() - len(counts)
    share = round(again / counts.total(), 6) if again else 0.0
    return Repetition(share=share, examples=_examples([gram for gram, count in counts.items() if count > 1]))


def without_repeats(text: str, known: AbstractSet[Gram]) -> tuple[str, int]:
    """The text without sentences that hold an 8-gram of ``known``, or of what stands before in the text; and how many
    went. Tables, headings and code stay, and so does a sentence with the only citation of a key, unless all it says
    has been said. May leave nothing.
    """
    count = 0
    while True:
        editor = _Editor(text, known)
        changed = editor.edited()
        if not editor.dropped:
            return text, count
        text, count = changed, count + editor.dropped


def repeated_sentences(text: str, known: AbstractSet[Gram]) -> list[str]:
    """The sentences that ``without_repeats`` would take out first, as they stand in the text."""
    editor = _Editor(text, known)
    editor.edited()
    return editor.gone


@dataclass(slots=True)
class _Editor:
    text: str
    known: AbstractSet[Gram]
    gone: list[str] = field(default_factory=list)
    _seen: set[Gram] = field(default_factory=set)
    _citations: Counter[str] = field(default_factory=Counter)

    @property
    def dropped(self) -> int:
        return len(self.gone)

    def edited(self) -> str:
        self._citations = Counter(cited_in(self.text))
        pieces: list[str] = []
        position = 0
        for block in body(self.text):
            if block.kind not in {"prose", "item"}:
                continue
            cuts = list(self._cuts(block))
            for start, end in cuts:
                pieces.append(self.text[position:start])
                position = end
        return _EMPTY.sub("\n\n", "".join([*pieces, self.text[position:]])).strip("\n") if self.gone else self.text

    def _cuts(self, block: Block) -> Iterator[tuple[int, int]]:
        """What to take out of a block: sentences with the space after them, or the block with its line end."""
        cuts: list[tuple[int, int]] = []
        kept: list[str] = []
        spans = list(sentences(self.text, block))
        for number, (start, end) in enumerate(spans):
            sentence = self.text[start:end]
            words = _words(sentence)
            if self._repeats(kept[-GRAM_WORDS + 1 :], words) and not self._needed(sentence, words):
                self.gone.append(sentence)
                self._citations.subtract(cited_in(sentence))
                following = spans[number + 1][0] if number + 1 < len(spans) else block.end
                cuts.append((start, following))
                continue
            self._seen.update(_grams(kept[-GRAM_WORDS + 1 :] + words))
            kept += words
        if cuts and len(cuts) == len(spans):
            return iter([(block.start, block.end + 1)])
        if cuts and cuts[-1][1] == block.end:
            cuts[-1] = (self._end_before(cuts[-1][0]), block.end)
        return iter(cuts)

    def _end_before(self, start: int) -> int:
        return len(self.text[:start].rstrip())

    def _repeats(self, before: list[str], words: list[str]) -> bool:
        """Whether an 8-gram within the sentence has been said, or runs from the words before through all of it have:
        sentences of less than eight words repeat as well.
        """
        own = len(words)
        covered = 0
        run = before + words
        for last in range(GRAM_WORDS, len(run) + 1):
            if not self._said(tuple(run[last - GRAM_WORDS : last])):
                continue
            if last - GRAM_WORDS >= len(before):
                return True
            covered = max(covered, last - len(before))
        return own > 0 and covered >= own

    def _needed(self, sentence: str, words: list[str]) -> bool:
        """Whether it alone cites a key and says something new."""
        if all(self._citations[key] > cited for key, cited in Counter(cited_in(sentence)).items()):
            return False
        grams = _grams(words)
        return not grams or not all(self._said(gram) for gram in grams)

    def _said(self, gram: Gram) -> bool:
        return gram in self.known or gram in self._seen


def _spoken(text: str) -> Iterator[Block]:
    return (block for block in body(text) if block.kind in {"prose", "item", "row"})


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(without_code(without_keys(text)))]


def _grams(words: Sequence[str]) -> list[Gram]:
    return [tuple(words[i : i + GRAM_WORDS]) for i in range(len(words) - GRAM_WORDS + 1)]


def _examples(grams: Collection[Gram]) -> list[str]:
    """Some of the runs as text, none that is the one before shifted by a word."""
    shown: list[str] = []
    previous: Gram = ()
    for gram in grams:
        if previous[1:] != gram[:-1]:
            shown.append(_spelt(gram))
        previous = gram
    return shown[:_EXAMPLES]


def _spelt(gram: Gram) -> str:
    spaced = " ".join(gram)
    return re.sub(rf"(?<=[{_HAN}]) (?=[{_HAN}])", "", spaced)
