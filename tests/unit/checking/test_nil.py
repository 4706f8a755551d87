"""Nil returns: read as what they are, and nothing else is."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from early_results.checking.check import Verdict, judge, read_submission
from early_results.checking.nil import NilReturn, nil_return, read_nil
from early_results.checking.roster import Roster
from early_results.findings import Code
from early_results.reporting.summary import summarise
from early_results.service import load_service, service_names
from infra.local.demonstration import pupils_of

SCHOOL = "1231234"


def verdict_on(data: bytes, name: str, roster: Roster | None = None, allowed: str = SCHOOL) -> Verdict:
    service = load_service(name)
    return judge(read_submission(data, service), service, allowed_schools={allowed}, roster=roster)


@given(st.sampled_from(service_names()), st.integers(0, 9_999_999))
def test_what_is_written_is_read_back(name: str, number: int) -> None:
    told = NilReturn(name, f"{number:07}")
    assert read_nil(nil_return(told)) == told
    assert read_nil(nil_return(told).replace(b"\n", b"\r\n")) == told
    assert read_submission(io.BytesIO(nil_return(told)), load_service(name)).nil


@pytest.mark.parametrize("name", service_names())
def test_it_is_accepted_of_a_school_without_pupils_and_counts_nobody(name: str) -> None:
    for roster in (None, Roster(SCHOOL, "v1", datetime(2026, 6, 1, tzinfo=UTC), ())):
        verdict = verdict_on(nil_return(NilReturn(name, SCHOOL)), name, roster)
        assert (verdict.accepted, verdict.school, verdict.pupils, verdict.results) == (True, SCHOOL, 0, ())
    assert summarise(load_service(name), verdict.results).pupils == 0


def test_it_is_refused_of_another_school_of_another_service_and_where_there_are_pupils() -> None:
    data = nil_return(NilReturn("ks2-2026", SCHOOL))
    (finding,) = verdict_on(data, "ks2-2026", allowed="7654321").errors
    assert finding.code is Code.WRONG_SCHOOL
    (finding,) = verdict_on(data, "phonics-2026").errors
    assert finding.message.startswith("This is the KS2 2026 file; you are in Phonics 2026.")
    pupils = pupils_of(SCHOOL, 4, service=load_service("ks2-2026"))
    roster = Roster(SCHOOL, "v1", datetime(2026, 6, 1, tzinfo=UTC), pupils)
    (finding,) = verdict_on(data, "ks2-2026", roster).errors
    assert (finding.code, finding.message[:8]) == (Code.PUPIL_MISSING, "4 pupils")


@given(st.binary(max_size=220) | st.text(max_size=80).map(lambda text: b"Early Results nil return\n" + text.encode()))
def test_nothing_else_is_one(data: bytes) -> None:
    told = read_nil(data)
    if told is not None:
        assert b"service:" in data
        assert told.school.encode() in data


def test_a_text_that_is_nearly_one_is_no_workbook() -> None:
    data = nil_return(NilReturn("ks2-2026", SCHOOL))
    for spoilt in (data + b"more\n", data.replace(b"school:", b"pupils:"), data[:-3], b" " + data, data * 3):
        (finding,) = verdict_on(spoilt, "ks2-2026").errors
        assert finding.code is Code.NOT_A_WORKBOOK
