"""Probes: a few thousand small files of one service, in memory, and what its rules say of each.

    python -m tests.unit.checking.probes        the lines for tests/rulesets.lock

Their verdicts are what a ruleset is: two ways of writing a rule say the same of all of them, two rules do not.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple

from early_results.checking.check import judge
from early_results.checking.mark import MARK_SHEET, TemplateMark, mark_rows
from early_results.checking.roster import Roster
from early_results.checking.submission import read_opened
from early_results.reporting.summary import summarise
from early_results.results import Pupil, PupilResults
from early_results.service import Service, load_service, ruleset_names, service_names, with_ruleset
from early_results.workbook import Area, Contents, ErrorValue, Picture, Rows, SheetInfo, Uncalculated

SCHOOL, OTHER = "1231234", "7654321"
MADE = datetime(2023, 6, 5, 3, tzinfo=UTC)
NAMES = (("John", "Smith"), ("Ann", "Brown"), ("Zo\u00eb", "O'Neill-Smith"), ("James", "Page"), ("Anna", "Lolly"))
TEXTS = (
    *(
        " ",
        "N/A",
        "-",
        "?",
        "Expected",
        "x" * 300,
        "=1+1",
        "TRUE",
        "#N/A",
        "100",
        " 100 ",
        "100.0",
        "99.5",
        "100,5",
        "1e2",
    ),
    *("F", "Male", "Girl", "Y2", "Year 2", "2", "14/04/2015", "2014-09-02", "2 September 2014", "1231234", "123/1234"),
    *("123 1234", "7654321", "smith", "O\u2019Neill", "Total", "UPN", "\uff11\uff10\uff10", "'100", "exs\u200b"),
)
OTHERS: tuple[Any, ...] = (
    *(None, 0, 1, 2, 100.0, 100.5, 0.85, -1, 1231234, 7654321, 42108, 1e15, True, False),
    *(date(2014, 9, 2), datetime(2014, 9, 2, 9, 30), time(9, 30), ErrorValue("#N/A"), ErrorValue("#REF!")),  # noqa: DTZ001
)

Grid = dict[tuple[int, int], Any]


class Memory(NamedTuple):
    """A workbook that was never a file: as much of one as reading a submission asks of it."""

    sheets: tuple[SheetInfo, ...]
    grids: dict[str, Grid]
    formulas: frozenset[tuple[int, int]] = frozenset()
    merged: tuple[Area, ...] = ()

    def contents(self, sheet: SheetInfo) -> Contents:
        """What is on a sheet, as the reader gives it."""
        return Contents(self.rows(sheet), self.formulas, self.merged)

    def rows(self, sheet: SheetInfo) -> Rows:
        """The cells of a sheet."""
        found: dict[int, dict[int, Any]] = {}
        for (row, column), value in sorted(self.grids[sheet.name].items()):
            if value is not None:
                found.setdefault(row, {})[column] = value
        return list(found.items())


class Probe(NamedTuple):
    """A file and what it is judged by."""

    name: str
    book: Memory
    roster: Roster | None
    template: Roster | None = None
    allowed: tuple[str, ...] = (SCHOOL,)
    previous: tuple[PupilResults, ...] | None = None


def roster(count: int, version: str = "v1", first: int = 0, school: str = SCHOOL) -> Roster:
    """Pupils of a school, the same every time."""
    pupils = tuple(
        Pupil(school, f"P{1234567891234 + n}", *NAMES[n % 5], ("Male", "Female")[n % 2], date(2014, 9, 1 + n % 28), "2")
        for n in range(first, first + count)
    )
    return Roster(school, version, MADE, pupils)


def good(service: Service, column_key: str, row: int) -> Any:
    """A value that the column accepts; every pupil has another."""
    column = next(c for c in service.results if c.key == column_key)
    if column.codes:
        return column.codes[row % len(column.codes)]
    return column.minimum + (7 * row) % (column.maximum + 1 - column.minimum)


def grid(service: Service, pupils: tuple[Pupil, ...], heading_row: int = 1, results: bool = True) -> Grid:
    """A filled-in template."""
    cells: Grid = {(heading_row, at): column.heading for at, column in enumerate(service.columns, 1)}
    for row, pupil in enumerate(pupils, heading_row + 1):
        for at, column in enumerate(service.columns, 1):
            if column.kind != "identity":
                cells[row, at] = good(service, column.key, row) if results else None
            else:
                value = getattr(pupil, column.key)
                cells[row, at] = int(value) if column.key in ("school", "nc_year") else value
    return cells


def book(cells: Grid, sheet: str, mark: TemplateMark | None = None, **others: Grid) -> Memory:
    """A workbook of these sheets."""
    grids = {sheet: cells, **others}
    sheets = [SheetInfo(name, "visible", name) for name in grids]
    if mark is not None:
        sheets.append(SheetInfo(MARK_SHEET, "veryHidden", MARK_SHEET))
        grids[MARK_SHEET] = {(r, c): v for r, row in enumerate(mark_rows(mark), 1) for c, v in enumerate(row, 1)}
    return Memory(tuple(sheets), grids)


def probes(service: Service) -> Iterator[Probe]:
    """The files."""
    six, sheet = roster(6), service.sheet
    whole = grid(service, six.pupils)
    columns = range(1, len(service.columns) + 1)
    results = [at for at, column in enumerate(service.columns, 1) if column.kind != "identity"]

    def changed(name: str, change: Grid, **how: Any) -> Probe:
        return Probe(name, book({**whole, **change}, sheet), six, **how)

    limits = {v + d for c in service.scores for v in (c.minimum, c.maximum, *c.unreachable) for d in (-1, 0, 1, 0.5)}
    codes = [code.code for code in service.codes]
    values = [*TEXTS, *OTHERS, *sorted(limits), *codes, *(f" {code.lower()}\u00a0" for code in codes)]
    for (number, value), at in itertools.product(enumerate(values), columns):
        yield changed(f"cell {at} {number}", {(3, at): value})
        yield changed(f"below {at} {number}", {(9, at): value})
        yield changed(f"heading {at} {number}", {(1, at): value})
    for number, value in enumerate(values):
        yield changed(f"beside {number}", {(1, len(columns) + 2): value, (5, len(columns) + 1): value})
    for first, second in itertools.product([*codes, None], [*sorted(limits), 99, 100, None]):
        pair = {
            (3, at): first if c.codes else second for at, c in enumerate(service.columns, 1) if c.kind != "identity"
        }
        yield changed(f"pair {first} {second}", pair)
    yield from _tables(service, six, whole)
    yield from _oddities(service, six, whole)
    blank = {(4, at): None for at in results}
    earlier = judge(
        read_opened(book(whole, sheet), service),  # type: ignore[arg-type]
        service,
        allowed_schools={SCHOOL},
        roster=six,
    ).results
    yield changed("emptied", blank, previous=earlier)
    yield changed("changed", {(4, results[0]): None}, previous=earlier)
    yield changed("all emptied", {(row, at): None for row in range(2, 8) for at in results}, previous=earlier)
    yield changed("not allowed", blank, allowed=(OTHER,), previous=earlier)


def _tables(service: Service, six: Roster, whole: Grid) -> Iterator[Probe]:
    sheet, marked = service.sheet, TemplateMark(service.name, service.ruleset, SCHOOL, "v1", MADE)
    for count in range(8):
        those = grid(service, roster(count).pupils)
        yield Probe(f"pupils {count}", book(those, sheet), six)
        yield Probe(f"pupils {count}, no list", book(those, sheet), None)
        yield Probe(f"pupils {count}, empty list", book(those, sheet), six._replace(pupils=()))
        yield Probe(f"strangers {count}", book(grid(service, roster(count, first=50).pupils), sheet), six)
        yield Probe(f"without results {count}", book(grid(service, roster(count).pupils, results=False), sheet), six)
        yield Probe(f"template {count}", book(whole, sheet, marked), roster(count, "v2"), six)
        yield Probe(f"template {count}, larger", book(those, sheet, marked), roster(9, "v2"), roster(count + 1))
        yield Probe(f"forged {count}", book(whole, sheet, marked._replace(roster_version="v9")), roster(count), six)
        schools = {(row, 1): 7654321 for row in range(2, 2 + count)}
        yield Probe(f"schools {count}", book({**whole, **schools}, sheet), six, allowed=(SCHOOL, OTHER))
        yield Probe(f"blank schools {count}", book({**whole, **dict.fromkeys(schools)}, sheet), six)
        again = {(row + 6, at): v for (row, at), v in whole.items() if 1 < row <= 1 + count}
        yield Probe(f"twice {count}", book({**whole, **again}, sheet), six)
        yield Probe(f"heading row {count}", book(grid(service, six.pupils, 1 + 8 * count), sheet), six)
        for at in range(1, len(service.columns) + 1):
            emptied = {(row, at): None for row in range(2, 2 + count)}
            yield Probe(f"emptied {at} {count}", book({**whole, **emptied}, sheet), six)
            other = {(row, at): "Nobody" for row in range(2, 2 + count)}
            yield Probe(f"other {at} {count}", book({**whole, **other}, sheet), six)
    for at in range(1, len(service.columns) + 1):
        yield Probe(f"without {at}", book({p: v for p, v in whole.items() if p[1] != at}, sheet), six)
        yield Probe(
            f"doubled {at}", book({**whole, **{(r, 30): v for (r, c), v in whole.items() if c == at}}, sheet), six
        )
    other_year = marked._replace(service="ks1-2022")
    yield Probe("other year", book(whole, sheet, other_year), six)
    yield Probe(
        "other stage",
        book({p: v.replace("KS", "KS9") if isinstance(v, str) else v for p, v in whole.items()}, sheet),
        six,
    )
    yield Probe("other sheet", book(whole, "Sheet1", Notes={(1, 1): "x"}), six)
    yield Probe("two sheets", book(whole, sheet, Copy=grid(service, six.pupils, 3)), six)
    yield Probe("two sheets, differing", book(whole, sheet, Copy={**whole, (3, 8): None}), six)
    yield Probe("two sheets, one empty", book(grid(service, six.pupils, results=False), sheet, Copy=whole), six)
    yield Probe("two classes", book(grid(service, six.pupils[:3]), sheet, Copy=grid(service, six.pupils[3:])), six)
    yield Probe("no sheet", book({(1, 1): "x"}, sheet), six)


def _oddities(service: Service, six: Roster, whole: Grid) -> Iterator[Probe]:
    """What programs and people leave in a sheet beside values: formulas, merged cells, pictures, rows of no pupil."""
    sheet, first, last = service.sheet, len(service.identity) + 1, len(service.columns)
    for at in range(1, last + 1):
        for odd in (Uncalculated("="), Picture("#VALUE!"), "95%"):
            yield Probe(f"odd {at} {type(odd).__name__}", book({**whole, (3, at): odd}, sheet), six)
        for given in (0, "Expected", 100, "EXS"):
            file = book({**whole, (3, at): given}, sheet)._replace(formulas=frozenset({(3, at)}))
            yield Probe(f"of a formula {at} {given}", file, six)
        for size in (1, 3, 40):
            area = Area(3, at, 2 + size, min(at + size, last))
            emptied = {(r, c): None for r in range(3, 3 + size) for c in range(at, at + size + 1) if (r, c) != (3, at)}
            yield Probe(f"merged {at} {size}", book({**whole, **emptied}, sheet)._replace(merged=(area,)), six)
    lines: tuple[dict[int, Any], ...] = (
        {at: column.heading for at, column in enumerate(service.columns, 1)},
        {1: "Total", **dict.fromkeys(range(first, last + 1), 30)},
        {4: "Average", **dict.fromkeys(range(first, last + 1), 99.1)},
        {2: 30, first: 12},
        {2: "GDS", 3: "Working at greater depth"},
        {2: "Signed", 3: "Mrs", 4: "Jones", 6: "12 July"},
        {first: "Headteacher: Mrs Jones"},
        {3: "John", 4: "Smith", first: "EXS"},
        {6: date(2014, 9, 2), first: "EXS"},
        {first: Uncalculated("="), first + 1: Uncalculated("=")},
        {2: ErrorValue("#REF!"), first: "EXS"},
    )
    for number, line_of in enumerate(lines):
        for row in (1, 5, 9):
            cells = {(r + (r >= row), c): v for (r, c), v in whole.items()} if row == 5 else whole
            at = row if row != 1 else 12
            yield Probe(f"line {number} {row}", book({**cells, **{(at, c): v for c, v in line_of.items()}}, sheet), six)
        few = {**grid(service, six.pupils[:1]), **{(3, c): v for c, v in line_of.items()}}
        yield Probe(f"line {number} beside one", book(few, sheet), six)
    export = {p: v for p, v in whole.items() if p[1] < first}
    yield Probe("export", book(export, "Marksheet"), six)
    yield Probe("export, other headings", book({(1, 1): "Unique Pupil Number", (1, 2): "Reading TA"}, "Marksheet"), six)


def said(service: Service) -> Iterator[str]:
    """What the rules say: a line of JSON a probe, and first the words that a person knows the rules by."""
    yield json.dumps([[c.heading for c in service.columns], [(c.code, c.meaning) for c in service.codes]])
    for probe in probes(service):
        submission = read_opened(probe.book, service)  # type: ignore[arg-type]
        verdict = judge(
            submission,
            service,
            allowed_schools=probe.allowed,
            roster=probe.roster,
            template_roster=probe.template,
            previous=probe.previous,
        )
        results = [(e.pupil.upn, e.row, e.assessments, e.scores) for e in verdict.results]
        changes = verdict.changes.to_json(service) if verdict.changes else None
        figures = summarise(service, verdict.results).sha256 if verdict.accepted else None
        yield json.dumps([probe.name, verdict.to_json(), results, changes, figures], ensure_ascii=False, sort_keys=True)


def line(service: Service, told: Iterable[str] | None = None) -> str:
    """The line of a ruleset in the lock: its name and the hash of what it says, here anew or `told` already."""
    digest = hashlib.sha256()
    for text in said(service) if told is None else told:
        digest.update(text.encode() + b"\n")
    return f"{service.ruleset} {digest.hexdigest()}"


def rulesets() -> list[Service]:
    """Every service by the rules in force, and by those that are kept."""
    services = [load_service(name) for name in service_names()]
    kept = [with_ruleset(s, name) for name in ruleset_names() for s in services if name.startswith(f"{s.name}.")]
    return [*services, *kept]


if __name__ == "__main__":
    sys.stdout.write("".join(f"{one}\n" for one in sorted(map(line, rulesets()))))
