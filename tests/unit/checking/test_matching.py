"""Exports of other systems, matched to the template: proposed, shown, and used only as a person says."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.templates import template_workbook
from early_results.checking.mark import Repair, mark_rows, read_mark
from early_results.checking.matching import NotMatched, apply_match, propose, read_export, recall, repairs
from early_results.checking.roster import rosters_csv
from early_results.checking.submission import read_submission
from infra.operator import cli
from tests.unit.checking.school_files import ISSUED, SERVICE, mark, roster, told, verdict_on

ROSTER = roster(4)
UPNS = [pupil.upn for pupil in ROSTER.pupils]
CSV = "\r\n".join(
    [
        "Class list;;;",
        "UPN;Surname;Reading TA;Maths TA;Maths Scaled Score",
        f"{UPNS[0]};Smith;EXS;Working at greater depth;104",
        f" {UPNS[1].lower()} ;Brown;Working towards the expected standard;wts;99",
        f"{UPNS[2]};Page;;;",
        "P9999999999999;Stranger;EXS;EXS;100",
        f"{UPNS[0]};Smith;GDS;GDS;110",
        ";Average;;;101",
    ]
)
PROPOSED = {"upn": "UPN", "ta_reading": "Reading TA", "ta_maths": "Maths TA", "ss_maths": "Maths Scaled Score"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("mark", [";", ",", "\t"])
def test_columns_are_proposed_by_their_words(encoding: str, mark: str) -> None:
    export = read_export(CSV.replace(";", mark).encode(encoding))
    proposed = propose(export, SERVICE)
    assert {key: export.headings[place] for key, place in proposed.items()} == PROPOSED


def test_a_heading_that_could_be_two_columns_is_not_proposed() -> None:
    export = read_export(b"UPN,Reading,Reading test,Reading TA,Reading outcome\r\n")
    assert set(propose(export, SERVICE)) == {"upn", "ss_reading"}


def test_words_for_codes_are_offered_and_used_only_if_said() -> None:
    export = read_export(CSV.encode())
    columns = propose(export, SERVICE)
    offered = repairs(export, columns, SERVICE)
    assert offered == (
        Repair("ta_reading", "Working towards the expected standard", "WTS"),
        Repair("ta_maths", "Working at greater depth", "GDS"),
    )
    unsaid = apply_match(export, columns, {}, SERVICE, ROSTER)
    assert unsaid.repaired == ()
    assert unsaid.results[UPNS[0]] == {"ta_reading": "EXS", "ta_maths": "Working at greater depth", "ss_maths": 104}
    said = apply_match(
        export, columns, {(repair.column, repair.word.casefold()): repair.code for repair in offered}, SERVICE, ROSTER
    )
    assert said.repaired == (offered[1], offered[0])
    assert said.results == {
        UPNS[0]: {"ta_reading": "EXS", "ta_maths": "GDS", "ss_maths": 104},
        UPNS[1]: {"ta_reading": "WTS", "ta_maths": "WTS", "ss_maths": 99},
        UPNS[2]: {},
    }
    assert said.unknown == (6, 8)
    assert said.repeated == (7,)


def test_the_workbook_that_is_made_is_checked_like_any_other() -> None:
    export = read_export(CSV.encode())
    columns = propose(export, SERVICE)
    codes = {(repair.column, repair.word.casefold()): repair.code for repair in repairs(export, columns, SERVICE)}
    matched = apply_match(export, columns, codes, SERVICE, ROSTER)
    verdict = verdict_on(template_workbook(SERVICE, ROSTER, ISSUED, results=matched.results), ROSTER)
    assert verdict.accepted
    assert [{**entry.assessments, **entry.scores} for entry in verdict.results] == [*matched.results.values(), {}]
    unsaid = apply_match(export, columns, {}, SERVICE, ROSTER)
    refused = verdict_on(template_workbook(SERVICE, ROSTER, ISSUED, results=unsaid.results), ROSTER)
    assert [cell for _, cell in told(refused.errors)] == ["J2", "H3"]


@pytest.mark.parametrize(
    ("word", "code"),
    [
        *(("Expected", "EXS"), ("expected standard", "EXS"), ("Greater depth", "GDS"), ("Working towards", "WTS")),
        *(("Met the expected standard", ""), ("standard", ""), ("Working", ""), ("ed", ""), ("Secure", "")),
    ],
)
def test_a_word_is_offered_for_the_code_that_it_may_mean(word: str, code: str) -> None:
    export = read_export(f"UPN,Reading TA\r\n{UPNS[0]},{word}\r\n".encode())
    assert repairs(export, propose(export, SERVICE), SERVICE) == (Repair("ta_reading", word, code),)


def test_what_was_taken_for_codes_stands_in_the_mark_and_outlives_excel() -> None:
    export = read_export(CSV.encode())
    columns = propose(export, SERVICE)
    codes = {(repair.column, repair.word.casefold()): repair.code for repair in repairs(export, columns, SERVICE)}
    matched = apply_match(export, columns, codes, SERVICE, ROSTER)
    data = template_workbook(SERVICE, ROSTER, ISSUED, results=matched.results, repairs=matched.repaired)
    saved = io.BytesIO()
    openpyxl.load_workbook(io.BytesIO(data)).save(saved)
    for file in (data, saved.getvalue()):
        mark = read_submission(file, SERVICE).mark
        assert mark is not None
        assert mark.repairs == matched.repaired


CELLS = st.text("aZ1|-. \n\u200b\u0007\u00e9", max_size=70) | st.integers()


@given(st.lists(st.dictionaries(st.integers(2, 5), CELLS), max_size=9))
def test_no_mark_of_another_s_making_tells_repairs_that_cannot_be_shown(rows: list[dict[int, object]]) -> None:
    ours = list(enumerate(mark_rows(mark()), 1))
    cells = [(row, dict(enumerate(values, 1))) for row, values in ours]
    told = read_mark([*cells, *((row, {**one, 1: "repaired"}) for row, one in enumerate(rows, 10))])
    assert told is not None
    for repair in told.repairs:
        assert repair.word.isprintable()
        assert len("".join(repair)) < 200


def test_a_match_is_recalled_by_headings_and_what_is_not_there_is_not_guessed() -> None:
    export = read_export(CSV.encode())
    remembered = {"upn": "upn", "ta_reading": " READING  TA", "ss_maths": "Maths Score"}
    assert recall(export, remembered) == {"upn": 1, "ta_reading": 3}
    assert recall(read_export(b"UPN,Reading TA,Reading TA\r\n"), remembered) == {"upn": 1}


def test_a_workbook_is_an_export_too() -> None:
    book = openpyxl.Workbook()
    book.create_sheet("Marksheet").append(["Unique Pupil Number", "Reading TA"])
    book["Marksheet"].append([UPNS[0], "EXS"])
    out = io.BytesIO()
    book.save(out)
    export = read_export(out.getvalue())
    assert apply_match(export, propose(export, SERVICE), {}, SERVICE, ROSTER).results == {
        UPNS[0]: {"ta_reading": "EXS"}
    }


@pytest.mark.parametrize("data", [b"", b"a,b\r\n1,2\r\n", b"\0\1\2", b'"unclosed\r\nUPN'])
def test_what_has_no_column_of_upns_is_refused(data: bytes) -> None:
    with pytest.raises(NotMatched):
        read_export(data)


def test_upns_and_a_result_must_be_matched() -> None:
    export = read_export(CSV.encode())
    for columns in ({}, {"upn": 1}, {"ta_reading": 3}):
        with pytest.raises(NotMatched):
            apply_match(export, columns, {}, SERVICE, ROSTER)


# The command


def test_the_command_shows_first_and_writes_only_what_was_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mis.csv").write_text(CSV, encoding="utf-8")
    (tmp_path / "roster.csv").write_text(rosters_csv(ROSTER.pupils, SERVICE), encoding="utf-8")
    out = tmp_path / "out.xlsx"
    command = ["match", str(tmp_path / "mis.csv"), "--service", "ks1-2023", "--roster", str(tmp_path / "roster.csv")]
    assert cli.main(command) == 0
    shown = capsys.readouterr().out
    assert "Teacher Assessment: KS1 Reading     Reading TA   (proposed)" in shown
    assert '--code "Working at greater depth=GDS"' in shown
    assert "Nothing is written" in shown
    assert cli.main([*command, "--out", str(out)]) == 2  # proposed columns that nobody accepted are not used
    assert not out.exists()
    capsys.readouterr()
    said = ["--column", "Reading TA=Teacher Assessment: KS1 Reading", "--column", "UPN=UPN"]
    code = ["--code", "working towards the expected standard=WTS"]
    assert cli.main([*command, *said, *code, "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "Working towards the expected standard was taken for WTS (Teacher Assessment: KS1 Reading)" in shown
    assert "on the export's row 6: not on the school's list" in shown
    assert "on the export's row 7: a pupil who is on an earlier row" in shown
    sheet = openpyxl.load_workbook(out)[SERVICE.sheet]
    assert [sheet.cell(row, 8).value for row in range(2, 6)] == ["EXS", "WTS", None, None]
    assert sheet["J2"].value is None


@pytest.mark.parametrize("wrong", ["Reading TA", "Nothing=UPN", "UPN=Nothing"])
def test_a_column_that_is_not_there_is_refused(wrong: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mis.csv").write_text(CSV, encoding="utf-8")
    (tmp_path / "roster.csv").write_text(rosters_csv(ROSTER.pupils, SERVICE), encoding="utf-8")
    command = ["match", str(tmp_path / "mis.csv"), "--service", "ks1-2023", "--roster", str(tmp_path / "roster.csv")]
    assert cli.main([*command, "--column", wrong]) == 2
    assert "early-results:" in capsys.readouterr().err
