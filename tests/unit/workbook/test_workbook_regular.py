"""The short way through a sheet (`workbook/regular.py`) and the parser alone say the same of every file."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from early_results.workbook import Area, Unreadable, Value, open_workbook, package, regular
from early_results.workbook import sheet as reader
from tests.effort import examples
from tests.unit.workbook.hostile import CASES
from tests.unit.workbook.raw_workbook import MAIN, SHEET, STRINGS, STYLES, XML, build, sheet, strings, styles
from tests.unit.workbook.test_workbook_oracle import WRITERS

Cells = list[tuple[int, dict[int, tuple[str, Value]]]]
Told = str | list[tuple[Cells, list[tuple[int, int]], tuple[Area, ...]]]
SIFT = "sift"
SHARED = strings(*(f"<t>text {n}</t>" for n in range(12)))
ROUGHLY = settings(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.too_slow])


def told(data: bytes) -> Told:
    """Every cell of every sheet, with its type, what formulas gave and what is merged; or the code of the refusal."""
    try:
        book = open_workbook(data)
        sheets = [book.contents(info) for info in book.sheets]
    except Unreadable as refusal:
        return refusal.code.value
    return [
        (
            [(n, {c: (type(v).__name__, v) for c, v in cells.items()}) for n, cells in sheet.rows],
            sorted(sheet.formulas),
            sheet.merged,
        )
        for sheet in sheets
    ]


@contextmanager
def by_the_parser_alone() -> Iterator[None]:
    with patch.object(reader, SIFT, lambda chunks, *_: chunks):
        yield


@contextmanager
def in_pieces(size: int) -> Iterator[None]:
    with patch.object(package, "CHUNK", size):
        yield


def both_agree(data: bytes, size: int = package.CHUNK) -> Told:
    with in_pieces(size):
        short = told(data)
        with by_the_parser_alone():
            assert short == told(data)
    return short


def rows_told(data: bytes) -> Cells:
    """The rows of the first sheet, as both ways have them."""
    told = both_agree(data)
    assert not isinstance(told, str)
    return told[0][0]


def of(content: str | bytes) -> bytes:
    return build({SHEET: content, STRINGS: SHARED, STYLES: styles(0, 14, "0.00")})


def taken(data: bytes) -> int:
    """How many rows went the short way."""
    count = 0
    sift = regular.sift

    def counted(chunks: Iterator[bytes], may_begin: object, take: regular.Take) -> Iterator[bytes]:
        def counting(number: str, cells: list[regular.Cell]) -> bool:
            nonlocal count
            wanted = take(number, cells)
            count += wanted
            return wanted

        return sift(chunks, may_begin, counting)  # type: ignore[arg-type]

    with patch.object(reader, SIFT, counted):
        told(data)
    return count


VALUES = st.sampled_from(
    (
        "",
        "1",
        "0",
        "11",
        "12",
        "-1",
        "3.5",
        "1E5",
        "1e400",
        " 7 ",
        "x",
        "#N/A",
        "true",
        "2015-04-14",
        "45000",
        "&amp;",
        "a]]",
    )
)
KINDS = st.sampled_from(
    ("", ' t="e" vm="1"', ' t="s"', ' t="n"', ' t="b"', ' t="e"', ' t="d"', ' t="str"', ' t="x"', ' t=""')
)
STYLE = st.sampled_from(("", ' s="0"', ' s="1"', ' s="2"', ' s="99"', ' s="-1"'))
INSIDE = st.one_of(
    VALUES.map(lambda v: f"<v>{v}</v>"),
    VALUES.map(lambda v: f"<f>A1+1</f><v>{v}</v>"),
    st.sampled_from(("<v/>\n", "<v> </v>\n ", "\n", "<f>A1</f>", "<f>A1</f><v/> ", "<f/>\n<v>\n</v>\n")),
    st.sampled_from(("<is><t>typed</t></is>", "<v/>", "<v>1<!-- 2 --></v>", "<v><![CDATA[3]]></v>", " <v>4</v> ")),
)


@st.composite
def row_xml(draw: st.DrawFn) -> str:
    number = draw(st.integers(0, 14))
    cells = []
    for column in draw(st.lists(st.sampled_from(("A", "B", "C", "D", "Z", "AB", "XFD", "XFE", "")), max_size=5)):
        at = draw(st.one_of(st.just(number), st.just(number), st.just(number), st.integers(0, 15)))
        reference = f' r="{column}{at}"' if column else ""
        attributes = f"{reference}{draw(STYLE)}{draw(KINDS)}"
        if draw(st.integers(0, 9)) == 0:
            attributes = f"{draw(STYLE)}{reference}"
        cells.append(f"<c{attributes}/>" if draw(st.integers(0, 5)) == 0 else f"<c{attributes}>{draw(INSIDE)}</c>")
    more = draw(
        st.sampled_from(
            ("", "", ' spans="1:4"', ' ht="15" customHeight="1"', ' x:y="1"', ' ht="1" ht="2"', ' xmlns="urn:x"')
        )
    )
    named = f' r="{number}"' if draw(st.integers(0, 6)) else ""
    return f"<row{named}{more}>{''.join(cells)}</row>" if cells else f"<row{named}{more}/>"


ROWS = st.lists(row_xml(), max_size=8)
BETWEEN = st.sampled_from(
    (
        "",
        "",
        "",
        "\n",
        " \n<f>A1</f>",
        '<mergeCell ref="A1:B2"/>',
        "\r\n  ",
        "<!-- <row> -->",
        "<c><v>9</v></c>",
        "text",
    )
)


AFTER = st.sampled_from(
    ("", "\n", '<mergeCells><mergeCell ref="A1:B2"/><mergeCell ref="$C$3:A1"/></mergeCells>', '<mergeCell ref="A1:"/> ')
)


@ROUGHLY
@given(ROWS, BETWEEN, st.sampled_from((40, 100, package.CHUNK)), AFTER)
@example(['<row r="1"><c r="A1"><v>1</v></c></row>', '<c><v>2</v></c><row><c r="B2"/></row>'], "", 40, "")
@example(
    ['<row r="1"><c r="A1" t="s"><v/></c></row>'], "", 40, "\n"
)  # a blank and white space behind it: damaged, once
def test_generated_rows(rows: list[str], between: str, size: int, after: str) -> None:
    both_agree(of(sheet(between.join(rows), after=after)), size)


@ROUGHLY
@given(st.integers(1, 30), st.data())
def test_plain_rows_with_some_bytes_changed(count: int, data: st.DataObject) -> None:
    plain = "".join(
        f'<row r="{n}" ht="15"><c r="A{n}" s="1" t="s"><v>{n % 12}</v></c>'
        f'<c r="B{n}"><v>{n}.5</v></c><c r="C{n}" s="2"/></row>'
        for n in range(1, count + 1)
    )
    content = sheet(plain).encode()
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(content)))
        new = data.draw(
            st.one_of(
                st.binary(max_size=3),
                st.sampled_from((b"<", b">", b'"', b"/", b"<!--", b"&lt;", b"\xc3\xab", b"<sheetData>", b"</row>")),
            )
        )
        content = content[:at] + new + content[at + data.draw(st.integers(0, 4)) :]
    both_agree(of(content), data.draw(st.sampled_from((64, 500, package.CHUNK))))


def again(row: str) -> str:
    """The row after it."""
    return row.replace("1", "2")


def prefixed(row: str) -> str:
    return row.replace("<", "<m:").replace("<m:/", "</m:")


PLAIN = '<row r="1"><c r="A1"><v>1</v></c></row>'


@pytest.mark.parametrize(
    "content",
    [
        sheet(PLAIN, before="<!-- <sheetData> -->"),
        f'{XML}<worksheet xmlns="{MAIN}"><!-- <sheetData>{PLAIN} --><sheetData/></worksheet>',
        f'{XML}<worksheet xmlns="{MAIN}"><x xmlns="urn:x"><sheetData>{PLAIN}</sheetData></x></worksheet>',
        f'{XML}<worksheet xmlns="urn:x"><sheetData>{PLAIN}</sheetData></worksheet>',
        f'{XML}<m:worksheet xmlns:m="{MAIN}"><sheetData>{PLAIN}</sheetData></m:worksheet>',
        f'{XML}<m:worksheet xmlns:m="{MAIN}"><m:sheetData>{prefixed(PLAIN)}</m:sheetData></m:worksheet>',
        f'{XML}<worksheet xmlns="{MAIN}">{PLAIN}<sheetData>{again(PLAIN)}</sheetData></worksheet>',
        sheet(PLAIN, after=f"<sheetData>{again(PLAIN)}</sheetData>"),
        f'{XML}<worksheet xmlns="{MAIN}"><sheetData>{PLAIN}',
        f'{XML}<!DOCTYPE x><worksheet xmlns="{MAIN}"><sheetData>{PLAIN}</sheetData></worksheet>',
        sheet(PLAIN).encode("utf-16"),
        sheet(PLAIN * 2),
        sheet(PLAIN + again(PLAIN) + PLAIN.replace('<c r="A1">', '<c r="B1">')),
        sheet('<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c><c r="A1"/></row>'),
        sheet('<row r="2000000"><c r="A2000000"><v>1</v></c></row>'),
        sheet('<row r="1"><c r="A1" t="s"><v>99</v></c></row>'),
        sheet(PLAIN + "<row><c><v>2</v></c></row><c><v>3</v></c>"),
        sheet(PLAIN + "<c><v>3</v></c>"),
    ],
)
@pytest.mark.parametrize("size", [33, package.CHUNK])
def test_what_only_looks_plain(content: str | bytes, size: int) -> None:
    both_agree(of(content), size)


def small(data: bytes) -> bool:
    """Whether a file holds little enough to be read twice here."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            return sum(info.file_size for info in archive.infolist()) < 1_000_000
    except (zipfile.BadZipFile, struct.error, ValueError, OSError, EOFError, NotImplementedError):  # no zip at all
        return len(data) < 1_000_000


@pytest.mark.long
def test_hostile_files() -> None:
    files = [hostile.make() for hostile in CASES.values()]
    told = [both_agree(data) for data in files if small(data)]
    assert len(told) > 200


@pytest.mark.parametrize("writer", sorted(WRITERS))
def test_files_of_real_programs(writer: str) -> None:
    both_agree(WRITERS[writer]())


def test_a_plain_sheet_goes_the_short_way_to_its_end() -> None:
    rows = "".join(
        f'<row r="{n}"><c r="A{n}" s="1"><v>{n}</v></c><c r="C{n}" t="s"><v>3</v></c></row>\n' for n in range(1, 5_001)
    )
    data = of(sheet(rows, after='<mergeCells count="1"><mergeCell ref="A1:B2"/></mergeCells>'))
    assert taken(data) == 5_000
    assert len(rows_told(data)) == 5_000


def test_from_the_first_odd_row_on_the_parser_reads() -> None:
    odd = '<row r="2"><c r="A2" t="inlineStr"><is><t>x</t></is></c></row>'
    data = of(sheet(PLAIN + odd + PLAIN.replace("1", "3")))
    assert taken(data) == 1
    assert len(rows_told(data)) == 3
