"""Introductions and conclusions, recognised by their titles, and what they are called where they are added."""

import re

from shared.contracts.outline import Outline
from shared.contracts.plan import SectionRole

_NAMES: dict[str, tuple[str, str]] = {
    "ar": ("مقدمة|المقدمة|تمهيد", "خاتمة|الخاتمة|خلاصة|الخلاصة"),
    "de": ("Einleitung|Einführung|Vorwort", "Fazit|Schluss|Schlussfolgerung|Schlussfolgerungen|Schlussbetrachtung"),
    "en": ("Introduction|Intro|Preface", "Conclusion|Conclusions|Concluding remarks|Closing remarks|Final thoughts"),
    "es": ("Introducción", "Conclusión|Conclusiones|Consideraciones finales"),
    "fr": ("Introduction|Avant-propos", "Conclusion|Conclusions"),
    "it": ("Introduzione|Premessa", "Conclusione|Conclusioni|Considerazioni finali"),
    "ja": ("はじめに|序論|序章|緒言|導入", "おわりに|終わりに|結論|結び|まとめ"),
    "ko": ("서론|머리말|들어가며", "결론|맺음말|나가며|마치며"),
    "pt": ("Introdução", "Conclusão|Conclusões|Considerações finais"),
    "ru": ("Введение|Предисловие", "Заключение|Выводы"),
    "zh": ("引言|绪论|导言|导论|前言|序言", "结论|结语|结束语|总结|尾声"),
    "zh-hant": ("引言|緒論|導言|導論|前言|序言", "結論|結語|結束語|總結|尾聲"),
}
"""By language, both separated by ``|``: names of an introduction and of a conclusion, the usual one first."""
_FEWEST_WITH_ROLES = 2
"""A document of two sections has no room for an introduction of its own."""
_TRADITIONAL = {"hant", "tw", "hk", "mo"}
_AND = r"and|und|et|y|e|и|및"
_MARKS = r"[:：,，、;；.。(（–—-]|[与與和及]"


def _pattern(names: list[str], following: str) -> re.Pattern[str]:
    listed = "|".join(sorted(names, key=len, reverse=True))
    return re.compile(rf"\s*(?:{listed})(?:\s*$|\s*(?:{_MARKS})|\s+(?:{following}))", re.IGNORECASE)


_INTRODUCTION = _pattern([name for names, _ in _NAMES.values() for name in names.split("|")], r"\S")
"""``Introduction to bees`` introduces; ``The introduction of the plough`` does not."""
_CONCLUSION = _pattern([name for _, names in _NAMES.values() for name in names.split("|")], rf"(?:{_AND})\b")
"""``Conclusion and outlook`` concludes; ``Conclusion of the peace`` does not."""


def role_of(title: str, position: int, count: int) -> SectionRole:
    """What the section at ``position`` (from 0) of ``count`` at the top of the outline is for, by its title.

    In all the languages of the table, whatever the document's is. Only the first introduces, only the last concludes.
    """
    if count > 1 and position == 0 and _INTRODUCTION.match(title):
        return "introduction"
    if count > 1 and position == count - 1 and _CONCLUSION.match(title):
        return "conclusion"
    return "body"


def leaf_roles(outline: Outline) -> dict[str, SectionRole]:
    """By id of a leaf at the top level: whether it opens or closes the document."""
    if len(outline.leaves()) <= _FEWEST_WITH_ROLES:
        return {}
    return {
        node.id or "": role_of(node.title, position, len(outline.nodes))
        for position, node in enumerate(outline.nodes)
        if not node.children
    }


def frame_titles(language: str) -> tuple[str, str] | None:
    """What an introduction and a conclusion are called in a language (BCP 47); None where that is not known."""
    base, *subtags = language.lower().split("-")
    if base == "zh" and _TRADITIONAL.intersection(subtags):
        base = "zh-hant"
    if base not in _NAMES:
        return None
    introductions, conclusions = _NAMES[base]
    return introductions.partition("|")[0], conclusions.partition("|")[0]
