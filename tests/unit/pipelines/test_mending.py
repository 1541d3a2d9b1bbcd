"""A faulty draft is mended once, and what is delivered is what the model wrote, at its length."""

import asyncio
import json
from typing import Any

import pytest

from shared.contracts.commands import ContextFile
from shared.evidence.citations import length_of
from shared.llm import Answer, ChatRequest
from shared.llm.errors import ModelContextExceededError
from tests.unit.pipelines.desk import PaperDesk
from tests.unit.pipelines.told import FILLER, Told, key_in, write

FILE = ContextFile(
    name="hive.txt", text="A strong hive in the Linden Valley gave 41 kilograms of honey in the year 2024."
)
CLAIM = "In 2024 a strong hive in the Linden Valley gave 41 kilograms of honey"


async def test_a_good_draft_costs_one_call() -> None:
    model = Told(lambda _prompt, _n: FILLER)
    result = await write(model, "Honey")
    assert len(model.asked) == 1
    assert result.quality.sections[0].repaired == []


async def test_a_short_draft_is_gone_on_with_in_proportion_to_what_was_missing() -> None:
    model = Told(
        lambda _prompt, n: FILLER if n > 1 else "Honey comes from nectar that bees carry home on every warm day."
    )
    desk = PaperDesk()
    result = await write(model, "Honey", desk=desk, words=70)
    assert "The section so far:\n\nHoney comes from nectar" in model.asked[1]
    # 12 of 70 words came, so four times the missing 58 are asked for; a smaller share is not trusted.
    assert model.asked[1].endswith("Length: 232 words.")
    assert result.document.markdown.count("Honey comes from nectar") == 1
    assert result.quality.sections[0].repaired == ["too_short"]
    assert abs(result.document.words - 70) <= 7
    assert desk.shown("s1") == desk.stored["text:s1"].decode()


async def test_a_long_draft_is_shortened_without_asking() -> None:
    numbered = " ".join(
        f"Frame {n} was heavy with capped honey when the keeper lifted it out of box {n}." for n in range(40)
    )
    model = Told(lambda _prompt, _n: numbered)
    result = await write(model, "Honey", words=100)
    assert len(model.asked) == 1
    assert 90 <= result.document.words <= 110
    assert result.document.markdown.rstrip().endswith(".")


async def test_the_wrong_language_is_asked_for_again() -> None:
    model = Told(lambda prompt, _n: FILLER if "wrong language" in prompt else "蜜蜂在夏天采集花蜜并把它酿成蜂蜜。" * 4)
    result = await write(model, "Honey")
    assert result.quality.language.matches
    assert "The beekeeper" in result.document.markdown
    assert result.quality.sections[0].repaired[0] == "language"


async def test_a_stubborn_language_is_delivered_and_told() -> None:
    nodes = (
        "蜜蜂在夏天采集花蜜。养蜂人慢慢打开蜂箱检查每一个巢脾。年轻的工蜂紧紧抓住蜂蜡不放。收获之后空箱放回旧棚旁边。"
    )
    result = await write(Told(lambda _prompt, _n: nodes), "Honey", words=55)
    assert result.quality.language.other_sections == ["s1"]
    assert not result.quality.language.matches
    assert result.quality.score.parts["language"] == 0.0


async def test_evidence_that_is_not_cited_is_asked_for_again() -> None:
    model = Told(lambda prompt, n: f"{CLAIM} [@{key_in(prompt)}]. {FILLER}" if n > 1 else f"{CLAIM}. {FILLER}")
    result = await write(model, "Honey", words=70, context_files=[FILE])
    assert "cites none of the material" in model.asked[1]
    assert (result.quality.sections[0].repaired, result.quality.sections[0].attributed) == (["uncited"], 0)
    assert (result.quality.evidence, result.quality.claims.supported) == ("cited", 1)


async def test_what_rests_on_a_passage_is_cited_in_the_end() -> None:
    model = Told(lambda _prompt, _n: f"{CLAIM}. {FILLER}")
    result = await write(model, "Honey", words=70, context_files=[FILE])
    assert len(model.asked) == 2
    assert result.quality.sections[0].attributed == 1
    assert f"{CLAIM} [1]." in result.document.markdown
    assert [reference.source.name for reference in result.document.references] == ["hive.txt"]


async def test_what_rests_on_nothing_stays_uncited() -> None:
    result = await write(Told(lambda _prompt, _n: FILLER), "Honey", context_files=[FILE])
    assert result.document.references == []
    assert result.quality.evidence == "given_not_cited"
    assert result.quality.score.parts["citations"] == 0.0


async def test_an_invented_number_is_named_to_the_model_and_told_if_it_stays() -> None:
    model = Told(lambda prompt, _n: f"{CLAIM.replace('41', '97')} [@{key_in(prompt)}]. {FILLER}")
    result = await write(model, "Honey", words=70, context_files=[FILE])
    assert "97" in model.asked[1].partition("without these faults")[2]
    claim = result.quality.claims.doubtful[0]
    assert (claim.verdict, claim.numbers, claim.section_id) == ("unsupported", [1], "s1")
    assert "97" in claim.why


async def test_an_unknown_citation_is_mended_once_then_removed_and_flagged() -> None:
    model = Told(lambda _prompt, _n: f"Bees are said to dance [@Sdeadbeef]. {FILLER}")
    result = await write(model, "Honey")
    assert len(model.asked) == 2
    assert "Bees are said to dance." in result.document.markdown
    flagged = result.quality.claims.doubtful
    assert [(claim.sentence, claim.verdict) for claim in flagged] == [("Bees are said to dance.", "unsupported")]
    assert result.quality.sections[0].unknown_citations == 1


async def test_a_piece_of_the_prompt_is_removed_without_asking_and_told() -> None:
    model = Told(lambda _prompt, _n: f"<<The Life of Bees>>\n\nThe text before it ends so:\nHoney\n{FILLER}")
    desk = PaperDesk()
    result = await write(model, "Honey", desk=desk)
    assert len(model.asked) == 1
    assert result.document.markdown.partition("## Honey\n\n")[2].startswith("The beekeeper opens")
    assert "<" not in result.document.markdown
    assert result.quality.sections[0].leftovers == 2
    # Workers of the version before share the stored work during an upgrade, and refuse a quality with more fields.
    assert "leftovers" not in json.loads(desk.stored["facts:s1"])["quality"]
    assert desk.shown("s1") == desk.stored["text:s1"].decode()


async def test_what_the_request_says_is_no_piece_of_our_prompt() -> None:
    mark = "The text before it ends so:"
    model = Told(lambda _prompt, _n: f"{mark}\n{FILLER}")
    result = await write(model, f"Prompts: “{mark}”")
    assert result.quality.sections[0].leftovers == 0
    assert f"{mark}\nThe beekeeper" in result.document.markdown


async def test_a_worse_second_draft_is_not_taken() -> None:
    model = Told(lambda _prompt, n: "短。" if n > 1 else f"Bees are said to dance [@Sdeadbeef]. {FILLER}")
    result = await write(model, "Honey")
    assert "The beekeeper opens" in result.document.markdown


async def test_a_mending_that_is_refused_costs_nothing_that_is_written() -> None:
    def answer(_prompt: str, n: int) -> str:
        if n > 1:
            raise ModelContextExceededError("too long with the draft in it")
        return f"Bees are said to dance [@Sdeadbeef]. {FILLER}"

    desk = PaperDesk()
    result = await write(Told(answer), "Honey", desk=desk)
    assert "Bees are said to dance." in result.document.markdown
    assert desk.shown("s1") == desk.stored["text:s1"].decode()


async def test_a_second_draft_that_takes_too_long_is_not_waited_for() -> None:
    class Slow(Told):
        async def complete(self, request: ChatRequest, **more: Any) -> Answer:
            answer = await super().complete(request, **more)
            if len(self.asked) > 1:
                await asyncio.sleep(60)
            return answer

    model = Slow(lambda _prompt, _n: f"Bees are said to dance [@Sdeadbeef]. {FILLER}")
    desk = PaperDesk(text_seconds=0.2)
    result = await write(model, "Honey", desk=desk)
    assert "Bees are said to dance." in result.document.markdown
    assert desk.shown("s1") == desk.stored["text:s1"].decode()


async def test_links_that_no_source_has_go() -> None:
    model = Told(
        lambda _prompt, _n: f"See [the site](http://evil.example/pay) and ![x](http://evil.example/x.png). {FILLER}"
    )
    result = await write(model, "Honey")
    assert "evil.example" not in result.model_dump_json()
    assert "See the site and x." in result.document.markdown


async def test_introduction_and_conclusion_are_written_last_from_the_text() -> None:
    def answer(prompt: str, _n: int) -> str:
        if "The document as it stands" in prompt:
            return f"Opening or ending of it all, {'one' if 'introduction' in prompt else 'two'}. " + FILLER.replace(
                "each", "some"
            )
        return f"{CLAIM} [@{key_in(prompt)}]. {FILLER}"

    model, desk = Told(answer), PaperDesk()
    result = await write(model, "Introduction", "Honey", "Conclusion", words=70, context_files=[FILE], desk=desk)
    assert [prompt.count("The document as it stands") for prompt in model.asked[:3]] == [0, 1, 1]
    assert CLAIM in model.asked[1]
    assert "@S" not in model.asked[1]
    assert "70" not in model.asked[1].partition("Length:")[0]
    headings = [line for line in result.document.markdown.splitlines() if line.startswith("## ")]
    assert headings == ["## Introduction", "## Honey", "## Conclusion", "## References"]


@pytest.mark.parametrize(("judge", "verdict", "by"), [(False, "weak", "offline"), (True, "supported", "model")])
async def test_a_judge_is_asked_about_weak_claims_only(judge: bool, verdict: str, by: str) -> None:
    weak = "Honey of the Linden Valley was plentiful for its keepers, as everybody in town remembers"

    def answer(prompt: str, _n: int) -> str:
        if "say whether its passages support it" in prompt:
            return json.dumps({"verdicts": [{"verdict": "supported", "why": "it says so"}]})
        return f"{weak} [@{key_in(prompt)}]. {FILLER}"

    result = await write(Told(answer), "Honey", words=70, context_files=[FILE], judge=judge)
    claims = result.quality.claims
    assert claims.judge == by
    assert getattr(claims, verdict) == 1


async def test_estimated_usage_is_told() -> None:
    result = await write(Told(lambda _prompt, _n: FILLER), "Honey")
    assert [found.code for found in result.quality.degradations] == ["usage_estimated"]


async def test_chinese_is_counted_in_characters_and_kept_at_its_length() -> None:
    text = "".join(f"第{n}个蜂箱在春天的山谷里由养蜂人仔细检查并记录下来。" for n in range(40))
    result = await write(Told(lambda _prompt, _n: text), "蜂蜜", words=300, language="zh")
    assert 270 <= result.document.words <= 330
    assert result.document.words == length_of(result.document.markdown.partition("蜂蜜\n\n")[2])
