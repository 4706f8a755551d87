"""What the reader knows about workbooks, one peculiarity at a time."""

from __future__ import annotations

import zipfile
from datetime import date, datetime, time
from io import BytesIO

import pytest

from early_results.workbook import ErrorValue, Uncalculated, Unreadable, Value, open_workbook, package
from tests.unit.workbook import raw_workbook as raw
from tests.unit.workbook.raw_workbook import (
    CONTENT_TYPES,
    MAIN,
    OFFICE,
    ROOT_RELS,
    SHEET,
    STRICT,
    STRINGS,
    STYLES,
    WORKBOOK,
    WORKBOOK_RELS,
    build,
    one,
    read,
    relationships,
    rows_of,
    sheet,
    strings,
    styles,
    workbook,
)

at = datetime.fromisoformat


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('<c r="A1"><v>103</v></c>', 103),
        ('<c r="A1" t="n"><v>103</v></c>', 103),
        ('<c r="A1"><v>100.0</v></c>', 100.0),
        ('<c r="A1"><v>1.5E2</v></c>', 150.0),
        ('<c r="A1"><v>-.5</v></c>', -0.5),
        ('<c r="A1"><v> 7\n</v></c>', 7),
        ('<c r="A1"><v>NaN</v></c>', "NaN"),
        ('<c r="A1"><v>inf</v></c>', "inf"),
        ('<c r="A1"><v>1e999</v></c>', "1e999"),
        ('<c r="A1"><v>1_000</v></c>', "1_000"),
        ('<c r="A1"><v>\u0661\u0662</v></c>', "\u0661\u0662"),
        ('<c r="A1"><v></v></c>', None),
        ('<c r="A1"><v/></c>', None),
        ('<c r="A1" s="4"/>', None),
        ('<c r="A1" t="b"><v>1</v></c>', True),
        ('<c r="A1" t="b"><v>false</v></c>', False),
        ('<c r="A1" t="e"><v>#N/A</v></c>', ErrorValue("#N/A")),
        ('<c r="A1" t="d"><v>2015-04-14</v></c>', date(2015, 4, 14)),
        ('<c r="A1" t="d"><v>2015-04-14T00:00:00Z</v></c>', date(2015, 4, 14)),
        ('<c r="A1" t="d"><v>2015-04-14T09:30:00</v></c>', at("2015-04-14 09:30")),
        ('<c r="A1" t="d"><v>T09:30:00</v></c>', time(9, 30)),
        ('<c r="A1" t="d"><v>yesterday</v></c>', "yesterday"),
        ('<c r="A1" t="str"><v> EXS </v></c>', " EXS "),
        ('<c r="A1" t="str">\n <f>A2&amp;"x"</f>\n <v> EXS </v>\n </c>', " EXS "),
        ('<c r="A1" t="str"><f>""</f><v></v></c>', None),
        ('<c r="A1"><f>40+2</f><v>42</v></c>', 42),
        ('<c r="A1"><v>42</v><f>40+2</f></c>', 42),
        ('<c r="A1"><f>40+2</f></c>', Uncalculated("=")),
        ('<c r="A1"><f>40+2</f><v/></c>', Uncalculated("=")),
        ('<c r="A1"><f t="shared" si="0"/><v> </v></c>', Uncalculated("=")),
        ('<c r="A1" t="str"><f>""</f></c>', Uncalculated("=")),
        ('<c r="A1" t="s"><v/></c>', None),
        ('<c r="A1" t="s"><v> </v> </c> ', None),
        ('<c r="A1" t="e" vm="1"><v>#VALUE!</v></c>', ErrorValue("#VALUE!")),
        ('<c r="A1" t="e"><f>1/0</f><v>#DIV/0!</v></c>', ErrorValue("#DIV/0!")),
        ('<c r="A1" t="b"><f>1=1</f><v>1</v></c>', True),
        ('<c r="A1" t="inlineStr"><is><t>EXS </t></is></c>', "EXS "),
        ('<c r="A1" t="inlineStr">\n<is>\n<t xml:space="preserve"> a</t>\n</is>\n</c>', " a"),
        ('<c r="A1" t="inlineStr"><is><r><t>E</t></r><r><rPr><b/></rPr><t>XS</t></r></is></c>', "EXS"),
        (
            '<c r="A1" t="inlineStr"><is><t>a</t><rPh sb="0" eb="1"><t>no</t></rPh><phoneticPr fontId="1"/></is></c>',
            "a",
        ),
        ('<c r="A1" t="inlineStr"><is/></c>', None),
        ('<c r="A1" t="inlineStr"><v>a</v></c>', "a"),
        ('<c r="A1"><is><t>typed without its type</t></is></c>', "typed without its type"),
        ('<c r="A1" t="unheard-of"><v>a </v></c>', "a "),
        ('<c r="A1"><v><![CDATA[12]]></v></c>', 12),
        ('<c r="A1"><v>1<!-- no -->2</v></c>', 12),
        ('<c r="A1"><v>&#49;2</v></c>', 12),
        ('<c r="a1"><v>1</v></c>', 1),
    ],
)
def test_cell(cell: str, value: Value | None) -> None:
    found = one(cell)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ("<t>EXS</t>", "EXS"),
        ('<t xml:space="preserve">EXS </t>', "EXS "),
        ("\n  <t>EXS </t>\n", "EXS "),
        ("<r><t>E</t></r>\n<r><rPr><b/></rPr><t>XS</t></r>", "EXS"),
        ("<t>\u8ab2\u9577</t><rPh sb='0' eb='2'><t>\u30ab\u30c1\u30e7\u30a6</t></rPh>", "\u8ab2\u9577"),
        ("<t>a_x0041_b</t>", "aAb"),
        ("<t>_x005F_x0041_</t>", "_x0041_"),
        ("<t>_xD83D__xDE00_</t>", "\U0001f600"),
        ("<t>_xD83D_</t>", "\ufffd"),
        ("<t>_xZZZZ_</t>", "_xZZZZ_"),
        ("<t>line_x000D_\nline</t>", "line\r\nline"),
        ("<t>Chlo\u00eb &amp; Zo\u00eb</t>", "Chlo\u00eb & Zo\u00eb"),
        ("<t/>", None),
        ("", None),
        ("<t>" + "ab&amp;" * 9_000 + "</t>", "ab&" * 9_000),
    ],
)
def test_shared_string(item: str, text: str | None) -> None:
    cell = '<c r="A1" t="s"><v>1</v></c>'
    assert one(cell, strings("<t>not this</t>", item)) == text
    assert one(f'<c r="A1" t="inlineStr"><is>{item}</is></c>') == text


@pytest.mark.parametrize("index", ["1", " 1 ", "01", "\n1\n"])
def test_shared_string_index(index: str) -> None:
    assert one(f'<c r="A1" t="s"><v>{index}</v></c>', strings("<t>a</t>", "<t>b</t>")) == "b"


@pytest.mark.parametrize("index", ["2", "-1", "1.0", "x", "99999999999999999999"])
def test_shared_string_that_is_not_there(index: str) -> None:
    with pytest.raises(Unreadable, match="refers to a text that is not there"):
        one(f'<c r="A1" t="s"><v>{index}</v></c>', strings("<t>a</t>", "<t>b</t>"))


@pytest.mark.parametrize(
    ("number_format", "value", "expected"),
    [
        (14, "42108", date(2015, 4, 14)),
        (22, "42108.395833333336", at("2015-04-14 09:30")),
        (20, "0.395833333333333", time(9, 30)),
        ("dd/mm/yyyy", "42108", date(2015, 4, 14)),
        ("[$-809]dd mmmm yyyy;@", "42108", date(2015, 4, 14)),
        ("[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy", "42108", date(2015, 4, 14)),
        ("mmm-yy", "42108", date(2015, 4, 14)),
        ("General", "42108", 42108),
        ("0.00", "42108", 42108),
        ("&quot;day&quot; 0", "42108", 42108),
        ("0\\d", "42108", 42108),
        ("[Red]0", "42108", 42108),
        ("0;[Red]dd", "42108", 42108),
        ("[h]:mm:ss", "1.5", 1.5),
        ("dd/mm/yyyy", "1", date(1900, 1, 1)),
        ("dd/mm/yyyy", "59", date(1900, 2, 28)),
        ("dd/mm/yyyy", "60", 60),
        ("dd/mm/yyyy", "61", date(1900, 3, 1)),
        ("dd/mm/yyyy", "2958465", date(9999, 12, 31)),
        ("dd/mm/yyyy", "2958466", 2958466),
        ("dd/mm/yyyy", "2958465.99999999999", 2958465.99999999999),
        ("dd/mm/yyyy", "-1", -1),
        ("dd/mm/yyyy", "1e300", 1e300),
        ("dd/mm/yyyy", "1e999", "1e999"),
        ("dd/mm/yyyy", "14/04/2015", "14/04/2015"),
        ("dd/mm/yyyy", "42107.99999999999", date(2015, 4, 14)),
    ],
)
def test_number_format(number_format: int | str, value: str, expected: Value) -> None:
    style = styles(0, number_format)
    found = one(f'<c r="A1" s="1"><v>{value}</v></c>', style=style)
    assert found == expected
    assert type(found) is type(expected)
    assert one(f'<c r="A1" s="0"><v>{value}</v></c>', style=style) == raw.one(f'<c r="A1"><v>{value}</v></c>')


@pytest.mark.parametrize("style", ["9", "x", "-1", ""])
def test_a_style_that_is_not_there_is_a_plain_number(style: str) -> None:
    assert one(f'<c r="A1" s="{style}"><v>42108</v></c>', style=styles(0, 14)) == 42108


@pytest.mark.parametrize(
    ("serial", "expected"),
    [("40646", date(2015, 4, 14)), ("0", date(1904, 1, 1)), ("1.5", at("1904-01-02 12:00")), ("2957004", 2957004)],
)
@pytest.mark.parametrize("word", ["1", "true"])
def test_1904_dates(serial: str, expected: Value, word: str) -> None:
    data = build(
        {
            WORKBOOK: workbook(before=f'<workbookPr date1904="{word}"/>'),
            STYLES: styles(0, 14),
            SHEET: sheet(f'<row r="1"><c r="A1" s="1"><v>{serial}</v></c></row>'),
        }
    )
    assert read(data) == [(1, {1: expected})]


def test_formats_of_differential_styles_are_not_cell_formats() -> None:
    style = (
        f'<styleSheet xmlns="{MAIN}"><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
        '<cellXfs><xf numFmtId="164"><extLst/></xf><xf numFmtId="14"/></cellXfs>'
        '<dxfs><dxf><numFmt numFmtId="164" formatCode="dd/mm/yyyy"/></dxf></dxfs></styleSheet>'
    )
    assert one('<c r="A1" s="0"><v>42108</v></c>', style=style) == 42108
    assert one('<c r="A1" s="1"><v>42108</v></c>', style=style) == date(2015, 4, 14)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # Filtered and sorted by hand, or written by a program: any order.
        (
            '<row r="3"><c r="A3"><v>3</v></c></row><row r="1"><c r="B1"><v>2</v></c><c r="A1"><v>1</v></c></row>',
            [(1, {1: 1, 2: 2}), (3, {1: 3})],
        ),
        # Written without references: each follows the one before.
        (
            "<row><c><v>1</v></c><c/><c><v>3</v></c></row><row/><row><c><v>4</v></c></row>",
            [(1, {1: 1, 3: 3}), (3, {1: 4})],
        ),
        (
            '<row r="5"><c><v>1</v></c></row><row><c r="C6"><v>2</v></c><c><v>3</v></c></row>',
            [(5, {1: 1}), (6, {3: 2, 4: 3})],
        ),
        # Not from A1, and far away.
        ('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>', [(1_048_576, {16_384: 1})]),
        ('<row r="2"><c r="BM2"><v>1</v></c><c r="BN2"><v>2</v></c></row>', [(2, {65: 1, 66: 2})]),
        # Twice: the later value stands, a later blank takes nothing away.
        ('<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c><c r="A1"/></row>', [(1, {1: 2})]),
        (
            '<row r="1"><c r="A1"><v>1</v></c><c r="B1"><v>2</v></c></row><row r="1"><c r="B1"><v>3</v></c></row>',
            [(1, {1: 1, 2: 3})],
        ),
        # A cell's own reference counts for more than its row.
        ('<row r="1"><c r="A1"><v>1</v></c><c r="B7"><v>2</v></c></row>', [(1, {1: 1}), (7, {2: 2})]),
        ('<row><c r="B7"><v>2</v></c><c r="A1"><v>1</v></c></row>', [(1, {1: 1}), (7, {2: 2})]),
        # Nothing but formatting.
        ('<row r="1" ht="15"/><row r="2"><c r="A2" s="1"/></row>', []),
        # Laid out for people to read.
        (
            '\n<row r="1">\n <c r="A1">\n  <v>1</v>\n </c>\n</row>\n<row r="02">\n<c r="A2">\n<v>2</v></c></row>',
            [(1, {1: 1}), (2, {1: 2})],
        ),
        ("", []),
    ],
)
def test_places(rows: str, expected: list[tuple[int, dict[int, Value]]]) -> None:
    assert rows_of(rows) == expected


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="0"/>',
        '<row r="1048577"/>',
        '<row r="2000000000"/>',
        '<row r="99999999999999999999999"/>',
        '<row r="-1"/>',
        '<row r=""/>',
        '<row r="\u0661"/>',
        '<row r="1048576"/><row/>',
        '<row r="1"><c r="XFE1"/></row>',
        '<row r="1"><c r="AAAA1"/></row>',
        '<row r="1"><c r="A0"/></row>',
        '<row r="1"><c r="A1048577"/></row>',
        '<row r="1"><c r="A99999999999999"/></row>',
        '<row r="1"><c r="1"/></row>',
        '<row r="1"><c r="A"/></row>',
        '<row r="1"><c r=""/></row>',
        '<row r="1"><c r="$A$1"/></row>',
        '<row r="1"><c r="\u00e91"/></row>',
        '<row r="1"><c r="A1:B1"/></row>',
        '<row r="1"><c r="XFD1"/><c/></row>',
        "<c><v>1</v></c>",
    ],
)
def test_places_that_no_sheet_has(rows: str) -> None:
    with pytest.raises(Unreadable, match="a place that no sheet has"):
        rows_of(rows)


@pytest.mark.parametrize("dimension", ["A1", "A1:A1", "A1:XFD1048576", "nonsense", ""])
def test_the_dimension_is_not_believed(dimension: str) -> None:
    rows = '<row r="1"><c r="A1"><v>1</v></c></row><row r="9"><c r="Z9"><v>2</v></c></row>'
    data = build({SHEET: sheet(rows, before=f'<dimension ref="{dimension}"/>')})
    assert read(data) == [(1, {1: 1}), (9, {26: 2})]


def test_what_follows_the_cells_is_not_read_as_cells() -> None:
    extension = '<extLst><ext><a:c xmlns:a="urn:a"><a:v>9</a:v></a:c></ext></extLst>'
    after = f'<mergeCells count="1"><mergeCell ref="A1:B1"/></mergeCells>{extension}'
    data = build({SHEET: sheet('<row r="1"><c r="A1"><v>1</v></c></row>', after=after)})
    assert read(data) == [(1, {1: 1})]


STRING_ROW = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="inlineStr"><is><t>b</t></is></c></row>'


def test_strict_workbook() -> None:
    """Saved from Excel as Strict Open XML Spreadsheet: every namespace and relationship type is another."""
    strict = "http://purl.oclc.org/ooxml/officeDocument/relationships"
    parts = {
        name: content.replace(MAIN, STRICT).replace(OFFICE, strict)
        for name, content in {**raw.DEFAULT, SHEET: sheet(STRING_ROW), STRINGS: strings("<t>a</t>")}.items()
        if isinstance(content, str)
    }
    assert read(build(parts)) == [(1, {1: "a", 2: "b"})]


def test_prefixed_names() -> None:
    """Written with the Open XML SDK of .NET."""

    def prefixed(content: str) -> str:
        head, _, body = content.partition("?>")
        body = body.replace("</", "\0").replace("<", "<x:").replace("\0", "</x:").replace("xmlns=", "xmlns:x=")
        return f"{head}?>{body}"

    parts = {SHEET: prefixed(sheet(STRING_ROW)), STRINGS: prefixed(strings("<t>a</t>")), WORKBOOK: prefixed(workbook())}
    assert "<x:row" in parts[SHEET]
    assert read(build(parts)) == [(1, {1: "a", 2: "b"})]


def test_elements_of_other_namespaces_are_not_cells() -> None:
    other = '<y:c xmlns:y="urn:other" r="A1"><y:v>9</y:v></y:c>'
    ours = f'<z:c xmlns:z="{MAIN}" r="B1"><z:v>2</z:v></z:c>'
    assert rows_of(f'<row r="1">{other}{ours}</row>') == [(1, {2: 2})]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "iso-8859-1", "windows-1252"]
)
def test_character_encodings(encoding: str) -> None:
    label = {"utf-8-sig": "utf-8", "utf-16-le": "utf-16", "utf-16-be": "utf-16"}.get(encoding, encoding)

    def encoded(content: str) -> bytes:
        return content.replace("UTF-8", label).encode(encoding)

    parts = {
        name: encoded(content)
        for name, content in {**raw.DEFAULT, SHEET: sheet(STRING_ROW), STRINGS: strings("<t>Zo\u00eb</t>")}.items()
        if isinstance(content, str)
    }
    assert read(build(parts)) == [(1, {1: "Zo\u00eb", 2: "b"})]


def test_sheets_in_tab_order_with_their_states() -> None:
    data = build(
        {
            WORKBOOK: workbook(
                '<sheet name="Second part, first tab" sheetId="7" r:id="rId9"/>'
                '<sheet name="Chart" sheetId="8" r:id="rId8"/>'
                '<sheet name="Hidden &amp; away" sheetId="3" state="hidden" r:id="rId1"/>'
                '<sheet name="Lists" sheetId="2" state="veryHidden" r:id="rId2"/>'
                '<sheet name="Gone" sheetId="5" r:id="rId5"/>'
            ),
            WORKBOOK_RELS: relationships(
                ("rId1", "worksheet", "worksheets/sheet1.xml"),
                ("rId2", "worksheet", "worksheets/sheet3.xml"),
                ("rId8", "chartsheet", "chartsheets/sheet1.xml"),
                ("rId9", "worksheet", "worksheets/sheet2.xml"),
            ),
            "xl/worksheets/sheet2.xml": sheet('<row r="1"><c r="A1"><v>2</v></c></row>'),
            "xl/worksheets/sheet3.xml": sheet('<row r="1"><c r="A1"><v>3</v></c></row>'),
        }
    )
    opened = open_workbook(data)
    assert [(s.name, s.state) for s in opened.sheets] == [
        ("Second part, first tab", "visible"),
        ("Hidden & away", "hidden"),
        ("Lists", "veryHidden"),
    ]
    assert [opened.rows(s) for s in opened.sheets] == [[(1, {1: 2})], [(1, {1: 1})], [(1, {1: 3})]]
    assert opened.rows(opened.sheets[0]) == [(1, {1: 2})], "a sheet can be read again"


@pytest.mark.parametrize(
    ("target", "stored"),
    [
        ("worksheets/sheet1.xml", SHEET),
        ("/xl/worksheets/sheet1.xml", SHEET),
        ("./worksheets/sheet1.xml", SHEET),
        ("../xl/worksheets/sheet1.xml", SHEET),
        ("../../../xl/worksheets/sheet1.xml", SHEET),
        ("Worksheets/Sheet1.XML", SHEET),
        ("worksheets\\sheet1.xml", SHEET),
        ("worksheets/sheet1.xml", "xl\\worksheets\\sheet1.xml"),
        ("worksheets/sheet1.xml", "/xl/worksheets/sheet1.xml"),
        ("worksheets/sheet1.xml", "XL/Worksheets/Sheet1.xml"),
        ("xl/worksheets/sheet1.xml", SHEET),
        ("worksheets/my%20sheet.xml", "xl/worksheets/my sheet.xml"),
        ("worksheets/100%25.xml", "xl/worksheets/100%25.xml"),
    ],
)
def test_relationship_targets_as_odd_programs_write_them(target: str, stored: str) -> None:
    data = build(
        {
            SHEET: None,
            stored: sheet('<row r="1"><c r="A1"><v>5</v></c></row>'),
            WORKBOOK_RELS: relationships(("rId1", "worksheet", target)),
        }
    )
    assert read(data) == [(1, {1: 5})]


def test_the_workbook_part_is_found_by_its_relationship() -> None:
    data = build(
        {
            ROOT_RELS: relationships(("rId1", "officeDocument", "/content/book.xml")),
            WORKBOOK: None,
            "content/book.xml": workbook(),
            "content/_rels/book.xml.rels": relationships(("rId1", "worksheet", "/xl/worksheets/sheet1.xml")),
        }
    )
    assert read(data) == [(1, {1: 1})]


def test_without_root_relationships_or_content_types() -> None:
    assert read(build({ROOT_RELS: None})) == [(1, {1: 1})]
    assert read(build({CONTENT_TYPES: None})) == [(1, {1: 1})]


def test_stored_parts_and_data_descriptors_and_zip64() -> None:
    assert read(build(compression=zipfile.ZIP_STORED)) == [(1, {1: 1})]

    class Unseekable(BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: int) -> int:
            raise OSError("a stream")

    stream = Unseekable()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in raw.DEFAULT.items():
            with archive.open(name, "w", force_zip64=True) as part:
                part.write(str(content).encode())
    assert read(stream.getvalue()) == [(1, {1: 1})]


def test_from_an_open_file() -> None:
    assert open_workbook(BytesIO(build())).sheets[0].name == "Sheet1"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_wherever_a_piece_of_the_file_ends(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """A sheet is parsed in pieces of 64 KB: no number, index or text may be parted by it, nor anything be lost."""
    rows = "".join(
        f'<row r="{row}"><c r="A{row}"><v>{row}4567890.25</v></c><c r="B{row}" t="s"><v>1{row % 10}</v></c>'
        f'<c r="C{row}"><v><![CDATA[12]]>{row}</v></c>\n <c r="D{row}" s="1"/><c r="E{row}" t="e"><v>#N/A</v></c>'
        f'<c r="F{row}" t="str"><f>A1&amp;"x"</f><v> a{row} </v></c>'
        f'<c r="G{row}" t="inlineStr"><is><t>b </t></is></c></row>'
        for row in range(1, 12)
    )
    shared = strings(*(f"<t>text {number} </t>" for number in range(20)))
    parts = {SHEET: sheet(rows), STRINGS: shared}
    data = build({name: text.replace("UTF-8", encoding).encode(encoding) for name, text in parts.items()})
    whole = read(data)
    assert whole[4] == (5, {1: 54567890.25, 2: "text 15 ", 3: 125, 5: "#N/A", 6: " a5 ", 7: "b "})
    smallest = 80 if encoding == "utf-8" else 160  # so that every piece has an end of a tag in it, as any of 64 KB has
    for size in range(smallest, smallest + 120):
        monkeypatch.setattr("early_results.workbook.package.CHUNK", size)
        assert read(data) == whole, size


@pytest.mark.parametrize("size", range(300, 420))
def test_white_space_after_a_value_may_be_parted_from_it(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever a chunk ends: a text's number is looked up once, and the line break after its row is no number."""
    monkeypatch.setattr(package, "CHUNK", size)
    cells = '<row r="{0}">\n<c r="A{0}" t="s">\n<v>0</v>\n</c>\n<c r="B{0}">\n<v>{0}</v>\n</c></row>\n'
    found = rows_of("".join(cells.format(n) for n in range(1, 12)), strings("<t>x</t>"))
    assert found == [(n, {1: "x", 2: n}) for n in range(1, 12)]
