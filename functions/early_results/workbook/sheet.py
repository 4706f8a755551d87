"""A sheet, read in one pass and as few Python calls as can be.

The handler that the parser calls for every cell is a closure over local variables, and there is no handler for the end
of an element while the sheet can do without: together that is most of the difference between this reader and others
(benchmarks/results/reading.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, NoReturn

from ..findings import column_letters
from .limits import Budget, Unreadable, damaged
from .package import Package
from .regular import Cell, sift
from .shared import MAIN_NAMESPACES, Numbers, root_namespace
from .values import UNCALCULATED, Memo, Value, boolean, error, iso, picture, unescape
from .xml import SEPARATOR, create_parser, feed

Rows = list[tuple[int, dict[int, Value]]]
Start = Callable[[str, list[str]], None]  # what the parser calls where an element begins
_SPARE = 8  # so many pieces of white space between elements count as one element
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


_FIRST_NAMES = ("", *(column_letters(column) for column in range(1, 65)))


class _UnusualSheet(Exception):
    """The sheet must be read again carefully.

    A prefix changes its meaning, a cell's type has an unusual place, or a text may not be the value that it follows.
    """


class _Spent(Memo):
    """What further text means once a value has its text: nothing, as long as it is white space."""

    __slots__ = ()

    def __missing__(self, text: str) -> None:
        # The rest of the value, or a text outside every cell: only the end of the value would tell.
        if self.convert(text):
            raise _UnusualSheet
        if len(text) < 16:
            self[text] = None


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
        return _SheetReader(strings, numbers, budget, pictures=pictures, careful=False).read(package, part)
    except _UnusualSheet:
        return _SheetReader(strings, numbers, budget, pictures=pictures, careful=True).read(package, part)


class _Names(NamedTuple):
    """The names of a sheet's elements as the parser gives them, with whatever stands before them in this sheet."""

    cell: str
    value: str
    line: str
    text: str
    inline: str
    guide: str
    formula: str
    merge: str


def _names(before: str) -> _Names:
    return _Names(*(before + name for name in ("c", "v", "row", "t", "is", "rPh", "f", "mergeCell")))


_NO_NAMES = _Names(*([""] * 8))  # before the root


class _Prefixes:
    """What the prefixes of a sheet mean, where the parser gives names as they are written.

    The root says it for the whole sheet. A sheet in which that changes on the way is unusual.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: set[str] = set()

    def before_names(self, root: str, attributes: dict[str, str]) -> str:
        """What stands before the names of a sheet's elements. Raises Unreadable if this is the root of no sheet."""
        prefix = root.rpartition(":")[0]
        declared = {key: value for key, value in attributes.items() if key.startswith("xmlns")}
        self._known.update(key.rpartition(":")[2] for key in declared if key != "xmlns")
        namespace = declared.get(f"xmlns:{prefix}" if prefix else "xmlns", "")
        root_namespace(namespace + SEPARATOR + root.rpartition(":")[2], "worksheet")
        if list(declared.values()).count(namespace) > 1:
            raise _UnusualSheet
        return prefix + ":" if prefix else ""

    def check(self, attributes: Mapping[str, str], name: str = "") -> None:
        """Raises _UnusualSheet if a prefix no longer means what it means on the root.

        What an element of another namespace declares for itself is ignored.
        """
        for key, declared in attributes.items():
            if key.startswith("xmlns"):
                if not name or declared in MAIN_NAMESPACES or key == "xmlns" or key[6:] in self._known:
                    raise _UnusualSheet
                self._known.add(key[6:])
        prefix, colon, _ = name.partition(":")
        if colon and prefix not in self._known:
            raise _UnusualSheet


class _Resolved(_Prefixes):
    """The same where the parser gives every name with its namespace: then no prefix can change a meaning."""

    __slots__ = ()

    def before_names(self, root: str, attributes: dict[str, str]) -> str:
        return root_namespace(root, "worksheet")

    def check(self, attributes: Mapping[str, str], name: str = "") -> None:
        return


class _SheetReader:
    """Reads one sheet once. Its attributes are where the reading stands, between one handler and the next."""

    __slots__ = (
        "_blank",
        "_budget",
        "_careful",
        "_cells",
        "_column",
        "_end_in_text",
        "_events",
        "_exact",
        "_formulas",
        "_left",
        "_limits",
        "_live",
        "_merged",
        "_names",
        "_numbers",
        "_parser",
        "_pending",
        "_pieces",
        "_prefixes",
        "_row",
        "_row_text",
        "_rows",
        "_shared",
        "_spent",
        "_start",
        "_start_in_text",
        "_texts",
        "_typed",
        "_usual_row",
    )

    def __init__(
        self, strings: Memo | None, numbers: Numbers, budget: Budget, *, pictures: bool, careful: bool
    ) -> None:
        self._budget = budget
        self._limits = budget.limits
        self._left = budget.elements
        self._careful = careful
        self._prefixes = _Resolved() if careful else _Prefixes()
        self._names = _NO_NAMES
        self._start: Start = self._begin_sheet
        self._start_in_text: Start = self._begin_sheet
        self._end_in_text: Callable[[str], None] | None = None
        self._parser = create_parser(budget, namespaces=careful)
        # What the text of a cell means, by its type.
        self._shared = Memo(_no_strings) if strings is None else strings
        self._numbers = numbers
        self._spent = _Spent(str.strip)
        self._typed: dict[str, Memo] = {"b": Memo(boolean), "e": Memo(error), "d": Memo(iso)}
        self._typed[_PICTURE] = Memo(picture) if pictures else self._typed["e"]
        # What has been read.
        self._rows: dict[int, dict[int, Value]] = {}
        self._formulas: dict[tuple[int, int], bool] = {}  # by place: whether a value is stored, maybe an empty text
        self._merged: list[Area] = []
        # Where the reading is.
        self._row = self._column = 0
        self._row_text = ""
        self._cells: dict[int, Value] = {}  # of the current row
        # The names of the attributes of the last row that was checked and has its number first.
        self._usual_row = ["none yet"]
        # What the parser has given of a row: the attributes of a cell, None where its <v> begins, and text. One loop at
        # the end of the row handles them all, which takes half the time of handling each when the parser gives it.
        self._events: list[Any] = []  # list[str] | None | str
        self._blank: re.Pattern[bytes] | None = None  # finds a value without text of its own
        self._pending: Memo | None = None  # what the text of this cell will mean
        self._live: Memo | None = None  # the same, once its <v> has begun
        # Of a cell that has its text in the sheet itself.
        self._exact = False  # whether this is one, so that every space of it matters
        self._texts: list[str] = []
        self._pieces: list[str] = []

    def read(self, package: Package, part: str) -> Contents:
        """Reads the sheet. Raises Unreadable, and _UnusualSheet unless it is read carefully."""
        parser = self._parser
        parser.ordered_attributes = True
        # The parser joins texts across the ends of elements that nobody asks for. Unjoined, a value's text ends where
        # the value does.
        parser.buffer_text = self._careful
        self._bounded(b"")  # a part that was read before may have used up the budget
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._value_ends if self._careful else None
        parser.CharacterDataHandler = self._events.append
        chunks = package.chunks(part)
        if not self._careful:
            chunks = sift(chunks, self._is_plain, self._take)
        try:
            feed(parser, chunks, self._texts, self._budget, self._bounded)
        finally:
            self._budget.elements = self._left
            self._start = (
                _nothing  # it refers to this reader, and would keep the sheet until the garbage collector runs
            )
        self._settle()
        self._go(0)
        for (at, place), stored in self._formulas.items():
            if not stored:
                self._rows.setdefault(at, {}).setdefault(place, UNCALCULATED)
        return Contents(sorted(self._rows.items()), frozenset(self._formulas), tuple(self._merged))

    def _bounded(self, piece: bytes) -> None:
        # Text after a value without text would be taken for its own. In UTF-16 there is nothing to find.
        if not self._careful and ((self._blank is not None and self._blank.search(piece)) or b"\0" in piece):
            raise _UnusualSheet
        text = self._last_text() if self._careful else ""
        self._settle()
        if text and self._live is not None:
            self._events.append(text)  # the piece ends within a value, and the rest of its text comes with the next
        if self._left < 0:
            self._budget.no_elements()

    # The beginning of an element.

    def _begin_sheet(self, name: str, attributes: list[str]) -> None:
        self._left -= 1
        before = self._prefixes.before_names(name, _pairs(attributes))
        self._names = _names(before)
        if not self._careful:
            if not before.isascii():  # its bytes are those of an encoding that only the parser knows
                raise _UnusualSheet
            self._blank = re.compile(rb"<%bv(?!>[^<])" % re.escape(before.encode()))
        self._start_in_text, self._end_in_text = self._in_text()
        self._start = self._parser.StartElementHandler = self._cell_or_value()

    def _cell_or_value(self) -> Start:
        """The handler that the parser calls most: a closure, since its own variables are what it has at hand."""
        cell, value, line = self._names.cell, self._names.value, self._names.line
        add, careful = self._events.append, self._careful

        def start(name: str, attributes: list[str]) -> None:
            if name == cell:
                last = attributes[-1] if attributes else ""
                own = last == "str" or last == "inlineStr"  # noqa: PLR1714 - no hashing
                if own or (careful and self._is_text(attributes)):
                    add(attributes)
                    self._text_begins()
                    self._settle()
                else:
                    add(attributes)
            elif name == value and not attributes:
                add(None)
            elif name == line:
                self._begin_row(attributes)
            else:
                self._other(name, attributes)

        return start

    def _is_text(self, attributes: list[str]) -> bool:
        kind = _pairs(attributes).get("t", "n")
        return kind not in ("n", "s") and kind not in self._typed

    def _begin_row(self, attributes: list[str]) -> None:
        self._settle()
        self._live = None
        self._left -= 1
        names = attributes[::2]
        if names != self._usual_row:
            self._prefixes.check(dict.fromkeys(names, ""))
            if names[:1] == ["r"]:
                self._usual_row = names
        to = _row_number(attributes, self._row, self._limits.rows)
        self._go(to)
        self._row_text = str(to)
        self._column = 0

    def _other(self, name: str, attributes: list[str]) -> None:
        """The elements that are not a cell, a row or a plain value."""
        self._settle()
        self._live = None
        self._left -= 1
        names = self._names
        self._prefixes.check(_pairs(attributes), name)
        if name == names.value:
            self._live = self._pending
            self._pending = None
        elif name == names.formula:
            self._formulas.setdefault((self._row, self._column), False)
        elif name == names.inline:  # where the cell lacks its t="inlineStr"
            self._text_begins()
        elif name == names.merge:
            area = _area(_pairs(attributes).get("ref", ""))
            if area is not None:
                self._merged.append(area)

    # From what was read to cells.

    def _settle(self) -> None:
        """Turns what has been read into cells.

        A number nearly always comes in one piece: neither `feed` nor the parser splits a text that is so short, unless
        it is written with line breaks or references to characters. Such a sheet is unusual.
        """
        events = self._events
        spare = 0  # texts that are no value: white space between elements
        meaning, begun, place, into, digits = self._pending, self._live, self._column, self._cells, self._row_text
        names, numbers, shared, typed, spent = _FIRST_NAMES, self._numbers, self._shared, self._typed, self._spent
        try:
            for event in events:
                if event is None:
                    begun = meaning
                    meaning = None
                elif type(event) is str:
                    if begun is not None:
                        found = begun[event]
                        begun = spent
                        if found is not None:
                            into[place] = found
                        else:
                            spare += 1
                    else:
                        spare += 1
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
                        reference, style, kind = self._unusual(event)
                    if place > 64 or reference != names[place] + digits:
                        self._column = place
                        self._locate(reference)
                        place, into, digits = self._column, self._cells, self._row_text
                    if kind == "s":
                        meaning = shared
                    elif kind is None or kind == "n":
                        meaning = numbers[style]
                    else:
                        meaning = typed.get(kind)
                        if meaning is None and not (self._exact and event is events[-1]):
                            raise _UnusualSheet  # a cell with its own text, which was not recognised when it began
        except Unreadable:
            # The text may stand outside every cell. Only a careful reading tells whether the file is to blame.
            if self._careful:
                raise
            raise _UnusualSheet from None
        self._pending, self._live, self._column = meaning, begun, place
        self._left -= len(events) - spare + spare // _SPARE
        events.clear()

    def _value_ends(self, name: str) -> None:
        """The handler of the end of an element in a sheet that is read carefully."""
        if name == self._names.value:
            text = self._last_text()
            if text:
                self._events.append(text)
            self._settle()
            self._live = None

    def _last_text(self) -> str:
        """Takes the text that ends what was read. The parser gives it in parts: what it has at the end of each piece.

        Raises Unreadable if it is too long.
        """
        events = self._events
        begin = len(events)
        while begin and type(events[begin - 1]) is str:
            begin -= 1
        text = "".join(events[begin:])
        del events[begin:]
        if len(text) > self._limits.string_length and (self._live is not None or (begin and events[-1] is None)):
            damaged("one of its numbers, dates or references to texts is longer than any spreadsheet program writes")
        return text

    def _unusual(self, attributes: list[str]) -> tuple[str | None, str | None, str | None]:
        """The reference, style and type of a cell."""
        found = _pairs(attributes)
        self._prefixes.check(found)
        kind = found.get("t")
        return found.get("r"), found.get("s"), _PICTURE if kind == "e" and "vm" in found else kind

    def _go(self, to: int) -> None:
        """Makes a row the current one."""
        if self._cells:
            self._rows[self._row] = self._cells
        self._cells = self._rows.get(to) or {}
        self._row = to

    def _locate(self, reference: str | None) -> None:
        """For a reference that is not simply the next column of the row."""
        limits = self._limits
        if reference is None:
            if self._column > limits.columns or not self._row:
                _misplaced()
            return
        letters = reference.rstrip("0123456789")
        digits = reference[len(letters) :]
        self._column = column_number(letters)
        if not 0 < self._column <= limits.columns or not digits or len(digits) > 7:
            _misplaced()
        if digits != self._row_text:
            to = int(digits)
            if not 0 < to <= limits.rows:
                _misplaced()
            self._go(to)
            self._row_text = str(to)

    # A cell with its own text: until it ends, the end of each element is handled too.

    def _text_begins(self) -> None:
        self._pieces.clear()
        self._texts.clear()
        self._exact = True
        self._parser.StartElementHandler = self._start_in_text
        self._parser.CharacterDataHandler = self._texts.append
        self._parser.EndElementHandler = self._end_in_text

    def _text_ends(self) -> None:
        self._exact = False
        self._parser.StartElementHandler = self._start
        self._parser.CharacterDataHandler = self._events.append
        self._parser.EndElementHandler = self._value_ends if self._careful else None

    def _in_text(self) -> tuple[Start, Callable[[str], None]]:
        """The handlers of the beginning and of the end of an element in such a cell."""
        cell, value, line, text, inline, guide, formula, _ = self._names
        texts, pieces, formulas = self._texts, self._pieces, self._formulas
        phonetic = 0

        def start(name: str, attributes: list[str]) -> None:
            nonlocal phonetic
            texts.clear()
            if name in (cell, line):  # a cell in a cell
                phonetic = 0
                self._text_ends()
                self._start(name, attributes)
                return
            self._left -= 1
            if attributes or ":" in name:
                self._prefixes.check(_pairs(attributes), name)
            if name == guide:
                phonetic += 1
            elif name == inline:
                pieces.clear()
            elif name == formula:
                formulas.setdefault((self._row, self._column), False)
            elif name == value and (self._row, self._column) in formulas:
                formulas[self._row, self._column] = True

        def end(name: str) -> None:
            nonlocal phonetic
            if name in (value, text):
                if not phonetic:
                    pieces.extend(texts)
            elif name == guide:
                phonetic -= 1
            elif name == cell:
                whole = "".join(pieces)
                if whole:
                    self._budget.text(whole)
                    self._cells[self._column] = unescape(whole)
                pieces.clear()
                phonetic = 0
                self._text_ends()
            texts.clear()

        return start, end

    # The short way (`regular.py`).

    def _is_plain(self) -> bool:
        """Whether nothing stands before the names of this sheet's elements."""
        return self._names == _names("")

    def _take(self, number: str, found: list[Cell]) -> bool:
        """Takes a plain row. False, and nothing taken, if it does not come after all rows before it."""
        to, place, into = int(number), 0, dict[int, Value]()
        if not self._row < to <= self._limits.rows:
            return False
        self._left -= 1 + 2 * len(found)
        if self._left < 0:
            self._budget.no_elements()
        names, shared, typed, numbers = _FIRST_NAMES, self._shared, self._typed, self._numbers
        for _, reference, style, kind, text_of_value in found:
            place += 1
            if place > 64 or reference != names[place] + number:
                letters = reference.rstrip("0123456789")
                place = column_number(letters)
                if reference[len(letters) :] != number or not 0 < place <= self._limits.columns:
                    return False
            if text_of_value:
                meaning = shared if kind == "s" else typed[kind] if kind in typed else numbers[style]
                known = meaning[text_of_value]
                if known is not None:
                    into[place] = known
        if into:
            self._rows[to] = into
        self._row, self._row_text, self._column, self._cells = to, number, place, into
        return True


def _pairs(attributes: list[str]) -> dict[str, str]:
    """Attributes as the parser gives them in order, by name."""
    return dict(zip(attributes[::2], attributes[1::2], strict=True))


def _nothing(_name: str, _attributes: list[str]) -> None:
    """The handler of a sheet that has been read."""


def _row_number(attributes: list[str], before: int, most: int) -> int:
    """The number of a row: the one among its attributes, or else the next after the row `before`. Raises Unreadable."""
    first = attributes[:1] == ["r"]
    reference = attributes[1] if first else _pairs(attributes).get("r")
    if reference is None:
        to = before + 1
    elif reference.isascii() and reference.isdigit() and len(reference) <= 7:
        to = int(reference)
    else:
        _misplaced()
    if not 0 < to <= most:
        _misplaced()
    return to


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
