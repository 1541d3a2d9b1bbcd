"""Words, sentences and languages, for Latin and Han scripts alike."""

import re
import unicodedata

_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f"
_WORD = re.compile(rf"[{_HAN}]|[^\W_{_HAN}]+(?:['’\-][^\W_{_HAN}]+)*")
_HAN_RUN = re.compile(rf"[{_HAN}]+")
_SCRIPTS = (
    (re.compile(r"[\u3040-\u30ff]"), "ja"),
    (re.compile(r"[\uac00-\ud7af]"), "ko"),
    (re.compile(r"[\u0400-\u04ff]{2}"), "ru"),
    (re.compile(r"[\u0600-\u06ff]{2}"), "ar"),
)
_COMMON_WORDS = {
    "en": {"the", "of", "and", "to", "in", "is", "for", "how", "with", "about", "what", "that", "are", "on"},
    "de": {"der", "die", "das", "und", "ist", "für", "wie", "mit", "über", "ein", "eine", "von", "den", "nicht", "zu"},
    "fr": {"le", "la", "les", "des", "et", "est", "pour", "comment", "avec", "sur", "une", "du", "dans", "qui", "un"},
    "es": {"el", "la", "los", "las", "y", "es", "para", "cómo", "con", "sobre", "una", "del", "en", "que", "un"},
    "it": {"il", "lo", "gli", "le", "e", "è", "per", "come", "con", "su", "una", "della", "di", "che", "un"},
    "pt": {"o", "os", "as", "e", "é", "para", "como", "com", "sobre", "uma", "do", "da", "em", "que", "um"},
}
"""English first: it wins where no word decides."""
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
    """BCP 47 of a text: by its script, and among Latin languages by their commonest words; ``en`` where none is."""
    for pattern, language in _SCRIPTS:
        if pattern.search(text):
            return language
    han = sum(len(run) for run in _HAN_RUN.findall(text))
    words = [word.lower() for word in _LATIN_WORD.findall(text)]
    if han > len(words):
        return "zh"
    votes = {language: sum(word in common for word in words) for language, common in _COMMON_WORDS.items()}
    return max(votes, key=lambda language: votes[language])


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
