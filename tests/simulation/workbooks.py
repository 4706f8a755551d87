"""The smallest workbooks that say what a school would say: real files, written in a hundred microseconds.

A pupil's results follow from a number, so that two files of a school differ in their figures. The `tag` tells files of
the same contents apart, so that each has a hash of its own.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from functools import lru_cache
from random import Random
from xml.sax.saxutils import escape

from early_results.checking.mark import MARK_SHEET, TemplateMark, mark_rows
from early_results.checking.roster import british_date
from early_results.results import Pupil
from early_results.service import Service

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/></Types>'
)
_ROOT = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    f'<Relationship Id="r1" Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)
_TAG = 6  # digits at the very end of a file, in the archive's comment
_YEAR = (2023, 6, 1, 0, 0, 0)


def workbook(
    service: Service, pupils: Sequence[Pupil], seed: int, mark: TemplateMark | None, *, good: bool, tag: int
) -> bytes:
    """A filled workbook of these pupils; another `seed`, other results; one that is not good has a code of no subject.

    `mark` is the mark of the template that it was made from, None for a workbook of the school's own.
    """
    return _made(service, tuple(pupils), seed, mark, good)[:-_TAG] + f"{tag:0{_TAG}}".encode()


def results_of(service: Service, pupils: int, seed: int) -> list[dict[str, str | int]]:
    """The results that a file of that seed says, a pupil a line, by the key of the column."""
    die = Random(seed)  # noqa: S311
    said = []
    for _ in range(pupils):
        best = die.random() < 0.3  # greater depth in everything is what drawing each code alone almost never gives
        results: dict[str, str | int] = {}
        for column in service.results:
            high = "GDS" if "GDS" in column.codes else die.choice(column.codes or ("",))
            results[column.key] = (
                die.randint(100, column.maximum) if not column.codes else high if best else die.choice(column.codes)
            )
        said.append(results)
    return said


def tag_of(data: bytes) -> int:
    """The tag of a file, 0 if it has none."""
    return int(data[-_TAG:]) if data[-_TAG:].isdigit() else 0


@lru_cache(maxsize=2048)
def _made(service: Service, pupils: tuple[Pupil, ...], seed: int, mark: TemplateMark | None, good: bool) -> bytes:
    rows: list[Sequence[object]] = [[column.heading for column in (*service.identity, *service.results)]]
    for pupil, results in zip(pupils, results_of(service, len(pupils), seed), strict=True):
        said = {**pupil._asdict(), "birth_date": british_date(pupil.birth_date)}
        rows.append([*(said[column.key] for column in service.identity), *results.values()])
    if not good:
        last = list(rows[-1])
        last[len(service.identity)] = "NOT A CODE"
        rows[-1] = last
    rows.append([])
    sheets = [("Results", rows)]
    if mark is not None:
        sheets.append((MARK_SHEET, list(mark_rows(mark))))
    return _packed(tuple((name, _sheet(rows)) for name, rows in sheets))


def _packed(sheets: tuple[tuple[str, str], ...]) -> bytes:
    named = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, (name, _) in enumerate(sheets, 1))
    related = "".join(
        f'<Relationship Id="r{n}" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n, _ in enumerate(sheets, 1)
    )
    parts = {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": _ROOT,
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>{named}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _ROOT[: _ROOT.index("<Relationship ")] + related + "</Relationships>",
    }
    parts |= {f"xl/worksheets/sheet{n}.xml": text for n, (_, text) in enumerate(sheets, 1)}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, text in parts.items():
            archive.writestr(zipfile.ZipInfo(name, _YEAR), text)
        archive.comment = b"0" * _TAG
    return out.getvalue()


def _sheet(rows: Iterable[Sequence[object]]) -> str:
    made = "".join(
        f'<row r="{number}">{"".join(_cell(number, place, value) for place, value in enumerate(row))}</row>'
        for number, row in enumerate(rows, 1)
        if row
    )
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{made}</sheetData></worksheet>'


def _cell(row: int, place: int, value: object) -> str:
    where = f"{chr(ord('A') + place)}{row}"
    if isinstance(value, int):
        return f'<c r="{where}"><v>{value}</v></c>'
    return f'<c r="{where}" t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'
