"""The checks: is this submission good, and if not, what is wrong in which cell.

One pass over the rows. What each column accepts is worked out once for each service, so that a good cell costs one
look-up in a dict. Only a cell that is not found there is looked at closely: it is read in another way of writing, or a
rule tells what is wrong with it.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from early_results.checking.cells import (
    accepted,
    is_blank,
    result_of,
    says_the_same,
    school_number,
    upn_of,
)
from early_results.checking.rules import Case, Row, Rule, Rules, rules_of
from early_results.checking.submission import Submission, read_submission
from early_results.results import Pupil, PupilResults
from early_results.workbook import ErrorValue, Value

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from early_results.checking.changes import Changes
    from early_results.checking.roster import Roster
    from early_results.findings import Finding
    from early_results.service import Column, Service

__all__ = ["Submission", "Verdict", "judge", "read_submission"]

_PREFILLED = ("forename", "surname", "gender", "birth_date", "nc_year")


class Verdict(NamedTuple):
    """What became of a submission.

    `errors` and `warnings` are each in order: about the file, then by row, then by column. `results` are those of the
    pupils that count, in the order of the file, and empty unless accepted. `pupils` is how many of the school's pupils
    the file holds; `changes` is against the last good file, None if there was none or this one is not accepted.
    """

    accepted: bool
    school: str | None
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    results: tuple[PupilResults, ...]
    pupils: int
    ruleset: str
    changes: Changes | None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Errors, then warnings."""
        return self.errors + self.warnings

    def to_json(self) -> dict[str, Any]:
        """The verdict as the command line prints it (DESIGN 9)."""
        return {
            "accepted": self.accepted,
            "errors": [finding.to_json() for finding in self.errors],
            "warnings": [finding.to_json() for finding in self.warnings],
            "pupils": self.pupils,
            "ruleset": self.ruleset,
        }


def judge(
    submission: Submission,
    service: Service,
    *,
    allowed_schools: Collection[str],
    roster: Roster | None,
    template_roster: Roster | None = None,
    previous: Sequence[PupilResults] | None = None,
) -> Verdict:
    """The verdict on a submission.

    `allowed_schools` are those the uploader may submit for, as it is now. `roster` is the current one of
    `submission.school`, None if we hold none; `template_roster` is the version that the submission's mark names, None
    if it names none that we hold. `previous` are the results of the school's last good file. Rosters of another school
    are not looked at. Authority over the school is decided before anything is compared with a roster.
    """
    school = submission.school
    if school is not None and school not in allowed_schools:
        school = None  # not the uploader's school: nothing of its roster and its earlier file may be told
    if school is None:
        previous = None
    if roster is None or roster.school != school:
        roster = template_roster = None
    elif template_roster is not None and (
        template_roster.school != school or template_roster.version != submission.template_roster_version
    ):
        template_roster = None
    case = Case(submission, service, allowed_schools, roster, template_roster, previous or ())
    results: list[PupilResults] = []
    if submission.columns is not None:
        results = _Judge(case, rules_of(service)).rows()
    elif submission.nil:
        from early_results.checking import nil  # imported only here: few files are nil returns

        for finding in nil.find(case):
            case.add(finding)
    errors, warnings = case.in_order()
    accepted = not errors
    if accepted and school is None:
        raise RuntimeError("a file of no school that may be told was accepted")  # the file would count for no school
    changes = None
    if accepted and previous is not None:
        from early_results.checking.changes import (
            what_changed,  # imported only here: it takes 1 ms, and a school's first file does not need it
        )

        changes = what_changed(previous, results, service)
    return Verdict(
        accepted=accepted,
        school=submission.school,
        errors=errors,
        warnings=warnings,
        results=tuple(results) if accepted else (),
        pupils=case.pupils,
        ruleset=service.ruleset,
        changes=changes,
    )


class _Judge:
    """One pass over the rows. A cell that holds exactly what it should costs one look-up, and no rule is called."""

    __slots__ = ("_alike", "_case", "_codes_of", "_numbers_of", "_prefilled", "_right_school", "_rules", "_school")

    def __init__(self, case: Case, rules: Rules) -> None:
        columns, service = case.columns, case.service
        self._case, self._rules = case, rules
        results_of = [(columns[c.key], accepted(c), c.key, c) for c in service.results if c.key in columns]
        self._codes_of = [one for one in results_of if not one[3].has_numbers]
        self._numbers_of = [one for one in results_of if one[3].has_numbers]
        identity = [(columns[c.key], c) for c in service.identity if c.key in columns]
        self._school = next(((at, column) for at, column in identity if column.key == "school"), None)
        self._prefilled = [
            (at, Pupil._fields.index(column.key), column) for at, column in identity if column.key in _PREFILLED
        ]
        self._right_school = _right_school(case.submission, columns.get("school", 0))
        self._alike: set[tuple[str, Value | None, str | date | None]] = set()  # cell and roster values that agree

    def rows(self) -> list[PupilResults]:
        """Judges the file; the results of the pupils that the roster knows."""
        case, rules = self._case, self._rules
        known, first_row = case.known, case.first_row
        upn_at = case.columns.get("upn", 0)  # no column has the number 0, so looking it up finds nothing
        results: list[PupilResults] = []
        asked = [rule for rule in rules.rows if rule.asks(case.service)]
        of_any = [(rule.code, rule.find) for rule in asked]
        of_full = [(rule.code, rule.find) for rule in asked if not rule.of_blanks]  # a row in which no result is blank
        numbers, had_results = case.rows, case.had_results
        school_at, school = self._school or (0, None)
        right_school, prefilled, alike = self._right_school, self._prefilled, self._alike
        for number, cells in case.submission.rows:
            raw = cells.get(upn_at)
            pupil = known.get(raw)
            upn = upn_of(raw) if pupil is None else pupil.upn
            if pupil is None:
                pupil = known.get(upn)
            row = Row(number, cells, pupil, upn)
            if pupil is None and self._ended(row):
                continue
            if pupil is None or upn in first_row:
                self._ask(rules.of_upn, row)
            if upn:
                case.pupils += 1
                first_row.setdefault(upn, number)
            numbers.append(number)
            if school is not None and cells.get(school_at) not in right_school:
                self._odd(row, school, cells.get(school_at))
            if pupil is None:
                self._stranger(row)
            else:
                for position, field, column in prefilled:
                    value, wanted = cells.get(position), pupil[field]
                    if value != wanted and (column.key, value, wanted) not in alike:
                        self._detail(row, column, value, wanted)
            self._results(row)
            for rule, find in of_any if row.blanks else of_full:
                told = find(case, row)
                if told:
                    for key, message in told:
                        case.tell(rule, number, key, message)
            if row.codes or row.points or row.given:
                case.has_results = True
            elif upn in had_results:
                case.emptied.append(number)
            if pupil is not None:
                results.append(PupilResults(pupil, number, row.codes, row.points))
        case.matched = len(results)
        for rule_of_file in rules.whole:
            for finding in rule_of_file.find(case):
                case.add(finding)
        return results

    def _ended(self, row: Row) -> bool:
        """Calls the rules that end a row. True if one found something: then nothing else is said of the row."""
        return any(self._ask((rule,), row) for rule in self._rules.ends)

    def _ask(self, rules: tuple[Rule, ...], row: Row) -> bool:
        """Calls some rules for a row and notes what they find. True if any found something."""
        anything = False
        for rule in rules:
            for key, message in rule.find(self._case, row):
                self._case.tell(rule.code, row.number, key, message)
                anything = True
        return anything

    def _stranger(self, row: Row) -> None:
        """The prefilled cells of a row whose pupil the roster does not know, and which can be compared with nothing."""
        for column in self._case.service.identity:
            value = row.cells.get(self._case.columns.get(column.key, 0))
            if column.key != "school" and isinstance(value, ErrorValue):
                self._odd(row, column, value)

    def _detail(self, row: Row, column: Column, value: Value | None, wanted: str | date | None) -> None:
        """A prefilled cell that is not exactly what the roster says."""
        if isinstance(value, datetime) and value.date() == wanted:
            return
        if says_the_same(column.key, value, wanted):
            self._alike.add((column.key, value, wanted))
        else:
            self._odd(row, column, value)

    def _results(self, row: Row) -> None:
        """The result cells of a row: notes the codes and numbers that they mean."""
        get, codes, points = row.cells.get, row.codes, row.points
        for position, here, key, column in self._codes_of:
            found = here.get(get(position))
            if found is None:
                found = self._look_closely(row, column, get(position))
                if found is None:
                    continue
            codes[key] = found  # type: ignore[assignment]  # a column of codes alone gives texts
        for position, here, key, column in self._numbers_of:
            found = here.get(get(position))
            if found is None:
                found = self._look_closely(row, column, get(position))
                if found is None:
                    continue
            if type(found) is int:
                points[key] = found
            else:
                codes[key] = found  # type: ignore[assignment]  # otherwise a str

    def _look_closely(self, row: Row, column: Column, value: Value | None) -> str | int | None:
        """What a result cell means that does not hold exactly a result: None if it is blank, or if it is wrong."""
        if value is None or is_blank(value):
            row.blanks.append(column)
            return None
        found = result_of(value, column)
        if found is None:
            self._odd(row, column, value)
            row.given = True
        return found

    def _odd(self, row: Row, column: Column, value: Value | None) -> None:
        """A cell that does not hold what it should. The first rule that has a message for it gives the finding."""
        for rule in self._rules.cells[column.kind]:
            message = rule.find(self._case, row, column, value)
            if message:
                self._case.tell(rule.code, row.number, column.key, message)
                return


def _right_school(submission: Submission, school_at: int) -> set[Value | None]:
    """The cell values that name the file's school. If no row names a school, every value that is no error.

    In that case one finding about the whole file says that no row names a school.
    """
    values = {cells.get(school_at) for _, cells in submission.rows}
    if not submission.schools:
        return {value for value in values if not isinstance(value, ErrorValue)}
    return {value for value in values if school_number(value) == submission.schools[0]}
