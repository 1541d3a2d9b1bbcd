from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from deploy.local.picture import Picture, printable
from shared.contracts.events import Delta, Gap, ProgressData, Section


def delta(text: str, *, offset: int = 0, revision: int = 1, section: str = "s1") -> Delta:
    return Delta(section_id=section, revision=revision, offset=offset, text=text)


def section(revision: int = 1) -> Section:
    return Section(section_id="s1", revision=revision, title="Bees", words=3)


def text_of(*events: Delta | Section) -> str:
    picture = Picture()
    for event in events:
        picture.apply(event)
    return picture.sections["s1"].text


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"])), st.data())
def test_pieces_make_the_text_however_it_was_cut_and_repeated(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)))) | {0, len(text)})
    pieces = [delta(text[a:b], offset=a) for a, b in pairwise(cuts)] or [delta("")]
    repeated = data.draw(st.integers(0, len(pieces) - 1))
    assert text_of(*pieces[: repeated + 1], *pieces[repeated:]) == text


def test_a_higher_revision_replaces_the_text() -> None:
    assert text_of(delta("First try"), section(), delta("Second", revision=2)) == "Second"


def test_a_late_piece_of_a_lower_revision_changes_nothing() -> None:
    assert text_of(delta("Second", revision=2), delta("First try"), section()) == "Second"


def test_a_replaced_section_is_in_progress_again() -> None:
    picture = Picture()
    for event in (delta("Bees"), section(), delta("B", section="s2")):
        picture.apply(event)
    assert [part.text for part in picture.in_progress(2)] == ["B"]
    assert picture.words == 3
    picture.apply(delta("Wasps", revision=2))
    assert [part.text for part in picture.in_progress(2)] == ["Wasps", "B"]
    assert picture.words == 0


def test_sections_keep_their_places_and_the_silent_one_is_left_out() -> None:
    picture = Picture()
    assert picture.in_progress(2) == []
    for name in ("s1", "s2", "s3", "s1"):
        picture.apply(delta(name, section=name))
    assert [part.text for part in picture.in_progress(3)] == ["s1", "s2", "s3"]
    assert [part.text for part in picture.in_progress(2)] == ["s1", "s3"]


def test_after_a_gap_the_text_begins_later() -> None:
    assert text_of(delta("Bees "), delta("colonies", offset=20), delta(".", offset=28)) == "colonies."


def test_a_gap_brings_the_progress_of_its_snapshot() -> None:
    picture = Picture()
    snapshot = {"status": "running", "progress": {"percent": 60.0, "step": "write", "message": "m", "eta_seconds": 5.0}}
    picture.apply(Gap(snapshot=snapshot))
    assert (picture.percent, picture.step, picture.eta_seconds) == (60.0, "write", 5.0)
    picture.apply(Gap(snapshot={"progress": "unreadable"}))
    assert picture.percent == 60.0


def test_text_cannot_drive_the_terminal() -> None:
    picture = Picture(titles={"s1": "\x1b]0;owned\x07"})
    picture.apply(ProgressData(step="write", message="\x1b[2J", percent=1.0))
    picture.apply(delta("a\x1b[31mb\x9bc\nd"))
    shown = picture.message + picture.sections["s1"].text + picture.sections["s1"].title
    assert not {"\x1b", "\x9b", "\x07"} & set(shown)
    assert "\n" in shown


@given(st.text())
def test_offsets_survive_cleaning(text: str) -> None:
    assert len(printable(text)) == len(text)
