"""From a workbook to the rows that count: which sheet, which row of headings, which columns, which rows are pupils.

People add title lines, move columns, leave gaps, jot notes below the table and drag formats down to row 5000. None of
that is an error. What is missing, repeated or foreign among the headings is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from early_results.checking import messages
from early_results.checking.cells import is_blank, school_number
from early_results.checking.mark import MARK_SHEET, TemplateMark, read_mark, service_label
from early_results.checking.roster import heading_key
from early_results.findings import Code, Finding, cell_reference
from early_results.workbook import ErrorValue, Limits, Unreadable, Value, Workbook, open_workbook

if TYPE_CHECKING:
    from typing import BinaryIO

    from early_results.service import Service
    from early_results.workbook import SheetInfo

HEADING_ROWS = 50  # rows with content in which the headings are looked for: people put titles and notes above them
FEWEST_HEADINGS = 3  # a row with fewer of the service's headings is not the row of headings
LONGEST_HEADING = 60  # characters of a foreign heading that are shown

Cells = dict[int, Value]
Rows = list[tuple[int, Cells]]


class Submission(NamedTuple):
    """A workbook as read, before anything is judged.

    `findings` are about the file and its headings. `columns` maps a column key to its 1-based column, for the columns
    that are there. `rows` are the pupils' rows with true row numbers; a row with nothing of the service in it is not
    among them. `schools` are the school numbers that those rows name, each seven digits, the commonest first. `school`
    is the one that more than half of the rows with a number name: the file's school, even where a slip in another row
    makes the file an error, so that all else that is wrong can be told at the same time.
    """

    service: str
    findings: tuple[Finding, ...] = ()
    mark: TemplateMark | None = None
    sheet: str = ""
    heading_row: int = 0
    columns: dict[str, int] | None = None
    unknown: tuple[tuple[int, str], ...] = ()
    rows: tuple[tuple[int, Cells], ...] = ()
    schools: tuple[str, ...] = ()
    school: str | None = None

    @property
    def template_roster_version(self) -> str | None:
        """The roster version that the template was made from, if the file still carries its mark. Only a claim."""
        return self.mark.roster_version if self.mark else None


def read_submission(source: bytes | BinaryIO, service: Service, limits: Limits | None = None) -> Submission:
    """What is in an uploaded file. Never raises for a bad file: it is told in the findings of the submission.

    `limits` are the reader's bounds, its own defaults if None.
    """
    try:
        workbook = open_workbook(source) if limits is None else open_workbook(source, limits)
        return read_opened(workbook, service)
    except Unreadable as unreadable:
        return Submission(service.name, (Finding(unreadable.code, unreadable.message),))


def read_opened(workbook: Workbook, service: Service) -> Submission:
    """What is in a workbook that has been opened. Raises Unreadable."""
    mark = None
    for info in workbook.sheets:
        if info.name == MARK_SHEET:
            try:
                mark = read_mark(workbook.rows(info))
            except Unreadable:  # only ever a hint: the results may still be sound
                mark = None
    if mark is not None and mark.service != service.name:
        # One finding that names the mistake, under the code that says "the results of this service are not here":
        # column codes would blame the user for each heading of a template that is right in itself.
        message = _marked(service, mark.service)
        return Submission(service.name, (Finding(Code.NO_RESULTS_SHEET, message),), mark)
    sheet, rows, at = _results_sheet(workbook, service)
    if sheet is None:
        return Submission(service.name, (Finding(Code.NO_RESULTS_SHEET, messages.no_results_sheet(service)),), mark)
    number, headings = rows[at]
    other = _other_service(headings, service)
    if other:
        message = messages.other_service(service, other, known=True)
        return Submission(service.name, (Finding(Code.NO_RESULTS_SHEET, message),), mark, sheet.name, number)
    columns, unknown, findings = _columns(number, headings, service)
    pupils = _pupil_rows(rows[at + 1 :], columns, service)
    schools, school = _schools(pupils, columns.get("school", 0))
    return Submission(
        service.name,
        tuple(findings),
        mark,
        sheet.name,
        number,
        columns,
        tuple(unknown),
        tuple(pupils),
        schools,
        school,
    )


def _marked(service: Service, name: str) -> str:
    """What to say of a template whose mark names another service."""
    from early_results.service import load_service, service_names

    if name in service_names():
        return messages.other_service(service, messages.name(load_service(name)), known=True)
    return messages.other_service(service, service_label(name))


def _results_sheet(workbook: Workbook, service: Service) -> tuple[SheetInfo | None, Rows, int]:
    """The sheet with the headings, its rows, and the index of the headings' row among them.

    The sheet that bears the template's name is taken if it has every heading. Otherwise the sheet with most of them
    (visible before hidden, then in order), because people rename sheets and paste their results on new ones.
    """
    wanted = {heading_key(column.heading) for column in service.columns}
    ours = heading_key(service.sheet)
    candidates = [s for s in workbook.sheets if s.state != "veryHidden"]
    candidates.sort(key=lambda s: (heading_key(s.name) != ours, s.state != "visible"))  # the sort is stable
    best: tuple[SheetInfo | None, Rows, int] = (None, [], 0)
    most = FEWEST_HEADINGS - 1
    unreadable: Unreadable | None = None
    for info in candidates:
        try:
            rows = workbook.rows(info)
        except Unreadable as error:
            # The results may be on another sheet; if they are on none, this is what stands in the way.
            unreadable = unreadable or error
            continue
        index, count = _heading_row(rows, wanted)
        if count > most:
            best, most = (info, rows, index), count
            if count == len(wanted):
                break
    if best[0] is None and unreadable is not None:
        raise unreadable
    return best


def _heading_row(rows: Rows, wanted: set[str]) -> tuple[int, int]:
    """The index of the row with most of the wanted headings, and how many it has."""
    best, most = 0, 0
    for index, (_, cells) in enumerate(rows[:HEADING_ROWS]):
        count = len({heading_key(v) for v in cells.values() if isinstance(v, str)} & wanted)
        if count > most:
            best, most = index, count
            if count == len(wanted):
                break
    return best, most


def _other_service(headings: Cells, service: Service) -> str:
    """The service whose result headings these are, where none of this service's is there; "" if there is none.

    `Phonics 2026`, or without the year where the headings are those of several years.
    """
    texts = {heading_key(v) for v in headings.values() if isinstance(v, str)}
    if any(heading_key(column.heading) in texts for column in service.results):
        return ""
    from early_results.service import load_service, service_names  # only a file of another service needs the others

    found: dict[int, list[Service]] = {}
    for other in map(load_service, service_names()):
        count = sum(heading_key(column.heading) in texts for column in other.results)
        found.setdefault(count, []).append(other)
    best = max(found, default=0)
    if not best:
        return ""
    names = {messages.name(other) for other in found[best]}
    return names.pop() if len(names) == 1 else found[best][0].short_title


def _columns(
    number: int, headings: Cells, service: Service
) -> tuple[dict[str, int], list[tuple[int, str]], list[Finding]]:
    """Where each column is, which headings are foreign, and the findings, missing headings first.

    A column without a heading is left alone: people total and jot beside the table. It cannot hide results, because
    a service's column whose heading was cleared is reported missing. Nor is an error value a heading.
    """
    by_heading = {heading_key(column.heading): column for column in service.columns}
    columns: dict[str, int] = {}
    unknown: list[tuple[int, str]] = []
    findings: list[Finding] = []
    for position in sorted(headings):
        text = headings[position]
        if not isinstance(text, str) or isinstance(text, ErrorValue) or is_blank(text):
            continue
        column = by_heading.get(heading_key(text))
        if column is not None and column.key not in columns:
            columns[column.key] = position
            continue
        cell = cell_reference(number, position)
        if column is None:
            shown = "".join(c for c in " ".join(text.split()) if c.isprintable())[:LONGEST_HEADING]
            unknown.append((position, shown))
            findings.append(Finding(Code.UNKNOWN_COLUMN, messages.unknown_column(service), number, shown, cell))
        else:
            first = cell_reference(number, columns[column.key])
            message = messages.repeated_column(first)
            findings.append(Finding(Code.REPEATED_COLUMN, message, number, column.heading, cell))
    missing = [
        Finding(Code.MISSING_COLUMN, messages.missing_column(column, service), None, column.heading)
        for column in service.columns
        if column.key not in columns
    ]
    return columns, unknown, missing + findings


def _pupil_rows(rows: Rows, columns: dict[str, int], service: Service) -> Rows:
    """The rows with something to judge: a UPN, a result, or an error that Excel shows in one of our columns.

    A row with neither is a note, a dragged-down school number or a stray elsewhere. Nothing is lost by passing it over:
    a pupil whose UPN was cleared is told as missing from the roster.
    """
    upn = columns.get("upn", 0)
    telling = [columns[column.key] for column in service.results if column.key in columns]
    ours = list(columns.values())
    if not upn:
        telling = ours  # without UPNs, whatever stands in our columns is a pupil's
    kept: Rows = []
    for row in rows:
        cells = row[1]
        if (
            not is_blank(cells.get(upn))
            or any(not is_blank(cells.get(c)) for c in telling)
            or any(isinstance(cells.get(c), ErrorValue) for c in ours)
        ):
            kept.append(row)
    return kept


def _schools(rows: Rows, column: int) -> tuple[tuple[str, ...], str | None]:
    """The school numbers that the rows name, the commonest first, and the one that more than half of them name."""
    written: dict[Value | None, int] = {}
    for _, cells in rows:
        value = cells.get(column)
        written[value] = written.get(value, 0) + 1
    named: dict[str, int] = {}
    total = 0
    for value, count in written.items():
        number = school_number(value)
        if number is not None:
            named[number] = named.get(number, 0) + count
        if not is_blank(value) and not isinstance(value, ErrorValue):
            total += count
    schools = sorted(named, key=named.__getitem__, reverse=True)  # stable: of equals, the first in the file
    return tuple(schools), schools[0] if schools and named[schools[0]] * 2 > total else None
