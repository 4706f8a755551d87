"""From a workbook to the rows that count: which sheet, which row of headings, which columns, which rows are pupils.

People add title lines, move columns, leave gaps, write notes below the table and drag formats down to row 5000. None of
that is an error. A heading that is missing, repeated or not the service's is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from early_results.checking import messages
from early_results.checking.cells import as_date, clean, heading_key, is_blank, is_upn, school_number, upn_of
from early_results.checking.mark import BESIDE_RESULTS, MARK_SHEET, TemplateMark, read_mark, service_label
from early_results.checking.nil import LONGEST, read_nil
from early_results.findings import Code, Finding, cell_reference
from early_results.workbook import ErrorValue, Limits, Unreadable, Value, Workbook, open_workbook

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import BinaryIO

    from early_results.service import Column, Service
    from early_results.workbook import Area, Contents, SheetInfo

HEADING_ROWS = 50  # how many filled rows are searched for the headings, since people put titles and notes above them
FEWEST_HEADINGS = 3  # a row with fewer of the service's headings is not the row of headings
_UPN_HEADINGS = frozenset({"upn", "uniquepupilnumber", "uniquepupilnumber(upn)", "pupilupn", "upnnumber"})
LONGEST_HEADING = 60  # how many characters of a heading that is not ours a message shows

Cells = dict[int, Value]
Rows = list[tuple[int, Cells]]


class OtherSheet(NamedTuple):
    """A sheet with results that the sheet that is read does not have: its columns by key, and its pupils' rows."""

    name: str
    columns: dict[str, int]
    rows: tuple[tuple[int, Cells], ...]


class Submission(NamedTuple):
    """A workbook as read, before anything is judged.

    `findings` are about the file and its headings. `columns` maps a column key to its 1-based column, for the columns
    that are there. `rows` are the pupils' rows with true row numbers; a row with nothing of the service in it is not
    among them. `schools` are the school numbers that those rows name, each seven digits, the commonest first. `school`
    is the one that more than half of the rows with a number name: the file's school, even where a slip in another row
    makes the file an error, so that all else that is wrong can be told at the same time. `formulas` are the places
    (row, column) of the sheet whose values formulas gave, `merged` its merged cells. `elsewhere` are the UPNs of pupils
    whose results are on another sheet alone, `others` the sheets whose results differ. `nil` says that the file is no
    workbook but a nil return of `school`.
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
    formulas: frozenset[tuple[int, int]] = frozenset()
    merged: tuple[Area, ...] = ()
    elsewhere: frozenset[str] = frozenset()
    others: tuple[OtherSheet, ...] = ()
    nil: bool = False

    @property
    def template_roster_version(self) -> str | None:
        """The roster version that the template was made from, if the file still carries its mark. Only a claim."""
        return self.mark.roster_version if self.mark else None


def read_submission(source: bytes | BinaryIO, service: Service, limits: Limits | None = None) -> Submission:
    """What is in an uploaded file. Never raises for a bad file: it is told in the findings of the submission.

    `limits` are the reader's bounds, its own defaults if None.
    """
    head = source[: LONGEST + 1] if isinstance(source, bytes) else source.read(LONGEST + 1)
    if not isinstance(source, bytes):
        source.seek(0)
    told = read_nil(head)
    if told is not None:
        if told.service != service.name:
            finding = Finding(Code.NO_RESULTS_SHEET, _marked(service, told.service))
            return Submission(service.name, (finding,))
        return Submission(service.name, schools=(told.school,), school=told.school, nil=True)
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
            except Unreadable:  # a mark is only a hint: without a good one the results may still be right
                mark = None
    if mark is not None and mark.service != service.name:
        # One finding names the mistake, under the code that says "the results of this service are not here".
        # column codes would blame the user for each heading of a template that is right in itself.
        message = _marked(service, mark.service)
        return Submission(service.name, (Finding(Code.NO_RESULTS_SHEET, message),), mark)
    table, tables, pupils_on = _results_table(workbook, service)
    if table is None:
        told = messages.no_result_columns(service, pupils_on) if pupils_on else messages.no_results_sheet(service)
        return Submission(service.name, (Finding(Code.NO_RESULTS_SHEET, told),), mark)
    sheet, rows = shown(table.sheet.name), table.contents.rows
    number, headings = rows[table.at]
    if not table.columns.keys() & {column.key for column in service.results}:
        other = _other_service(headings, service)
        message = messages.no_result_columns(service, sheet)
        if other:
            message = messages.other_service(service, other, known=True)
        return Submission(service.name, (Finding(Code.NO_RESULTS_SHEET, message),), mark, sheet, number)
    columns, unknown, findings = _columns(number, headings, service)
    pupils = _pupil_rows(rows[table.at + 1 :], columns, service)
    several, elsewhere, others = _several_sheets(table, tables, service)
    schools, school = _schools(pupils, columns)
    return Submission(
        service.name,
        tuple(several + findings),
        mark,
        sheet,
        number,
        columns,
        tuple(unknown),
        tuple(pupils),
        schools,
        school,
        table.contents.formulas,
        table.contents.merged,
        elsewhere,
        others,
    )


def _marked(service: Service, name: str) -> str:
    """What to say of a template whose mark names another service."""
    from early_results.service import load_service, service_names

    if name in service_names():
        return messages.other_service(service, messages.name(load_service(name)), known=True)
    return messages.other_service(service, service_label(name))


def _lists_pupils(rows: Rows) -> bool:
    """Whether a sheet has a column of UPNs, under whatever headings the rest is."""
    return any(
        isinstance(value, str) and heading_key(value) in _UPN_HEADINGS
        for _, cells in rows[:HEADING_ROWS]
        for value in cells.values()
    )


class _Table(NamedTuple):
    """A sheet with headings of the service: the index of their row among its rows, and the columns they head."""

    sheet: SheetInfo
    contents: Contents
    at: int
    columns: dict[str, int]

    def results(self, service: Service) -> dict[str, dict[str, str]]:
        """The results on the sheet as they can be compared, by `pupil_key`."""
        ours = [(column.key, self.columns[column.key]) for column in service.results if column.key in self.columns]
        found: dict[str, dict[str, str]] = {}
        for row, cells in self.contents.rows[self.at + 1 :]:
            given = {key: comparable(cells[at]) for key, at in ours if not is_blank(cells.get(at))}
            if given and looks_like_a_pupil(cells, self.columns):
                found[pupil_key(row, cells, self.columns)] = given
        return found

    def other(self, pupils: Collection[str]) -> OtherSheet:
        """What there is of these pupils, where another sheet is the one that is read."""
        rows = self.contents.rows[self.at + 1 :]
        kept = tuple((row, cells) for row, cells in rows if pupil_key(row, cells, self.columns) in pupils)
        return OtherSheet(shown(self.sheet.name), self.columns, kept)


def pupil_key(row: int, cells: Cells, columns: dict[str, int]) -> str:
    """What tells a pupil's row from those of others on several sheets: its UPN, or its place where it has none."""
    return upn_of(cells.get(columns.get("upn", 0))) or f"row {row}"


def _results_table(workbook: Workbook, service: Service) -> tuple[_Table | None, list[_Table], str]:
    """The sheet to read, and all other sheets that hold results. If there is none: the name of a sheet that lists
    pupils under other headings.

    People rename sheets, copy them, and paste their results on new ones. The sheet with the template's name comes
    first, then those with most of the headings, visible ones before hidden ones. The first of them that is filled is
    read, so that an empty template beside a filled one does no harm.
    """
    wanted = {heading_key(column.heading): column.key for column in service.columns}
    ours = heading_key(service.sheet)
    candidates = [s for s in workbook.sheets if s.state != "veryHidden"]
    candidates.sort(key=lambda s: (heading_key(s.name) != ours, s.state != "visible"))  # the sort is stable
    tables: list[_Table] = []
    unreadable: Unreadable | None = None
    other_headings = ""
    # our sheets of notes and instructions are tried only if no other sheet has the headings
    for beside in (False, True):
        for info in candidates:
            if (info.name in BESIDE_RESULTS) is not beside:
                continue
            try:
                contents = workbook.contents(info)
            except Unreadable as error:
                # The results may be on another sheet. If they are not, this sheet is why they cannot be read.
                unreadable = unreadable or error
                continue
            at, columns = _heading_row(contents.rows, wanted)
            if len(columns) >= FEWEST_HEADINGS:
                tables.append(_Table(info, contents, at, columns))
            elif not other_headings and _lists_pupils(contents.rows):
                other_headings = shown(info.name)
        if tables:
            break
    if len(tables) < 2:
        if not tables and unreadable is not None:
            raise unreadable
        return (tables[0] if tables else None), [], other_headings
    tables.sort(key=lambda table: (-len(table.columns), heading_key(table.sheet.name) != ours))
    filled = [table for table in tables if table.results(service)]
    # A hidden sheet counts only if no other has results, because people do not know that it is there.
    seen = [table for table in filled if table.sheet.state == "visible"] or filled
    return (seen or tables)[0], seen, ""


def _several_sheets(
    table: _Table, tables: list[_Table], service: Service
) -> tuple[list[Finding], frozenset[str], tuple[OtherSheet, ...]]:
    """Whether other sheets have results that are not on the one that is read; the UPNs of pupils whose results are on
    others alone; those sheets."""
    if len(tables) < 2:
        return [], frozenset(), ()
    read = table.results(service)
    others: list[OtherSheet] = []
    alike, elsewhere = True, frozenset[str]()
    for other in tables:
        results = other.results(service)
        if other is table or all(read.get(upn) == given for upn, given in results.items()):
            continue
        others.append(other.other(results))
        alike = alike and not results.keys() & read.keys()
        elsewhere |= results.keys() - read.keys()
    if not others:
        return [], frozenset(), ()
    names = [shown(table.sheet.name), *(other.name for other in others)]
    words = messages.sheets_share_the_pupils(service, names) if alike else messages.sheets_differ(names)
    return [Finding(Code.SEVERAL_SHEETS, words)], elsewhere, tuple(others)


def comparable(value: Value | None) -> str:
    """A result as it is compared with that of another sheet: 100, 100.0 and "100 " are one."""
    return clean(str(value)).upper().removesuffix(".0")


def shown(text: str) -> str:
    """A heading or the name of a sheet as it may be shown: on one line, without what cannot be printed."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())[:LONGEST_HEADING]


def _heading_row(rows: Rows, wanted: dict[str, str]) -> tuple[int, dict[str, int]]:
    """The index of the row with most of the wanted headings, and where the columns that they head are, by key."""
    best: dict[str, int] = {}
    index = 0
    for number, (_, cells) in enumerate(rows[:HEADING_ROWS]):
        found: dict[str, int] = {}
        for position, value in sorted(cells.items()):
            if isinstance(value, str):
                key = wanted.get(heading_key(value))
                if key is not None:
                    found.setdefault(key, position)
        if len(found) > len(best):
            index, best = number, found
            if len(found) == len(wanted):
                break
    return index, best


def _other_service(headings: Cells, service: Service) -> str:
    """The other service whose result headings these are, if none of this service's is there. "" if there is no such.

    `Phonics 2026`, or without the year where the headings are those of several years.
    """
    texts = {heading_key(v) for v in headings.values() if isinstance(v, str)}
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

    A column without a heading is ignored, since people write totals and notes beside the table. Results cannot hide in
    it: if a heading of the service was cleared, that column is reported missing. An error value is not a heading
    either.
    """
    by_heading = {heading_key(column.heading): column for column in service.columns}
    columns: dict[str, int] = {}
    unknown: list[tuple[int, str]] = []
    findings: list[Finding] = []
    there = {heading_key(text) for text in headings.values() if isinstance(text, str)}
    absent = [column for key, column in by_heading.items() if key not in there]
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
            unknown.append((position, shown(text)))
            words = messages.unknown_column(service, _likeliest(text, absent))
            findings.append(Finding(Code.UNKNOWN_COLUMN, words, number, shown(text), cell))
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


def _likeliest(heading: str, absent: list[Column]) -> list[Column]:
    """The missing columns that a foreign heading may stand for: the one that has most words with it, or else all."""
    words = _words(heading)
    alike = [(len(words & _words(column.heading)), column) for column in absent]
    most = max((count for count, _ in alike), default=0)
    best = [column for count, column in alike if count == most]
    return best if most and len(best) == 1 else absent


def _words(heading: str) -> set[str]:
    return set("".join(c if c.isalnum() else " " for c in clean(heading).casefold()).split())


def _pupil_rows(rows: Rows, columns: dict[str, int], service: Service) -> Rows:
    """The rows with something to judge: a UPN, a result, or an error that Excel shows in one of our columns.

    Any other row is a note, a school number that was dragged down, or a stray value. It can be ignored without loss: if
    it was a pupil whose UPN was cleared, that pupil is reported as missing.
    """
    upn = columns.get("upn", 0)
    telling = [columns[column.key] for column in service.results if column.key in columns]
    ours = list(columns.values())
    if not upn:
        telling = ours  # without a column of UPNs, every row with something in our columns is taken for a pupil's
    kept: Rows = []
    for row in rows:
        _, cells = row
        if (
            not is_blank(cells.get(upn))
            or any(not is_blank(cells.get(c)) for c in telling)
            or any(isinstance(cells.get(c), ErrorValue) for c in ours)
        ):
            kept.append(row)
    return kept


def looks_like_a_pupil(cells: Cells, columns: dict[str, int]) -> bool:
    """Whether a row may be a pupil's: by its UPN, or a date of birth, or both names beside a school number or a UPN
    with a slip in it.

    Totals, keys of codes and signature lines have none of these. Without a column of UPNs the two cannot be told apart.
    """
    if "upn" not in columns:
        return True
    upn = upn_of(cells.get(columns["upn"]))
    if is_upn(upn) or as_date(cells.get(columns.get("birth_date", 0))) is not None:
        return True
    names = [cells.get(columns.get(key, 0)) for key in ("forename", "surname")]
    if any(is_blank(value) or isinstance(value, ErrorValue) for value in names):
        return False
    slip = not upn or any(c.isdigit() for c in upn)  # "Total", "Key", "Signed" is none
    return slip or school_number(cells.get(columns.get("school", 0))) is not None


def _counted(rows: Rows, column: int) -> dict[Value | None, int]:
    """How many rows have each value in a column."""
    written: dict[Value | None, int] = {}
    for _, cells in rows:
        value = cells.get(column)
        written[value] = written.get(value, 0) + 1
    return written


def _schools(rows: Rows, columns: dict[str, int]) -> tuple[tuple[str, ...], str | None]:
    """The school numbers that the rows name, the commonest first, and the one that more than half of them name.

    A word in that column, as in a row of totals or of repeated headings, names no school.
    """
    column = columns.get("school", 0)
    written = _counted(rows, column)
    if len(written) > 1:
        written = _counted([(number, cells) for number, cells in rows if looks_like_a_pupil(cells, columns)], column)
    named: dict[str, int] = {}
    total = 0
    for value, count in written.items():
        number = school_number(value)
        if number is not None:
            named[number] = named.get(number, 0) + count
        if not is_blank(value) and not isinstance(value, ErrorValue):
            total += count
    # the sort is stable: of equally frequent numbers the first in the file comes first
    schools = sorted(named, key=named.__getitem__, reverse=True)
    return tuple(schools), schools[0] if schools and named[schools[0]] * 2 > total else None
