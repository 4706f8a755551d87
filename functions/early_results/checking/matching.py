"""An export of a management information system, or a list of the school's own, matched to a service's columns.

The program never matches a column silently: it shows a proposal, and uses only what a person has accepted or named.
Pupils are found by UPN. Of an export only results are taken over: names and birth dates come from the roster.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from early_results.checking.cells import clean, heading_key, is_blank, result_of, upn_of
from early_results.checking.mark import Repair
from early_results.workbook import ErrorValue, Value, open_workbook

if TYPE_CHECKING:
    from early_results.checking.roster import Roster
    from early_results.service import Column, Service
    from early_results.workbook import Rows

MOST_BYTES = 10 * 1024 * 1024
MOST_LINES = 20_000
FIRST_ROWS = 5  # that are shown as they will be read
HEADING_ROWS = 50  # how many rows are searched for the headings
_UPN = frozenset({"upn", "uniquepupilnumber", "uniquepupilnumber(upn)", "pupilupn", "upnnumber"})


class NotMatched(ValueError):
    """The export cannot be matched; the message says why, for the person who has it. It quotes no pupil's value."""


class Export(NamedTuple):
    """A table as it was exported: its headings by 1-based column, and its rows with their numbers."""

    headings: dict[int, str]
    rows: Rows


# Which code a word stands for, by the column's key and the word in lower case: what a person has said.
Codes = Mapping[tuple[str, str], str]


class Matched(NamedTuple):
    """What an export comes to: each pupil's results by column key, and what a person should be told.

    `unknown` are the rows of pupils who are not on the roster, `repeated` the rows of pupils who are on an earlier row.
    `rows` are the first rows as they are read, by row number.
    """

    results: dict[str, dict[str, Value]]
    rows: dict[int, dict[str, Value]]
    repaired: tuple[Repair, ...]
    unknown: tuple[int, ...]
    repeated: tuple[int, ...]


def read_export(data: bytes) -> Export:
    """The table of a CSV file or a workbook, found by its column of UPNs. NotMatched; Unreadable for a bad workbook."""
    if len(data) > MOST_BYTES:
        raise NotMatched("The file is too large to be one school's results.")
    if not data.startswith(b"PK"):
        return _table(_csv_rows(data))
    book = open_workbook(data)
    for sheet in book.sheets:
        rows = book.rows(sheet)
        if sheet.state == "visible" and _upn_row(rows) is not None:
            return _table(rows)
    raise NotMatched("No sheet has a column headed UPN, by which the pupils could be found.")


def _csv_rows(data: bytes) -> Rows:
    import csv
    import io

    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", "replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252", "replace")
    if "\0" in text:
        raise NotMatched("The file is neither a workbook nor a CSV file.")
    head = text[:4096]
    mark = max(",;\t", key=head.count)  # of equally frequent separators, the comma
    rows: Rows = []
    try:
        for number, line in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=mark), 1):
            if number > MOST_LINES:
                raise NotMatched(f"The file has more than {MOST_LINES:,} lines.")
            cells: dict[int, Value] = {at: text for at, text in enumerate(line, 1) if text.strip()}
            if cells:
                rows.append((number, cells))
    except csv.Error as error:
        raise NotMatched("The file is not a well-formed CSV file.") from error
    return rows


def _upn_row(rows: Rows) -> int | None:
    for index, (_, cells) in enumerate(rows[:HEADING_ROWS]):
        if any(isinstance(value, str) and heading_key(value) in _UPN for value in cells.values()):
            return index
    return None


def _table(rows: Rows) -> Export:
    at = _upn_row(rows)
    if at is None:
        raise NotMatched("There is no column headed UPN, by which the pupils could be found.")
    headings = {place: " ".join(clean(str(value)).split()) for place, value in rows[at][1].items()}
    return Export(headings, rows[at + 1 :])


def propose(export: Export, service: Service) -> dict[str, int]:
    """Which column of the export may be which of the service's, by key: UPN and results, where one alone fits best."""
    proposed: dict[str, int] = {}
    for place, heading in export.headings.items():
        if heading_key(heading) in _UPN:
            proposed.setdefault("upn", place)
    taken: dict[int, list[tuple[int, str]]] = {}
    for column in service.results:
        fits = sorted(((_fit(heading, column), -place) for place, heading in export.headings.items()), reverse=True)
        if fits and fits[0][0] > 0 and (len(fits) < 2 or fits[0][0] > fits[1][0]):
            taken.setdefault(-fits[0][1], []).append((fits[0][0], column.key))
    for place, wanted in taken.items():
        wanted.sort(reverse=True)
        if len(wanted) == 1 or wanted[0][0] > wanted[1][0]:
            proposed[wanted[0][1]] = place
    return proposed


def wanted(service: Service) -> tuple[Column, ...]:
    """The columns of the template that an export can fill: the one pupils are found by, and results."""
    return tuple(column for column in service.columns if column.key == "upn" or column.kind != "identity")


def recall(export: Export, headings: Mapping[str, str]) -> dict[str, int]:
    """The columns that are headed as they were when the school matched them last, by key. What is not there is not
    guessed: a heading that stands twice is none."""
    places: dict[str, list[int]] = {}
    for place, heading in export.headings.items():
        places.setdefault(heading_key(heading), []).append(place)
    found = {key: places.get(heading_key(heading), []) for key, heading in headings.items()}
    return {key: there[0] for key, there in found.items() if len(there) == 1}


def _fit(heading: str, column: Column) -> int:
    """How well a heading fits a column: 0 if not at all, 100 if it is the column's own heading."""
    if heading_key(heading) == heading_key(column.heading):
        return 100
    words = set("".join(c if c.isalnum() else " " for c in heading.casefold()).split())
    subject = {column.subject_name.casefold(), column.subject.casefold()}
    subject |= {"math", "mathematics"} if "maths" in subject else set()
    subject |= {"spag", "egps"} if "gps" in subject else set()
    if not words & subject:
        return 0
    codes = bool(words & {"ta", "teacher", "assessment", "outcome", "judgement"})
    numbers = bool(words & {"score", "scaled", "ss", "mark", "test"})
    if column.kind == "code":
        return 0 if numbers else 2 + codes
    return 0 if codes else 1 + 2 * numbers


def repairs(export: Export, columns: Mapping[str, int], service: Service) -> tuple[Repair, ...]:
    """The words in the columns of codes that are not codes, each once, with the code that each may stand for."""
    found: dict[tuple[str, str], Repair] = {}
    for column in service.results:
        for _, cells in export.rows:
            value = cells.get(columns.get(column.key, 0))
            if not column.codes or not isinstance(value, str) or isinstance(value, ErrorValue) or is_blank(value):
                continue
            word = clean(value)
            if result_of(value, column) is None and (column.key, word.casefold()) not in found:
                found[column.key, word.casefold()] = Repair(column.key, word, _meant(word, column, service))
    return tuple(found.values())


def _meant(word: str, column: Column, service: Service) -> str:
    """The one code of the column whose meaning has the word; "" if none has, or several have.

    Of several, the one that meets the standard: "Expected" is what people call it. "Met" is not what a meaning with
    "not met" says, however much of it is the same.
    """
    wanted = clean(word).casefold()
    having = [
        code
        for code in service.codes
        if code.code in column.codes
        and wanted in code.meaning.casefold()
        and ("not" in wanted.split()) is ("not" in code.meaning.casefold().split())
    ]
    if len(having) > 1 and set(wanted.split()) & set(service.words.expected.casefold().split()[:1]):
        having = [code for code in having if code.fate == "met"]
    return having[0].code if len(having) == 1 and len(wanted) > 3 else ""


def apply_match(export: Export, columns: Mapping[str, int], codes: Codes, service: Service, roster: Roster) -> Matched:
    """The results of an export, with these columns by key, and these codes for words.

    A value that is neither a result nor repaired is taken over as it is. When the workbook is uploaded, the check tells
    what is wrong in its cell.
    NotMatched without a column of UPNs and one of results.
    """
    ours = [column for column in service.results if column.key in columns]
    if "upn" not in columns or not ours:
        raise NotMatched("Match the column of UPNs, and at least one column of results.")
    known = {pupil.upn for pupil in roster.pupils}
    results: dict[str, dict[str, Value]] = {}
    first_rows: dict[int, dict[str, Value]] = {}
    repaired: dict[Repair, None] = {}
    unknown, repeated = [], []
    for row, cells in export.rows:
        upn = upn_of(cells.get(columns["upn"]))
        given: dict[str, Value] = {}
        for column in ours:
            value = cells.get(columns[column.key])
            if value is None or is_blank(value):
                continue
            exact = result_of(value, column)
            code = codes.get((column.key, clean(str(value)).casefold()), "")
            if exact is None and code in column.codes:
                repaired[Repair(column.key, clean(str(value)), code)] = None
                exact = code
            given[column.key] = value if exact is None else exact
        if len(first_rows) < FIRST_ROWS:
            first_rows[row] = given
        if upn in known and upn not in results:
            results[upn] = given
        elif upn in known:
            repeated.append(row)
        elif upn or given:
            unknown.append(row)
    return Matched(results, first_rows, tuple(repaired), tuple(unknown), tuple(repeated))
