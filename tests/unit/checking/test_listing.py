"""The list of findings as CSV and as terminal text."""

from __future__ import annotations

import csv
import io

from hypothesis import given, settings
from hypothesis import strategies as st

from early_results.checking.listing import findings_csv, verdict_text
from early_results.findings import Code, Finding
from tests.unit.checking.school_files import Shown, book, grid, roster, verdict_on

ROSTER = roster(20)
TEXT = st.text(max_size=30)
FINDINGS = st.builds(
    Finding,
    code=st.sampled_from(list(Code)),
    message=TEXT,
    row=st.one_of(st.none(), st.integers(1, 1_048_576)),
    column=st.one_of(st.none(), TEXT),
    cell=st.one_of(st.none(), st.just("M4")),
)


@settings(deadline=None)
@given(st.lists(FINDINGS, max_size=5))
def test_no_cell_of_the_csv_starts_a_formula(findings: list[Finding]) -> None:
    text = findings_csv(findings).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[0] == ["Type", "Cell", "Row", "Column", "What to do", "Code"]
    assert len(rows) == 1 + len(findings)
    for row, finding in zip(rows[1:], findings, strict=True):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in row)
        assert row[0].lower() == finding.severity.value
        assert row[4].removeprefix("'") == finding.message.removeprefix("'")
        assert row[5] == finding.code.value


def test_the_csv_opens_in_excel_with_its_letters() -> None:
    assert findings_csv([]).startswith(b"\xef\xbb\xbfType,")


def test_the_text_groups_by_rule_and_names_the_first_cells() -> None:
    cells = {**grid(ROSTER.pupils), **{(row, 12): 84 for row in range(2, 22)}, (3, 8): None, (4, 1): Shown("#N/A")}
    text = verdict_text(verdict_on(book({**cells, (1, 16): "a\x1b[2Jb"}), ROSTER))
    assert text.splitlines()[0] == "✘ Not accepted  22 errors, 1 warning, 20 pupils"
    assert "scaled-score-range  L2, L3, L4, L5, L6, L7, L8, L9 and 12 more (Scaled Score: KS1 Reading)" in text
    assert text.count("Range must be between 85 to 115") == 1
    assert text.index("Errors:") < text.index("Warnings:") < text.index("assessment-missing  H3")
    assert "\x1b" not in text
    assert "Ruleset ks1-2023.1" in text


def test_colours_are_added_and_nothing_else() -> None:
    verdict = verdict_on(book({**grid(ROSTER.pupils), (3, 12): 0}), ROSTER)
    coloured, plain = verdict_text(verdict, colour=True), verdict_text(verdict)
    assert "\033[" in coloured
    for code in ("0", "1", "2", "31", "31;1", "32;1", "33"):
        coloured = coloured.replace(f"\033[{code}m", "")
    assert coloured == plain


def test_an_accepted_file_is_said_to_be() -> None:
    text = verdict_text(verdict_on(book(grid(ROSTER.pupils)), ROSTER))
    assert text.startswith("✔ Accepted  20 pupils, 0 warnings\n")
    assert "Errors" not in text
