"""Words, sentences and languages, for Latin and Han scripts alike."""

import re
import unicodedata

_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f"
_WORD = re.compile(rf"[{_HAN}]|[^\W_{_HAN}]+(?:['’\-][^\W_{_HAN}]+)*")
_HAN_RUN = re.compile(rf"[{_HAN}]+")
_KANA = re.compile(r"[\u3040-\u30ff]")
_HANGUL = re.compile(r"[\uac00-\ud7af]")
_LATIN_WORD = re.compile(rf"[^\W_{_HAN}]+")
_SENTENCE_END = re.compile(r"[.!?…](?:[\"'”’)\]]|\[@[^\]\s]+\])*(?=\s|$)|[。！？](?:[”’」』）]|\[@[^\]\s]+\])*")

_STOP_WORDS = frozenset(
    # A list of quoted words would be four times as long to read.
    "a about all also an and any are as at be been but by can could did do does for from had has have he her his how i "  # noqa: SIM905
    "if in into is it its may more most no not of on or other our she so some such than that the their them then there "
    "these they this those to up was we were what when where which who why will with would you your".split()
)
"""English words that say nothing about what a text is about; other languages rely on their idf."""


def count_words(text: str) -> int:
    """Length as readers count it: Latin words, and each Han character for itself."""
    return len(_WORD.findall(text))


def terms(text: str) -> list[str]:
    """What ranking compares: lower-cased Latin words, and the character bigrams of Han runs."""
    folded = unicodedata.normalize("NFKC", text).lower()
    found = [word for word in _LATIN_WORD.findall(folded) if len(word) > 1 and word not in _STOP_WORDS]
    for run in _HAN_RUN.findall(folded):
        found.extend(run[i : i + 2] for i in range(len(run) - 1))
        if len(run) == 1:
            found.append(run)
    return found


def detect_language(text: str) -> str:
    """BCP 47 of the script that carries the text: zh, ja, ko, else en (the prompts can name any other)."""
    if _KANA.search(text):
        return "ja"
    if _HANGUL.search(text):
        return "ko"
    han = sum(len(run) for run in _HAN_RUN.findall(text))
    latin = len(_LATIN_WORD.findall(text))
    return "zh" if han > latin else "en"


def is_han(language: str) -> bool:
    """Whether length is counted in characters."""
    return language.partition("-")[0].lower() in {"zh", "ja"}


def whole_sentences(text: str) -> str:
    """The text up to the end of its last whole sentence; all of it where no sentence ends."""
    stripped = text.rstrip()
    ends = [match.end() for match in _SENTENCE_END.finditer(stripped)]
    return stripped[: ends[-1]] if ends else stripped


def ends_in_sentence(text: str) -> bool:
    """Whether the text stops where a sentence, a list item, a table or a code block may."""
    last_line = text.rstrip().rpartition("\n")[2].lstrip()
    if last_line.startswith(("- ", "* ", "|", "```")) or re.match(r"\d+[.)] ", last_line):
        return True
    return whole_sentences(text) == text.rstrip()
