"""What is said twice is found and taken out, and nothing else."""

import time

from hypothesis import given
from hypothesis import strategies as st

from document_worker.pipeline.checks.repetition import eight_grams, repeated, repeated_sentences, without_repeats
from shared.evidence.citations import cited_in

LONG = "The old canal linked the port with the mill towns upstream of the valley."
HAN = "蜜蜂通过扇动翅膀和搬运水来降低巢内温度。"


def test_a_run_is_eight_words_or_characters_of_one_paragraph() -> None:
    assert eight_grams("One two three four five six Seven eight [@Sa]. Nine") == [
        ("one", "two", "three", "four", "five", "six", "seven", "eight"),
        ("two", "three", "four", "five", "six", "seven", "eight", "nine"),
    ]
    assert eight_grams("蜂蜜很甜，水很清。") == []
    assert ["".join(gram) for gram in eight_grams("春天的蜂蜜很甜，水清。")] == ["春天的蜂蜜很甜水", "天的蜂蜜很甜水清"]
    assert eight_grams("one two three four\n\nfive six seven eight") == []
    assert eight_grams(f"# {LONG}\n\n```\n{LONG}\n```\n\n## References\n\n{LONG}") == []


def test_the_share_counts_every_occurrence_after_the_first() -> None:
    once = repeated([LONG])
    assert (once.share, once.examples) == (0.0, [])
    thrice = repeated([LONG, LONG, LONG])
    assert thrice.share == 0.666667
    assert thrice.examples == ["the old canal linked the port with the"]
    assert repeated([HAN, HAN]).examples == ["蜜蜂通过扇动翅膀"]
    assert repeated([]).share == 0.0


def test_what_another_section_says_goes() -> None:
    known = set(eight_grams(LONG))
    text = f"A new thing comes first. {LONG} Another follows.\n\n{LONG}\n\n- {LONG}\n- An item.\n\n> End."
    clean, count = without_repeats(text, known)
    assert clean == "A new thing comes first. Another follows.\n\n- An item.\n\n> End."
    assert count == 3
    assert repeated_sentences(text, known) == [LONG, LONG, LONG]


def test_what_the_text_has_said_goes_where_it_comes_again() -> None:
    assert without_repeats(f"{LONG} New.\n\nMore. {LONG}", set()) == (f"{LONG} New.\n\nMore.", 1)
    assert without_repeats(f"{HAN}天气很好。{HAN}完。", set()) == (f"{HAN}天气很好。完。", 1)


def test_short_sentences_in_the_same_order_repeat_as_well() -> None:
    short = "It is true. Bees fly far. Men walk slowly."
    clean, count = without_repeats(f"{short}\n\n{short}", set())
    assert count == 1
    assert repeated([clean]).share == 0.0


def test_headings_tables_and_code_stay() -> None:
    text = f"{LONG}\n\n# {LONG}\n\n| {LONG} |\n\n```\n{LONG}\n```\n"
    assert without_repeats(text, set(eight_grams("x"))) == (text, 0)


def test_the_only_citation_of_a_key_keeps_a_sentence_that_says_something_new() -> None:
    known = set(eight_grams(LONG))
    new = f"{LONG[:-1]}, and it carried coal for forty years [@Sa]."
    assert without_repeats(new, known) == (new, 0)
    assert without_repeats(f"{new} It was long [@Sa].", known) == ("It was long [@Sa].", 1)
    assert without_repeats(f"{LONG[:-1]} [@Sa]. New.", known) == ("New.", 1)


_TEXTS = st.lists(
    st.sampled_from(
        [
            LONG,
            HAN,
            " ",
            "\n",
            "\n\n",
            "- ",
            "Short one. ",
            "Short two. ",
            f"{LONG[:-1]} and more [@Sa]. ",
            "Cited [@Sb]. ",
            "| a | b |\n",
            "\n```\n",
            "`x. y`",
            "# H\n",
            "## References\n",
        ]
    ),
    max_size=14,
).map("".join)


@given(_TEXTS)
def test_again_changes_nothing_and_what_is_left_does_not_repeat(text: str) -> None:
    clean, count = without_repeats(text, set())
    assert without_repeats(clean, set()) == (clean, 0)
    assert (count == 0) == (clean == text)
    assert clean.count("```") == text.count("```")
    assert set(cited_in(clean)) == set(cited_in(text))


def test_ten_thousand_words_take_well_under_a_second() -> None:
    text = "\n\n".join(
        " ".join(f"Word{i * j % 997} stands by word{j * 7 % 991} and word{i}." for i in range(200)) for j in range(8)
    )
    begun = time.perf_counter()
    without_repeats(text, set())
    repeated([text, text])
    assert time.perf_counter() - begun < 2
