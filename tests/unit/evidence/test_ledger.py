"""Files to text, text to passages, passages to those who need them."""

from bisect import bisect_right
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.document import Author, Source
from shared.evidence.ledger import PASSAGE_CHARACTERS, Ledger, Passage, build_ledger
from shared.evidence.parts import Part, ReadFile
from shared.evidence.ranking import Ranking
from shared.language.text import count_words, detect_language, terms, whole_sentences


def _file(name: str, *texts: str) -> ReadFile:
    return ReadFile(name, "text/plain", tuple(Part(text) for text in texts))


_PARTS = st.lists(
    st.builds(
        Part,
        st.text(alphabet="ab .。！”\n", min_size=1, max_size=3_000).filter(str.strip),
        st.none() | st.integers(1, 3),
        st.sampled_from(["", "1 Methods", "1 Methods > Data"]),
    ),
    max_size=4,
)


@given(_PARTS)
def test_passages_hold_the_whole_text_at_their_offsets(parts: list[Part]) -> None:
    file = ReadFile("a.txt", "text/plain", tuple(parts))
    ledger = build_ledger("job", [file])
    begins = list(accumulate((len(part.text) + 2 for part in parts), initial=0))
    for passage in ledger.passages:
        assert file.text[passage.offset : passage.offset + len(passage.text)] == passage.text
        assert len(passage.text) <= PASSAGE_CHARACTERS
        number = bisect_right(begins, passage.offset) - 1
        assert (passage.page, passage.heading) == (parts[number].page, parts[number].heading)
        assert passage.offset + len(passage.text) <= begins[number] + len(parts[number].text)
    assert "".join("".join(p.text.split()) for p in ledger.passages) == "".join(file.text.split())
    assert len({passage.key for passage in ledger.passages}) == len(ledger.passages)


def test_chinese_is_cut_between_sentences() -> None:
    sentence = "他说：“蜜蜂把花蜜带回蜂巢，在那里把它变成蜂蜜。”"
    ledger = build_ledger("job", [_file("a.txt", sentence * 80)])
    assert len(ledger.passages) > 1
    assert all(passage.text.startswith("他说") and passage.text.endswith("。”") for passage in ledger.passages)


def test_locators_say_where_a_reader_finds_it() -> None:
    parts = (Part("a"), Part("b", 3), Part("c", heading="2 Methods"), Part("d", 3, "2 Methods > Data"))
    ledger = build_ledger("job", [ReadFile("a.pdf", "application/pdf", parts)])
    assert [passage.locator for passage in ledger.passages] == ["", "p. 3", "§ 2 Methods", "p. 3, § 2 Methods > Data"]


def test_the_ledger_keeps_what_files_say_of_themselves() -> None:
    good = ReadFile(
        "a.pdf", "application/pdf", (Part("Bees hum."),), "Bees", ("Ann Lee", "李明"), "2024-03-01", "en",
        warnings=("hidden text was left out",),
    )  # fmt: skip
    bad = ReadFile("b.pdf", "application/pdf", unreadable="the PDF is damaged")

    ledger = build_ledger("job", [bad, good])

    assert ledger.sources == [
        Source(
            id="file-2", name="a.pdf", media_type="application/pdf", title="Bees", issued="2024-03-01", language="en",
            authors=[Author(literal="Ann Lee"), Author(literal="李明")], provider="files", kind="file",
        )
    ]  # fmt: skip
    assert ledger.unreadable == [("b.pdf", "the PDF is damaged")]
    assert ledger.warnings == [("a.pdf", "hidden text was left out")]
    assert Ledger.model_validate_json(ledger.model_dump_json()) == ledger


def test_a_ledger_is_only_ever_appended_to() -> None:
    one = build_ledger("job", [_file("a.txt", "One."), _file("b.txt", "Two.")])
    more = build_ledger("job", [_file("a.txt", "One."), _file("b.txt", "Two."), _file("c.txt", "Three.")])

    both = one.extended(more)

    assert both == more
    assert both.extended(one) == both
    assert both.passages[: len(one.passages)] == one.passages


def test_a_key_that_stands_for_something_else_is_not_taken_over() -> None:
    ledger = build_ledger("job", [_file("a.txt", "One.")])
    key = ledger.passages[0].key
    other = Ledger(
        sources=[Source(id="web-1", name="b", media_type="text/html", kind="webpage")],
        passages=[Passage(key=key, source_id="web-1", offset=0, text="Two.")],
        unreadable=[],
    )

    both = ledger.extended(other)

    assert both.passages[0] == ledger.passages[0]
    assert (both.passages[1].text, both.passages[1].source_id) == ("Two.", "web-1")
    assert both.passages[1].key != key
    assert ledger.extended(other) == both


def test_keys_are_of_one_job() -> None:
    file = _file("a.txt", "The same text.")
    assert build_ledger("a", [file]).passages[0].key != build_ledger("b", [file]).passages[0].key
    assert build_ledger("a", [file]).passages == build_ledger("a", [file]).passages


def test_ranking_finds_latin_and_han() -> None:
    texts = ["Nectar becomes honey in the hive.", "铜价在三月上涨。", "蜜蜂把花蜜变成蜂蜜。"]
    files = [_file(f"{n}.txt", text) for n, text in enumerate(texts)]
    ranking = Ranking(build_ledger("job", files).passages)
    assert [passage.text for passage in ranking.best("how honey is made", 3)] == [texts[0]]
    assert ranking.best("蜂蜜怎么来", 3)[0].text == texts[2]
    assert ranking.best("volcanoes of Iceland", 3) == []


def test_words_and_characters_are_counted_as_readers_do() -> None:
    assert count_words("It's a well-known fact: 60,000 bees.") == 7
    assert count_words("蜜蜂采蜜。") == 4
    assert count_words("用 Python 写") == 3
    assert count_words("ミツバチの話") == 6


def test_languages_are_told_by_script_and_common_words() -> None:
    samples = {"zh": "蜜蜂如何酿蜜 (AI)", "en": "How bees make honey", "ja": "ミツバチの話", "ko": "꿀벌 이야기"}
    assert detect_language("东京的ラーメン店为什么这样受欢迎，它们的历史又是怎样的呢") == "zh"
    samples |= {
        "ru": "Как пчёлы делают мёд",
        "de": "Wie Bienen Honig machen und was der Imker damit tut",
        "fr": "Comment les abeilles font le miel dans la ruche",
        "es": "Cómo las abejas hacen la miel y para qué sirve",
        "it": "Come le api fanno il miele e che cosa ne fa l'apicoltore",
        "pt": "Como as abelhas fazem o mel e para que serve",
    }
    assert {language: detect_language(text) for language, text in samples.items()} == {name: name for name in samples}
    assert detect_language("Honey!") == "en"


def test_terms_leave_out_what_says_nothing() -> None:
    assert terms("The price of AI in 2026") == ["price", "ai", "2026"]


def test_whole_sentences_keep_decimal_points() -> None:
    assert whole_sentences("It rose by 4.5 percent. Then it") == "It rose by 4.5 percent."
    assert whole_sentences("Tea came in 1610. [@Saaaaaa] And the") == "Tea came in 1610. [@Saaaaaa]"
    assert whole_sentences("Bees hum. **Bees matter.** And") == "Bees hum. **Bees matter.**"
    assert whole_sentences("It has parts.\n\n1. One\n2. Tw") == "It has parts."


def test_a_query_scores_only_what_shares_a_term() -> None:
    files = [_file(f"{n}.txt", f"Word{n} and bees.") for n in range(50)]
    ranking = Ranking(build_ledger("job", files).passages)
    assert set(ranking.scores("word7")) == {7}
    assert len(ranking.scores("bees")) == 50
