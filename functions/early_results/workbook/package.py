"""The zip that a workbook is: parts by name, read in bounded pieces, and the relationships between them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import NamedTuple, NoReturn
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from .kinds import encrypted
from .limits import DELETE_UNUSED, PASTE_INTO_TEMPLATE, Budget, damaged, too_large
from .xml import create_parser, feed, local_name

CHUNK = 64 * 1024
_CENTRAL_ENTRY = b"PK\x01\x02"

# What zipfile raises for a broken file: each was found by the fuzzer or in zipfile's source.
_ZIP_ERRORS = (
    BadZipFile,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
    zlib.error,
)


class Relationship(NamedTuple):
    """A relationship of a part: its id, the last word of its type (`worksheet`), and the part it leads to."""

    id: str
    kind: str
    target: str


class Package:
    """The parts of a workbook. Names are compared as Windows would: any case, either slash, a leading slash or none."""

    __slots__ = ("_budget", "_parts", "_zip")

    def __init__(self, data: bytes, budget: Budget) -> None:
        self._budget = budget
        limits = budget.limits
        # zipfile makes an object of every entry before anyone can ask how many there are.
        if data.count(_CENTRAL_ENTRY) > limits.entries:
            too_large(f"it consists of more than {limits.entries:,} parts", PASTE_INTO_TEMPLATE)
        try:
            self._zip = ZipFile(BytesIO(data))
        except _ZIP_ERRORS:
            damaged("its contents cannot be unpacked, as if the file had been cut short")
        # None marks a name that occurs twice. Readers differ in which of the two they take, so neither is read.
        self._parts: dict[str, ZipInfo | None] = {}
        for info in self._zip.infolist():
            name = part_name(info.filename)
            self._parts[name] = None if name in self._parts else info

    @property
    def names(self) -> frozenset[str]:
        """The names of the parts, in lower case and without a leading slash."""
        return frozenset(self._parts)

    def has(self, name: str) -> bool:
        """Whether there is a part of that name."""
        return part_name(name) in self._parts

    def chunks(self, name: str) -> Iterator[bytes]:
        """The contents of a part, inflated, in pieces of at most 64 KB. Raises Unreadable."""
        budget = self._budget
        limits = budget.limits
        name = part_name(name)
        info = self._parts.get(name)
        if info is None:
            damaged("a part of it occurs twice" if name in self._parts else "a part that it refers to is missing")
        if info.flag_bits & 1:
            encrypted()
        if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            damaged("it is compressed in a way that Excel does not use")
        size = info.file_size  # zipfile gives no more bytes than this, and checks the check sum at the end
        if size > limits.part_bytes or size > budget.inflated_bytes:
            too_large("unpacked, it is bigger than any results workbook", DELETE_UNUSED)
        if size > limits.ratio_from and size > info.compress_size * limits.ratio:
            too_large("unpacked, it is hundreds of times its size, as only endless empty cells are", DELETE_UNUSED)
        budget.inflated_bytes -= size
        try:
            file = self._zip.open(info)
        except _ZIP_ERRORS:
            _unpackable()
        with file:
            while True:
                try:
                    chunk = file.read(CHUNK)
                except _ZIP_ERRORS:
                    _unpackable()
                if not chunk:
                    return
                yield chunk

    def read(self, name: str, most: int = 1024 * 1024) -> bytes:
        """The first `most` bytes of a part. Raises Unreadable."""
        pieces, size = [], 0
        for chunk in self.chunks(name):
            pieces.append(chunk)
            size += len(chunk)
            if size >= most:
                break
        return b"".join(pieces)[:most]

    def content_type(self, part: str) -> str:
        """The type that the package gives a part: its own, or that of all files with its ending. Raises Unreadable."""
        budget, wanted, found = self._budget, part_name(part), {"Default": "", "Override": ""}

        def start(name: str, attributes: dict[str, str]) -> None:
            budget.element()
            kind = local_name(name)
            ending = "." + attributes.get("Extension", "").lower()
            own = kind == "Override" and part_name(attributes.get("PartName", "")) == wanted
            if own or (kind == "Default" and wanted.endswith(ending)):
                found[kind] = attributes.get("ContentType", "")

        parser = create_parser(budget)
        parser.StartElementHandler = start
        feed(parser, self.chunks("[Content_Types].xml"), [], budget)
        return found["Override"] or found["Default"]

    def relationships(self, source: str) -> list[Relationship]:
        """The relationships of a part (`""` for the package itself) to other parts; links to elsewhere are left out.

        Nothing outside the file is ever opened. Raises Unreadable.
        """
        folder, _, name = source.rpartition("/")
        part = f"{folder}/_rels/{name}.rels" if folder else f"_rels/{name}.rels"
        found: list[Relationship] = []
        if not self.has(part):
            return found
        budget = self._budget

        def start(name: str, attributes: dict[str, str]) -> None:
            budget.element()
            if local_name(name) != "Relationship" or attributes.get("TargetMode", "").lower() == "external":
                return
            kind = attributes.get("Type", "").rpartition("/")[2]
            target = self._resolve(folder, attributes.get("Target", ""))
            found.append(Relationship(attributes.get("Id", ""), kind, target))

        parser = create_parser(budget)
        parser.StartElementHandler = start
        feed(parser, self.chunks(part), [], budget)
        return found

    def _resolve(self, folder: str, target: str) -> str:
        """The part that a target means: relative to the folder, absolute, or (some exporters do so) from the root."""
        target = target.replace("\\", "/").partition("#")[0]
        absolute = target.startswith("/")
        wanted = _normal(target if absolute else f"{folder}/{target}")
        if not self.has(wanted) and "%" in target:
            from urllib.parse import unquote  # imported only here: few files need it, and it is slow to import

            unquoted = _normal(unquote(target) if absolute else f"{folder}/{unquote(target)}")
            wanted = unquoted if self.has(unquoted) else wanted
        if not self.has(wanted) and not absolute and self.has(_normal(target)):
            wanted = _normal(target)  # "xl/worksheets/sheet1.xml" in xl/_rels
        return wanted


def part_name(name: str) -> str:
    """A part's name as it is compared: forward slashes, no leading one, lower case."""
    return name.replace("\\", "/").lstrip("/").lower()


def _normal(path: str) -> str:
    """A path without `.` and `..`. A path that would leave the package stays at its top."""
    steps: list[str] = []
    for step in path.split("/"):
        if step == "..":
            del steps[-1:]
        elif step not in ("", "."):
            steps.append(step)
    return "/".join(steps)


def _unpackable() -> NoReturn:
    damaged("part of its contents cannot be unpacked")
