"""What the sheets of a workbook share: texts and styles, each read in one pass and as few Python calls as can be.

The handlers are closures over local variables: that is much of the difference between this reader and others
(benchmarks/results/reading.md).
"""

from __future__ import annotations

from .limits import PASTE_INTO_TEMPLATE, Budget, damaged, too_large
from .package import Package
from .values import Memo, Value, is_date_format, moment, moment_1904, number, unescape
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

    def bounded(_piece: bytes) -> None:
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
    bounded(b"")  # a part that was read before may have used up the budget
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
