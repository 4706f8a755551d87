"""Correcting results without Excel: nothing but the bad cells changes, whatever is sent."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.templates import template_workbook
from early_results.checking.cells import is_blank
from early_results.checking.check import judge
from early_results.checking.correcting import Correctable, NotCorrected, Place, correctable, corrected
from early_results.checking.roster import TEMPLATE_FIRST_ROW, Roster
from early_results.checking.submission import Submission, read_submission
from early_results.findings import Code
from tests.unit.checking.school_files import ISSUED, POSITION, SCHOOL, SERVICE, Shown, book, grid, mark, roster

FOUR = roster(4)
RESULTS = {column.key: column for column in SERVICE.results}
FIRST_UPLOAD = "01H45Z99ZEYBT0WGY93QERE8AQ"
UPN = FOUR.pupils[2].upn


def read(data: bytes, current: Roster = FOUR) -> tuple[Submission, Correctable]:
    submission = read_submission(data, SERVICE)
    verdict = judge(submission, SERVICE, allowed_schools={SCHOOL}, roster=current)
    return submission, correctable(submission, verdict, SERVICE, current)


def bad_file(cells: dict[tuple[int, str], Any] | None = None) -> bytes:
    wrong = {(4, "ss_gps"): 116} if cells is None else cells
    return book({**grid(FOUR.pupils), **{(row, POSITION[key]): value for (row, key), value in wrong.items()}})


def test_each_bad_cell_is_told_with_its_pupil_and_what_it_holds() -> None:
    cells = {(2, "ta_reading"): "Expected", (4, "ss_gps"): 116, (5, "ss_maths"): Shown("#N/A")}
    _, found = read(bad_file(cells))
    told = [(cell.pupil.forename, cell.row, cell.column, cell.value) for cell in found.cells]
    assert told == [
        ("John", 2, "ta_reading", "Expected"),
        ("James", 4, "ss_gps", "116"),
        ("Anna", 5, "ss_maths", "#N/A"),
    ]
    assert (found.missing, found.put_right, found.elsewhere) == ((), (), ())


GOOD_VALUES = {key: st.sampled_from(["", *column.codes]) for key, column in RESULTS.items() if column.codes} | {
    column.key: st.one_of(st.just(""), st.integers(column.minimum, column.maximum).map(str))
    for column in SERVICE.scores
}
BAD_VALUES = st.sampled_from(
    ["Expected", "116", "=1+1", "#REF!", "P1234567891234", "?", "x" * 60, "1231234", "WTS,EXS"]
)
CELLS = st.dictionaries(
    st.tuples(st.integers(2, 5), st.sampled_from(sorted(RESULTS))), BAD_VALUES, min_size=1, max_size=8
)


@settings(max_examples=20, deadline=None)
@given(wrong=CELLS, data=st.data())
def test_a_corrected_file_is_the_first_but_for_its_bad_cells(wrong: dict[tuple[int, str], Any], data: Any) -> None:
    submission, found = read(bad_file(wrong))
    upns = {row: pupil.upn for row, pupil in enumerate(FOUR.pupils, 2)}
    assert found.places == {Place(upns[row], key) for row, key in wrong}
    given_now = {place: data.draw(GOOD_VALUES[place.column], label=str(place)) for place in found.places}
    results = corrected(submission, SERVICE, FOUR, found, given_now)
    new = template_workbook(SERVICE, FOUR, ISSUED, results=results, corrected_from=FIRST_UPLOAD)
    again = read_submission(new, SERVICE)
    assert again.mark is not None
    assert again.mark.corrected_from == FIRST_UPLOAD
    verdict = judge(again, SERVICE, allowed_schools={SCHOOL}, roster=FOUR)
    assert verdict.errors == ()
    assert [entry.pupil for entry in verdict.results] == list(FOUR.pupils)
    before = dict(submission.rows)
    for row, cells in again.rows:
        for key in RESULTS:
            now = cells.get((again.columns or {})[key])
            place = Place(upns[row - TEMPLATE_FIRST_ROW + 2], key)
            wanted = given_now.get(place, before[row - TEMPLATE_FIRST_ROW + 2].get(POSITION[key]))
            assert str("" if is_blank(now) else now) == str(wanted)


@pytest.mark.parametrize(
    ("upn", "column", "value"),
    [
        (UPN, "upn", "P9999999999999"),
        (UPN, "forename", "Another"),
        (UPN, "surname", "Another"),
        (UPN, "school", "7654321"),
        (UPN, "birth_date", "14/04/2015"),
        (UPN, "no such column", "EXS"),
        (UPN, "ta_maths", "EXS"),  # a good result of the same pupil
        (FOUR.pupils[0].upn, "ss_gps", "100"),  # the same column of a pupil without an error
        ("P9999999999999", "ss_gps", "100"),  # on no list of the school's
        (UPN.lower(), "ss_gps", "100"),
    ],
)
def test_nothing_but_a_bad_result_can_be_given(upn: str, column: str, value: str) -> None:
    submission, found = read(bad_file())
    good = {Place(UPN, "ss_gps"): "110"}
    assert corrected(submission, SERVICE, FOUR, found, good)[UPN]["ss_gps"] == 110
    with pytest.raises(NotCorrected, match="Only results in which there is an error"):
        corrected(submission, SERVICE, FOUR, found, {**good, Place(upn, column): value})


@pytest.mark.parametrize("value", ["84", "116", "EXS", "=110", "110; DROP", "100.5", "\u2028", "1e2"])
def test_a_value_must_be_a_result_of_its_column(value: str) -> None:
    submission, found = read(bad_file())
    if value.strip():
        with pytest.raises(NotCorrected, match="85 to 115") as told:
            corrected(submission, SERVICE, FOUR, found, {Place(UPN, "ss_gps"): value})
        assert value not in str(told.value).replace("85 to 115", "")
    else:
        assert "ss_gps" not in corrected(submission, SERVICE, FOUR, found, {Place(UPN, "ss_gps"): value})[UPN]


def test_every_bad_cell_must_be_given() -> None:
    submission, found = read(bad_file({(4, "ss_gps"): 116, (5, "ss_gps"): 117, (5, "ta_maths"): "?"}))
    with pytest.raises(NotCorrected, match="2 cells are not corrected yet"):
        corrected(submission, SERVICE, FOUR, found, {Place(UPN, "ss_gps"): "110"})


def test_pupils_who_are_not_in_the_file_may_be_given_results() -> None:
    submission, found = read(book(grid(FOUR.pupils[:3])))
    last = FOUR.pupils[3]
    assert [one.upn for one in found.missing] == [last.upn]
    assert [finding.code for finding in found.put_right] == [Code.PUPIL_MISSING]
    results = corrected(submission, SERVICE, FOUR, found, {Place(last.upn, "ta_maths"): "gds"})
    assert results[last.upn] == {"ta_maths": "GDS"}
    assert results[FOUR.pupils[0].upn]["ss_gps"] == 115


def renamed(old: str, new: str) -> bytes:
    return book({**grid(FOUR.pupils), (1, POSITION[old]): new, (4, POSITION["ss_gps"]): 116})


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (bad_file({(4, "ss_gps"): 116, (3, "upn"): "P9999999999999"}), Code.PUPIL_NOT_ON_ROSTER),
        (bad_file({(4, "ss_gps"): 116, (3, "upn"): FOUR.pupils[0].upn}), Code.PUPIL_REPEATED),
        (renamed("ta_maths", "Maths outcome"), Code.MISSING_COLUMN),
        (
            book({key: None if key[1] > 7 and key[0] > 1 else cell for key, cell in grid(FOUR.pupils).items()}),
            Code.NO_RESULTS,
        ),
    ],
    ids=lambda given: given.value if isinstance(given, Code) else "",
)
def test_with_an_error_elsewhere_nothing_is_corrected(data: bytes, code: Code) -> None:
    submission, found = read(data)
    assert code in [finding.code for finding in found.elsewhere]
    with pytest.raises(NotCorrected, match="not in its results"):
        corrected(submission, SERVICE, FOUR, found, dict.fromkeys(found.places, ""))


def test_what_a_mark_says_it_was_corrected_from_is_an_upload_or_nothing() -> None:
    for said, told in ((FIRST_UPLOAD, FIRST_UPLOAD), ("", ""), ("no upload", ""), ("../../etc", "")):
        written = mark()._replace(corrected_from=said)
        read_again = read_submission(book(grid(FOUR.pupils), mark=written), SERVICE).mark
        assert (read_again.corrected_from if read_again else "") == told
