"""Cited sentences against their passages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from document_worker.pipeline.checks.claims import Weights, attribute, check_claims
from shared.contracts.document import Verdict
from shared.evidence.citations import cited_in, without_keys

SPANS = {
    "Sa": "The Marlow canal was opened in 1834 and linked the port of Eddin with the mill towns upstream. It carried "
    "12,400 tonnes of wool in its first year, and tolls paid for its upkeep until the railway arrived in 1861. “A "
    "ditch worth its weight in silver,” wrote the harbour master.",
    "Sb": "Trials at the Kestrel field station compared three cover crops over five seasons. Winter rye cut nitrate "
    "losses by 42 percent, whereas clover reduced them by only 18 percent. The programme cost 3.5 million crowns.",
    "Sc": "临河水库于1987年建成，总库容为3.2亿立方米，承担着下游三座城市的供水任务。2015年大坝加固工程完工后，"
    "防洪标准由百年一遇提高到五百年一遇。负责人称“这是几代人的心血”。项目由 Linhe Water 与 ADB 出资。",
}
WEIGHTS = Weights(SPANS.values())


def _verdict(sentence: str, spans: dict[str, str] | None = None) -> tuple[Verdict, str]:
    [claim] = check_claims(sentence, spans or SPANS, WEIGHTS)
    return claim.verdict, claim.why


@pytest.mark.parametrize(
    "sentence",
    [
        "Opened in 1834, the canal connected Eddin's port to the mill towns further upstream [@Sa].",
        "In its first year the Marlow canal moved 12 400 tonnes of wool. [@Sa]",
        "Toll income financed the upkeep of the canal until the arrival of the railway in 1861 [@Sa].",
        "The harbour master called it “a ditch worth its weight ... in silver” [@Sa].",
        "Winter rye lowered nitrate losses by 42 %, far more than the 18% reached with clover [@Sb].",
        "1. Trials of 3 cover crops ran at the Kestrel station for five seasons [@Sb].",
        "The Kestrel programme of trials cost 3,500,000 crowns [@Sb].",
        "1987年建成的临河水库总库容达32000万立方米，为下游三座城市供水[@Sc]。",
        "临河水库的负责人称“这是几代人的心血”[@Sc]。",
        "２０１５年大坝加固工程完工后，防洪标准提高到五百年一遇。[@Sc]",
        "| Winter rye | nitrate losses cut by 42 percent | [@Sb] |",
        "Both the Marlow canal of 1834 and the Kestrel trials of cover crops are on record [@Sa][@Sb].",
    ],
)
def test_faithful_sentences_are_supported(sentence: str) -> None:
    assert _verdict(sentence) == ("supported", "")


@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        ("The Marlow canal was opened in 1843 [@Sa].", "the number 1843 is not"),
        ("Winter rye cut nitrate losses by 45 percent [@Sb].", "the number 45"),
        ("The Kestrel programme cost 3.5 billion crowns [@Sb].", "the number 3.5billion"),
        ("临河水库的总库容为3.2万立方米[@Sc]。", "3.2万"),
        ("The harbour master called the Marlow canal “a ditch full of silver coins” [@Sa].", "the quotation"),
        ("临河水库的负责人称“这是一代人的骄傲”[@Sc]。", "the quotation"),
        ("Public transport is a pillar of modern urban development [@Sa].", "something else"),
        ("传统文化的保护需要全社会的共同努力[@Sc]。", "something else"),
        ("The Marlow canal was opened in 1834 [@Sx].", "not known"),
    ],
)
def test_what_is_not_in_the_passage_is_unsupported(sentence: str, why: str) -> None:
    verdict, reason = _verdict(sentence)
    assert verdict == "unsupported"
    assert why in reason


def test_half_a_sentence_from_elsewhere_is_weak() -> None:
    text = (
        "The canal carried wool, and its engineers later built harbours, lighthouses and famous bridges abroad [@Sa]."
    )
    assert _verdict(text)[0] == "weak"


def test_across_languages_numbers_and_names_decide() -> None:
    assert _verdict("The reservoir was completed in 1987 with money from Linhe Water [@Sc].") == ("supported", "")
    assert _verdict("The reservoir serves several cities downstream [@Sc].") == (
        "weak",
        "in another language than its source",
    )
    assert _verdict("The reservoir was completed in 1978 [@Sc].")[0] == "unsupported"
    assert _verdict("马洛运河于1834年开通，第一年运送了12400吨羊毛[@Sa]。") == ("supported", "")


def test_only_sentences_that_cite_are_claims_and_code_and_headings_are_none() -> None:
    text = (
        "# Canal [@Sa]\n\nA sentence of its own. The **Marlow** canal was\nopened in 1834 [@Sa]. `[@Sb]` is code.\n\n"
        "```\nx [@Sb]\n```\n\n- Winter rye cut nitrate losses [@Sb][@Sb].\n"
    )
    claims = check_claims(text, SPANS, WEIGHTS)
    assert [(claim.sentence, claim.keys) for claim in claims] == [
        ("The Marlow canal was opened in 1834.", ("Sa",)),
        ("Winter rye cut nitrate losses.", ("Sb",)),
    ]


def test_rare_terms_weigh_more() -> None:
    weights = Weights(["bees fly", "bees swim", "bees walk"])
    assert weights.of("bee") == 1.0 < weights.of("fly")


def test_sentences_that_rest_on_a_passage_get_its_key() -> None:
    text = (
        "## The canal of 1834\n\nThe Marlow canal linked the port of Eddin with the mill towns. Life was good. "
        "Winter rye cut nitrate losses by 45 percent.\n\n- Winter rye cut nitrate losses by 42 percent\n\n"
        "| Winter rye cut nitrate losses |\n\n大坝加固工程完工后，防洪标准提高到五百年一遇。很好。"
    )
    attributed, count = attribute(text, SPANS, WEIGHTS)
    assert count == 3
    assert attributed == (
        "## The canal of 1834\n\nThe Marlow canal linked the port of Eddin with the mill towns [@Sa]. Life was good. "
        "Winter rye cut nitrate losses by 45 percent.\n\n- Winter rye cut nitrate losses by 42 percent [@Sb]\n\n"
        "| Winter rye cut nitrate losses |\n\n大坝加固工程完工后，防洪标准提高到五百年一遇[@Sc]。很好。"
    )
    assert attribute(attributed, SPANS, WEIGHTS) == (attributed, 0)
    assert all(claim.verdict == "supported" for claim in check_claims(attributed, SPANS, WEIGHTS))


def test_a_text_that_cites_or_has_nothing_to_cite_stays() -> None:
    text = "The Marlow canal linked the port of Eddin with the mill towns. It was dug [@Sa]."
    assert attribute(text, SPANS, WEIGHTS) == (text, 0)
    assert attribute(without_keys(text), {}, WEIGHTS) == (without_keys(text), 0)


_TEXTS = st.lists(
    st.sampled_from(
        [
            "The Marlow canal linked the port of Eddin with the mill towns",
            ". ",
            ".\n\n",
            "! ",
            "。",
            "- ",
            "| ",
            "`code. x` ",
            "```\n",
            "\n",
            "大坝加固工程完工后，防洪标准提高到五百年一遇",
            "Winter rye cut nitrate losses by 42 percent",
            "“quoted” ",
            "e.g. ",
            "# ",
            "word ",
        ]
    ),
    max_size=15,
).map("".join)


@given(_TEXTS)
def test_attribution_adds_keys_and_nothing_else(text: str) -> None:
    attributed, count = attribute(text, SPANS, WEIGHTS)
    assert len(cited_in(attributed)) == count
    assert "".join(without_keys(attributed).split()) == "".join(text.split())
    assert attribute(attributed, SPANS, WEIGHTS) == (attributed, 0)
