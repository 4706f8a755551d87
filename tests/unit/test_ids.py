"""Upload ids sort as the time does, and keys say what they hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ulid import ULID

from early_results import ids, object_keys

MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
CHANCE = st.binary(min_size=10, max_size=10)


@given(MOMENTS, CHANCE)
def test_an_id_is_what_the_ulid_library_makes_of_the_same_moment(moment: datetime, chance: bytes) -> None:
    made = ids.new_ulid(moment, chance)
    milliseconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert made == str(ULID.from_bytes(milliseconds.to_bytes(6, "big") + chance))
    assert ids.is_ulid(made)
    assert ids.ulid_time(made) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@given(MOMENTS, MOMENTS, CHANCE, CHANCE)
def test_ids_sort_as_their_times_do(one: datetime, other: datetime, chance: bytes, luck: bytes) -> None:
    first, second = sorted((one, other))
    if second - first >= timedelta(milliseconds=1):
        assert ids.new_ulid(first, chance) < ids.new_ulid(second, luck)
    assert ids.first_ulid_of(one) <= ids.new_ulid(one, chance)


@pytest.mark.parametrize(
    "text", ["", "01ARZ3NDEKTSV4RRFFQ69G5FA", "81ARZ3NDEKTSV4RRFFQ69G5FAV", "01arz3ndektsv4rrffq69g5fav", "I" * 26]
)
def test_what_is_no_id_is_told_from_one(text: str) -> None:
    assert not ids.is_ulid(text)
    with pytest.raises(ValueError, match="not a ULID"):
        ids.ulid_time(text)


@given(st.text(max_size=60))
def test_only_an_uploads_own_key_is_one(text: str) -> None:
    found = object_keys.parse_upload_key(text)
    assert found is None or object_keys.upload_key(*found) == text


def test_a_key_says_its_upload() -> None:
    upload_id = ids.new_ulid(datetime(2023, 6, 30, 10, 59, tzinfo=UTC), bytes(10))
    assert object_keys.parse_upload_key(object_keys.upload_key("ks1-2023", upload_id)) == ("ks1-2023", upload_id)
    for other in (f"uploads//{upload_id}/file.xlsx", f"uploads/ks1-2023/{upload_id}/file.xls", f"x/{upload_id}"):
        assert object_keys.parse_upload_key(other) is None


def test_randomness_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="10 bytes"):
        ids.new_ulid(datetime(2023, 1, 1, tzinfo=UTC), bytes(9))
