"""The record of a verdict: what is stored reads back as it was written, in the bytes that the buckets have."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from early_results.counting.verdict_record import BadVerdict, VerdictRecord, read_verdict, verdict_from_json
from early_results.findings import Code

# As the records bucket has them: they lie under Object Lock, and a rebuild must read them for ever.
ACCEPTED = (
    b'{"allowed_by":"SCHOOL#1231001","calendar_version":1,'
    b'"figures":"fddfa91d80dd205aed54b5e88ff75cca674d85ec25f507bfd6e6269e1979be3a",'
    b'"findings":{"assessment-score-mismatch":2},"key":"uploads/ks1-2023/01HGWX07N41HGMJ14VDYCK0VTS/file.xlsx",'
    b'"organisation":"SCHOOL#1231001","outcome":"accepted","pupils":2,"received":"2023-12-05T11:59:39Z",'
    b'"roster_version":"20230501T000000Z-2-130cbd98","ruleset":"ks1-2023.1","school":"1231001","service":"ks1-2023",'
    b'"sha256":"6cc96a28a847d6fc411f545e72ab23e274d2ff8dcae64da561a5e8ebf98586e6","size":4956,'
    b'"template_roster_version":null,"upload":"01HGWX07N41HGMJ14VDYCK0VTS","user":"user-1231001",'
    b'"version":"fa6f28f0","window":3}'
)
REFUSED = (
    b'{"allowed_by":"TRUST#ABC","calendar_version":1,"figures":null,'
    b'"findings":{"code-not-accepted":1,"pupil-joined":1,"pupil-left":1},'
    b'"key":"uploads/ks1-2023/01HDTYFDYSE1VQG038DYE2NYCN/file.xlsx","organisation":"TRUST#ABC","outcome":"refused",'
    b'"pupils":1,"received":"2023-10-28T10:59:40Z","roster_version":"20231028T104917Z-3-c46cd3c6",'
    b'"ruleset":"ks1-2023.2","school":"1231001","service":"ks1-2023",'
    b'"sha256":"a66cf88839aeb52cce544e9dfec061d2c94f844f5e51b77a60499913bc660459","size":4967,'
    b'"template_roster_version":"20230501T000000Z-2-130cbd98","upload":"01HDTYFDYSE1VQG038DYE2NYCN",'
    b'"user":"user-trust","version":"fa6f28f0","window":1}'
)
OF_NOBODY = REFUSED.replace(b'"allowed_by":"TRUST#ABC"', b'"allowed_by":null')

TEXT = st.text(min_size=1)
RECORDS = st.builds(
    VerdictRecord,
    allowed_by=st.none() | TEXT,
    school=st.none() | TEXT,
    received=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
        lambda moment: moment.replace(microsecond=0)
    ),
    findings=st.dictionaries(st.sampled_from(Code), st.integers(1)),
)


@pytest.mark.parametrize("stored", [ACCEPTED, REFUSED, OF_NOBODY])
def test_what_was_stored_before_is_read_and_would_be_stored_so_again(stored: bytes) -> None:
    assert read_verdict(stored).to_bytes() == stored


def test_what_is_read_is_what_was_said() -> None:
    record = read_verdict(ACCEPTED)
    assert record.accepted
    assert (record.upload_id, record.object_key) == (
        "01HGWX07N41HGMJ14VDYCK0VTS",
        "uploads/ks1-2023/01HGWX07N41HGMJ14VDYCK0VTS/file.xlsx",
    )
    assert record.received == datetime(2023, 12, 5, 11, 59, 39, tzinfo=UTC)
    assert record.counts == {"pupils": 2, "errors": 0, "warnings": 2}
    refused = read_verdict(REFUSED)
    assert not refused.accepted
    assert refused.counts == {"pupils": 1, "errors": 1, "warnings": 2}


def test_an_upload_belongs_to_the_school_of_its_rows_only_if_its_uploader_might_upload_for_it() -> None:
    assert read_verdict(REFUSED).school_allowed == "1231001"
    assert read_verdict(OF_NOBODY).school == "1231001"
    assert read_verdict(OF_NOBODY).school_allowed is None


@given(RECORDS)
def test_every_record_reads_back_as_it_was(record: VerdictRecord) -> None:
    assert read_verdict(record.to_bytes()) == record


@given(RECORDS, st.sampled_from(["accepted", "school", "window", "version", "sha256", "figures_sha256"]))
def test_two_checks_agree_whatever_the_calendar_and_the_rosters_were(record: VerdictRecord, differing: str) -> None:
    later = replace(record, calendar_version=record.calendar_version + 1, roster_version="another", findings={})
    assert record.agrees_with(later)
    other: dict[str, Any] = {"accepted": not record.accepted, "window": (record.window or 0) + 1}
    assert not record.agrees_with(replace(record, **{differing: other.get(differing, "another value")}))


@pytest.mark.parametrize("name", json.loads(ACCEPTED))
def test_a_record_that_lacks_something_is_none(name: str) -> None:
    data = json.loads(ACCEPTED)
    del data[name]
    with pytest.raises(BadVerdict, match=name):
        verdict_from_json(data)


def test_an_outcome_that_we_never_wrote_is_none() -> None:
    with pytest.raises(BadVerdict, match="outcome"):
        verdict_from_json(json.loads(ACCEPTED) | {"outcome": "perhaps"})
