"""The reference that people read to each other: it survives being written down, and tells of every slip."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import assume, given
from hypothesis import strategies as st

from early_results.ids import ALPHABET, new_ulid
from early_results.reference import looks_like_one, read_reference, reference_of

IDS = st.binary(min_size=10, max_size=10).map(lambda noise: new_ulid(datetime(2023, 6, 30, 10, tzinfo=UTC), noise))
PLACES = st.integers(0, 9)


def spelt(letters: list[str]) -> str:
    return "".join(letters)


@given(IDS, st.sampled_from([str.lower, str.upper, lambda text: text.replace("-", " "), lambda text: f" {text} "]))
def test_it_is_read_however_it_was_written_down(upload_id: str, written: st.DataObject) -> None:
    told = reference_of(upload_id)
    assert len(told) == 11
    assert told.replace("-", "")[:9] == upload_id[-9:]
    assert read_reference(written(told)) == told  # type: ignore[operator]
    alike = told.replace("1", "l").replace("0", "o")
    assert read_reference(alike) == read_reference(alike.replace("l", "I")) == told
    assert looks_like_one(told)


@given(IDS, PLACES, st.sampled_from(ALPHABET))
def test_one_wrong_letter_never_passes(upload_id: str, at: int, letter: str) -> None:
    letters = list(reference_of(upload_id).replace("-", ""))
    assume(letters[at] != letter)
    letters[at] = letter
    assert read_reference(spelt(letters)) is None


@given(IDS, PLACES, PLACES)
def test_two_letters_that_changed_places_never_pass(upload_id: str, one: int, other: int) -> None:
    letters = list(reference_of(upload_id).replace("-", ""))
    assume(letters[one] != letters[other])
    letters[one], letters[other] = letters[other], letters[one]
    assert read_reference(spelt(letters)) is None


def test_what_is_no_reference_is_none() -> None:
    for text in ("", "7QK4", "results corrected.xlsx", "UUUUU-UUUUU", "123456789", "12345678901", "1231234"):
        assert read_reference(text) is None
    assert not looks_like_one("a file name")
    assert not looks_like_one("1231234")
