"""Feeding a part to expat within limits: no document types, no strange encodings, no token or name without bound."""

from __future__ import annotations

import pyexpat
from collections.abc import Iterable

from .limits import Budget, damaged

SEPARATOR = " "
# Any other would be looked up among Python's codecs, by a name that the file chose.
_ENCODINGS = frozenset(
    {"utf-8", "utf-16", "utf-16le", "utf-16be", "us-ascii", "ascii", "iso-8859-1", "iso-8859-15", "windows-1252"}
)


def create_parser(budget: Budget) -> pyexpat.XMLParserType:
    """A parser that gives names as `namespace local` and merges text; the caller sets the handlers it needs."""
    limits = budget.limits
    parser = pyexpat.ParserCreate(None, SEPARATOR)
    parser.buffer_text = True
    namespaces = 0

    def doctype(*_: object) -> None:
        damaged("it carries a document type declaration, which no spreadsheet program writes")

    def declaration(_version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            damaged("it is written in a character encoding that workbooks do not use")

    def namespace(*_: object) -> None:
        nonlocal namespaces
        namespaces += 1
        if namespaces > limits.names:
            damaged("it declares more XML namespaces than any spreadsheet program does")

    parser.StartDoctypeDeclHandler = doctype
    parser.XmlDeclHandler = declaration
    parser.StartNamespaceDeclHandler = namespace
    return parser


def feed(parser: pyexpat.XMLParserType, chunks: Iterable[bytes], texts: list[str], budget: Budget) -> None:
    """Parses the chunks to their end. `texts` is where the caller gathers text: its growth is bounded here.

    Raises Unreadable; what the handlers raise passes through.
    """
    limits = budget.limits
    longest = 2 + limits.string_length // parser.buffer_size
    names = parser.intern
    fed = 0
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)
            fed += len(chunk)
            # Expat starts again at the beginning of an unfinished tag with every chunk: quadratic, if it has no end.
            if fed - parser.CurrentByteIndex > limits.token_bytes:
                damaged("it contains an XML tag longer than any spreadsheet program writes")
            if len(names) > limits.names:
                damaged("it uses more different XML names than any spreadsheet program does")
            if len(texts) > longest:
                budget.too_long()
        parser.Parse(b"", True)
    except pyexpat.ExpatError:
        damaged("part of its contents is not well formed, as if the file had been cut short or altered")


def local_name(name: str) -> str:
    """The name without its namespace."""
    return name.rpartition(SEPARATOR)[2]
