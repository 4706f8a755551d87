"""The rows of a release: nothing lost, nothing added, no name, the same bytes, and as the schema says."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from early_results.releasing import parts
from early_results.releasing.counted import CountedFile, by_authority, counted_files
from early_results.releasing.parts import BadPart, UploadRows
from early_results.releasing.release import Inputs, release_name, withdrawn
from early_results.results import Pupil, PupilResults
from early_results.service import Service, load_service, service_names

SCHOOL = "1231234"
FILE = CountedFile(SCHOOL, "01H43Q0F8RZJ4T1D2ZK5N8Q6W0", "a" * 64, "b" * 64, "2023-06-30T10:59:59Z", "ks1-2023.1", None)
FORMULAS = ["=1+1", "+44", "-2", "@SUM(A1)", "\t=1", "F\n=1"]
TEXT = st.one_of(st.text(max_size=12), st.sampled_from(FORMULAS))


@st.composite
def results(draw: st.DrawFn, service: Service, school: str = SCHOOL) -> list[PupilResults]:
    """Pupils with whatever their school's system writes, and results that the service accepts."""
    found = []
    for number, row in enumerate(draw(st.lists(st.integers(2, 3000), unique=True, max_size=4))):
        codes, numbers = {}, {}
        for column in service.results:
            kind = draw(st.sampled_from(["", *(["code"] if column.codes else []), *(["number"] * column.has_numbers)]))
            if kind == "code":
                codes[column.key] = draw(st.sampled_from(column.codes))
            elif kind == "number":
                numbers[column.key] = draw(st.integers(column.minimum, column.maximum))
        born = draw(st.none() | st.dates(date(2005, 1, 1), date(2022, 12, 31)))
        gender = draw(st.sampled_from(["Male", "f", "GIRL", ""]) | TEXT)
        year = draw(st.sampled_from(["2", "Year 2", "R", ""]) | TEXT)
        pupil = Pupil(school, f"A{number:012d}", "Zebedee", "Zzyzx", gender, born, year)
        found.append(PupilResults(pupil, row, codes, numbers))
    return found


def part(service: Service, file: CountedFile, entries: list[PupilResults]) -> bytes:
    return parts.csv_bytes(parts.columns_of(service), parts.pupil_rows(service, 2, file, entries))


def fits(field: dict[str, Any], value: str) -> bool:
    """Whether a value is one that the schema's field allows."""
    rules = field.get("constraints", {})
    if value == "":
        return not rules.get("required")
    forms = {"integer": r"\d+", "date": r"\d{4}-\d\d-\d\d", "boolean": "true|false", "datetime": r".+Z"}
    if not re.fullmatch(forms.get(field["type"], "(?s).*"), value):
        return False
    if "enum" in rules and value not in rules["enum"]:
        return False
    if "pattern" in rules and not re.fullmatch(rules["pattern"], value):
        return False
    return "minimum" not in rules or rules["minimum"] <= int(value) <= rules["maximum"]


@pytest.mark.parametrize("name", service_names())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_result_is_there_once_and_fits_the_schema(name: str, data: st.DataObject) -> None:
    service = load_service(name)
    entries = data.draw(results(service))
    text = part(service, FILE, entries)
    fields = json.loads(parts.schema_json(service))["fields"]
    read = list(csv.DictReader(io.StringIO(text.decode(), newline="")))
    assert [field["name"] for field in fields] == list(parts.columns_of(service))
    assert [row["row"] for row in read] == [str(entry.row) for entry in sorted(entries, key=lambda one: one.row)]
    by_row = {str(entry.row): entry for entry in entries}
    for row in read:
        assert [field["name"] for field in fields if not fits(field, row[field["name"]])] == []
        entry = by_row[row["row"]]
        told = {key: row[key] for key in (column.key for column in service.results) if row[key]}
        assert told == {**entry.assessments, **{key: str(score) for key, score in entry.scores.items()}}
        assert row["empty"] == ("false" if told else "true")
        assert row["birth_date"] == (entry.pupil.birth_date.isoformat() if entry.pupil.birth_date else "")
        assert not any(value.startswith(("=", "+", "-", "@", "\t")) for value in row.values())
    assert b"Zebedee" not in text
    assert b"Zzyzx" not in text
    # Whatever order the pupils come in, the bytes are the same.
    shuffled = data.draw(st.permutations(entries))
    assert part(service, FILE, shuffled) == text
    numbers = parts.rows_of_uploads(text).get(str(FILE.upload), UploadRows(0, ""))
    assert numbers == UploadRows(len(entries), parts.ranges(entry.row for entry in entries))


def test_results_of_another_school_or_service_are_in_no_part() -> None:
    service = load_service("ks1-2023")
    stranger = PupilResults(Pupil("9352010", "A1", "", "", "F", None, "2"), 2, {}, {})
    unknown = PupilResults(Pupil(SCHOOL, "A1", "", "", "F", None, "2"), 2, {"ta_latin": "EXS"}, {})
    for entry in (stranger, unknown):
        with pytest.raises(BadPart, match="another school or service"):
            part(service, FILE, [entry])


@given(st.binary(max_size=3000))
def test_what_is_packed_is_gzip_without_a_time_and_the_same_each_time(data: bytes) -> None:
    packed = parts.packed(data)
    assert packed == parts.packed(data)
    assert packed[4:8] == bytes(4)  # the time of RFC 1952
    assert gzip.decompress(packed) == parts.unpacked(packed) == data
    for damaged in (packed[:-1], b"x" + packed, packed[:-5] + bytes([packed[-5] ^ 1]) + packed[-4:]):
        with pytest.raises(BadPart):
            parts.unpacked(damaged)


@given(st.sets(st.integers(1, 60)))
def test_ranges_name_every_row_and_no_other(numbers: set[int]) -> None:
    named: set[int] = set()
    for run in filter(None, parts.ranges(numbers).split(",")):
        first, _, last = run.partition("-")
        named |= set(range(int(first), int(last or first) + 1))
    assert named == numbers


UPLOADS = st.sampled_from(["U1", "U2", "U3", "U4", None])


@st.composite
def counted(draw: st.DrawFn) -> CountedFile:
    school = draw(st.sampled_from(["1231234", "1232001", "8012003", "9352010"]))
    upload = draw(UPLOADS)
    return CountedFile(school, upload, *(("s", "f", "r", "k") if upload else ()))


@given(
    st.lists(counted(), unique_by=lambda file: file.school),
    st.lists(counted(), unique_by=lambda f: f.school),
    st.sets(UPLOADS),
)
def test_what_counts_is_the_manifest_less_what_was_removed_with_what_was_let_in(
    listed: list[CountedFile], let_in: list[CountedFile], removed: set[str | None]
) -> None:
    lines = [{**file._asdict(), "extra": 1} for file in listed]
    late = {file.school: file for file in let_in}
    gone = {upload for upload in removed if upload}
    files = counted_files(lines, late, gone)
    assert [file.school for file in files] == sorted({file.school for file in files})
    wanted = {file.school: file.upload for file in listed} | {file.school: file.upload for file in let_in}
    found = {file.school: file.upload for file in files}
    for school, upload in wanted.items():
        assert found.get(school) == (None if upload in gone else upload)
    assert all(school in wanted for school in found)
    assert [file for some in by_authority(files).values() for file in some] == [f for f in files if f.upload]


@given(
    st.lists(counted(), unique_by=lambda f: f.school),
    st.lists(counted(), unique_by=lambda f: f.school),
    st.sets(UPLOADS),
)
def test_a_release_takes_back_just_what_the_one_before_has_and_it_has_not(
    before: list[CountedFile], after: list[CountedFile], removed: set[str | None]
) -> None:
    rows = {str(file.upload): UploadRows(3, "2-4") for file in before if file.upload}
    listing = parts.schools_csv(2, sorted(before), rows)
    held = parts.schools_from_csv(listing)
    taken = withdrawn(held, after, [upload for upload in removed if upload])
    now = {file.school: file.upload for file in after}
    lost = {(f.school, f.upload) for f in before if f.upload and now.get(f.school) != f.upload}
    assert {(row["school"], row["upload_id"]) for row in taken} == lost
    assert all(row["why"] == ("deleted" if row["upload_id"] in removed else "replaced") for row in taken)
    assert all((row["pupils"], row["rows"], row["la"]) == (3, "2-4", row["school"][:3]) for row in taken)


def test_a_release_is_named_after_all_that_it_is_made_of() -> None:
    inputs = Inputs("ks1-2023", 2, "manifests/m", "a" * 64, ("amendments/x.json",), "c" * 64, (FILE,))
    others = [
        inputs._replace(service="ks1-2026"),
        inputs._replace(window=3),
        inputs._replace(manifest_sha256="b" * 64),
        inputs._replace(amendments=()),
        inputs._replace(schema_sha256="d" * 64),
        inputs._replace(files=(FILE._replace(carried_from=1),)),
        inputs._replace(files=()),
    ]
    names = {release_name(2, one) for one in [inputs, *others]}
    assert len(names) == len(others) + 1
    assert release_name(2, inputs) == release_name(2, inputs._replace(files=(FILE._replace(),)))
    assert all(re.fullmatch(r"0002-[0-9a-f]{12}", name) for name in names)
