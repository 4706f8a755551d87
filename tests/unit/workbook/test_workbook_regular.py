"""The short way through a sheet (`workbook/regular.py`) and the parser alone say the same of every file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from early_results.workbook import Area, Unreadable, Value, open_workbook, package, regular
from early_results.workbook import sheet as reader
from tests.effort import examples
from tests.unit.workbook.hostile import small_files
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


def rows_told(data: bytes, size: int = package.CHUNK) -> Cells:
    """The rows of the first sheet, as both ways have them."""
    told = both_agree(data, size)
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
@example(
    [
        '<row r="1" spans="1:4"/>',
        '<row ht="15" customHeight="1"><c r="A1" s="0" t="e" vm="1"><v>#N/A</v></c>'
        '<c r="A1" s="99" t="n"><v>a]]</v></c></row>',
    ],
    '<mergeCell ref="A1:B2"/>',
    100,
    "",
)  # a value that the parser gives in two texts, because a piece of the file ends in it
def test_generated_rows(rows: list[str], between: str, size: int, after: str) -> None:
    both_agree(of(sheet(between.join(rows), after=after)), size)


# What may stand between the elements of a sheet and is part of no cell: white space, and text that belongs to nothing.
GAPS = st.sampled_from(
    ("", "", "", "", "\n", "\r\n\t ", "0", "x\n", " &#48;", "&#10;7", "<!-- 1 -->", "<![CDATA[8]]>", "<?p 9?>")
)
# Values, each with other ways to write it.
SPELT: dict[str, tuple[str, ...]] = {
    "11": ("11", "&#49;1", "1<!-- 2 -->1", "<![CDATA[11]]>", "\n11\n", " 11 ", "1&#x31;\n"),
    "0": ("0", "&#48;", "<!-- 1 -->0", "\r\n0"),
    "": ("", "", "\n", "&#10;", "<!-- 5 -->"),
}


@st.composite
def cell_xml(draw: st.DrawFn, at: str) -> tuple[str, str]:
    """A cell as a program writes it, and the same with what does not matter put in."""
    kind = draw(
        st.sampled_from(
            ("", "", ' s="1"', ' t="s"', ' t="s"', ' t="n"', ' t="b"', ' t="e"', ' t="str"', ' t="inlineStr"')
        )
    )
    gaps = [draw(GAPS) for _ in range(4)]
    if kind == ' t="inlineStr"':
        plain = f'<c r="{at}"{kind}><is><t>typed</t></is></c>'
        odd = f'<c r="{at}"{kind}>{gaps[0]}<is>{gaps[1]}<t>typed</t>{gaps[2]}</is>{gaps[3]}</c>'
        return plain, odd
    formula = draw(st.sampled_from(("", "", "", "", "<f>A1</f>")))
    value = draw(st.sampled_from(sorted(SPELT)))
    spelt = value if kind == ' t="str"' else draw(st.sampled_from(SPELT[value]))
    blank = draw(st.sampled_from(("<v></v>", "<v/>", "<v />", "<v\n></v>"))) if not spelt else f"<v>{spelt}</v>"
    plain = f'<c r="{at}"{kind}>{formula}<v>{value}</v></c>'
    return plain, f'<c r="{at}"{kind}>{gaps[0]}{formula}{gaps[1]}{blank}{gaps[2]}</c>'


@st.composite
def sheets_with_text_anywhere(draw: st.DrawFn) -> tuple[str, str]:
    """A sheet as a program writes it, and the same with what does not matter put in."""
    plain, odd = [], []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        cells = [draw(cell_xml(f"{column}{number}")) for column in "ABC"[: draw(st.integers(1, 3))]]
        plain.append(f'<row r="{number}">{"".join(cell for cell, _ in cells)}</row>')
        inside = "".join(f"{cell}{draw(GAPS)}" for _, cell in cells)
        odd.append(f'<row r="{number}">{draw(GAPS)}{inside}</row>{draw(GAPS)}')
    return "".join(plain), draw(GAPS) + "".join(odd)


def with_prefix(content: str) -> str:
    """The sheet with a prefix before the name of every element."""
    named = re.sub(r"<(/?)(?=[a-z])", r"<\1x:", content)
    return named.replace("xmlns=", "xmlns:x=", 1)


@ROUGHLY
@given(
    sheets_with_text_anywhere(), GAPS, st.sampled_from((40, 100, package.CHUNK)), st.sampled_from(("", "x", "utf-16"))
)
@example(
    ('<row r="1"><c r="A1"><v>11</v></c></row>', '<row r="1"><c r="A1"><v>11</v></c></row>'), "0", package.CHUNK, ""
)
@example(
    ('<row r="1"><c r="A1"><v></v></c></row>', '<row r="1"><c r="A1"><v/>0</c></row>'), "", package.CHUNK, "utf-16"
)
@example(
    (
        '<row r="1"><c r="A1" t="s"><v></v></c></row><row r="2"><c r="A2"><v></v></c></row>',
        '<row r="1"><c r="A1" t="s"><v></v></c>x\n</row><row r="2"><c r="A2"><v></v></c></row>',
    ),
    "",
    40,
    "x",
)  # taken for the value, it is no number of a text: a careful reading knows better
def test_text_outside_every_cell_belongs_to_nothing(sheets: tuple[str, str], behind: str, size: int, how: str) -> None:
    plain, odd = sheets
    content = sheet(odd, after=behind)
    content = with_prefix(content) if how == "x" else content
    data = of(content.replace("UTF-8", "UTF-16").encode("utf-16") if how == "utf-16" else content)
    assert both_agree(data, size) == both_agree(of(sheet(plain)))


def test_a_piece_that_ends_where_a_tag_begins_hides_no_blank_value() -> None:
    for more in range(40):
        blank = f'<row r="1"><c r="A1">{"x" * (40 + more)}<v/>0</c></row>'
        assert rows_told(of(sheet(blank)), 40) == []


def test_a_birthday_stays_the_same_whatever_stands_behind_the_sheet() -> None:
    """42108 is 14 April 2015. With a 0 from behind the last cell it was a day in the year 3052."""
    born = '<row r="1"><c s="1" r="A1"><v>42108</v></c></row>'
    for behind in ("", "0", "\n0", "<!-- the end -->0"):
        content = sheet(born).replace("</sheetData>", f"</sheetData>{behind}")
        assert rows_told(of(content)) == [(1, {1: ("date", date(2015, 4, 14))})]


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


@pytest.mark.long
def test_hostile_files() -> None:
    told = [both_agree(data) for data in small_files().values()]
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
