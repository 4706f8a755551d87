"""The parts with the data: shared strings, styles and sheets, each in one pass and as few Python calls as can be.

The handlers are closures over local variables, and the sheet has no handler for the end of an element while it can do
without: together that is most of the difference between this reader and others (benchmarks/results/reading.md).
"""

from __future__ import annotations

from typing import Any, NamedTuple, NoReturn

from ..findings import column_letters
from .limits import PASTE_INTO_TEMPLATE, Budget, damaged, too_large
from .package import Package
from .regular import Cell, sift
from .values import (
    UNCALCULATED,
    Memo,
    Value,
    boolean,
    error,
    is_date_format,
    iso,
    moment,
    moment_1904,
    number,
    picture,
    unescape,
)
from .xml import SEPARATOR, create_parser, feed, local_name

MAIN_NAMESPACES = frozenset(
    {
        "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
        "http://purl.oclc.org/ooxml/spreadsheetml/main",  # Strict
    }
)

# Formats that Excel knows by number alone: dates and times. 46 is a duration; 27-36 and 50-58 are East Asian dates.
_DATE_FORMATS = frozenset(map(str, (*range(14, 23), *range(27, 37), 45, 47, *range(50, 59))))
_SHORT = 26  # of strings up to this length only the number is bounded: adding up their lengths would cost more
_LONGEST_FORMAT = 255  # Excel's own limit

Rows = list[tuple[int, dict[int, Value]]]
_PICTURE = "\0"  # stands for a type of cells that no file can contain


class Area(NamedTuple):
    """Cells that are merged into one, which shows the first one's value: first and last row and column, 1-based."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int


class Contents(NamedTuple):
    """What is on a sheet: its rows, the places (row, column) whose value a formula gave, and the merged areas."""

    rows: Rows
    formulas: frozenset[tuple[int, int]]
    merged: tuple[Area, ...]


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
    left = budget.elements
    item = text = guide = ""

    def start(name: str, _attributes: object) -> None:
        nonlocal phonetic, left, item, text, guide
        left -= 1
        if name == text:
            texts.clear()
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
            whole = pieces[0] if len(pieces) == 1 else "".join(pieces)
            pieces.clear()
            if len(whole) > _SHORT:
                budget.text(whole)
            strings.append((unescape(whole) if "_x" in whole else whole) or None)
        elif name == guide:
            phonetic -= 1
        texts.clear()

    def bounded() -> None:
        if left < 0:
            budget.no_elements()
        if len(strings) > limits.strings:
            too_large(f"it holds more than {limits.strings:,} different texts", PASTE_INTO_TEMPLATE)
        if len(pieces) > limits.string_length:
            budget.too_long()

    parser = create_parser(budget)
    parser.ordered_attributes = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = texts.append
    bounded()  # a part that was read before may have used up the budget
    try:
        feed(parser, package.chunks(part), texts, budget, bounded)
    finally:
        budget.elements = left

    def by_number(index: str) -> Value | None:
        """For an index with spaces or zeros around it, and for a wrong one. An empty index is a blank."""
        if not index.strip():
            return None
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


class _UnusualSheet(Exception):
    """The sheet must be read again carefully: a prefix changes its meaning, or a cell's type has an unusual place."""


def read_sheet(
    package: Package, part: str, strings: Memo | None, numbers: Numbers, budget: Budget, *, pictures: bool = False
) -> Contents:
    """The cells of a sheet that hold something, by true row and column. `pictures`: whether cells may hold any.

    Rows and cells may come in any order. If a row or a cell comes twice, its later values replace the earlier ones, but
    a later blank replaces nothing. If a cell's reference names another row than the one it is in, the reference counts.
    A row or cell without a reference follows the one before. Raises Unreadable.
    """
    try:
        # Expat takes a fifth longer if it puts the namespace before every name. Nearly all sheets declare all their
        # namespaces on the root, so that the prefix alone tells which namespace is meant.
        return _read_sheet(package, part, strings, numbers, budget, pictures, careful=False)
    except _UnusualSheet:
        return _read_sheet(package, part, strings, numbers, budget, pictures, careful=True)


def _read_sheet(
    package: Package,
    part: str,
    strings: Memo | None,
    numbers: Numbers,
    budget: Budget,
    pictures: bool,
    *,
    careful: bool,
) -> Contents:
    limits = budget.limits
    rows: dict[int, dict[int, Value]] = {}
    cells: dict[int, Value] = {}
    row = column = 0
    row_text = ""
    last_row = limits.rows
    usual_row = ["none yet"]  # the names of the attributes of the last row that was checked and has its number first
    left = budget.elements
    # What the parser has given of a row: the attributes of a cell, None where its <v> begins, and text. One loop at the
    # end of the row handles them all, which takes half the time of handling each when the parser gives it.
    events: list[Any] = []  # list[str] | None | str
    texts: list[str] = []
    pieces: list[str] = []
    exact = False  # whether this cell has its text in the sheet itself, so that every space of it matters
    phonetic = 0
    pending: Memo | None = None  # what the text of this cell will mean
    live: Memo | None = None  # the same, once its <v> has begun
    cell = value = line = text = inline = guide = formula = merge = ""
    formulas: dict[tuple[int, int], bool] = {}  # by place: whether a value is stored, which may be an empty text
    merged: list[Area] = []
    prefixes: set[str] = set()
    add = events.append
    names = _FIRST_NAMES
    shared = Memo(_no_strings) if strings is None else strings
    typed: dict[str, Memo] = {"b": Memo(boolean), "e": Memo(error), "d": Memo(iso)}
    typed[_PICTURE] = Memo(picture) if pictures else typed["e"]

    def settle() -> None:
        """Turns what has been read into cells.

        A text includes the white space up to the next element, which does not change a number or an index. A number
        always comes in one piece: neither `feed` nor the parser splits a text that is so short.
        """
        nonlocal pending, live, column, left
        left -= len(events)
        meaning, begun, place, into, digits = pending, live, column, cells, row_text
        for event in events:
            if event is None:
                begun = meaning
                meaning = None
            elif type(event) is str:
                if begun is not None:
                    found = begun[event]
                    # at the end of a chunk the white space up to the next element comes as a text of its own
                    begun = None
                    if found is not None:
                        into[place] = found
            else:
                begun = None
                place += 1
                style: str | None
                kind: str | None
                reference: str | None
                try:
                    first, reference, second, style, third, kind = event
                    usual = first == "r" and second == "s" and third == "t"
                except ValueError:
                    usual = False
                if not usual:
                    reference, style, kind = unusual(event)
                if place > 64 or reference != names[place] + digits:
                    column = place
                    locate(reference)
                    place, into, digits = column, cells, row_text
                if kind == "s":
                    meaning = shared
                elif kind is None or kind == "n":
                    meaning = numbers[style]
                else:
                    meaning = typed.get(kind)
                    if meaning is None and not exact:
                        raise _UnusualSheet  # a cell with its own text, which start() did not recognise
        pending, live, column = meaning, begun, place
        events.clear()

    def go(to: int) -> None:
        """Makes a row the current one."""
        nonlocal cells, row
        if cells:
            rows[row] = cells
        cells = rows.get(to) or {}
        row = to

    def locate(reference: str | None) -> None:
        """For a reference that is not simply the next column of the row."""
        nonlocal column, row_text
        if reference is None:
            if column > limits.columns or not row:
                _misplaced()
            return
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

    def start(name: str, attributes: list[str]) -> None:
        nonlocal live, cells, row, row_text, column, left
        if name == cell:
            last = attributes[-1] if attributes else ""
            if last == "str" or last == "inlineStr" or (careful and is_text(attributes)):  # noqa: PLR1714 - no hashing
                settle()
                text_begins()
                add(attributes)
                settle()
            else:
                add(attributes)
        elif name == value and not attributes:
            add(None)
        elif (
            name == line
            and attributes[::2] == usual_row
            and attributes[1] == (following := str(row + 1))
            and row < last_row
        ):  # begin_row() and go(), written out for the row that simply follows
            settle()
            live = None
            left -= 1
            if cells:
                rows[row] = cells
            row += 1
            cells = rows.get(row) or {}
            row_text = following
            column = 0
        else:
            settle()
            live = None
            left -= 1
            other(name, attributes)

    def unusual(attributes: list[str]) -> tuple[str | None, str | None, str | None]:
        """The reference, style and type of a cell."""
        found = dict(zip(attributes[::2], attributes[1::2], strict=True))
        check_prefixes(found)
        kind = found.get("t")
        return found.get("r"), found.get("s"), _PICTURE if kind == "e" and "vm" in found else kind

    def is_text(attributes: list[str]) -> bool:
        kind = dict(zip(attributes[::2], attributes[1::2], strict=True)).get("t", "n")
        return kind not in ("n", "s") and kind not in typed

    def text_begins() -> None:
        """A cell with its own text begins: until it ends, the end of each element is handled too."""
        nonlocal exact, phonetic
        pieces.clear()
        texts.clear()
        phonetic = 0
        exact = True
        parser.StartElementHandler = start_in_text
        parser.CharacterDataHandler = texts.append
        parser.EndElementHandler = end

    def text_ends() -> None:
        nonlocal exact
        exact = False
        parser.StartElementHandler = start
        parser.CharacterDataHandler = add
        parser.EndElementHandler = None

    def start_in_text(name: str, attributes: list[str]) -> None:
        nonlocal left, phonetic
        texts.clear()
        if name in (cell, line):  # a cell in a cell
            text_ends()
            start(name, attributes)
            return
        left -= 1
        if attributes or ":" in name:
            check_prefixes(dict(zip(attributes[::2], attributes[1::2], strict=True)), name)
        if name == guide:
            phonetic += 1
        elif name == inline:
            pieces.clear()
        elif name == formula:
            formulas.setdefault((row, column), False)
        elif name == value and (row, column) in formulas:
            formulas[row, column] = True

    def other(name: str, attributes: list[str]) -> None:
        """The elements that are not a cell or a plain value."""
        nonlocal pending, live, usual_row
        if name == line:
            if attributes[::2] != usual_row:
                check_prefixes(dict.fromkeys(attributes[::2], ""))
                if attributes and attributes[0] == "r":
                    usual_row = attributes[::2]
            begin_row(attributes)
            return
        if not cell:
            begin_sheet(name, attributes)
            return
        check_prefixes(dict(zip(attributes[::2], attributes[1::2], strict=True)), name)
        if name == value:
            live = pending
            pending = None
        elif name == formula:
            formulas.setdefault((row, column), False)
        elif name == inline:  # where the cell lacks its t="inlineStr"
            text_begins()
        elif name == merge:
            area = _area(dict(zip(attributes[::2], attributes[1::2], strict=True)).get("ref", ""))
            if area is not None:
                merged.append(area)

    def begin_row(attributes: list[str]) -> None:
        nonlocal column, row_text
        if not attributes or attributes[0] == "r":
            reference = attributes[1] if attributes else None
        else:
            reference = dict(zip(attributes[::2], attributes[1::2], strict=True)).get("r")
        if reference is None:
            to = row + 1
        elif reference.isascii() and reference.isdigit() and len(reference) <= 7:
            to = int(reference)
        else:
            _misplaced()
        if not 0 < to <= limits.rows:
            _misplaced()
        go(to)
        row_text = str(to)
        column = 0

    def begin_sheet(name: str, attributes: list[str]) -> None:
        nonlocal cell, value, line, text, inline, guide, formula, merge
        if not careful:
            prefix = name.rpartition(":")[0]
            declared = {k: v for k, v in zip(attributes[::2], attributes[1::2], strict=True) if k.startswith("xmlns")}
            prefixes.update(key.rpartition(":")[2] for key in declared if key != "xmlns")
            namespace = declared.get(f"xmlns:{prefix}" if prefix else "xmlns", "")
            root_namespace(namespace + SEPARATOR + name.rpartition(":")[2], "worksheet")
            if list(declared.values()).count(namespace) > 1:
                raise _UnusualSheet
            before = prefix + ":" if prefix else ""
        else:
            before = root_namespace(name, "worksheet")
        cell, value, line = before + "c", before + "v", before + "row"
        text, inline, guide = before + "t", before + "is", before + "rPh"
        formula, merge = before + "f", before + "mergeCell"

    def check_prefixes(attributes: dict[str, str], name: str = "") -> None:
        """Raises _UnusualSheet if a prefix no longer means what it means on the root.

        What an element of another namespace declares for itself is ignored.
        """
        if careful:
            return
        for key, declared in attributes.items():
            if key.startswith("xmlns"):
                if not name or declared in MAIN_NAMESPACES or key == "xmlns" or key[6:] in prefixes:
                    raise _UnusualSheet
                prefixes.add(key[6:])
        prefix, colon, _ = name.partition(":")
        if colon and prefix not in prefixes:
            raise _UnusualSheet

    def end(name: str) -> None:
        """The end of an element; the parser calls it only while a cell with its own text is being read."""
        nonlocal phonetic
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
            pieces.clear()
            text_ends()
        texts.clear()

    def bounded() -> None:
        settle()
        if left < 0:
            budget.no_elements()

    def take(number: str, found: list[Cell]) -> bool:
        """Takes a plain row. False, and nothing taken, if it does not come after all rows before it."""
        nonlocal row, row_text, column, cells, left
        to, place, into = int(number), 0, dict[int, Value]()
        if not row < to <= last_row:
            return False
        left -= 1 + 2 * len(found)
        if left < 0:
            budget.no_elements()
        for _, reference, style, kind, text_of_value in found:
            place += 1
            if place > 64 or reference != names[place] + number:
                letters = reference.rstrip("0123456789")
                place = column_number(letters)
                if reference[len(letters) :] != number or not 0 < place <= limits.columns:
                    return False
            if text_of_value:
                meaning = shared if kind == "s" else typed[kind] if kind in typed else numbers[style]
                known = meaning[text_of_value]
                if known is not None:
                    into[place] = known
        if into:
            rows[to] = into
        row, row_text, column, cells = to, number, place, into
        return True

    parser = create_parser(budget, namespaces=careful)
    parser.ordered_attributes = True
    parser.StartElementHandler = start
    parser.CharacterDataHandler = add
    bounded()  # a part that was read before may have used up the budget
    chunks = package.chunks(part)
    if not careful:
        chunks = sift(chunks, lambda: (cell, value, line) == ("c", "v", "row"), take)
    try:
        feed(parser, chunks, texts, budget, bounded)
    finally:
        budget.elements = left
    settle()
    go(0)
    for (at, place), stored in formulas.items():
        if not stored:
            rows.setdefault(at, {}).setdefault(place, UNCALCULATED)
    return Contents(sorted(rows.items()), frozenset(formulas), tuple(merged))


def _no_strings(index: str) -> Value | None:
    if not index.strip():
        return None  # a blank refers to no text
    damaged("the part with its texts is missing")


def column_number(letters: str) -> int:
    """The 1-based number of a column's letters in either case: A is 1, XFD is 16384. 0 if they are no column."""
    if not 0 < len(letters) <= 3 or not letters.isascii() or not letters.isalpha():
        return 0
    result = 0
    for letter in letters.upper():
        result = result * 26 + ord(letter) - 64
    return result


def _area(reference: str) -> Area | None:
    """The cells that `L2:L5` names. None for a single cell, and for a text that names no area."""
    corners = []
    for corner in reference.replace("$", "").split(":"):
        letters = corner.rstrip("0123456789")
        digits = corner[len(letters) :]
        column = column_number(letters)
        if not column or not 0 < len(digits) <= 7:
            return None
        corners.append((int(digits), column))
    if len(corners) != 2 or corners[0] == corners[1]:
        return None
    (row, column), (other_row, other_column) = corners
    return Area(min(row, other_row), min(column, other_column), max(row, other_row), max(column, other_column))


def _misplaced() -> NoReturn:
    damaged("one of its cells or rows is at a place that no sheet has")
