"""Cursors: what a list gives out comes back as the same place; anything else is refused."""

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.http.cursors import read_cursor, write_cursor
from gateway.http.problems import ProblemError
from shared.contracts.ids import JOB_ID_PATTERN, JobRef
from shared.redis.lists import Place

NAMES = st.from_regex(JOB_ID_PATTERN, fullmatch=True).map(lambda job_id: str(JobRef(job_id)))
PLACES = st.builds(Place, st.integers(0, 10**15 - 1), NAMES)


def _of(plain: bytes) -> str:
    return base64.urlsafe_b64encode(plain).decode().rstrip("=")


@given(PLACES)
@example(Place(0, "default/a.b:c_d-e"))
@example(Place(10**15 - 1, "default/" + "Z" * 128))
def test_a_place_comes_back(place: Place) -> None:
    cursor = write_cursor(place)
    assert cursor is not None
    assert len(cursor) <= 400
    assert cursor.isascii()
    assert read_cursor(cursor) == place


def test_none_is_the_beginning_and_the_end() -> None:
    assert write_cursor(None) is None
    assert read_cursor(None) is None


PLAIN = b"1750000000000 default/job"
NONSENSE = {
    "no name": b"1750000000000 ",
    "no time": b" default/job",
    "a zero before": b"0" + PLAIN,
    "below zero": b"-1 default/job",
    "a fraction": b"1.5 default/job",
    "infinite": b"+inf default/job",
    "digits of another script": "١٢٣ default/job".encode(),
    "an endless time": b"9" * 16 + b" default/job",
    "no tenant": b"1750000000000 job",
    "a tenant alone": b"1750000000000 default/",
    "one slash too many": PLAIN + b"/x",
    "one line too many": PLAIN + b"\n",
    "a name that no job can have": b"1750000000000 default/-job",
    "an endless name": b"1750000000000 default/" + b"x" * 129,
    "a command": b"1750000000000 default/x'}) redis.call('FLUSHALL') --",
    "bytes that are no text": b"\xff\xfe\x00" * 9,
    "nothing": b"",
}


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense_in_base64(what: str) -> None:
    _refused(_of(NONSENSE[what]))


@given(PLACES, st.data())
def test_one_sign_more_or_another_one(place: Place, data: st.DataObject) -> None:
    cursor = write_cursor(place) or ""
    at = data.draw(st.integers(0, len(cursor)))
    foreign = data.draw(st.text("!=+/ \n\t\0é🐝%", min_size=1, max_size=4))
    _refused(cursor[:at] + foreign + cursor[at + data.draw(st.integers(0, 1)) :])


@given(st.one_of(st.text(max_size=80), PLACES.map(lambda place: (write_cursor(place) or "") + "A")))
def test_what_is_accepted_is_what_would_be_given_out(text: str) -> None:
    try:
        place = read_cursor(text)
    except ProblemError:
        return
    assert write_cursor(place) == text


def test_cut_anywhere() -> None:
    cursor = _of(PLAIN)
    assert [length for length in range(len(cursor)) if _accepts(cursor[:length])] == []


def _accepts(text: str) -> bool:
    try:
        read_cursor(text)
    except ProblemError:
        return False
    return True


def _refused(text: str) -> None:
    with pytest.raises(ProblemError) as raised:
        read_cursor(text)
    assert (raised.value.status, raised.value.code) == (422, "validation_failed")
    assert [error["pointer"] for error in raised.value.errors] == ["/query/cursor"]
