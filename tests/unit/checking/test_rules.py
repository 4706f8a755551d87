"""The table of rules: complete, and chosen by the service."""

from __future__ import annotations

import pytest

from early_results.checking.rules import TABLE, Rules, Scope, rules_of
from early_results.findings import Code
from early_results.service import BadServiceFile
from tests.unit.checking.school_files import SERVICE

# Told where the file is read: before there is anything to judge.
OF_READING = {
    *(Code.NOT_A_WORKBOOK, Code.OLD_EXCEL, Code.ENCRYPTED, Code.MACROS, Code.DAMAGED, Code.TOO_LARGE),
    *(Code.NO_RESULTS_SHEET, Code.MISSING_COLUMN, Code.REPEATED_COLUMN, Code.UNKNOWN_COLUMN, Code.SEVERAL_SHEETS),
}
AROUND = {Code.WINDOW_CLOSED, Code.COULD_NOT_PROCESS}


def test_every_code_is_read_ruled_or_told_around_the_file() -> None:
    ruled = {rule.code for rule in TABLE}
    assert ruled | OF_READING | AROUND == set(Code)
    assert ruled & (OF_READING | AROUND) == set()


def test_the_table_is_parted_by_scope_and_nothing_is_left_out() -> None:
    rules = Rules(TABLE)
    parted = {
        *rules.ends,
        *rules.of_upn,
        *rules.rows,
        *rules.whole,
        *(rule for of_kind in rules.cells.values() for rule in of_kind),
    }
    assert parted == set(TABLE)
    assert {rule.scope for rule in TABLE} == set(Scope)
    told_of_any_column = (Code.FORMULA_NOT_CALCULATED, Code.CELL_ERROR)
    assert all(tuple(rule.code for rule in of_kind[:2]) == told_of_any_column for of_kind in rules.cells.values())


def test_a_service_that_names_rules_there_are_not_is_refused() -> None:
    assert rules_of(SERVICE) is rules_of(SERVICE._replace(name="ks1-2024"))
    with pytest.raises(BadServiceFile, match="no edition 99"):
        rules_of(SERVICE._replace(rules=99))
