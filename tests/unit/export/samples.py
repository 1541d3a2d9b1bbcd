"""Two documents as the pipeline makes them, one in English and one in Chinese, with all that Markdown has."""

from pathlib import Path

from shared.contracts.document import Author, Document, Reference, Source
from shared.language.text import count_words

ENGLISH_SOURCES = [
    Source(
        id="f1", name="Tidal range and power", media_type="text/html", kind="article", title="Tidal range and power",
        authors=[Author(family="Prandle", given="David"), Author(family="Lane", given="Andrew")], issued="2015",
        container="Renewable Energy", volume="75", pages="101-112", doi="10.1000/renene.2015.75.101",
    ),
    Source(
        id="f2", name="barrage-costs.pdf", media_type="application/pdf", title="Costs of barrages, second survey",
        authors=[Author(literal="Estuary Board")], issued="2021",
    ),
    Source(
        id="f3", name="How tides are predicted", media_type="text/html", kind="webpage", container="Ocean Service",
        url="https://ocean.example.org/tides/predictions.html", accessed="2026-11-02",
    ),
    Source(
        id="f4", name="Sediment in closed basins", media_type="application/pdf", kind="thesis",
        authors=[Author(family="Okafor", given="Ngozi")], issued="2019", publisher="University of Hull",
    ),
    Source(id="f5", name="lagoon_minutes_2023.docx", media_type="application/msword"),
    Source(
        id="f6", name="潮汐能开发现状", media_type="text/html", kind="article", title="潮汐能开发现状",
        authors=[Author(family="王", given="小明"), Author(literal="李雷")], issued="2022", container="海洋技术学报",
        volume="41", issue="3", pages="88-95",
    ),
]  # fmt: skip
ENGLISH_ENTRIES = [
    (
        "D. Prandle and A. Lane, “Tidal range and power,” *Renewable Energy*, vol. 75, pp. 101–112, 2015, doi: "
        "[10.1000/renene.2015.75.101](<https://doi.org/10.1000/renene.2015.75.101>)."
    ),
    "Estuary Board, “Costs of barrages, second survey (barrage-costs.pdf).” 2021.",
    (
        "“How tides are predicted,” Ocean Service. Accessed: Nov. 02, 2026. \\[Online\\]. Available: "
        "<https://ocean.example.org/tides/predictions.html>"
    ),
    "N. Okafor, “Sediment in closed basins,” University of Hull, 2019.",
    "“lagoon\\_minutes\\_2023.docx.”",
    "王小明 和 李雷, 《潮汐能开发现状》, *海洋技术学报*, 卷 41, 期 3, 页 88～95, 2022.",
]
ENGLISH = (Path(__file__).parent / "english.md").read_text()

CHINESE_SOURCES = [
    Source(
        id="c1", name="长江中游湿地演变", media_type="text/html", kind="article", title="长江中游湿地演变及其驱动因素",
        authors=[Author(family="王", given="小明"), Author(literal="李雷"), Author(literal="韩梅梅"),
                 Author(literal="赵四")],
        issued="2021", container="地理学报", volume="76", issue="2", pages="359-372",
    ),
    Source(id="c2", name="湿地巡护记录（2023）.docx", media_type="application/msword", language="zh"),
    Source(
        id="c3", name="Wetland restoration", media_type="text/html", kind="article",
        title="Wetland restoration after dam removal",
        authors=[Author(family="Smith", given="Anna B."), Author(family="Jones", given="Carl"),
                 Author(family="Brown", given="Dee"), Author(family="White", given="Eve")],
        issued="2018", container="Ecological Engineering", volume="112", pages="1-14", doi="10.1000/ecoleng.2018.1",
    ),
    Source(
        id="c4", name="湿地保护法解读", media_type="text/html", kind="webpage", container="国家林业和草原局",
        url="https://forestry.example.cn/wetland/2022.html", issued="2022-06-01", accessed="2026-11-02",
    ),
    Source(id="c5", name="水文手册", media_type="application/pdf", kind="book", publisher="水利出版社", issued="2016",
           authors=[Author(literal="张三")]),
    Source(id="c6", name="候鸟监测年报", media_type="application/pdf", kind="report", publisher="省观鸟会",
           issued="2024"),
]  # fmt: skip
CHINESE_ENTRIES = [
    r"王小明, 李雷, 韩梅梅, 等. 长江中游湿地演变及其驱动因素\[J\]. 地理学报, 2021, 76(2): 359-372.",
    r"湿地巡护记录（2023）.docx\[Z\].",
    (
        r"SMITH A B, JONES C, BROWN D, et al. Wetland restoration after dam removal\[J/OL\]. Ecological Engineering, "
        "2018, 112: 1-14. DOI:[10.1000/ecoleng.2018.1](<https://doi.org/10.1000/ecoleng.2018.1>)."
    ),
    r"湿地保护法解读\[EB/OL\]. (2022-06-01)\[2026-11-02\]. <https://forestry.example.cn/wetland/2022.html>.",
    r"张三. 水文手册\[M\]. 水利出版社, 2016.",
    r"候鸟监测年报\[R\]. 省观鸟会, 2024.",
]
CHINESE = (Path(__file__).parent / "chinese.md").read_text()


def _document(title: str, language: str, body: str, sources: list[Source], entries: list[str]) -> Document:
    listed = "\n\n".join(f"\\[{number}\\] {entry}" for number, entry in enumerate(entries, 1))
    return Document(
        title=title,
        language=language,
        markdown=f"{body}\n{listed}\n",
        sections=[],
        references=[
            Reference(number=number, source=source, text=entry)
            for number, (source, entry) in enumerate(zip(sources, entries, strict=True), 1)
        ],
        words=count_words(body),
    )


def english() -> Document:
    title = "Power from the tides: what a small estuary can expect"
    return _document(title, "en", ENGLISH, ENGLISH_SOURCES, ENGLISH_ENTRIES)


def chinese() -> Document:
    return _document("长江中游小型湿地的修复：从“堵”到“疏”", "zh-CN", CHINESE, CHINESE_SOURCES, CHINESE_ENTRIES)


def of(markdown: str, title: str = "A title", language: str = "en") -> Document:
    """A document of this Markdown, without references."""
    words = count_words(markdown)
    return Document(title=title, language=language, markdown=markdown, sections=[], references=[], words=words)
