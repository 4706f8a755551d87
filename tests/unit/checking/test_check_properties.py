"""Rules that hold for whatever people do to a file."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from early_results.checking.changes import Changes, Kind, what_changed
from early_results.checking.check import Verdict, judge
from early_results.checking.roster import Roster
from early_results.checking.submission import Submission, _pupil_rows, _schools
from early_results.findings import Code, Finding, Severity, column_letters
from early_results.results import extract_json, results_from_extract
from early_results.workbook import ErrorValue
from tests.effort import examples
from tests.unit.checking.school_files import (
    HEADINGS,
    POSITION,
    SERVICE,
    Grid,
    Shown,
    book,
    grid,
    mark,
    roster,
    verdict_on,
)

FILES = settings(max_examples=examples(60), deadline=None)  # each writes and reads workbooks

PUPILS = 6
ROSTER = roster(PUPILS)
ROWS = st.integers(2, PUPILS + 1)
RESULT_COLUMNS = st.integers(POSITION["ta_reading"], POSITION["ss_gps"])

CODES = st.sampled_from(["GDS", "EXS", "WTS", "PK1", "EM", "A", "HNM"])
SCORES = st.integers(85, 115)
ANYTHING = st.one_of(
    st.none(),
    CODES,
    SCORES,
    st.integers(-1000, 1000),
    st.floats(0, 200, allow_nan=False).map(lambda number: round(number, 2)),
    st.booleans(),
    st.sampled_from([Shown("#N/A"), Shown("#REF!"), " ", "exs ", "100", "99.5", "N/A", "-", "=1+1", "ü"]),
)
EDITS = st.dictionaries(st.tuples(ROWS, RESULT_COLUMNS), ANYTHING, max_size=12)
WILD_EDITS = st.dictionaries(st.tuples(ROWS, st.integers(1, 14)), ANYTHING, max_size=12)


def _good(number: int, position: int) -> str | int | None:
    """A value that the result column at that position accepts; a fifth of them blank."""
    column = SERVICE.columns[position - 1]
    if number % 5 == 0:
        return None
    if column.kind == "code":
        return column.codes[number % len(column.codes)]
    return column.minimum + number % (column.maximum - column.minimum + 1)


GOOD_EDITS = st.dictionaries(st.tuples(ROWS, RESULT_COLUMNS), st.integers(0, 500), max_size=30).map(
    lambda edits: {place: _good(number, place[1]) for place, number in edits.items()}
)


def judged(cells: Grid, current: Roster = ROSTER) -> Verdict:
    return verdict_on(book(cells), current)


def edited(edits: dict[tuple[int, int], Any]) -> Grid:
    return {**grid(ROSTER.pupils), **edits}


def places(findings: tuple[Finding, ...]) -> list[tuple[int, int]]:
    positions = {column_letters(position): position for position in range(1, 30)}
    return [
        (finding.row or 0, positions[finding.cell.rstrip("0123456789")] if finding.cell else 0) for finding in findings
    ]


@FILES
@given(WILD_EDITS)
def test_findings_are_in_the_order_of_the_file(edits: dict[tuple[int, int], Any]) -> None:
    verdict = judged(edited(edits))
    for findings in (verdict.errors, verdict.warnings):
        assert places(findings) == sorted(places(findings))
        assert len(set(findings)) == len(findings)
    assert verdict.accepted is not bool(verdict.errors)
    assert all(finding.severity is Severity.ERROR for finding in verdict.errors)
    assert all(finding.severity is Severity.WARNING for finding in verdict.warnings)


@FILES
@given(WILD_EDITS, st.tuples(ROWS, RESULT_COLUMNS), st.sampled_from(["nonsense", Shown("#DIV/0!"), 3]))
def test_one_more_error_hides_no_other(edits: dict[tuple[int, int], Any], place: tuple[int, int], bad: Any) -> None:
    before, after = judged(edited(edits)), judged(edited({**edits, place: bad}))
    elsewhere = {f for f in before.errors if (f.row, f.cell) != (place[0], f"{column_letters(place[1])}{place[0]}")}
    # "no results at all", and a note without a UPN, may stop being true; nothing else may, unless all that was left of
    # the row is no pupil's: then that alone is told of it
    none = {f.row for f in after.errors if f.code is Code.ROW_NOT_A_PUPIL}
    gone = {f for f in elsewhere - set(after.errors) if f.code.value not in ("no-results", "pupil-not-on-roster")}
    assert {f for f in gone if f.row not in none} == set()
    assert place[0] in none or any(f.cell == f"{column_letters(place[1])}{place[0]}" for f in after.errors)


@FILES
@given(EDITS, st.permutations(range(1, 15)))
def test_the_order_of_columns_changes_only_coordinates(edits: dict[tuple[int, int], Any], order: list[int]) -> None:
    cells = edited(edits)
    moved = {(row, order[position - 1]): value for (row, position), value in cells.items()}
    first, second = judged(cells), judged(moved)

    def without_cells(findings: tuple[Finding, ...]) -> list[tuple[str, int | None, str | None, str]]:
        return sorted((f.code.value, f.row, f.column, f.message) for f in findings)

    assert without_cells(second.errors) == without_cells(first.errors)
    assert without_cells(second.warnings) == without_cells(first.warnings)
    assert second.results == first.results
    for finding in second.findings:
        if finding.column in HEADINGS and finding.cell:
            assert finding.cell.startswith(column_letters(order[HEADINGS.index(finding.column)]))


@FILES
@given(EDITS, st.lists(st.integers(1, 40), min_size=PUPILS, max_size=PUPILS, unique=True).map(sorted))
def test_blank_rows_between_pupils_change_only_rows(edits: dict[tuple[int, int], Any], rows: list[int]) -> None:
    cells = edited(edits)
    moved = {(rows[row - 2] + 1 if row > 1 else 1, position): value for (row, position), value in cells.items()}
    first, second = judged(cells), judged(moved)
    assert [(f.code, f.column, f.row and rows[f.row - 2] + 1) for f in first.findings] == [
        (f.code, f.column, f.row) for f in second.findings
    ]
    assert [(e.pupil, e.assessments, e.scores) for e in first.results] == [
        (e.pupil, e.assessments, e.scores) for e in second.results
    ]


@FILES
@given(st.data())
def test_good_files_are_accepted_however_they_are_written(data: st.DataObject) -> None:
    """Any accepted values, blanks, letter case, spaces and text for numbers: accepted, and the results the same."""
    cells, plain = grid(ROSTER.pupils, ()), grid(ROSTER.pupils, ())
    spaces = st.text(" \u00a0\t", max_size=2)
    for row in range(2, PUPILS + 2):
        for column in SERVICE.results:
            if column.kind == "code":
                value: Any = data.draw(st.one_of(st.none(), st.sampled_from(column.codes)))
                written: Any = value and data.draw(spaces) + data.draw(st.sampled_from([value, value.lower()]))
            else:
                value = data.draw(st.one_of(st.none(), SCORES))
                ways = [value, float(value), str(value), f"{value}.0 "] if value else [None, "", " "]
                written = data.draw(st.sampled_from(ways))
            plain[row, POSITION[column.key]], cells[row, POSITION[column.key]] = value, written
    plain[2, 8], cells[2, 8] = "A", " a"  # at least one result
    verdict = judged(cells)
    assert verdict.accepted
    assert verdict.results == judged(plain).results


@FILES
@given(GOOD_EDITS, GOOD_EDITS)
def test_what_changed_is_the_difference_of_the_extracts(
    before: dict[tuple[int, int], Any], after: dict[tuple[int, int], Any]
) -> None:
    old, new = judged(edited(before)).results, judged(edited(after)).results
    changes = what_changed(old, new, SERVICE)

    def flat(results: Any) -> dict[tuple[str, str], Any]:
        return {(e.pupil.upn, key): v for e in results for key, v in {**e.assessments, **e.scores}.items()}

    was, now = flat(old), flat(new)
    assert {(c.upn, c.column) for c in changes.cells if c.kind is Kind.ADDED} == now.keys() - was.keys()
    assert {(c.upn, c.column) for c in changes.cells if c.kind is Kind.REMOVED} == was.keys() - now.keys()
    assert {(c.upn, c.column) for c in changes.cells if c.kind is Kind.CHANGED} == {
        place for place in was.keys() & now.keys() if was[place] != now[place]
    }
    assert Changes.from_private_json(changes.to_private_json()) == changes
    public = str(changes.to_json(SERVICE))
    assert not any(one.upn in public for one in ROSTER.pupils)
    assert what_changed(new, new, SERVICE).cells == ()


@FILES
@given(GOOD_EDITS)
def test_the_extract_reads_back_and_is_the_same_every_time(edits: dict[tuple[int, int], Any]) -> None:
    results = judged(edited(edits)).results
    text = extract_json(results)
    assert results_from_extract(text) == results
    assert results_from_extract(text.encode()) == results
    assert extract_json(results_from_extract(text)) == text


VALUES = st.one_of(
    st.text(max_size=8),
    st.integers(),
    st.floats(allow_nan=True, allow_infinity=True),
    st.booleans(),
    st.datetimes(),
    st.dates(),
    st.times(),
    st.sampled_from(["#N/A", "#REF!", "weird"]).map(ErrorValue),
    st.sampled_from(["EXS", "1231234", ROSTER.pupils[0].upn, 100, 1231234]),
)
TABLES = st.lists(
    st.tuples(st.integers(2, 1_048_576), st.dictionaries(st.integers(1, 16), VALUES, max_size=16)),
    max_size=8,
    unique_by=lambda row: row[0],
)


@FILES
@given(TABLES, st.sets(st.sampled_from(sorted(POSITION)), max_size=3), st.booleans())
def test_no_cell_can_stop_the_judge(rows: Any, missing: set[str], marked: bool) -> None:
    """Whatever a cell holds is told or forgiven; an exception would leave the user without a verdict."""
    columns = {key: position for key, position in POSITION.items() if key not in missing}
    ordered = sorted(rows, key=lambda row: row[0])
    kept = _pupil_rows(ordered, columns, SERVICE)
    schools, school = _schools(kept, columns)
    submission = Submission(
        SERVICE.name, (), mark() if marked else None, "x", 1, columns, (), tuple(kept), schools, school
    )
    for allowed, current in ((("1231234",), ROSTER), ((), None)):
        verdict = judge(
            submission,
            SERVICE,
            allowed_schools=allowed,
            roster=current,
            template_roster=roster(PUPILS + 1),
            previous=verdict_on(book(grid(ROSTER.pupils)), ROSTER).results,
        )
        assert places(verdict.errors) == sorted(places(verdict.errors))
        for finding in verdict.findings:
            assert not any(one.upn in finding.message for one in ROSTER.pupils)
