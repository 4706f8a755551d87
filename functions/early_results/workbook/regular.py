"""The short way through a sheet: rows that are written as every spreadsheet program writes a plain row.

XML has a thousand ways to write the same thing, and the parser that understands all of them takes most of the time of a
check. Nearly every row of nearly every sheet is written in one way: `<row r="5" ...>`, cells in the order `r`, `s`,
`t`, each with a plain `<v>`, printable ASCII throughout. Such rows are well formed by themselves, and mean the same
wherever they stand. So they are taken out of the sheet as text, and the parser gets the rest: what comes before the
first row, and everything from the first row on that is not plain. Each row is read by exactly one of the two.
tests/unit/workbook/test_workbook_regular.py checks that both give the same answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

BEGIN = b"<sheetData>"
# In a comment, a CDATA section or a processing instruction, rows are not rows. None of these may come before the first.
_NOT_YET = re.compile(rb"<[!?]|<(?:row|c)[\s/>]")
_ROW = re.compile(r'<row r="([1-9][0-9]{0,6})"((?: [A-Za-z][A-Za-z0-9:]*="[ !#-%\'-;=-~]*")*)(/?)>')
_NAMES = re.compile(r' ([A-Za-z0-9:]+)="')
_CELL = re.compile(
    r'(<c r="([A-Z]{1,3}[1-9][0-9]{0,6})"(?: s="([0-9]{1,5})")?(?: t="([snbed])")?'
    r"(?:/>|>(?:<v>([ !#-%'-;=?-\\^-~]{0,64})</v>)?</c>))"
)
_END = "</row>"
_BREAKS = re.compile(r"[ \t\r\n]*")
LONGEST_ROW = 256 * 1024  # how many characters may be kept until a row ends

Cell = tuple[str, str, str, str, str]  # as written, reference, style, type, value; "" for what is not there
Take = Callable[[str, list[Cell]], bool]


def sift(chunks: Iterator[bytes], may_begin: Callable[[], bool], take: Take) -> Iterator[bytes]:
    """The sheet without its first plain rows, which go to `take` with their numbers, in order, as they are found.

    `may_begin` is called once, after the parser has read what comes before the first row. It says whether the names
    `row`, `c` and `v` are a sheet's there. From the first row on that is not plain, or that `take` refuses, everything
    is passed on to the parser.
    """
    before, end = b"", -1
    for chunk in chunks:
        before += chunk
        end = before.find(BEGIN) + len(BEGIN)
        if end >= len(BEGIN) or len(before) > LONGEST_ROW:
            break
    head = before[: max(end, 0)]
    plain = end >= len(BEGIN) and not _NOT_YET.search(head, 1)
    if plain:
        yield head
        before = before[end:]
    if plain and may_begin():
        yield from _sifted(before, chunks, take)
    else:
        yield before
        yield from chunks


def _sifted(rest: bytes, chunks: Iterator[bytes], take: Take) -> Iterator[bytes]:
    shapes: dict[str, bool] = {}  # the other attributes of a row, and whether they are allowed there
    while True:
        end = rest.rfind(b"</row>") + len(_END)
        if end >= len(_END):
            whole, rest = rest[:end], rest[end:]
            taken = _take_rows(whole, shapes, take) if whole.isascii() else 0
            if taken < len(whole):
                yield whole[taken:]
                break
        elif len(rest) > LONGEST_ROW:
            break
        chunk = next(chunks, b"")
        if not chunk:
            break
        rest += chunk
    yield rest
    yield from chunks


def _take_rows(whole: bytes, shapes: dict[str, bool], take: Take) -> int:
    """Takes rows as long as they are plain. Gives how many characters they were."""
    text = whole.decode("ascii")
    taken = at = _BREAKS.match(text).end()  # type: ignore[union-attr]  # it matches nothing, too
    while True:
        row = _ROW.match(text, at)
        if row is None:
            return taken
        number, attributes, closed = row.groups()
        plain = shapes.get(attributes)
        if plain is None:
            names = _NAMES.findall(attributes)
            once = len({*names, "r"}) > len(names)
            plain = shapes[attributes] = once and not any(name.startswith("xmlns") for name in names)
        if not plain:
            return taken
        cells: list[Cell] = []
        at = row.end()
        if not closed:
            end = text.find(_END, at)
            if end < 0:
                return taken
            cells = _CELL.findall(text, at, end)
            if sum([len(cell[0]) for cell in cells]) != end - at:
                return taken
            at = end + len(_END)
        if not take(number, cells):
            return taken
        taken = at = _BREAKS.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing, too
