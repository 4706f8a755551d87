"""What the reader bounds, and the one error that leaves it."""

from __future__ import annotations

from typing import NamedTuple, NoReturn

from ..findings import Code

MIB = 1024 * 1024


class Limits(NamedTuple):
    """Everything the reader bounds before it allocates.

    The largest honest file, 2,000 pupils on a styled sheet, needs about a tenth of each default. A hostile file reaches
    a limit before it has taken 100 MB or a second and a half.
    """

    file_bytes: int = 10 * MIB  # the upload itself
    entries: int = 2_000  # parts in the zip: every picture and drawing is one
    part_bytes: int = 32 * MIB  # one part, inflated
    inflated_bytes: int = 48 * MIB  # all parts read from one workbook, inflated
    ratio: int = 500  # inflated to compressed, for a part over `ratio_from` bytes; real sheets stay below 100
    ratio_from: int = 2 * MIB
    # XML elements of all parts read; this also bounds how deep they nest; a cell's text counts as one
    elements: int = 400_000
    token_bytes: int = 256 * 1024  # one tag, comment or instruction
    names: int = 5_000  # different element and attribute names, and namespaces, of one part
    rows: int = 1_048_576  # the highest row number, Excel's own
    columns: int = 16_384  # the highest column number, Excel's own (XFD)
    strings: int = 150_000  # shared strings
    string_length: int = 100_000  # characters of one cell; Excel stops at 32,767
    characters: int = 4_000_000  # text of a workbook, all strings together
    formats: int = 5_000  # number formats that the workbook defines; Excel stops at about 250
    sheets: int = 500


class Budget:
    """How many characters of text, XML elements and inflated bytes one workbook may still use.

    All its parts share these, so that a hundred sheets together cannot use more than one sheet may.
    """

    __slots__ = ("characters", "elements", "inflated_bytes", "limits")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.characters = limits.characters
        self.elements = limits.elements
        self.inflated_bytes = limits.inflated_bytes

    def element(self) -> None:
        """Counts one element. Raises Unreadable when there are too many."""
        self.elements -= 1
        if self.elements < 0:
            self.no_elements()

    def no_elements(self) -> NoReturn:
        """Raises `too-large`."""
        what = f"it describes more than {self.limits.elements:,} rows, cells or styles"
        too_large(what, DELETE_UNUSED)

    def text(self, text: str) -> None:
        """Counts the text of one cell. Raises Unreadable if it is too long, or if all texts together are."""
        if len(text) > self.limits.string_length:
            self.too_long()
        self.characters -= len(text)
        if self.characters < 0:
            too_large("it holds more text than any results workbook", PASTE_INTO_TEMPLATE)

    def too_long(self) -> NoReturn:
        """Raises `too-large` for the text of one cell."""
        what = f"one of its cells holds more than {self.limits.string_length:,} characters"
        too_large(what, "Shorten it, save, and upload again.")


class Unreadable(Exception):
    """The file cannot be read. The only exception that leaves the reader.

    `code` is the finding's code; `message` is written for the person who uploaded the file and says what to do next.
    It never quotes anything from inside the file.
    """

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def damaged(what: str) -> NoReturn:
    """Raises `damaged`. `what` finishes the sentence "The workbook is damaged: ...", for a person."""
    raise Unreadable(
        Code.DAMAGED,
        f"The workbook is damaged: {what}. Open it in Excel, let Excel repair it if it offers to, save it as an "
        "Excel Workbook (.xlsx) and upload it again. If Excel cannot open it either, download the template again.",
    )


def too_large(what: str, remedy: str) -> NoReturn:
    """Raises `too-large`. `what` finishes the sentence "The workbook is too large: ..."; `remedy` is what to do."""
    raise Unreadable(Code.TOO_LARGE, f"The workbook is too large: {what}. {remedy}")


PASTE_INTO_TEMPLATE = "Copy your results into a newly downloaded template and upload that."
DELETE_UNUSED = (
    "In Excel, delete the unused rows below your pupils and the unused columns to the right (select them and choose "
    "Delete, not just clear them), remove sheets you do not need, save, and upload again."
)
