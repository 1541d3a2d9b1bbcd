"""Texts that want to run, load or break something, in every format."""

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from document_worker.export import Exporter, Fonts
from shared.contracts.exports import ExportFormat
from shared.sandbox import Pandoc, Sandbox
from tests.unit.export.conftest import MADE_AT, Made, page_of, pages_of, parts_of, words_of
from tests.unit.export.samples import of

ATTACK = r"""# T

<script>alert("block")</script>

<div onclick="x()">block</div>

Inline <b onclick="x()">b</b> <img src=x onerror=alert(1)> <script>alert(2)</script>

![remote](http://evil.example/x.png) ![local](/etc/passwd) [a](javascript:alert(1)) [b](JAVASCRIPT:alert(1))
[c](data:text/html,x) [d](file:///etc/passwd) [e](/relative) [f](vbscript:x) <javascript:alert(1)>
[g]( javascript:alert(1)) [h](java&#115;cript:alert(1)) [i](#nowhere) [j](https://good.example/?a=1&b=2)

```{=typst}
#read("/etc/passwd")
```

```{=openxml}
<w:p><w:r><w:t>smuggled</w:t></w:r></w:p>
```

`#read("/etc/passwd")`{=typst} `<w:br/>`{=openxml} #import "@preview/cetz:0.1.0" #read("/etc/passwd") #panic() @label
<label> $#read("/etc/passwd")$ $\input{/etc/passwd}$ $\href{javascript:alert(1)}{x}$ $\includegraphics{/etc/passwd}$
$\text{"); #panic("}$ #let x = 1; *a* _b_ /* comment */ // line

[1]: javascript:alert(1)

## H {#id onclick=x .evil}

::: {.evil onclick=x}
div
:::

[span]{onclick=x style="x"}

```"onclick=x
code
```
"""
"""No line of it may be obeyed, and none may keep the file from being made."""

TARGETS = re.compile(r"https?://good\.example/.*|#(?:fn|fnref|section|ref-)\w*|#references")


def unsafe(page: Any) -> list[str]:
    """What on a web page runs, loads or leads where it must not."""
    found = [element.tag for element in page.iter("script", "img", "iframe", "object", "embed", "form", "svg", "base")]
    for element in page.find("body").iter():
        found.extend(name for name in element.attrib if name.startswith("on") or name in ("src", "srcset", "data"))
        target = element.get("href", "#references")
        found.extend([] if re.match(r"(?:https?://|mailto:|#)", target) else [target])
    return found


async def test_nothing_on_a_page_is_obeyed(made: Made) -> None:
    page = page_of(await made(of(ATTACK, title="T"), ExportFormat.HTML))

    assert unsafe(page) == []
    assert all(TARGETS.fullmatch(link.get("href")) for link in page.iter("a"))
    assert "onclick" not in {name for element in page.iter() for name in element.attrib}


async def test_a_title_is_text(made: Made) -> None:
    title = '<script>alert(1)</script> "#read(\\"/etc/passwd\\")" $x$ & \\'
    document = of(f"# x\n\nText with {title}", title=title)

    page = page_of(await made(document, ExportFormat.HTML))

    assert unsafe(page) == []
    assert page.findtext(".//h1") == title
    assert "#read" in pages_of(await made(document, ExportFormat.PDF))[0]
    assert title in words_of(parts_of(await made(document, ExportFormat.DOCX))["word/document.xml"])


async def test_nothing_in_a_pdf_is_obeyed(made: Made) -> None:
    text = "".join(pages_of(await made(of(ATTACK, title="T"), ExportFormat.PDF)))

    assert '#read("/etc/passwd")' in text
    assert "root:" not in text


async def test_nothing_in_a_docx_is_obeyed(made: Made) -> None:
    parts = parts_of(await made(of(ATTACK, title="T"), ExportFormat.DOCX))

    links = {
        relation.get("Target")
        for name, part in parts.items()
        if name.endswith(".rels")
        for relation in part
        if relation.get("TargetMode") == "External"
    }
    assert links == {"https://good.example/?a=1&b=2"}
    assert "<w:t>smuggled</w:t>" in words_of(parts["word/document.xml"])
    assert not [name for name in parts if "media" in name]


@pytest.mark.parametrize("file_format", [ExportFormat.HTML, ExportFormat.PDF, ExportFormat.DOCX])
@pytest.mark.parametrize(
    "markdown",
    [
        "\n".join("  " * depth + "- x" for depth in range(500)),
        "- " * 500 + "x",
        ">" * 500 + " x",
        "*a **b " * 500,
        "[" * 5000,
        "|" + "a|" * 60 + "\n|" + "-|" * 60 + "\n" + ("|" + "words here|" * 60 + "\n") * 30,
        "|a|b|\n|-|-|\n" + "|1|2|\n" * 1500,
        "|a|b|\n|-|-|\n||\n|1|2|3|",
        "",
        "# T",
        "##\n\n#\n\n>## in a quote\n\n- # in a list",
        "[^1] [^1]\n\n[^1]: a [^1] [3]",
        "1. [^1]: a [^1]\n\n[^1]",
        "[^1]\n\n[^1]: a [^2]\n\n    b [^2]\n\n[^2]: c [^1]",
        "a\x00b\x1b[31m \ufffe \ue000 \ue001 \U000f0000 \u202eabc\u200b",
        "$$\n\n$$ $ $ $x_{}^{}$ $\\begin{matrix}a\\\\b\\end{matrix}$ $'$ $\\left($ $^$",
    ],
    ids=lambda value: repr(value[:12]),
)
async def test_whatever_a_model_writes_becomes_a_file(made: Made, markdown: str, file_format: ExportFormat) -> None:
    assert await made(of(markdown, title="T"), file_format)


PIECES = st.sampled_from([
    "# ", "\n\n", "\n", "- ", "1. ", "> ", "```", "`", "$", "$$", "[1]", "\\[1\\]", "[^a]", "[^a]: ", "*", "**", "_",
    "^", "|a|b|\n|-|-|\n", "| ", "<script>", "</script>", "<b>", "![x](", "](javascript:alert(1))", "#", "@a", "<a>",
    "\\", '#read("/etc/passwd")', "{=typst}", "\\frac{1}", "{", "}", "~~", "---", "    ", "中文", "“引”", "word ",
    "&amp;", "//", "/*", "~",
])  # fmt: skip


@pytest.mark.ci
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(PIECES, st.text("ab \n*_[]()<>`$#|!\\é中", max_size=6)), max_size=30).map("".join))
async def test_any_markdown_becomes_harmless_files(markdown: str) -> None:
    sandbox = Sandbox(2)
    exporter = Exporter(sandbox, Pandoc(sandbox), Fonts.shipped())

    page = (await exporter.export(of(markdown), ExportFormat.HTML, MADE_AT)).content
    pdf = (await exporter.export(of(markdown), ExportFormat.PDF, MADE_AT)).content
    docx = (await exporter.export(of(markdown), ExportFormat.DOCX, MADE_AT)).content

    assert unsafe(page_of(page)) == []
    assert "root:" not in "".join(pages_of(pdf))
    assert "word/document.xml" in parts_of(docx)
