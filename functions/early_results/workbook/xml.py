"""Feeding a part to expat within limits: no document types, no strange encodings, no token or name without bound."""

from __future__ import annotations

import pyexpat
from collections.abc import Callable, Iterable

from .limits import Budget, damaged

SEPARATOR = " "
# Only these: Python would look up any other encoding among its codecs, by a name that the file chose.
_ENCODINGS = frozenset(
    {"utf-8", "utf-16", "utf-16le", "utf-16be", "us-ascii", "ascii", "iso-8859-1", "iso-8859-15", "windows-1252"}
)


def create_parser(budget: Budget, namespaces: bool = True) -> pyexpat.XMLParserType:
    """A parser that merges text, and gives names as `namespace local` or, without `namespaces`, as they are written.

    The caller sets the handlers it needs.
    """
    limits = budget.limits
    parser = pyexpat.ParserCreate(None, SEPARATOR if namespaces else None)
    parser.buffer_text = True
    declared = 0

    def doctype(*_: object) -> None:
        damaged("it carries a document type declaration, which no spreadsheet program writes")

    def declaration(_version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            damaged("it is written in a character encoding that workbooks do not use")

    def namespace(*_: object) -> None:
        nonlocal declared
        declared += 1
        if declared > limits.names:
            damaged("it declares more XML namespaces than any spreadsheet program does")

    parser.StartDoctypeDeclHandler = doctype
    parser.XmlDeclHandler = declaration
    parser.StartNamespaceDeclHandler = namespace
    return parser


def feed(
    parser: pyexpat.XMLParserType,
    chunks: Iterable[bytes],
    texts: list[str],
    budget: Budget,
    bounded: Callable[[bytes], None] | None = None,
) -> None:
    """Parses the chunks to their end. `texts` is where the caller gathers text: its growth is bounded here.

    `bounded` is called after each piece that was parsed, with its bytes. It checks what would cost too much to check
    with every element. No tag is parted between two pieces.

    Raises Unreadable; what the handlers raise passes through.
    """
    limits = budget.limits
    longest = 2 + limits.string_length // parser.buffer_size
    names = parser.intern
    fed = 0
    rest = b""
    try:
        for chunk in chunks:
            # Up to a closing tag, or at least to the end of some tag: then the text of a number always comes in one
            # piece, and no handler has to join it.
            whole = rest + chunk if rest else chunk
            end = whole.rfind(b"</")
            if end <= 0:
                end = whole.rfind(b"<\0/\0")  # UTF-16, of either kind
            if end <= 0:
                end = whole.rfind(b">") + 1 or whole.rfind(b"<")
            if end < 0 or len(whole) - end > limits.token_bytes:
                end = len(whole)  # text alone, or what is refused below
            piece, rest = whole[:end], whole[end:]
            parser.Parse(piece, False)
            fed += end
            # Expat starts again at the beginning of an unfinished tag with every chunk: quadratic, if it has no end.
            if fed - parser.CurrentByteIndex > limits.token_bytes:
                damaged("it contains an XML tag longer than any spreadsheet program writes")
            if len(names) > limits.names:
                damaged("it uses more different XML names than any spreadsheet program does")
            if len(texts) > longest and sum(map(len, texts)) > limits.string_length:
                budget.too_long()
            if bounded is not None:
                bounded(piece)
        parser.Parse(rest, True)
    except pyexpat.ExpatError:
        damaged("part of its contents is not well formed, as if the file had been cut short or altered")
    finally:
        # Handlers that refer to their parser would keep the whole sheet in memory until the garbage collector runs.
        parser.StartElementHandler = parser.EndElementHandler = parser.CharacterDataHandler = None


def local_name(name: str) -> str:
    """The name without its namespace."""
    return name.rpartition(SEPARATOR)[2]
