"""A file corrected at the page: only its bad results change, only for who acts for its school, and it is uploaded like
any other. And whom findings and changes are about."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Any, cast

import pytest

from adapters.rosters import current_roster
from early_results.checking.roster import rosters_csv
from early_results.counting.uploads import Status
from portal import correcting
from portal.downloads import findings_link
from portal.history import find_upload, one_upload
from portal.problems import Problem
from portal.pupils import describe_pupils
from portal.requests import Correction, CorrectionsRequest
from tests.simulation.store import MemoryBucket
from tests.unit.checking.school_files import POSITION, SERVICE, book, grid, mark, roster
from workflow.check_upload import Checked

from .season import ENDS, NAME, SCHOOLS, TRUST, WRONG, Season

SCHOOL, SISTER, STRANGER = SCHOOLS
MINE, OURS = f"SCHOOL#{SCHOOL}", f"TRUST#{TRUST}"
PUPILS = roster(school=SCHOOL).pupils
READING = "ta_reading"


def _asked(played: Season, *cells: tuple[str, str, str]) -> CorrectionsRequest:
    held = current_roster(played.stores, NAME, SCHOOL)
    assert held
    every = cells or tuple((pupil.upn, READING, "EXS") for pupil in PUPILS)
    given = [Correction(upn=upn, column=column, value=value) for upn, column, value in every]
    return CorrectionsRequest(roster_version=held.version, cells=given)


def _corrected(played: Season, by: str, upload_id: str, request: CorrectionsRequest | None = None) -> bytes:
    """What the page does: finds the upload, and asks for the workbook."""
    user = played.user(by)
    upload = find_upload(played.stores, user, upload_id)
    request = request or _asked(played)
    return correcting.build_corrected(played.stores, user, upload, request, played.now)[1]


def _refused(played: Season, by: str, upload_id: str, *cells: tuple[str, str, str]) -> tuple[int, str]:
    before = dict(played.items())
    with pytest.raises(Problem) as told:
        _corrected(played, by, upload_id, _asked(played, *cells))
    assert played.items() == before
    for _, _, value in cells:
        assert len(value) < 4 or value not in str(told.value.document())
    return told.value.status.value, told.value.kind


def _uploaded(played: Season, by: str, data: bytes) -> Any:
    played.later(minutes=1)
    upload_id = played.sent(by, data)
    assert played.check(upload_id) is Checked.ACCEPTED
    played.offer(upload_id)
    return one_upload(played.stores, played.user(by), played.record(upload_id))


@pytest.mark.parametrize("by", [MINE, OURS])
def test_a_corrected_file_is_an_upload_that_names_its_first(played: Season, by: str) -> None:
    first = played.upload(SCHOOL, WRONG)
    user = played.user(by)
    told = correcting.describe_corrections(played.stores, user, played.record(first))
    assert [(cell["pupil"]["upn"], cell["column"], cell["value"]) for cell in told["cells"]] == [
        (pupil.upn, READING, "EXP") for pupil in PUPILS
    ]
    new = _uploaded(played, by, _corrected(played, by, first))
    assert (new["status"], new["corrected_from"]["upload_id"]) == ("SUCCESSFUL", first)
    assert one_upload(played.stores, user, played.record(first))["status"] == "UPLOAD_ERROR"
    assert played.record(first).sha256 != played.record(new["upload_id"]).sha256
    played.delete(MINE, first)
    assert played.record(new["upload_id"]).corrected_from == first  # it was so


GOOD = tuple((pupil.upn, READING, "EXS") for pupil in PUPILS)
ATTACKS = [
    (PUPILS[0].upn, "upn", "P9999999999999"),
    (PUPILS[0].upn, "forename", "Somebody"),
    (PUPILS[0].upn, "surname", "Else"),
    (PUPILS[0].upn, "school", SISTER),
    (PUPILS[0].upn, "birth_date", "14/04/2015"),
    (PUPILS[0].upn, "ta_maths", "PK1"),  # a good result
    (roster(1, school=SISTER, first=9).pupils[0].upn, READING, "PK2"),  # no pupil of this school's
    (PUPILS[0].upn, READING, "=HYPERLINK()"),
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack[1])
def test_nothing_but_a_bad_result_can_be_changed(played: Season, attack: tuple[str, str, str]) -> None:
    first = played.upload(SCHOOL, WRONG)
    assert _refused(played, MINE, first, *GOOD, attack) == (HTTPStatus.UNPROCESSABLE_ENTITY, "not-corrected")


def test_only_who_acts_for_the_school_now_corrects_its_files(played: Season) -> None:
    first = played.upload(SCHOOL, WRONG)
    nobody = (HTTPStatus.NOT_FOUND, "no-such-upload")
    assert _refused(played, f"SCHOOL#{SISTER}", first) == nobody
    assert _refused(played, f"SCHOOL#{STRANGER}", first) == nobody
    assert _refused(played, "OPERATOR", first) == (HTTPStatus.FORBIDDEN, "not-allowed")
    played.extract("rosters/schools.csv", f"School DFE,Name,Trust\n{SCHOOL},Left,\n{SISTER},Stays,{TRUST}\n")
    assert _refused(played, OURS, first) == nobody
    played.delete(MINE, first)
    assert _refused(played, MINE, first) == nobody
    good = played.upload(SCHOOL)
    assert _refused(played, MINE, good) == (HTTPStatus.UNPROCESSABLE_ENTITY, "not-corrected")
    # A file with another school's rows is nobody's to correct, although its uploader sees it.
    foreign = played.upload(STRANGER, WRONG, by=MINE)
    assert _refused(played, MINE, foreign) == (HTTPStatus.UNPROCESSABLE_ENTITY, "not-corrected")
    of_trust = played.upload(STRANGER, WRONG, by=OURS)
    assert _refused(played, OURS, of_trust) == (HTTPStatus.FORBIDDEN, "not-allowed")


def test_a_window_that_closed_and_a_list_that_changed_are_said(played: Season) -> None:
    first = played.upload(SCHOOL, WRONG)
    before = _asked(played)
    joined = roster(5, school=SCHOOL).pupils
    pupils = [*joined, *(pupil for other in (SISTER, STRANGER) for pupil in roster(school=other).pupils)]
    played.later(minutes=1)
    played.extract(f"rosters/{NAME}/mis.csv", rosters_csv(pupils, SERVICE))
    with pytest.raises(Problem) as told:
        _corrected(played, MINE, first, before)
    assert (told.value.status, told.value.kind) == (HTTPStatus.CONFLICT, "roster-changed")
    again = correcting.describe_corrections(played.stores, played.user(MINE), played.record(first))
    assert [pupil["upn"] for pupil in again["missing"]] == [joined[4].upn]
    new = _uploaded(played, MINE, _corrected(played, MINE, first))
    assert new["counts"]["pupils"] == 5
    played.now = ENDS + timedelta(seconds=1)
    with pytest.raises(Problem) as closed:
        _corrected(played, MINE, first)
    assert (closed.value.status, closed.value.kind) == (HTTPStatus.CONFLICT, "window-closed")
    assert "closed at 12 noon" in str(closed.value.document()["detail"])


def test_a_mark_that_names_another_schools_upload_is_not_believed(played: Season) -> None:
    theirs = played.upload(STRANGER, WRONG)
    forged = mark(school=SCHOOL)._replace(corrected_from=theirs)
    new = _uploaded(played, MINE, book(grid(PUPILS), mark=forged))
    assert (new["status"], new["corrected_from"]) == ("SUCCESSFUL", None)
    nothing = mark(school=SCHOOL)._replace(corrected_from="01H45Z99ZEYBT0WGY93QERE8AQ")
    assert _uploaded(played, MINE, book(grid(PUPILS), mark=nothing))["corrected_from"] is None


def test_changes_are_told_by_pupil_until_the_file_before_is_gone(played: Season) -> None:
    before = played.upload(SCHOOL)
    cells = {**grid(PUPILS), (3, POSITION["ta_maths"]): "PK1", (4, POSITION["ss_gps"]): None}
    later = _uploaded(played, MINE, book(cells))
    upload = played.record(later["upload_id"])
    told = describe_pupils(played.stores, played.user(OURS), upload)["changes"]
    assert told is not None
    assert [(one["pupil"]["upn"], one["row"], one["before"], one["after"]) for one in told] == [
        (PUPILS[1].upn, 3, "GDS", "PK1"),
        (PUPILS[2].upn, 4, "115", ""),
    ]
    assert upload.status is Status.SUCCESSFUL
    with pytest.raises(Problem) as operators:
        describe_pupils(played.stores, played.user("OPERATOR"), upload)
    assert operators.value.status is HTTPStatus.FORBIDDEN
    played.delete(MINE, before)
    assert describe_pupils(played.stores, played.user(MINE), upload)["changes"] is None


def test_the_lists_that_name_pupils_are_for_the_school_and_go_with_the_upload(
    played: Season, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MemoryBucket, "link", lambda _bucket, key, **_: key, raising=False)  # whose link it is
    upload_id = played.upload(SCHOOL, WRONG)
    results, upload = cast(MemoryBucket, played.stores.results), played.record(upload_id)
    told = {}
    for by in (MINE, OURS, "OPERATOR"):
        for form in ("json", "csv"):
            key = findings_link(played.stores, played.user(by), upload, form, played.now)["url"]
            told[by, form] = results.get(key).decode()
    for (by, _), text in told.items():
        assert (PUPILS[0].surname in text, PUPILS[0].upn in text) == ((by != "OPERATOR"),) * 2
    assert any(upload_id in key for key in results.objects)
    played.delete(MINE, upload_id)
    assert not any(upload_id in key for key in results.objects)
