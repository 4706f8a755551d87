"""Reads an Excel workbook (.xlsx) that a stranger sent, exactly and within bounds, with the standard library alone.

    workbook = open_workbook(data)
    for sheet in workbook.sheets:
        for row, cells in workbook.rows(sheet): ...

It gives what Excel shows: the stored value of a formula, the date behind a date format, every row by its true number.
A file that departs from the standard is read as Excel reads it. A file that Excel refuses is refused here too, in words
for the person who sent it. `Unreadable` is the only exception of this package; reading the source itself may raise its
own.
"""

from __future__ import annotations

from typing import BinaryIO, NamedTuple

from . import kinds
from .limits import PASTE_INTO_TEMPLATE, Budget, Limits, Unreadable, damaged, too_large
from .package import Package, Relationship
from .shared import MAIN_NAMESPACES, Numbers, read_date_styles, read_strings, root_namespace
from .sheet import Area, Contents, Rows, read_sheet
from .values import ErrorValue, Memo, Picture, Uncalculated, Value
from .xml import create_parser, feed

__all__ = [
    "Area",
    "Contents",
    "ErrorValue",
    "Limits",
    "Picture",
    "Rows",
    "SheetInfo",
    "Uncalculated",
    "Unreadable",
    "Value",
    "Workbook",
    "open_workbook",
]

_DEFAULT_LIMITS = Limits()
_DEFAULT_WORKBOOK = "xl/workbook.xml"
_WORKBOOK_TYPES = (b"spreadsheetml.sheet.main+xml", b"spreadsheetml.template.main+xml")


class SheetInfo(NamedTuple):
    """A worksheet: its name, its state (`visible`, `hidden`, `veryHidden`) and the part that holds it."""

    name: str
    state: str
    part: str


class Workbook:
    """An opened workbook. `sheets` are its worksheets, in the order of their tabs; chart sheets are left out."""

    __slots__ = ("_budget", "_epoch_1904", "_links", "_numbers", "_package", "_strings", "sheets")

    def __init__(self, package: Package, part: str, budget: Budget) -> None:
        self._package = package
        self._budget = budget
        self._links = package.relationships(part)
        # macro sheets of Excel 4, which Excel still runs
        if any(link.kind.lower().endswith("macrosheet") for link in self._links):
            kinds.macros()
        self._epoch_1904 = False
        self._strings: Memo | None = None
        self._numbers: Numbers | None = None
        self.sheets: tuple[SheetInfo, ...] = self._read_sheets(part)

    def rows(self, sheet: SheetInfo) -> Rows:
        """The rows of a sheet that hold something: `(row, {column: value})`, both 1-based, in ascending order.

        A blank cell and an empty text have no entry. Raises Unreadable.
        """
        return self.contents(sheet).rows

    def contents(self, sheet: SheetInfo) -> Contents:
        """The rows of a sheet, with its formulas and merged cells. Raises Unreadable."""
        if self._numbers is None:
            strings, styles = self._linked("sharedStrings"), self._linked("styles")
            if strings:
                self._strings = read_strings(self._package, strings, self._budget)
            dates = read_date_styles(self._package, styles, self._budget) if styles else frozenset[int]()
            self._numbers = Numbers(dates, self._epoch_1904)
        pictures = self._package.has("xl/richData/richValueRel.xml")
        return read_sheet(self._package, sheet.part, self._strings, self._numbers, self._budget, pictures=pictures)

    def _linked(self, kind: str) -> str | None:
        """The part of that kind that the workbook refers to, if the file has it."""
        return next((r.target for r in self._links if r.kind == kind and self._package.has(r.target)), None)

    def _read_sheets(self, part: str) -> tuple[SheetInfo, ...]:
        budget = self._budget
        limits = budget.limits
        links: dict[str, Relationship] = {link.id: link for link in self._links}
        sheets: list[SheetInfo] = []
        namespace = ""

        def start(name: str, attributes: dict[str, str]) -> None:
            nonlocal namespace
            budget.element()
            if not namespace:
                namespace = root_namespace(name, "workbook")
            elif name == namespace + "workbookPr":
                self._epoch_1904 = attributes.get("date1904", "0").strip() in ("1", "true", "on")
            elif name == namespace + "sheet":
                link = links.get(next((v for k, v in attributes.items() if k.endswith("relationships id")), ""))
                if link is None or link.kind != "worksheet":
                    return  # a chart sheet, or a sheet that is not there
                state = attributes.get("state", "visible")
                sheets.append(SheetInfo(attributes.get("name", ""), state, link.target))
                if len(sheets) > limits.sheets:
                    too_large(f"it has more than {limits.sheets:,} sheets", PASTE_INTO_TEMPLATE)

        parser = create_parser(budget)
        parser.StartElementHandler = start
        feed(parser, self._package.chunks(part), [], budget)
        return tuple(sheets)


def open_workbook(source: bytes | BinaryIO, limits: Limits = _DEFAULT_LIMITS) -> Workbook:
    """Opens a workbook: finds out what the file is, and its sheets. No cell is read yet.

    Raises Unreadable with the codes `not-a-workbook`, `old-excel`, `encrypted`, `macros`, `damaged`, `too-large`.
    """
    data = source if isinstance(source, bytes) else source.read(limits.file_bytes + 1)
    if len(data) > limits.file_bytes:
        too_large(f"the file is bigger than {limits.file_bytes // (1024 * 1024)} MB", PASTE_INTO_TEMPLATE)
    kinds.refuse_if_not_zip(data)
    budget = Budget(limits)
    package = Package(data, budget)
    content_types = package.read("[Content_Types].xml") if package.has("[Content_Types].xml") else b""
    content_types = content_types.replace(b"\x00", b"")  # UTF-16: without its zeros, ASCII words in it can be found
    links = package.relationships("")
    part = next((link.target for link in links if link.kind == "officeDocument"), _DEFAULT_WORKBOOK)
    named = any(kind in content_types for kind in _WORKBOOK_TYPES)
    if not package.has(part) or not (named or _is_workbook(package, part)):
        kinds.refuse_other_package(package.names, content_types, package.read)
    if any(n.endswith("vbaproject.bin") for n in package.names):
        kinds.macros()
    # Some programs list types of files that are not there. Excel only looks at the type of the workbook itself.
    if b".macroEnabled." in content_types and ".macroEnabled." in package.content_type(part):
        kinds.macros()
    if part.endswith(".bin"):
        kinds.refuse_other_package(package.names, content_types, package.read)
    workbook = Workbook(package, part, budget)
    if not workbook.sheets:
        damaged("it has no sheet that we can find")
    return workbook


def _is_workbook(package: Package, part: str) -> bool:
    """Whether the main part names a workbook's namespace: asked of files that do not list the types of their parts."""
    return any(namespace.encode() in package.read(part).replace(b"\x00", b"") for namespace in MAIN_NAMESPACES)
