"""The parts with the data: shared strings, styles and sheets, each in one pass and as few Python calls as can be.

The handlers are closures over local variables, and the sheet has no handler for the end of an element while it can do
without: together that is most of the difference between this reader and others (benchmarks/results/reading.md).
"""

from __future__ import annotations

from typing import NoReturn

from ..findings import column_letters
from .limits import DELETE_UNUSED, PASTE_INTO_TEMPLATE, Budget, damaged, too_large
from .package import Package
from .values import Memo, Value, boolean, error, is_date_format, iso, moment, moment_1904, number, unescape
from .xml import SEPARATOR, create_parser, feed, local_name

MAIN_NAMESPACES = frozenset(
    {
        "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
        "http://purl.oclc.org/ooxml/spreadsheetml/main",  # Strict
    }
)

# Formats that Excel knows by number alone: dates and times. 46 is a duration; 27-36 and 50-58 are East Asian dates.
_DATE_FORMATS = frozenset(map(str, (*range(14, 23), *range(27, 37), 45, 47, *range(50, 59))))
_LONGEST_FORMAT = 255  # Excel's own limit

Rows = list[tuple[int, dict[int, Value]]]


def root_namespace(name: str, expected: str) -> str:
    """The namespace of a part's root, with the separator, once the root is what it should be. Raises Unreadable."""
    namespace, _, local = name.rpartition(SEPARATOR)
    if local != expected or namespace not in MAIN_NAMESPACES:
        damaged("one of its parts is not what the workbook says it is")
    return namespace + SEPARATOR


def read_strings(package: Package, part: str, budget: Budget) -> Memo:
    """The shared strings, by their index as a cell writes it. Rich text is joined, phonetic guides are left out."""
    limits = budget.limits
    strings: list[str | None] = []
    texts: list[str] = []
    pieces: list[str] = []
    phonetic = 0
    item = text = guide = ""

    def start(name: str, _attributes: object) -> None:
        nonlocal phonetic, item, text, guide
        budget.element()
        if name == text:
            texts.clear()
        elif name == item:
            pieces.clear()
        elif name == guide:
            phonetic += 1
        elif not item:
            namespace = root_namespace(name, "sst")
            item, text, guide = namespace + "si", namespace + "t", namespace + "rPh"

    def end(name: str) -> None:
        nonlocal phonetic
        if name == text:
            if not phonetic:
                pieces.extend(texts)
        elif name == item:
            whole = "".join(pieces)
            budget.text(whole)
            strings.append(unescape(whole) or None)
            pieces.clear()
            if len(strings) > limits.strings:
                too_large(f"it holds more than {limits.strings:,} different texts", PASTE_INTO_TEMPLATE)
        elif name == guide:
            phonetic -= 1
        texts.clear()

    parser = create_parser(budget)
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = texts.append
    feed(parser, package.chunks(part), texts, budget)

    def by_number(index: str) -> Value | None:
        """For an index written in an unusual way, with spaces or zeros, and for a wrong one."""
        place = number(index)
        if not isinstance(place, int) or not 0 <= place < len(strings):
            damaged("one of its cells refers to a text that is not there")
        return strings[place]

    memo = Memo(by_number)
    memo.update(zip(map(str, range(len(strings))), strings, strict=True))
    return memo


def read_date_styles(package: Package, part: str, budget: Budget) -> frozenset[int]:
    """The numbers of the cell styles that show a number as a date or time."""
    limits = budget.limits
    depth = 0
    section = ""
    codes: dict[str, str] = {}
    formats: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, section
        budget.element()
        depth += 1
        if depth == 1:
            root_namespace(name, "styleSheet")
        elif depth == 2:
            section = local_name(name)
        elif depth == 3:
            if section == "cellXfs":
                formats.append(attributes.get("numFmtId", "0"))
            elif section == "numFmts":
                codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")[:_LONGEST_FORMAT]
                if len(codes) > limits.formats:
                    too_large(f"it has more than {limits.formats:,} number formats of its own", PASTE_INTO_TEMPLATE)

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    parser = create_parser(budget)
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    feed(parser, package.chunks(part), [], budget)
    dates = {name for name in set(formats) if (is_date_format(codes[name]) if name in codes else name in _DATE_FORMATS)}
    return frozenset(style for style, name in enumerate(formats) if name in dates)


class Numbers(dict[str | None, Memo]):
    """What number cells mean, by their style as a cell writes it: plain numbers, or dates."""

    __slots__ = ("_dates", "_plain", "_styles")

    def __init__(self, date_styles: frozenset[int], epoch_1904: bool) -> None:
        super().__init__()
        self._styles = date_styles
        self._plain = Memo(number)
        self._dates = Memo(moment_1904 if epoch_1904 else moment)

    def __missing__(self, style: str | None) -> Memo:
        index = number(style or "0")
        memo = self._dates if isinstance(index, int) and index in self._styles else self._plain
        if len(self) < 70_000:  # Excel has at most 65,490 styles
            self[style] = memo
        return memo


_FIRST_NAMES = ("", *(column_letters(column) for column in range(1, 65)))


def read_sheet(package: Package, part: str, strings: Memo | None, numbers: Numbers, budget: Budget) -> Rows:
    """The cells of a sheet that hold something, by true row and column.

    Rows and cells may come in any order. Where a row or a cell comes twice, its later values replace the earlier ones
    (a later blank replaces nothing); a cell's own reference counts for more than the row it is in; a row or cell
    without a reference follows the one before. Raises Unreadable.
    """
    limits = budget.limits
    rows: dict[int, dict[int, Value]] = {}
    cells: dict[int, Value] = {}
    row = column = count = 0
    row_text = ""
    left = budget.elements
    texts: list[str] = []
    pieces: list[str] = []
    phonetic = 0
    pending: Memo | None = None  # what the text of this cell would mean
    live: Memo | None = None  # the same, once its <v> has begun
    cell = value = line = text = inline = guide = ""
    names = _FIRST_NAMES
    typed: dict[str, Memo] = {"b": Memo(boolean), "e": Memo(error), "d": Memo(iso)}
    if strings is not None:
        typed["s"] = strings

    def settle() -> None:
        """Gives the cell that has just been read its value."""
        nonlocal live, count
        if live is not None and texts:
            found = live["".join(texts)]
            if found is not None:
                cells[column] = found
                count += 1
        live = None
        texts.clear()

    def go(to: int) -> None:
        """Makes a row the current one."""
        nonlocal cells, row
        if cells:
            rows[row] = cells
        if count > limits.cells:
            too_large(f"one of its sheets has more than {limits.cells:,} cells in use", DELETE_UNUSED)
        cells = rows.get(to) or {}
        row = to

    def locate(reference: str) -> None:
        """For a reference that is not simply the next column of the row."""
        nonlocal column, row_text
        letters = reference.rstrip("0123456789")
        digits = reference[len(letters) :]
        column = column_number(letters)
        if not 0 < column <= limits.columns or not digits or len(digits) > 7:
            _misplaced()
        if digits != row_text:
            to = int(digits)
            if not 0 < to <= limits.rows:
                _misplaced()
            go(to)
            row_text = str(to)

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal pending, live, column, row_text, left, count, phonetic
        left -= 1
        if left < 0:
            budget.no_elements()
        if name == cell:
            if live is not None:  # settle(), written out
                if texts:
                    found = live[texts[0]] if len(texts) == 1 else live["".join(texts)]
                    if found is not None:
                        cells[column] = found
                        count += 1
                live = None
            if texts:
                texts.clear()
            column += 1
            reference = attributes.get("r")
            if reference is None:
                if column > limits.columns or not row:
                    _misplaced()
            elif column > 64 or reference != names[column] + row_text:
                locate(reference)
            kind = attributes.get("t")
            if kind == "s":
                pending = strings
                if pending is None:
                    damaged("the part with its texts is missing")
            elif kind is None or kind == "n":
                pending = numbers[attributes.get("s")]
            else:
                pending = typed.get(kind)
                if pending is None:  # a text in the sheet itself: now every space and piece matters
                    pieces.clear()
                    phonetic = 0
                    parser.EndElementHandler = end
        elif name == value:
            if texts:
                texts.clear()
            live = pending
        elif name == line:
            settle()
            row_text = attributes.get("r", "")
            if row_text.isascii() and row_text.isdigit() and len(row_text) <= 7:
                to = int(row_text)
                row_text = str(to)
            elif "r" not in attributes:
                to = row + 1
                row_text = str(to)
            else:
                _misplaced()
            if not 0 < to <= limits.rows:
                _misplaced()
            go(to)
            column = 0
            if parser.EndElementHandler is not None:
                parser.EndElementHandler = None
        else:
            settle()
            other(name)

    def other(name: str) -> None:
        """The elements that are seldom seen."""
        nonlocal cell, value, line, text, inline, guide, phonetic
        if name == inline:
            pieces.clear()
            parser.EndElementHandler = end  # also for a text without its t="inlineStr"
        elif name == guide:
            if parser.EndElementHandler is not None:
                phonetic += 1
        elif not cell:
            namespace = root_namespace(name, "worksheet")
            cell, value, line = namespace + "c", namespace + "v", namespace + "row"
            text, inline, guide = namespace + "t", namespace + "is", namespace + "rPh"

    def end(name: str) -> None:
        """Set while a cell with its text in the sheet is being read."""
        nonlocal count, phonetic
        if name in (value, text):
            if not phonetic:
                pieces.extend(texts)
        elif name == guide:
            phonetic -= 1
        elif name == cell:
            whole = "".join(pieces)
            if whole:
                budget.text(whole)
                cells[column] = unescape(whole)
                count += 1
            pieces.clear()
            parser.EndElementHandler = None
        texts.clear()

    parser = create_parser(budget)
    parser.StartElementHandler = start
    parser.CharacterDataHandler = texts.append
    try:
        feed(parser, package.chunks(part), texts, budget)
    finally:
        budget.elements = left
    settle()
    go(0)
    return sorted(rows.items())


def column_number(letters: str) -> int:
    """The 1-based number of a column's letters in either case, 0 for what is none: A is 1, XFD is 16384."""
    if not 0 < len(letters) <= 3 or not letters.isascii() or not letters.isalpha():
        return 0
    result = 0
    for letter in letters.upper():
        result = result * 26 + ord(letter) - 64
    return result


def _misplaced() -> NoReturn:
    damaged("one of its cells or rows is at a place that no sheet has")
