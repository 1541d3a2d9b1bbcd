"""Words, sentences and languages, for Latin and Han scripts alike."""

import re
import unicodedata

_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f"
_KANA = r"\u3041-\u3096\u30a1-\u30fa\u30fc"
_WORD = re.compile(rf"[{_HAN}{_KANA}]|[^\W_{_HAN}{_KANA}]+(?:['’\-][^\W_{_HAN}{_KANA}]+)*")
_HAN_RUN = re.compile(rf"[{_HAN}]+")
_SCRIPTS = (
    (re.compile(r"[\uac00-\ud7af]+"), "ko"),
    (re.compile(r"[\u0400-\u04ff]+"), "ru"),
    (re.compile(r"[\u0600-\u06ff]+"), "ar"),
)
_AT_HOME = (
    *((pattern, frozenset({language})) for pattern, language in _SCRIPTS),
    (re.compile(rf"[{_HAN}{_KANA}]+"), frozenset({"zh", "ja", "ko"})),
)
"""Scripts other than Latin, and the languages known here that use them."""
_A_SHARE = 0.3
"""Of a text's words in a script; fewer are names in a text of another language."""
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
_CLOSING = r"(?:[\"'”’)\]」』）*_]|\s*\[@[^\]\s]+\])*"
_SENTENCE_END = re.compile(rf"[.!?…]{_CLOSING}(?=\s|$)|[。！？]{_CLOSING}")
"""Quotation marks, emphasis and citations after the stop belong to the sentence."""
_NEVER_LAST = re.compile(r"(?<!\w)(?:Dr|Mr|Mrs|Ms|Prof|Figs?|Eq|Vol|cf|vs|e\.g|i\.e|approx|ca|z\.B|bzw|Nr)$")
_SELDOM_LAST = re.compile(r"(?<!\w)(?:[A-Z]|al|No|St|pp?|eds?|Jr|ch|sec)$")
_LONGEST_ABBREVIATION = 8
"""Abbreviations after whose stop the sentence goes on: always, or where more follows."""
_LIST_ITEM = re.compile(r"\s*(?:[-*+|]|\d+[.)])\s|\s*```")

_TELLING_WORDS = 20
"""Shorter texts may hold too few common words to tell a language by."""

_STOP_WORDS = frozenset(
    # A list of quoted words would be four times as long to read.
    "a about all also an and any are as at be been but by can could did do does for from had has have he her his how i "  # noqa: SIM905
    "if in into is it its may more most no not of on or other our she so some such than that the their them then there "
    "these they this those to up was we were what when where which who why will with would you your".split()
)
"""English words that say nothing about what a text is about; other languages rely on their idf."""


def count_words(text: str) -> int:
    """Length as readers count it: Latin words, and each Han or kana character for itself."""
    return len(_WORD.findall(text))


def units(text: str) -> list[str]:
    """What ``count_words`` counts, case-folded, in reading order."""
    return [word.casefold() for word in _WORD.findall(text)]


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
    total = count_words(text)
    for pattern, language in _SCRIPTS:
        if len(pattern.findall(text)) > total * _A_SHARE:
            return language
    han = sum(len(run) for run in _HAN_RUN.findall(text))
    kana = len(re.findall(rf"[{_KANA}]", text))
    if kana > (han + kana) / 5:
        # A share, since a Chinese text may name a Japanese thing.
        return "ja"
    words = [word.lower() for word in _LATIN_WORD.findall(text)]
    if han > len(words):
        return "zh"
    votes = {language: sum(word in common for word in words) for language, common in _COMMON_WORDS.items()}
    return max(votes, key=lambda language: votes[language])


def reads_as(text: str, language: str) -> bool:
    """Whether a text seems to be written in a language; true where it is too short to tell, or nothing is known of it.

    Names and terms of another language are usual, so only what most of the text is counts.
    """
    primary = language.partition("-")[0].lower()
    han = sum(len(run) for run in _HAN_RUN.findall(text))
    words = len(_LATIN_WORD.findall(text))
    if han + words < _TELLING_WORDS:
        return True
    if primary == "zh":
        return han > words
    found = detect_language(text)
    if primary not in _COMMON_WORDS:
        return found == primary or (primary not in _LANGUAGES and han <= words)
    return found == primary


def other_script(text: str, language: str) -> re.Pattern[str] | None:
    """Return a pattern for the script of a text whose letters are all of one that its language does not use.

    None for any other text, and for a language that is not known here. Latin is at home everywhere: names are.
    """
    primary = language.partition("-")[0].lower()
    letters = "".join(character for character in text if character.isalpha())
    if primary not in _LANGUAGES:
        return None
    return next((script for script, users in _AT_HOME if primary not in users and script.fullmatch(letters)), None)


def is_han(language: str) -> bool:
    """Whether length is counted in characters."""
    return language.partition("-")[0].lower() in {"zh", "ja"}


def whole_sentences(text: str) -> str:
    """The text up to the end of its last whole sentence; all of it where no sentence ends."""
    stripped = text.rstrip()
    ends = _sentence_ends(stripped)
    return stripped[: ends[-1]] if ends else stripped


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Where each sentence of a paragraph begins and ends; what follows the last stop is one as well."""
    ends = _sentence_ends(text)
    if not ends or text[ends[-1] :].strip():
        ends.append(len(text))
    return list(zip([0, *ends], ends, strict=False))


def _sentence_ends(text: str) -> list[int]:
    return [match.end() for match in _SENTENCE_END.finditer(text) if not _goes_on(text, match.start(), match.end())]


def _goes_on(text: str, stop: int, end: int) -> bool:
    """Whether the stop is the one of an abbreviation or an initial, or of ``1.`` at the beginning of a line."""
    before = text[max(0, stop - _LONGEST_ABBREVIATION) : stop]
    if text[stop] != ".":
        return False
    if _NEVER_LAST.search(before) or text[text.rfind("\n", 0, stop) + 1 : stop].strip().isdigit():
        return True
    return bool(_SELDOM_LAST.search(before)) and bool(text[end : end + 2].strip())


def ends_in_sentence(text: str) -> bool:
    """Whether the text stops where a sentence, a list, a table or a code block may."""
    last_block = text.rstrip().rpartition("\n\n")[2]
    if any(_LIST_ITEM.match(line) for line in last_block.splitlines()):
        return True
    return whole_sentences(text) == text.rstrip()


def holds_sentence(text: str) -> bool:
    """Whether a sentence ends in the text, or it is a list, a table or a code block."""
    return bool(_SENTENCE_END.search(text)) or any(_LIST_ITEM.match(line) for line in text.splitlines())


_LANGUAGES = {
    "ar": "Arabic",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "it": "Italian",
    "ja": "Japanese (日本語)",
    "ko": "Korean",
    "pt": "Portuguese",
    "ru": "Russian",
    "zh": "Chinese (中文)",
}


def language_name(tag: str) -> str:
    """A name that models know for a BCP 47 tag."""
    return _LANGUAGES.get(tag.partition("-")[0].lower(), f"the language with the BCP 47 tag {tag}")
