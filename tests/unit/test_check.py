"""The checks, through real workbooks: every finding by example, and the rules that hold whatever the file."""

from __future__ import annotations

from early_results.findings import Code
from tests.unit.school_files import GOOD, SERVICE, book, grid, roster, told, verdict_on


def test_a_filled_in_template_is_accepted() -> None:
    verdict = verdict_on(book(grid(roster().pupils)), roster())
    assert verdict.findings == ()
    assert verdict.accepted
    assert verdict.school == "1231234"
    assert verdict.pupils == 4
    assert verdict.ruleset == SERVICE.ruleset
    assert [entry.pupil for entry in verdict.results] == list(roster().pupils)
    assert verdict.results[0].row == 2
    assert verdict.results[0].assessments == dict(
        zip(("ta_reading", "ta_writing", "ta_maths", "ta_science"), GOOD[:4], strict=True)
    )
    assert verdict.results[0].scores == {"ss_reading": 100, "ss_maths": 101, "ss_gps": 115}


def test_the_guides_own_example() -> None:
    cells = grid(roster().pupils)
    cells[4, 14] = 84  # "Column: Scaled Score: KS1 GPS, Row: 4"
    verdict = verdict_on(book(cells), roster())
    assert not verdict.accepted
    assert verdict.results == ()
    (finding,) = verdict.errors
    assert finding.code is Code.SCALED_SCORE_RANGE
    assert finding.message == "Range must be between 85 to 115 and be whole numbers. Allows empty field"
    assert (finding.column, finding.row, finding.cell) == ("Scaled Score: KS1 GPS", 4, "N4")


def test_all_errors_of_a_row_are_told_in_order() -> None:
    cells = grid(roster().pupils)
    cells[5, 14], cells[5, 8], cells[3, 11] = "high", "exp", "GDS"
    verdict = verdict_on(book(cells), roster())
    assert told(verdict.errors) == [
        (Code.CODE_NOT_ACCEPTED, "K3"),
        (Code.CODE_NOT_ACCEPTED, "H5"),
        (Code.SCALED_SCORE_RANGE, "N5"),
    ]
