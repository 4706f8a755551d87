"""Files that were made to hurt, or that went wrong badly: one small recipe each, and what must come of it.

Built in code, when they are needed; what a recipe is called is the test's name.
"""

from __future__ import annotations

import gzip
import random
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO

from early_results.findings import Code
from tests.unit.workbook.raw_workbook import (
    CONTENT_TYPES,
    DEFAULT,
    MAIN,
    OFFICE,
    RELATIONSHIPS,
    ROOT_RELS,
    SHEET,
    STRINGS,
    STYLES,
    WORKBOOK,
    WORKBOOK_RELS,
    XML,
    build,
    content_types,
    relationships,
    sheet,
    strings,
    styles,
    workbook,
)

READ = "read"
MIB = 1024 * 1024
MANY = 1_000_000  # bytes


@dataclass(frozen=True, slots=True)
class Hostile:
    """A recipe for a file, and its outcome: the code it is refused with, or `read`."""

    make: Callable[[], bytes]
    outcome: Code | str


CASES: dict[str, Hostile] = {}

# Those that take long to make, so that who wants small files alone need not make them.
LARGE = frozenset(
    {
        "1,000,000 attributes in one tag",
        "1,000,000 different attributes",
        "1,000,000 different names",
        "1,000,000 namespaces in one tag",
        "1,000,000 numbers",
        "1,000,000 relationships",
        "1,000,000 root relationships",
        "1,048,576 rows with one formatted cell",
        "149,000 long numbers",
        "150,000 merged cells",
        "200 MB of spaces",
        "30 MB of attributes",
        "30 MB of shared strings",
        "30 MB of shared strings with an emoji each",
        "30 sheets of 100,000 empty rows",
        "30 sheets of 20,000 numbers",
        "300,000 number formats",
        "31 MB of spaces",
        "400,000 namespaces in many tags",
        "a cell of 20 MB of random digits",
        "a formula of 20 MB",
        "a part listed fifty thousand times",
        "elements nested 10,000,000 deep",
        "nested 390,000 deep with long names",
        "workbook nested without end",
    }
)


def small_files() -> dict[str, bytes]:
    """The cases that hold less than a million bytes, and those that cannot be asked how much they hold."""
    made = {name: case.make() for name, case in CASES.items() if name not in LARGE}
    return {name: data for name, data in made.items() if inflated(data) < MANY}


def inflated(data: bytes) -> int:
    """How many bytes a file holds; its own length where it is no zip at all."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            return sum(info.file_size for info in archive.infolist())
    except (zipfile.BadZipFile, struct.error, ValueError, OSError, EOFError, NotImplementedError):
        return len(data)


def case(outcome: Code | str) -> Callable[[Callable[[], bytes]], Callable[[], bytes]]:
    def register(make: Callable[[], bytes]) -> Callable[[], bytes]:
        add(make.__name__.strip("_").replace("_", " "), outcome, make)
        return make

    return register


def add(name: str, outcome: Code | str, make: Callable[[], bytes]) -> None:
    assert name not in CASES, name
    CASES[name] = Hostile(make, outcome)


def parts(name: str, outcome: Code | str, **contents: str | bytes | None) -> None:
    """A case of the default workbook with some parts replaced, by their names here."""
    known = {
        "sheet": SHEET,
        "strings": STRINGS,
        "styles": STYLES,
        "workbook": WORKBOOK,
        "links": WORKBOOK_RELS,
        "root_links": ROOT_RELS,
        "types": CONTENT_TYPES,
    }
    add(name, outcome, lambda: build({known[key]: content for key, content in contents.items()}))


def streamed(part: str, pieces: Iterator[str], others: dict[str, str] | None = None) -> bytes:
    """A workbook with one part too big to be built in memory."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in (DEFAULT | (others or {})).items():
            if name != part and content is not None:
                archive.writestr(name, content)
        with archive.open(part, "w", force_zip64=True) as target:
            for piece in pieces:
                target.write(piece.encode())
    return file.getvalue()


def repeated(part: str, before: str, piece: str, count: int, after: str) -> Callable[[], bytes]:
    """A recipe for a part of many repetitions; `{}` in the piece becomes their number."""

    def pieces() -> Iterator[str]:
        yield XML + before
        for first in range(0, count, 10_000):
            many = range(first, min(first + 10_000, count))
            yield "".join(piece.replace("{}", str(i)) for i in many) if "{}" in piece else piece * len(many)
        yield after

    return lambda: streamed(part, pieces())


SHEET_START, SHEET_END = f'<worksheet xmlns="{MAIN}"><sheetData>', "</sheetData></worksheet>"
STRINGS_START, STRINGS_END = f'<sst xmlns="{MAIN}">', "</sst>"
STYLES_START, STYLES_END = f'<styleSheet xmlns="{MAIN}"><cellXfs>', "</cellXfs></styleSheet>"


def bomb(name: str, outcome: Code | str, piece: str, count: int, start: str = "", end: str = "") -> None:
    add(name, outcome, repeated(SHEET, SHEET_START + start, piece, count, end + SHEET_END))


# -- bombs in the sheet --------------------------------------------------------------------------------------------
TOO_LARGE, DAMAGED, NOT_A_WORKBOOK = Code.TOO_LARGE, Code.DAMAGED, Code.NOT_A_WORKBOOK

bomb("200 MB of spaces", TOO_LARGE, " " * 1024, 200 * 1024)
bomb("31 MB of spaces", READ, " " * 1024, 31 * 1024)
bomb("1.9 MB of spaces", READ, " " * 1024, 1900)
bomb("3,000,000 empty rows", TOO_LARGE, "<row/>", 3_000_000)
bomb("390,000 empty rows", READ, '<row r="{}1"/>', 100_000)
bomb("1,048,576 rows with one formatted cell", TOO_LARGE, '<row r="{}1"><c r="A{}1" s="1"/></row>', 1_048_576)
bomb("formatted cells without end in one row", DAMAGED, "<c/>", 2_000_000, "<row>", "</row>")
bomb("formatted cells without end", TOO_LARGE, '<c r="A1"/>', 2_000_000, "<row>", "</row>")
bomb("1,000,000 numbers", TOO_LARGE, '<row><c r="A{}1"><v>{}</v></c></row>', 1_000_000)
bomb("95,000 different numbers", READ, "<row><c><v>{}.5</v></c></row>", 95_000)
bomb("149,000 long numbers", TOO_LARGE, f"<row><c><v>{{}}.{'5' * 150}</v></c></row>", 149_000)
bomb("130,000 texts in the sheet", TOO_LARGE, '<row><c t="str"><v>{}</v></c></row>', 140_000)
bomb("70,000 texts in the sheet", READ, '<row><c t="inlineStr"><is><t>{}</t></is></c></row>', 70_000)
bomb("10,000 texts of 1,000 characters", TOO_LARGE, f'<row><c t="str"><v>{"x" * 1000}</v></c></row>', 10_000)
bomb("a cell of 20 MB", TOO_LARGE, "x" * 1024, 20_000, '<row><c t="str"><v>', "</v></c></row>")
bomb("a cell of 20 MB of random digits", DAMAGED, "{}", 3_000_000, "<row><c><v>", "</v></c></row>")
bomb("a number of 50,000 digits", DAMAGED, "7", 50_000, "<row><c><v>", "</v></c></row>")
bomb("a number of 5,000 digits", DAMAGED, "7", 5_000, "<row><c><v>", "</v></c></row>")
bomb("a formula of 20 MB", READ, "A1+{}", 2_500_000, "<row><c><f>", "</f></c></row>")
bomb("cells that go to and fro between two rows", READ, '<c r="A1"><v>{}</v></c><c r="A2"/>', 90_000, "<row>", "</row>")
bomb("95,000 rows in no order", READ, '<row r="9{}"><c><v>1</v></c></row>', 95_000)
bomb("95,000 times the same row", READ, '<row r="1"><c><v>1</v></c></row>', 95_000)
bomb("elements nested 10,000,000 deep", TOO_LARGE, "<a>", 10_000_000)
bomb("cells nested 390,000 deep", DAMAGED, '<c r="A1">', 390_000, "<row>")
bomb("rows nested 390,000 deep", DAMAGED, "<row>", 390_000)
bomb("values nested 390,000 deep", TOO_LARGE, "<v>1", 390_000, "<row><c>")
bomb("nested 390,000 deep with long names", TOO_LARGE, f"<{'n' * 1000}>", 390_000)
bomb("guides nested without end in a text", TOO_LARGE, "<rPh>", 3_000_000, '<row><c t="inlineStr"><is>')
bomb("guides nested outside a text", DAMAGED, "<rPh>", 100_000, "<row>")
bomb("texts nested without end", TOO_LARGE, "<is><t>a", 1_000_000, '<row><c t="inlineStr">')
bomb("1,000,000 different names", DAMAGED, "<e{}/>", 1_000_000)
bomb("1,000,000 different attributes", DAMAGED, '<row a{}="1"/>', 1_000_000)
bomb("1,000,000 attributes in one tag", DAMAGED, ' a{}="1"', 1_000_000, "<row", "/>")
bomb("10,000 attributes in one tag", DAMAGED, ' a{}="1"', 10_000, "<row", "/>")
bomb("the same attribute twice", DAMAGED, ' r="1"', 2, "<row", "/>")
bomb("1,000,000 namespaces in one tag", DAMAGED, ' xmlns:a{}="urn:{}"', 1_000_000, "<row", "/>")
bomb("400,000 namespaces in many tags", DAMAGED, '<row xmlns:a{}="urn:{}"/>', 399_000)
bomb("the same namespace on every row", DAMAGED, f'<row xmlns="{MAIN}"/>', 300_000)
bomb("an attribute of 20 MB", DAMAGED, "x" * 1024, 20_000, '<row a="', '"/>')
bomb("a reference of 100 KB", DAMAGED, "A", 100_000, '<row><c r="', '1"/></row>')
bomb("a row number of 100 KB", DAMAGED, "1", 100_000, '<row r="', '"/>')
bomb("a name of 20 MB", DAMAGED, "x" * 1024, 20_000, "<", "/>")
bomb("a comment of 20 MB", DAMAGED, "x" * 1024, 20_000, "<!--", "-->")
bomb("an instruction of 20 MB", DAMAGED, "x" * 1024, 20_000, "<?a ", "?>")
bomb("1,000,000 comments", READ, "<!--x-->", 1_000_000)
bomb("a CDATA section of 20 MB", READ, "x" * 1024, 20_000, "<![CDATA[", "]]>")
bomb("1,000,000 CDATA sections", READ, "<![CDATA[]]>", 1_000_000)
bomb("20 MB of character references", TOO_LARGE, "&#65;", 4_000_000, '<row><c t="str"><v>', "</v></c></row>")
bomb("escapes without end", READ, "_x0041_", 10_000, '<row><c t="str"><v>', "</v></c></row>")
bomb("escapes that never close", READ, "_x005_x", 10_000, '<row><c t="str"><v>', "</v></c></row>")
add(
    "150,000 merged cells",
    READ,
    repeated(
        SHEET,
        SHEET_START + "</sheetData><mergeCells>",
        '\n<mergeCell ref="A{}:B{}"/>',
        150_000,
        "</mergeCells></worksheet>",
    ),
)

# -- bombs in the other parts --------------------------------------------------------------------------------------
add("3,000,000 shared strings", TOO_LARGE, repeated(STRINGS, STRINGS_START, "<si/>", 3_000_000, STRINGS_END))
add("140,000 shared strings", READ, repeated(STRINGS, STRINGS_START, "<si><t>{}</t></si>", 140_000, STRINGS_END))
add(
    "a shared string of 20 MB",
    TOO_LARGE,
    repeated(STRINGS, STRINGS_START + "<si><t>", "x" * 1024, 20_000, "</t></si>" + STRINGS_END),
)
add(
    "a shared string of 1,000,000 pieces",
    TOO_LARGE,
    repeated(STRINGS, STRINGS_START + "<si>", "<r><t>x</t></r>", 1_000_000, "</si>" + STRINGS_END),
)
add(
    "30 MB of shared strings",
    TOO_LARGE,
    repeated(STRINGS, STRINGS_START, f"<si><t>{'x' * 10_000}{{}}</t></si>", 3_000, STRINGS_END),
)
add(
    "30 MB of shared strings with an emoji each",
    TOO_LARGE,
    repeated(STRINGS, STRINGS_START, f"<si><t>\U0001f600{'x' * 10_000}{{}}</t></si>", 3_000, STRINGS_END),
)
add(
    "3.9 million characters of four bytes",
    READ,
    repeated(STRINGS, STRINGS_START, f"<si><t>{{}}{chr(0x1F600) * 30_000}</t></si>", 130, STRINGS_END),
)
add(
    "guides nested without end in the shared strings",
    TOO_LARGE,
    repeated(STRINGS, STRINGS_START + "<si>", "<rPh>", 3_000_000, STRINGS_END),
)
add("3,000,000 cell styles", TOO_LARGE, repeated(STYLES, STYLES_START, "<xf/>", 3_000_000, STYLES_END))
add("65,490 cell styles", READ, repeated(STYLES, STYLES_START, '<xf numFmtId="14"/>', 65_490, STYLES_END))
add(
    "300,000 number formats",
    TOO_LARGE,
    repeated(
        STYLES,
        f'<styleSheet xmlns="{MAIN}"><numFmts>',
        '<numFmt numFmtId="{}" formatCode="dd"/>',
        300_000,
        "</numFmts></styleSheet>",
    ),
)
add(
    "4,900 long number formats",
    READ,
    repeated(
        STYLES,
        f'<styleSheet xmlns="{MAIN}"><numFmts>',
        f'<numFmt numFmtId="{{}}" formatCode="{"0" * 2_000}"/>',
        4_900,
        "</numFmts><cellXfs>" + "".join(f'<xf numFmtId="{i}"/>' for i in range(4_900)) + "</cellXfs></styleSheet>",
    ),
)
for character in ('"', "[", "\\", "_", "h", "&amp;"):
    add(
        f"a number format of 200,000 {character}",
        READ,
        repeated(
            STYLES,
            f'<styleSheet xmlns="{MAIN}"><numFmts><numFmt numFmtId="164" formatCode=\'',
            character,
            200_000 // len(character),
            "'/></numFmts><cellXfs><xf numFmtId='164'/></cellXfs></styleSheet>",
        ),
    )
add("styles nested without end", TOO_LARGE, repeated(STYLES, STYLES_START, "<xf>", 5_000_000, STYLES_END))
add(
    "1,000,000 sheets",
    TOO_LARGE,
    repeated(
        WORKBOOK,
        f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>',
        '<sheet name="a" r:id="rId1"/>',
        1_000_000,
        "</sheets></workbook>",
    ),
)
add(
    "workbook nested without end",
    TOO_LARGE,
    repeated(WORKBOOK, f'<workbook xmlns="{MAIN}">', "<sheets>", 5_000_000, "</workbook>"),
)
for name, part in (("1,000,000 relationships", WORKBOOK_RELS), ("1,000,000 root relationships", ROOT_RELS)):
    add(
        name,
        TOO_LARGE,
        repeated(
            part,
            f'<Relationships xmlns="{RELATIONSHIPS}">',
            '<Relationship Id="r{}" Type="x/worksheet" Target="../../a/../{}"/>',
            1_000_000,
            "</Relationships>",
        ),
    )
add(
    "a relationship that climbs 60,000 folders",
    DAMAGED,
    lambda: build({WORKBOOK_RELS: relationships(("rId1", "worksheet", "../" * 60_000 + "etc/passwd"))}),
)
add(
    "20 MB of content types",
    READ,
    repeated(CONTENT_TYPES, "<Types>", '<Default Extension="spreadsheetml"/>', 500_000, "</Types>"),
)


def many_sheets(count: int, rows: str, parts_of_their_own: bool = True) -> bytes:
    """A workbook of many sheets with the same contents, in one part or each in its own."""
    targets = [f"worksheets/s{number if parts_of_their_own else 0}.xml" for number in range(count)]
    return build(
        {
            WORKBOOK: workbook("".join(f'<sheet name="{n}" r:id="r{n}"/>' for n in range(count))),
            WORKBOOK_RELS: relationships(*((f"r{n}", "worksheet", target) for n, target in enumerate(targets))),
            **{f"xl/{target}": sheet(rows) for target in targets},
        }
    )


add("30 sheets of 100,000 empty rows", TOO_LARGE, lambda: many_sheets(30, "<row/>" * 100_000))
add("30 sheets of 20,000 numbers", TOO_LARGE, lambda: many_sheets(30, "<row><c><v>1</v></c></row>" * 20_000))
add("400 sheets of 100,000 empty rows in one part", TOO_LARGE, lambda: many_sheets(400, "<row/>" * 100_000, False))
add("400 sheets of 1 MB of spaces", TOO_LARGE, lambda: many_sheets(400, " " * MIB, False))
add("400 damaged sheets", DAMAGED, lambda: many_sheets(400, "<row/>" * 900 + "<row>"))
add("600 sheets", TOO_LARGE, lambda: many_sheets(600, ""))
ATTRIBUTES = " ".join(f'{a}{b}="1"' for a in "abcdefghijklmnopqrstuvwxyz" for b in "abcdefghijklmnopqrstuvwxyz")
bomb("30 MB of attributes", READ, f"<row {ATTRIBUTES}/>", 6_200)


# -- entities and document types -----------------------------------------------------------------------------------
LAUGHS = '<!DOCTYPE l [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {b} "{("&" + a + ";") * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True)
)
DOCTYPES = {
    "a billion laughs": LAUGHS + "]>",
    "quadratic entities": f'<!DOCTYPE l [<!ENTITY j "{"x" * 100_000}">]>',
    "an external entity": '<!DOCTYPE l [<!ENTITY j SYSTEM "file:///etc/passwd">]>',
    "an external document type": '<!DOCTYPE l SYSTEM "http://127.0.0.1:9/l.dtd">',
    "a public document type": '<!DOCTYPE l PUBLIC "-//W3C//DTD XHTML 1.0//EN" "http://127.0.0.1:9/l.dtd">',
    "parameter entities": '<!DOCTYPE l [<!ENTITY % p SYSTEM "file:///dev/zero">%p;]>',
    "default attributes": '<!DOCTYPE l [<!ATTLIST row r CDATA "7">]>',
    "an empty document type": "<!DOCTYPE worksheet>",
    "a document type that never ends": "<!DOCTYPE l [" + "<!ENTITY a 'b'>" * 20_000,
}
for name, doctype in DOCTYPES.items():
    rows = '<row r="1"><c r="A1" t="str"><v>' + "&j;" * 1_000 + "</v></c></row>"
    parts(name, DAMAGED, sheet=sheet(rows).replace("?>", "?>" + doctype))
ENTITY = DOCTYPES["an external entity"]
parts("an external entity in the strings", DAMAGED, strings=strings("<t>&j;</t>").replace("?>", "?>" + ENTITY))
parts("an external entity in the styles", DAMAGED, styles=styles("&j;").replace("?>", "?>" + ENTITY))
parts("an external entity in the workbook", DAMAGED, workbook=workbook(before="&j;").replace("?>", "?>" + ENTITY))
parts(
    "an external entity in the relationships",
    DAMAGED,
    links=relationships(("rId1", "worksheet", "&j;")).replace("?>", "?>" + ENTITY),
)
parts("an entity that nobody declared", DAMAGED, sheet=sheet('<row><c t="str"><v>&nbsp;</v></c></row>'))
parts("a reference to no character", DAMAGED, sheet=sheet('<row><c t="str"><v>&#0;</v></c></row>'))
parts("a reference to half a character", DAMAGED, sheet=sheet('<row><c t="str"><v>&#xD83D;</v></c></row>'))

# -- places, numbers and indexes -----------------------------------------------------------------------------------
parts("a cell in the last corner", READ, sheet=sheet('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'))
parts("row 2,000,000,000", DAMAGED, sheet=sheet('<row r="2000000000"><c r="A2000000000"><v>1</v></c></row>'))
parts("row 2,000,000,000 by its cell alone", DAMAGED, sheet=sheet('<row><c r="A2000000000"><v>1</v></c></row>'))
parts("row -1", DAMAGED, sheet=sheet('<row r="-1"><c><v>1</v></c></row>'))
parts("row 0", DAMAGED, sheet=sheet('<row r="0"><c><v>1</v></c></row>'))
parts("row 2 to the 64th", DAMAGED, sheet=sheet(f'<row r="{2**64}"><c><v>1</v></c></row>'))
parts("row 1e5", DAMAGED, sheet=sheet('<row r="1e5"><c><v>1</v></c></row>'))
parts("column XFE", DAMAGED, sheet=sheet('<row r="1"><c r="XFE1"><v>1</v></c></row>'))
parts("column ZZZZZZZ", DAMAGED, sheet=sheet('<row r="1"><c r="ZZZZZZZ1"><v>1</v></c></row>'))
parts("a dimension of the whole sheet", READ, sheet=sheet("", before='<dimension ref="A1:XFD1048576"/>'))
parts("a dimension beyond the sheet", READ, sheet=sheet("", before='<dimension ref="A1:ZZZZ99999999999"/>'))
DATES = styles(0, 14)
for serial in ("1e300", "-1e300", "1e308", "1e309", "-1e999", "NaN", "INF", "2958466", "-0.5", "9" * 300, "0.1e-400"):
    parts(f"a date of {serial[:12]}", READ, sheet=sheet(f'<row><c s="1"><v>{serial}</v></c></row>'), styles=DATES)
for when in ("99999-01-01", "0000-00-00", "2015-02-30", "T25:00", "2015-W99", "9" * 5_000, "-"):
    parts(
        f"a day of {when[:12]}",
        DAMAGED if len(when) > 1_000 else READ,
        sheet=sheet(f'<row><c t="d"><v>{when}</v></c></row>'),
    )
for index in ("2000000000", "-1", "x", "1e300", "0.5", "9" * 5_000):
    cell = f'<row><c t="s"><v>{index}</v></c></row>'
    parts(f"shared string {index[:12]}", DAMAGED, sheet=sheet(cell), strings=strings("<t>a</t>"))
parts("a shared string without any", DAMAGED, sheet=sheet('<row><c t="s"><v>0</v></c></row>'), strings=strings())
parts("a shared string without their part", DAMAGED, sheet=sheet('<row><c t="s"><v>0</v></c></row>'))
for index in ("2000000000", "-1", "x", "1e300", "9" * 5_000):
    parts(f"style {index[:12]}", READ, sheet=sheet(f'<row><c s="{index}"><v>1</v></c></row>'), styles=DATES)

# -- parts and relationships ---------------------------------------------------------------------------------------
parts(
    "a sheet elsewhere on the internet",
    DAMAGED,
    links=relationships(("rId1", "worksheet", "http://127.0.0.1:9/"), mode="External"),
)
parts("a sheet on a server", DAMAGED, links=relationships(("rId1", "worksheet", "\\\\server\\share\\s.xml")))
parts("a sheet in a file", DAMAGED, links=relationships(("rId1", "worksheet", "file:///etc/passwd")))
parts(
    "a sheet with an internet address inside",
    DAMAGED,
    links=relationships(("rId1", "worksheet", "http://127.0.0.1:9/")),
)
parts(
    "the workbook elsewhere",
    READ,
    root_links=relationships(("rId1", "officeDocument", "http://127.0.0.1:9/"), mode="External"),
)
parts("a sheet that is missing", DAMAGED, links=relationships(("rId1", "worksheet", "worksheets/sheet9.xml")))
parts("a sheet without a name for its part", DAMAGED, links=relationships(("rId1", "worksheet", "")))
parts("a sheet that is the workbook", DAMAGED, links=relationships(("rId1", "worksheet", "workbook.xml")))
parts(
    "a sheet that is the relationships", DAMAGED, links=relationships(("rId1", "worksheet", "_rels/workbook.xml.rels"))
)
parts("a sheet that is the folder", DAMAGED, links=relationships(("rId1", "worksheet", "worksheets/")))
parts(
    "strings that are the sheet",
    DAMAGED,
    links=relationships(
        ("rId1", "worksheet", "worksheets/sheet1.xml"), ("rId2", "sharedStrings", "worksheets/sheet1.xml")
    ),
)
parts(
    "styles that are the sheet",
    DAMAGED,
    links=relationships(("rId1", "worksheet", "worksheets/sheet1.xml"), ("rId2", "styles", "worksheets/sheet1.xml")),
)
parts("no relationships", DAMAGED, links=None)
parts("no workbook", DAMAGED, workbook=None)
parts("no sheet", DAMAGED, sheet=None)
parts("no sheets", DAMAGED, workbook=workbook(""))
parts("sheets without identifiers", DAMAGED, workbook=workbook('<sheet name="a"/>'))
parts("an empty sheet part", DAMAGED, sheet=b"")
parts("an empty workbook part", DAMAGED, workbook=b"")
parts("an empty strings part", DAMAGED, strings=b"")
parts("a picture for a sheet", DAMAGED, sheet=b"\x89PNG\r\n\x1a\n" + bytes(1_000))
parts("random bytes for a sheet", DAMAGED, sheet=random.Random(1).randbytes(10_000))  # noqa: S311
parts("a web page for a sheet", DAMAGED, sheet="<html><body><table><tr><td>1<br></td></tr></table>")
parts("a sheet cut short", DAMAGED, sheet=sheet('<row r="1"><c r="A1"><v>1</v></c></row>')[:-20])
parts("a sheet with two roots", DAMAGED, sheet=sheet("") + sheet("").removeprefix(XML))
parts("a sheet of no namespace", DAMAGED, sheet=sheet("").replace(f' xmlns="{MAIN}"', ""))
parts("a sheet of another namespace", DAMAGED, sheet=sheet("").replace(MAIN, "urn:other"))
parts("a prefix that nobody declared", DAMAGED, sheet=sheet("<x:row/>"))
parts("a workbook of another namespace", DAMAGED, workbook=workbook().replace(MAIN, "urn:other"))
parts("version 1.1 of XML", READ, sheet=sheet("").replace('version="1.0"', 'version="1.1"'))
for twice in (SHEET, WORKBOOK, STRINGS, "XL/WORKSHEETS/sheet1.xml", "xl\\worksheets\\sheet1.xml", "/" + SHEET):

    def _twice(name: str = twice) -> bytes:
        file = BytesIO(build({STRINGS: strings("<t>a</t>")}))
        with zipfile.ZipFile(file, "a") as archive:
            # Written under another name of the same length: the library warns of a duplicate.
            archive.writestr("?" * len(name), sheet('<row r="1"><c r="A1"><v>2</v></c></row>'))
        return file.getvalue().replace(b"?" * len(name), name.encode())

    add(f"{twice} twice", DAMAGED, _twice)


# -- names of parts ------------------------------------------------------------------------------------------------
def _beside(name: str) -> Callable[[], bytes]:
    return lambda: build({name: b"#!/bin/sh\nexit 1\n"})


for beside in (
    "../../../etc/passwd",
    "/etc/passwd",
    "C:\\Windows\\System32\\evil.dll",
    "..\\..\\evil.exe",
    "xl/../../evil.xml",
    "\\\\server\\share",
    "xl/worksheets/sheet\u202e1.xml",
    "con",
    "<script>alert(1)</script>",
    "%2e%2e%2f%2e%2e%2fetc",
    "_rels/../_rels/.rels/",
    " ",
):
    add(f"a part called {beside!r}", READ, _beside(beside))
add("a part with a name of 65,000 characters", READ, _beside("n" * 65_000))


# -- damaged and deceitful zips ------------------------------------------------------------------------------------
GOOD = build({SHEET: sheet("".join(f'<row r="{i}"><c r="A{i}"><v>{i * i}</v></c></row>' for i in range(1, 200)))})
END = GOOD.rindex(b"PK\x05\x06")
CENTRAL = GOOD.index(b"PK\x01\x02")


def _entry(data: bytes, name: str, signature: bytes) -> int:
    """Where the last header of that kind for a part begins."""
    offset = 30 if signature == b"PK\x03\x04" else 46
    at = data.rindex(name.encode()) if signature == b"PK\x01\x02" else data.index(name.encode())
    assert data[at - offset : at - offset + 4] == signature
    return at - offset


def patched(offset: int, new: bytes, data: bytes = GOOD) -> bytes:
    return data[:offset] + new + data[offset + len(new) :]


LOCAL_SHEET = _entry(GOOD, SHEET, b"PK\x03\x04")
CENTRAL_SHEET = _entry(GOOD, SHEET, b"PK\x01\x02")
for keep in (4, 30, 100, len(GOOD) // 2, CENTRAL, END, len(GOOD) - 1):
    add(f"the first {keep} bytes of a workbook", DAMAGED, lambda keep=keep: GOOD[:keep])  # type: ignore[misc]
add("a workbook with one byte of its data changed", DAMAGED, lambda: patched(LOCAL_SHEET + 80, b"\xff"))
add("a workbook overwritten with zeros at the end", DAMAGED, lambda: patched(len(GOOD) - 500, bytes(500)))
add("a workbook overwritten with zeros in the middle", DAMAGED, lambda: patched(LOCAL_SHEET, bytes(400)))
add("a workbook without its beginning", NOT_A_WORKBOOK, lambda: GOOD[100:])
add("a workbook with something before it", NOT_A_WORKBOOK, lambda: b"MZ" + bytes(510) + GOOD)
add("a workbook with something after it", READ, lambda: GOOD + bytes(1_000))
add("a workbook with 100 KB after it", DAMAGED, lambda: GOOD + bytes(100_000))
add("a wrong checksum", DAMAGED, lambda: patched(CENTRAL_SHEET + 16, b"\0\0\0\0"))
add("a size that is too small", DAMAGED, lambda: patched(CENTRAL_SHEET + 24, struct.pack("<I", 100)))
add("a size that is too big", READ, lambda: patched(CENTRAL_SHEET + 24, struct.pack("<I", 1_000_000)))
add("a size of 4 GB", TOO_LARGE, lambda: patched(CENTRAL_SHEET + 24, struct.pack("<I", 2**32 - 2)))
add("a size that zip64 should give", TOO_LARGE, lambda: patched(CENTRAL_SHEET + 24, b"\xff" * 4))
add("a compressed size of 0", DAMAGED, lambda: patched(CENTRAL_SHEET + 20, bytes(4)))
add("a compressed size of 4 GB", READ, lambda: patched(CENTRAL_SHEET + 20, struct.pack("<I", 2**32 - 2)))
add("a part that begins nowhere", DAMAGED, lambda: patched(CENTRAL_SHEET + 42, struct.pack("<I", 2**31)))
add("a part that begins at another", DAMAGED, lambda: patched(CENTRAL_SHEET + 42, bytes(4)))
add("a local name that differs", DAMAGED, lambda: patched(LOCAL_SHEET + 30, b"Q"))
add("a name of 65,535 bytes that are not there", READ, lambda: patched(CENTRAL_SHEET + 28, b"\xff\xff"))
add("an extra field that is not there", READ, lambda: patched(CENTRAL_SHEET + 30, b"\xff\xff"))
add("a comment that is not there", READ, lambda: patched(END + 20, b"\xff\xff"))
add("a central directory of 4 GB", DAMAGED, lambda: patched(END + 12, struct.pack("<I", 2**32 - 2)))
add("a central directory nowhere", DAMAGED, lambda: patched(END + 16, struct.pack("<I", 2**32 - 2)))
add("65,535 entries that are not there", READ, lambda: patched(END + 8, b"\xff\xff\xff\xff"))
add("a zip in several volumes", READ, lambda: patched(END + 4, b"\x01\x00\x01\x00"))
add("an encrypted part", Code.ENCRYPTED, lambda: patched(CENTRAL_SHEET + 8, b"\x01"))
add(
    "a name said to be UTF-8 that is not",
    DAMAGED,
    lambda: patched(CENTRAL_SHEET + 46, b"\xff", patched(CENTRAL_SHEET + 9, b"\x08")),
)
for method in (1, 6, 9, 12, 14, 93, 95, 98, 99, 65_535):
    add(f"compression method {method}", DAMAGED, lambda m=method: patched(CENTRAL_SHEET + 10, struct.pack("<H", m)))  # type: ignore[misc]
add("stored, it says, though it is deflated", DAMAGED, lambda: patched(CENTRAL_SHEET + 10, b"\0\0"))
add("a zip version of the future", DAMAGED, lambda: patched(CENTRAL_SHEET + 6, b"\xff\x00"))
add("the 31st of no month", READ, lambda: patched(CENTRAL_SHEET + 12, b"\xff\xff\xff\xff"))
add("nothing but the end of a zip", NOT_A_WORKBOOK, lambda: GOOD[END:].replace(GOOD[END + 8 : END + 20], bytes(12)))
add("a compressed part of zeros", DAMAGED, lambda: patched(LOCAL_SHEET + 30 + len(SHEET), bytes(200)))


@case(TOO_LARGE)
def seventy_thousand_parts() -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(70_000):
            archive.writestr(str(number), b"")
    return file.getvalue()


@case(TOO_LARGE)
def a_part_listed_fifty_thousand_times() -> bytes:
    entry = GOOD[CENTRAL_SHEET : CENTRAL_SHEET + 46 + len(SHEET)]
    end = GOOD[:END] + entry * 50_000
    return end + patched(12, struct.pack("<I", len(end) - CENTRAL), GOOD[END:])


@case(READ)
def an_extra_field_full_of_zip64() -> bytes:
    info = zipfile.ZipInfo("docProps/app.xml")
    info.extra = b"\x99\x99\x04\x00abcd" * 8_000
    file = BytesIO(GOOD)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(info, b"")
    return file.getvalue()


@case(DAMAGED)
def a_zip_comment_that_ends_another_zip() -> bytes:
    file = BytesIO(GOOD)
    with zipfile.ZipFile(file, "a") as archive:
        archive.comment = b"PK\x05\x06" + bytes(17)
    return file.getvalue()


@case(TOO_LARGE)
def eleven_megabytes() -> bytes:
    return build({"xl/media/image1.png": random.Random(1).randbytes(11 * MIB)}, zipfile.ZIP_STORED)  # noqa: S311


@case(TOO_LARGE)
def a_ratio_of_a_thousand() -> bytes:
    return build({SHEET: sheet('<row r="1"/>' * 300_000)})


# -- character encodings -------------------------------------------------------------------------------------------
ONE = sheet('<row r="1"><c r="A1" t="str"><v>Zo\u00eb</v></c></row>')


def labelled(label: str, encoding: str = "utf-8") -> bytes:
    return ONE.replace("UTF-8", label).encode(encoding)


parts("UTF-16", READ, sheet=labelled("UTF-16", "utf-16"))
parts("UTF-16 without a mark", READ, sheet=labelled("UTF-16", "utf-16-be"))
parts("UTF-16 that says it is UTF-8", DAMAGED, sheet=labelled("UTF-8", "utf-16"))
parts("UTF-8 that says it is UTF-16", DAMAGED, sheet=labelled("UTF-16"))
parts(
    "UTF-16 with half a character",
    DAMAGED,
    sheet=labelled("UTF-16", "utf-16").replace("\u00eb".encode("utf-16-le"), b"\x3d\xd8"),
)
parts("UTF-16 with half a byte pair", DAMAGED, sheet=labelled("UTF-16", "utf-16")[:-1])
parts("UTF-32", DAMAGED, sheet=labelled("UTF-32", "utf-32"))
for label in (
    "UTF-7",
    "idna",
    "punycode",
    "rot13",
    "hex",
    "zlib",
    "unicode_escape",
    "cp037",
    "gbk",
    "x" * 1_000,
    "..",
    "os",
):
    parts(f"character encoding {label[:20]}", DAMAGED, sheet=labelled(label))
parts("bytes that are not UTF-8", DAMAGED, sheet=ONE.encode("iso-8859-1"))
parts("a slash in five bytes of UTF-8", DAMAGED, sheet=ONE.encode().replace(b"Z", b"\xf8\x80\x80\x80\xaf"))
parts("a character of nothing", DAMAGED, sheet=ONE.replace("Z", "\0"))
parts("a bell", DAMAGED, sheet=ONE.replace("Z", "\a"))
parts("a character that is none", DAMAGED, sheet=ONE.replace("Z", "\uffff"))
parts("escaped control characters", READ, sheet=ONE.replace("Z", "_x0000__x0007__xFFFF_"))

# -- other files under the name .xlsx ------------------------------------------------------------------------------
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


def ole(stream: str) -> bytes:
    return OLE + bytes(512) + stream.encode("utf-16-le") + bytes(512)


FILES: dict[str, tuple[Code, bytes]] = {
    "nothing": (NOT_A_WORKBOOK, b""),
    "one byte": (NOT_A_WORKBOOK, b"P"),
    "two letters": (DAMAGED, b"PK"),
    "zeros": (DAMAGED, bytes(30_000)),
    "blanks": (NOT_A_WORKBOOK, b" \r\n" * 100),
    "a CSV file": (NOT_A_WORKBOOK, b"School DFE,UPN\r\n1231234,P1234567891234\r\n"),
    "a CSV file with a mark": (NOT_A_WORKBOOK, "\ufeffSchool DFE,UPN\r\n".encode()),
    "a CSV file in Latin 1": (NOT_A_WORKBOOK, "Forename\r\nZo\u00eb\r\nChlo\u00eb\r\n".encode("iso-8859-1")),
    "Unicode text": (NOT_A_WORKBOOK, "School DFE\tUPN\r\n".encode("utf-16")),
    "a web page": (NOT_A_WORKBOOK, b"<!DOCTYPE html><html><table></table></html>"),
    "a table of a web page": (NOT_A_WORKBOOK, b"\r\n<table border=1><tr><td>1231234</td></tr></table>"),
    "a web archive": (NOT_A_WORKBOOK, b"MIME-Version: 1.0\r\nContent-Type: multipart/related\r\n"),
    "XML of Excel 2003": (NOT_A_WORKBOOK, b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook/>'),
    "some XML": (NOT_A_WORKBOOK, b'<?xml version="1.0"?><pupils/>'),
    "JSON": (NOT_A_WORKBOOK, b'{"pupils": []}'),
    "a PDF": (NOT_A_WORKBOOK, b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(100)),
    "a PNG": (NOT_A_WORKBOOK, b"\x89PNG\r\n\x1a\n" + bytes(100)),
    "a JPEG": (NOT_A_WORKBOOK, b"\xff\xd8\xff\xe0" + bytes(100)),
    "a program": (NOT_A_WORKBOOK, b"MZ\x90\x00" + bytes(100)),
    "an RTF": (NOT_A_WORKBOOK, b"{\\rtf1 hello}"),
    "gzip": (NOT_A_WORKBOOK, gzip.compress(GOOD, mtime=0)),
    "7-Zip": (NOT_A_WORKBOOK, b"7z\xbc\xaf\x27\x1c" + bytes(100)),
    "RAR": (NOT_A_WORKBOOK, b"Rar!\x1a\x07\x01\x00" + bytes(100)),
    "SQLite": (NOT_A_WORKBOOK, b"SQLite format 3\x00" + bytes(100)),
    "random bytes": (NOT_A_WORKBOOK, random.Random(2).randbytes(10_000)),  # noqa: S311
    "random bytes after PK": (DAMAGED, b"PK\x03\x04" + random.Random(3).randbytes(10_000)),  # noqa: S311
    "an old Excel workbook": (Code.OLD_EXCEL, ole("Workbook")),
    "an older Excel workbook": (Code.OLD_EXCEL, ole("Book")),
    "an Excel 2 worksheet": (Code.OLD_EXCEL, b"\x09\x00\x04\x00\x02\x00\x10\x00" + bytes(100)),
    "an Excel 4 worksheet": (Code.OLD_EXCEL, b"\x09\x04\x06\x00\x00\x00\x10\x00" + bytes(100)),
    "an old Word document": (NOT_A_WORKBOOK, ole("WordDocument")),
    "an old presentation": (NOT_A_WORKBOOK, ole("PowerPoint Document")),
    "an Outlook message": (NOT_A_WORKBOOK, ole("__nameid_version1.0")),
    "a workbook with a password": (Code.ENCRYPTED, ole("EncryptionInfo") + ole("EncryptedPackage")),
    "a workbook with rights management": (Code.ENCRYPTED, ole("\x06DataSpaces") + ole("EncryptedPackage")),
    "the beginning of an OLE file": (Code.OLD_EXCEL, OLE[:100]),
}
for name, (code, data) in FILES.items():
    add(name, code, lambda data=data: data)  # type: ignore[misc]


def archive(**names: bytes) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as target:
        for name, content in names.items():
            target.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return file.getvalue()


ODS, ODT = (b"application/vnd.oasis.opendocument." + kind for kind in (b"spreadsheet", b"text"))
WORD = content_types("application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml")
SLIDES = content_types("application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml")
add("an OpenDocument spreadsheet", NOT_A_WORKBOOK, lambda: archive(mimetype=ODS, content_dot_xml=b"<x/>"))
add("an OpenDocument text", NOT_A_WORKBOOK, lambda: archive(mimetype=ODT, content_dot_xml=b"<x/>"))
add("a Numbers document", NOT_A_WORKBOOK, lambda: archive(Index__Document_dot_iwa=b"x"))
add("a zip with a workbook in it", NOT_A_WORKBOOK, lambda: archive(results_dot_xlsx=GOOD))
add("a zip with pictures in it", NOT_A_WORKBOOK, lambda: archive(a_dot_png=b"x"))
add("a zip with nothing in it", NOT_A_WORKBOOK, archive)
add("a zip with an empty folder called xl", DAMAGED, lambda: archive(xl__=b""))
add(
    "a Word document",
    NOT_A_WORKBOOK,
    lambda: build(
        {
            WORKBOOK: None,
            CONTENT_TYPES: WORD,
            "word/document.xml": "<x/>",
            ROOT_RELS: relationships(("rId1", "officeDocument", "word/document.xml")),
        }
    ),
)
add(
    "a presentation",
    NOT_A_WORKBOOK,
    lambda: build(
        {
            WORKBOOK: None,
            CONTENT_TYPES: SLIDES,
            "ppt/presentation.xml": "<x/>",
            ROOT_RELS: relationships(("rId1", "officeDocument", "ppt/presentation.xml")),
        }
    ),
)
add(
    "a binary workbook",
    NOT_A_WORKBOOK,
    lambda: build(
        {
            WORKBOOK: None,
            "xl/workbook.bin": b"\x83\x01\x00",
            ROOT_RELS: relationships(("rId1", "officeDocument", "xl/workbook.bin")),
        }
    ),
)
MACRO_TYPE = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
parts("a macro-enabled workbook", Code.MACROS, types=content_types(MACRO_TYPE))
parts(
    "a macro-enabled workbook in UTF-16",
    Code.MACROS,
    types=content_types(MACRO_TYPE).replace("UTF-8", "UTF-16").encode("utf-16"),
)
add("a workbook with a macro", Code.MACROS, lambda: build({"xl/vbaProject.bin": b"x"}))
add("a workbook with a macro elsewhere", Code.MACROS, lambda: build({"docProps\\VBAPROJECT.BIN": b"x"}))
add(
    "a workbook with a macro sheet of Excel 4",
    Code.MACROS,
    lambda: build(
        {
            WORKBOOK_RELS: relationships(
                ("rId1", "worksheet", "worksheets/sheet1.xml"), ("rId2", "xlMacrosheet", "macrosheets/sheet1.xml")
            ),
            "xl/macrosheets/sheet1.xml": "<x/>",
        }
    ),
)
