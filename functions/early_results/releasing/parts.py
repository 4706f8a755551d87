"""The rows of a release: one CSV a local authority, packed so that the same rows are the same bytes.

Nobody's name is in them. What a school's own system wrote freely, gender and year group, is brought into one form:
text that a spreadsheet would run as a formula cannot pass.
"""

from __future__ import annotations

import csv
import io
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .. import ids
from ..reporting.summary import gender_of, year_key
from ..results import PupilResults
from ..service import Column, Service
from .counted import CountedFile

FORM = 1  # the form of the data set; a reader must refuse a form that it does not know
BEFORE = ("school", "la", "upn", "gender", "birth_date", "birth_month", "nc_year")
AFTER = ("empty", "upload_id", "row", "received_utc", "window", "carried_from", "ruleset")
SCHOOL_COLUMNS = (
    "school",
    "la",
    "upload_id",
    "received_utc",
    "window",
    "carried_from",
    "ruleset",
    "file_sha256",
    "pupils",
    "rows",
)
_GENDERS = {"female": "F", "male": "M"}
_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"  # RFC 1952: deflate, no name, no time, best, system unknown


class BadPart(ValueError):
    """A part that is not what a release holds; the message names the place, never a value."""


def columns_of(service: Service) -> tuple[str, ...]:
    """The names of the columns of pupils.csv, in order. ValueError if a result column has another's name."""
    names = (*BEFORE, *(column.key for column in service.results), *AFTER)
    if len(set(names)) != len(names):
        raise ValueError(f"{service.name} has a result column that is called as one of the data set's own")
    return names


def pupil_rows(
    service: Service, window: int, file: CountedFile, results: Sequence[PupilResults]
) -> Iterator[dict[str, str]]:
    """The rows of a school's file, in the file's order, by column; a blank is an empty text."""
    keys = [column.key for column in service.results]
    for entry in sorted(results, key=lambda result: result.row):
        pupil, born, year = entry.pupil, entry.pupil.birth_date, year_key(entry.pupil.nc_year)
        values = {**entry.assessments, **{key: str(score) for key, score in entry.scores.items()}}
        if pupil.school != file.school or not values.keys() <= set(keys):
            raise BadPart(f"the results of upload {file.upload} are of another school or service")
        yield {
            "school": pupil.school,
            "la": file.authority,
            "upn": pupil.upn,
            "gender": _GENDERS.get(gender_of(pupil.gender), ""),
            "birth_date": born.isoformat() if born else "",
            "birth_month": str(born.month) if born else "",
            "nc_year": year if pupil.nc_year.strip() and year.isascii() and year.isalnum() else "",
            **{key: values.get(key, "") for key in keys},
            "empty": "false" if values else "true",
            "upload_id": str(file.upload),
            "row": str(entry.row),
            "received_utc": str(file.received),
            "window": str(window),
            "carried_from": "" if file.carried_from is None else str(file.carried_from),
            "ruleset": str(file.ruleset),
        }


def csv_bytes(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> bytes:
    """CSV as RFC 4180 has it, in UTF-8 without a mark, lines ended by a line feed."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def packed(data: bytes) -> bytes:
    """Bytes as gzip, with no time and no name in it: the same bytes give the same, under one version of zlib.

    Python's own gzip writes a head that differs between its versions.
    """
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflate.compress(data) + deflate.flush()
    return _GZIP_HEAD + body + zlib.crc32(data).to_bytes(4, "little") + (len(data) % 2**32).to_bytes(4, "little")


def unpacked(data: bytes) -> bytes:
    """What `packed` packed. BadPart if it is damaged or cut off."""
    try:
        return zlib.decompress(data, zlib.MAX_WBITS | 16)
    except zlib.error as error:
        raise BadPart("a part is not a whole gzip file") from error


class UploadRows(NamedTuple):
    """The rows of one upload in a release: how many, and which rows of its workbook, as `5-34,36`."""

    pupils: int
    rows: str


def rows_of_uploads(data: bytes) -> dict[str, UploadRows]:
    """The rows of each upload in a part's CSV."""
    rows: dict[str, list[int]] = {}
    for row in csv.DictReader(io.StringIO(data.decode(), newline="")):
        rows.setdefault(row["upload_id"], []).append(int(row["row"]))
    return {upload: UploadRows(len(numbers), ranges(numbers)) for upload, numbers in rows.items()}


def ranges(numbers: Iterable[int]) -> str:
    """Whole numbers as people write them: `5-34,36`."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def schools_csv(window: int, files: Iterable[CountedFile], rows: Mapping[str, UploadRows]) -> bytes:
    """Every school of the final window: its file where it has one, how many pupils are in it, and on which rows."""
    none = UploadRows(0, "")
    lines = []
    for file in files:
        found = rows.get(str(file.upload), none)
        values = (
            file.school,
            file.authority,
            file.upload,
            file.received,
            window,
            file.carried_from,
            file.ruleset,
            file.sha256,
            found.pupils,
            found.rows,
        )
        texts = ("" if value is None else str(value) for value in values)
        lines.append(dict(zip(SCHOOL_COLUMNS, texts, strict=True)))
    return csv_bytes(SCHOOL_COLUMNS, lines)


def schools_from_csv(data: bytes) -> dict[str, tuple[str, UploadRows]]:
    """The upload of each school that has one, and its rows, as `schools_csv` wrote them."""
    read = csv.DictReader(io.StringIO(data.decode(), newline=""))
    return {
        row["school"]: (row["upload_id"], UploadRows(int(row["pupils"]), row["rows"]))
        for row in read
        if row["upload_id"]
    }


def schema_json(service: Service) -> bytes:
    """The schema of pupils.csv as a Table Schema (https://specs.frictionlessdata.io/table-schema/)."""
    required = {"constraints": {"required": True}}
    text, whole = {"type": "string"}, {"type": "integer"}
    before: list[dict[str, Any]] = [
        {"name": "school", **text, "title": "DfE number", "constraints": {"required": True, "pattern": ids.SCHOOL}},
        {"name": "la", **text, "title": "Local authority", "constraints": {"required": True, "pattern": ids.AUTHORITY}},
        {"name": "upn", **text, "title": "UPN", **required},
        {"name": "gender", **text, "title": "Gender", "constraints": {"enum": ["F", "M"]}},
        {"name": "birth_date", "type": "date", "format": "default", "title": "Date of birth"},
        {
            "name": "birth_month",
            **whole,
            "title": "Month of birth, 1 to 12",
            "constraints": {"minimum": 1, "maximum": 12},
        },
        {"name": "nc_year", **text, "title": "NC Year"},
    ]
    after: list[dict[str, Any]] = [
        {"name": "empty", "type": "boolean", "title": "Whether the pupil has no result at all", **required},
        {"name": "upload_id", **text, "title": "The upload that the row is from", **required},
        {"name": "row", **whole, "title": "The row of its workbook", **required},
        {"name": "received_utc", "type": "datetime", "title": "When S3 received the workbook, UTC", **required},
        {"name": "window", **whole, "title": "The final window", **required},
        {"name": "carried_from", **whole, "title": "The earlier window that the workbook was carried forward from"},
        {"name": "ruleset", **text, "title": "The rules that judged the workbook", **required},
    ]
    meanings = {
        code.code: {"meaning": code.meaning, "fate": code.fate.value}
        for code in service.codes
        if any(code.code in column.codes for column in service.results)
    }
    schema = {
        "title": f"{service.title}: one row a pupil",
        "form": FORM,
        "fields": [*before, *(_field(column) for column in service.results), *after],
        "missingValues": [""],
        "primaryKey": ["school", "la", "upn"],
        "codes": meanings,
    }
    return json.dumps(schema, indent=1, ensure_ascii=False).encode() + b"\n"


def _field(column: Column) -> dict[str, Any]:
    """A result column in the schema. A column that takes codes and numbers is text: both stand in it as they are."""
    field: dict[str, Any] = {"name": column.key, "title": column.heading}
    if column.kind == "number":
        return {
            **field,
            "type": "integer",
            "constraints": {"minimum": column.minimum, "maximum": column.maximum},
        }
    if column.kind == "code":
        return {**field, "type": "string", "constraints": {"enum": list(column.codes)}}
    pattern = f"{'|'.join(column.codes)}|[0-9]+"
    return {**field, "type": "string", "constraints": {"pattern": pattern}}


def authority_path(authority: str) -> str:
    """Where the rows of a local authority lie within a release."""
    return f"la={authority}/pupils.csv.gz"
