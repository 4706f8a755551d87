"""The story of one upload: every step that it went through is told once, in order, with its source."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

from early_results.reference import reference_of
from infra.operator import operating
from infra.operator.tracing import CannotTrace, describe, find_uploads, trace_upload, upload_of
from portal.board import deadline_board
from portal.history import list_uploads
from portal.requests import BoardQuery, UploadsQuery
from tests.unit.checking.school_files import SERVICE

from .season import CLOSES, RESULTS, SCHOOLS, WRONG, Season

SCHOOL = SCHOOLS[0]
MINE = f"SCHOOL#{SCHOOL}"


class Said:
    """Logs in which one function said one thing of every upload."""

    def lines(self, text: str, since: datetime) -> Iterable[tuple[datetime, str, dict[str, Any]]]:
        yield since + timedelta(seconds=2), "validate", {"message": "checked", "outcome": "accepted", "upload_id": text}


def _told(played: Season, upload_id: str) -> str:
    return describe(*trace_upload(played.stores, upload_id, Said()))


def test_a_file_is_followed_from_its_form_to_its_report(played: Season) -> None:
    upload_id = played.upload(SCHOOL)
    played.now = CLOSES + timedelta(minutes=4)
    played.freeze()
    played.build_reports()
    told = _told(played, upload_id)
    steps = (
        "form issued",
        "received by S3",
        "validate says checked: accepted",
        "checked by",
        "sealed with this upload",
    )
    assert all(told.count(step) == 1 for step in steps), told
    assert told.index("form issued") < told.index("received by S3") < told.index("sealed with this upload")
    assert "report of window 1 built (pdf)" in told
    assert "report of window 1: READY" in told


def test_who_overwrote_a_file_and_what_is_current_is_told(played: Season) -> None:
    first = played.upload(SCHOOL)
    played.later(minutes=1)
    second = played.upload(SCHOOL, RESULTS[1])
    told = _told(played, first)
    assert "now OVERWRITTEN" in told
    assert f"the school's current file: {second}" in told
    assert f"window 1 is not sealed; what stands in it: {second}" in told


def test_why_a_file_was_refused_is_told_by_its_codes(played: Season) -> None:
    told = _told(played, played.upload(SCHOOL, WRONG))
    assert "refused, 4 code-not-accepted" in told


def test_a_deletion_is_told_with_the_amendment_it_made(played: Season) -> None:
    upload_id = played.upload(SCHOOL)
    played.now = CLOSES + timedelta(minutes=4)
    played.freeze()
    played.later(minutes=5)
    played.delete(f"SCHOOL#{SCHOOL}", upload_id)
    told = _told(played, upload_id)
    assert "window 1 amended: removed" in told
    assert "tombstone written" in told
    assert "the object is gone" in told


def test_a_straggler_that_was_let_in_is_told(played: Season) -> None:
    played.upload(SCHOOL)
    late = played.straggler(SCHOOL)
    played.check(late)
    played.offer(late)
    operating.admit(played.operated, late, "it was there in time")
    told = _told(played, late)
    assert "noted as a straggler" in told
    assert "admit by an operator: it was there in time" in told
    assert "let into window 1 beside the manifest" in told


def test_a_form_that_nothing_arrived_under_says_so(played: Season) -> None:
    form = played.form(f"SCHOOL#{SCHOOL}")
    assert "no object has arrived under this form" in _told(played, form["upload_id"])


def test_an_upload_is_found_by_its_school_and_by_its_name(played: Season) -> None:
    first, other = played.upload(SCHOOL), played.upload(SCHOOLS[1])
    assert [found.upload_id for found in find_uploads(played.stores, school=SCHOOL)] == [first]
    assert {found.upload_id for found in find_uploads(played.stores, name="RESULTS")} == {first, other}
    assert find_uploads(played.stores, name="nothing of the kind") == ()


def test_an_upload_that_is_not_there_is_said_to_be_none(played: Season) -> None:
    with pytest.raises(CannotTrace, match="there is no upload"):
        trace_upload(played.stores, "01ARZ3NDEKTSV4RRFFQ69G5FAV")


def test_who_asked_for_what_is_told_as_the_portals_log_has_it(played: Season) -> None:
    class Asked:
        def lines(self, text: str, since: datetime) -> Iterable[tuple[datetime, str, dict[str, Any]]]:
            line = {"message": "request", "method": "GET", "path": f"/api/uploads/{text}/file", "status": 200}
            yield since + timedelta(hours=1), "portal", line

    upload_id = played.upload(SCHOOL)
    told = describe(*trace_upload(played.stores, upload_id, Asked()))
    assert f"portal answers GET /api/uploads/{upload_id}/file: 200" in told


def test_a_file_is_found_by_the_reference_that_somebody_reads_out(played: Season) -> None:
    first, second = played.upload(SCHOOL), played.upload(SCHOOL, WRONG)
    reference = reference_of(first)
    assert upload_of(played.stores, reference.lower().replace("-", " ")) == first
    assert upload_of(played.stores, first.lower()) == first
    listed = list_uploads(played.stores, played.user(MINE), UploadsQuery(find=reference.lower()), played.now)
    assert [row["upload_id"] for row in listed["uploads"]] == [first]
    assert listed["uploads"][0]["reference"] == reference
    wrong = reference[:-1] + ("0" if reference[-1] != "0" else "1")
    with pytest.raises(CannotTrace, match="a wrong letter in it"):
        upload_of(played.stores, wrong)
    notes = {
        wrong: "a wrong letter in it",
        reference_of("01H45Z99ZEYBT0WGY93QERE8AQ"): "a right reference, but of no upload that is listed here",
        "no such name": "No file here has this in its name",
    }
    for text, words in notes.items():
        found = list_uploads(played.stores, played.user(MINE), UploadsQuery(find=text), played.now)
        assert (found["uploads"], words in found["note"]) == ([], True)
    board = deadline_board(played.stores, played.user("OPERATOR"), SERVICE, "1", BoardQuery(find=reference), played.now)
    assert [(line["school"], line["upload_id"]) for line in board["schools"]] == [(SCHOOL, first)]
    other = played.upload(SCHOOLS[1], WRONG)
    board = deadline_board(
        played.stores, played.user("OPERATOR"), SERVICE, "1", BoardQuery(find=reference_of(other)), played.now
    )
    assert [line["school"] for line in board["schools"]] == [SCHOOLS[1]]
    played.delete(MINE, second)
    assert upload_of(played.stores, reference_of(second)) == second
