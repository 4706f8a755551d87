"""Whatever the bytes, the reader answers: rows that keep their promises, or a refusal in words.

`make_file` turns the bytes of a fuzzer into a workbook with broken parts or a broken zip; tests/fuzz runs it for as
long as it is given.
"""

from __future__ import annotations

import math
import random
import zipfile
from io import BytesIO

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from early_results.workbook import Limits, Unreadable, Value, open_workbook
from tests.effort import examples
from tests.unit.workbook.hostile import CASES, GOOD
from tests.unit.workbook.raw_workbook import (
    CONTENT_TYPES,
    DEFAULT,
    ROOT_RELS,
    SHEET,
    STRINGS,
    STYLES,
    WORKBOOK,
    WORKBOOK_RELS,
    sheet,
    strings,
    styles,
    workbook,
)

PARTS = (SHEET, STRINGS, STYLES, WORKBOOK, WORKBOOK_RELS, ROOT_RELS, CONTENT_TYPES)
SPLIT = b"\n%%\n"  # between the parts in the bytes of a fuzzer; what is not given is as it should be
SMALL = Limits(elements=5_000, strings=2_000, string_length=2_000, characters=20_000)


def make_file(data: bytes) -> bytes:
    """A workbook of parts, split, or, where the first byte is Z, a zip as it is."""
    if data[:1] == b"Z":
        return data[1:]
    pieces = dict(zip(PARTS, data.split(SPLIT), strict=False))
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, default in (DEFAULT | {STRINGS: strings("<t>a</t>"), STYLES: styles(0, 14)}).items():
            content = pieces.get(name) or default
            if content is not None:
                archive.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()


def check(data: bytes, limits: Limits = SMALL) -> str:
    """Reads a file and holds the reader to its promises. Returns `read` or the code it was refused with."""
    try:
        book = open_workbook(data, limits)
        assert book.sheets
        for info in book.sheets:
            info.name.encode()
            contents = book.contents(info)
            assert contents == book.contents(info), "a second reading is the same"
            check_rows(contents.rows, limits)
            for area in contents.merged:
                assert area.first_row <= area.last_row
                assert area.first_column <= area.last_column
    except Unreadable as error:
        refusal = error
    else:
        return "read"
    assert refusal.message.isprintable()
    assert refusal.message.endswith(".")
    assert refusal.code.severity == "error"
    return refusal.code.value


def check_rows(rows: list[tuple[int, dict[int, Value]]], limits: Limits) -> None:
    numbers = [number for number, _ in rows]
    assert numbers == sorted(set(numbers))
    assert not numbers or 1 <= numbers[0] <= numbers[-1] <= limits.rows
    for _, cells in rows:
        assert cells
        assert all(1 <= column <= limits.columns for column in cells)
        for value in cells.values():
            assert value != ""
            if isinstance(value, float):
                assert math.isfinite(value)
            elif isinstance(value, str):
                value.encode()  # no half characters


XML_WORDS = (
    *("<row>", "</row>", '<row r="2">', "<c>", "</c>", '<c r="A1">', '<c r="B2" t="s">', '<c t="inlineStr">', "<v>"),
    *('<c s="1">', "</v>", "<is>", "</is>", "<t>", "</t>", "<r>", "</r>", "<rPh>", "</rPh>", "<f>", "</f>", "1", "EXS"),
    *('<c t="str">', '<c t="e">', '<c t="b">', '<c t="d">', "60", "1e300", "-1", "2015-04-14T", "_x000D_", "_xD83D_"),
    *("&amp;", "&x;", "&#10;", "<![CDATA[", "]]>", "<!--", "-->", "<?a", "?>", " ", "\n", "\u00eb", "\U0001f600", "\0"),
    *('<x:c xmlns:x="urn:x">', "</x:c>", "<si>", "</si>", "<extLst/>", "<a", "/>", '"', "'", "<", ">", "&", "]]"),
)
SOUP = st.lists(st.sampled_from(XML_WORDS), max_size=40).map("".join)
ROUGHLY = settings(max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.too_slow])


@ROUGHLY
@example("", "1<row>60<row><![CDATA[")  # cut off between many short texts: damaged, not one long text
@given(SOUP, SOUP)
def test_any_xml_in_the_sheet_and_the_strings(rows: str, items: str) -> None:
    assert check(make_file(sheet(rows).encode() + SPLIT + strings(items).encode())) in ("read", "damaged")


@ROUGHLY
@given(st.sampled_from(PARTS), st.integers(0, 2_000), st.binary(max_size=8), st.integers(0, 8))
def test_any_bytes_in_any_part(part: str, at: int, new: bytes, skip: int) -> None:
    whole = DEFAULT | {STRINGS: strings("<t>a</t>"), STYLES: styles(0, 14)}
    content = str(whole[part]).encode()
    broken = content[:at] + new + content[at + skip :]
    check(make_file(SPLIT.join(broken if name == part else b"" for name in PARTS)))


@ROUGHLY
@given(st.lists(st.tuples(st.integers(0, len(GOOD)), st.binary(max_size=6), st.integers(0, 6)), min_size=1, max_size=5))
def test_any_bytes_in_the_zip(changes: list[tuple[int, bytes, int]]) -> None:
    data = GOOD
    for at, new, skip in changes:
        data = data[:at] + new + data[at + skip :]
    check(data)


@ROUGHLY
@given(st.binary(max_size=2_000), st.sampled_from((b"", b"PK", b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0")))
@example(b"", b"")
def test_any_bytes_at_all(data: bytes, beginning: bytes) -> None:
    assert check(beginning + data) != "read"


def test_good_workbooks_are_read_here() -> None:
    """Or the tests above would say nothing."""
    assert check(GOOD) == "read"
    assert check(make_file(b"")) == "read"
    assert check(make_file(sheet("<row><c t='s'><v>0</v></c></row>").encode() + SPLIT + SPLIT + SPLIT)) == "read"
    assert check(make_file(SPLIT.join((b"", b"", b"", workbook("").encode())))) == "damaged"


def seeds() -> list[bytes]:
    """What a fuzzer starts from: good files, and the small hostile ones."""
    found = [b"Z" + GOOD, *(b"Z" + data for case in CASES.values() if len(data := case.make()) < 4_000)]
    sheets = (
        '<row r="1"><c r="A1"><v>1</v></c><c r="B1" t="s"><v>0</v></c><c r="C1" s="1"><v>42108</v></c></row>',
        '<row><c t="inlineStr"><is><r><t>a</t></r><rPh><t>b</t></rPh></is></c><c t="str"><f>A1</f><v>x</v></c></row>',
        '<row r="1"><c r="A1"><f>B1</f></c><c r="B1" t="e" vm="1"><v>#VALUE!</v></c><c r="C1" t="s"><v/></c>\n</row>'
        '</sheetData><mergeCells count="1"><mergeCell ref="A1:B2"/></mergeCells><sheetData>',
        '<row r="3"><c r="A3" t="b"><v>1</v></c><c t="e"><v>#N/A</v></c><c t="d"><v>2015-04-14</v></c></row>',
    )
    shared = strings("<t>a</t>", "<r><t>b</t></r>").encode()
    found.extend(sheet(rows).encode() + SPLIT + shared for rows in sheets)
    return random.Random(0).sample(found, len(found))  # noqa: S311
