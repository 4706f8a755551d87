"""A PDF made smaller: its many small objects put into compressed object streams, as PDF 1.5 and later allow.

Typst writes each object by itself, and a tagged report has thousands: one for every cell of every table. Packed, a
report of 180 KB has 60. Only what Typst writes is understood (ISO 32000-1, 7.5.4, 7.5.7 and 7.5.8): a table of plain
offsets, one revision, whole objects one after another. Anything else is given back as it came.
"""

from __future__ import annotations

import re
import zlib

PACKED = 200  # objects in one stream
_START = re.compile(rb"startxref\s+(\d+)\s+%%EOF\s*$")
_HEAD = re.compile(rb"(\d+) 0 obj\s+")


def packed(pdf: bytes) -> bytes:
    """The same document, smaller. The same bytes for the same bytes."""
    start = _START.search(pdf)
    if start is None or not pdf.startswith(b"xref\n0 ", int(start[1])):
        return pdf
    offsets, trailer = _table(pdf, int(start[1]), start.start())
    order = sorted(offsets.values())
    ends = dict(zip(order, [*order[1:], int(start[1])], strict=True))
    whole: dict[int, bytes] = {}
    small: list[tuple[int, bytes]] = []
    for number, offset in sorted(offsets.items()):
        text = pdf[offset : ends[offset]].rstrip()
        head = _HEAD.match(text)
        if head is None or not text.endswith(b"endobj"):
            return pdf
        body = text[head.end() : -len(b"endobj")].strip()
        if body.endswith(b"endstream"):
            whole[number] = text + b"\n"
        else:
            small.append((number, body))
    return _written(pdf[: order[0]], whole, small, trailer, max(offsets) + 1)


def _table(pdf: bytes, at: int, end: int) -> tuple[dict[int, int], bytes]:
    """The offsets of all objects, and the entries of the trailer without its size."""
    lines = pdf[at:end].split(b"\n")
    count = int(lines[1].split()[1])
    offsets = {n: int(lines[2 + n][:10]) for n in range(count) if lines[2 + n][17:18] == b"n"}
    trailer = b"\n".join(lines[2 + count :]).partition(b"<<")[2].rpartition(b">>")[0]
    return offsets, re.sub(rb"/Size \d+", b"", trailer).strip()


def _written(head: bytes, whole: dict[int, bytes], small: list[tuple[int, bytes]], trailer: bytes, free: int) -> bytes:
    out = bytearray(head)
    places: dict[int, tuple[int, int, int]] = {0: (0, 0, 65535)}
    for number, text in whole.items():
        places[number] = (1, len(out), 0)
        out += text
    for first in range(0, len(small), PACKED):
        some = small[first : first + PACKED]
        index, bodies = [], bytearray()
        for at, (number, body) in enumerate(some):
            index.append(b"%d %d" % (number, len(bodies)))
            bodies += body + b"\n"
            places[number] = (2, free, at)
        numbers = b" ".join(index) + b"\n"
        data = zlib.compress(numbers + bytes(bodies), 6)
        places[free] = (1, len(out), 0)
        out += b"%d 0 obj\n<</Type/ObjStm/N %d/First %d/Filter/FlateDecode/Length %d>>\nstream\n" % (
            *(free, len(some), len(numbers)),
            len(data),
        )
        out += data + b"\nendstream\nendobj\n"
        free += 1
    start = len(out)
    places[free] = (1, start, 0)
    missing = (0, 0, 65535)
    rows = b"".join(
        bytes([kind]) + at.to_bytes(4, "big") + index.to_bytes(2, "big")
        for kind, at, index in (places.get(number, missing) for number in range(free + 1))
    )
    table = zlib.compress(rows, 9)
    out += b"%d 0 obj\n<</Type/XRef/Size %d/W[1 4 2]%s/Filter/FlateDecode/Length %d>>\nstream\n" % (
        *(free, free + 1, trailer),
        len(table),
    )
    out += table + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % start
    return bytes(out)
