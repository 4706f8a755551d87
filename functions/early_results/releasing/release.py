"""What a release says of itself, and how one follows another.

A release is named after its number and after all that it is made of. The next one names the one that it replaces by
its hash, and the rows that it takes back: by upload and by row of the workbook, so that whoever holds the older release
finds them in it without a UPN being written down.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..canonical import canonical, sha256, sha256_of
from ..ids import authority_of
from .counted import CountedFile
from .parts import FORM, UploadRows

RELEASE, SCHOOLS, SCHEMA = "release.json", "schools.csv", "schema.json"


class Inputs(NamedTuple):
    """All that a release is made of. `amendments` are the keys of what was recorded beside the manifest."""

    service: str
    window: int
    manifest_key: str
    manifest_sha256: str
    amendments: tuple[str, ...]
    schema_sha256: str
    files: tuple[CountedFile, ...]

    @property
    def sha256(self) -> str:
        """The hash of all of it: another hash asks for another release."""
        return sha256_of([FORM, *self])


class Part(NamedTuple):
    """One file of a release. `csv_sha256` is of what is packed in it, `made_of` of the files whose rows it holds."""

    path: str
    sha256: str
    size: int
    authority: str | None = None
    rows: int | None = None
    schools: int | None = None
    csv_sha256: str | None = None
    made_of: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As release.json has it."""
        told = {"path": self.path, "sha256": self.sha256, "bytes": self.size}
        more = {
            "la": self.authority,
            "rows": self.rows,
            "schools": self.schools,
            "csv_sha256": self.csv_sha256,
            "made_of": self.made_of,
        }
        return told | {name: value for name, value in more.items() if value is not None}


def made_of(files: Sequence[CountedFile], inputs: Inputs) -> str:
    """The hash of what a part is made of: the same hash asks for the same rows."""
    return sha256_of([FORM, inputs.window, inputs.schema_sha256, files])


def release_name(number: int, inputs: Inputs) -> str:
    """`0002-1f0c9b7a11d4`: which release it is, and of what."""
    return f"{number:04d}-{inputs.sha256[:12]}"


def withdrawn(
    before: Mapping[str, tuple[str, UploadRows]], files: Iterable[CountedFile], removed: Iterable[str]
) -> list[dict[str, Any]]:
    """What the release before holds and this one does not, by school: the upload, how many pupils, on which rows."""
    now = {file.school: file.upload for file in files}
    deleted = set(removed)
    return [
        {
            "school": school,
            "la": authority_of(school),
            "upload_id": upload,
            "pupils": rows.pupils,
            "rows": rows.rows,
            "why": "deleted" if upload in deleted else "replaced",
        }
        for school, (upload, rows) in sorted(before.items())
        if now.get(school) != upload
    ]


def release_json(
    number: int,
    inputs: Inputs,
    parts: Sequence[Part],
    taken_back: Sequence[Mapping[str, Any]],
    earlier: Sequence[Mapping[str, Any]],
) -> bytes:
    """release.json: what the release holds, of what it is made, what it replaces. No time of a run is in it.

    `earlier` are the records of all releases before (`release_record`), the oldest first.
    """
    told = {
        "form": FORM,
        "service": inputs.service,
        "window": inputs.window,
        "release": release_name(number, inputs),
        "number": number,
        "inputs_sha256": inputs.sha256,
        "manifest": {"key": inputs.manifest_key, "sha256": inputs.manifest_sha256},
        "amendments": list(inputs.amendments),
        "rows": sum(part.rows or 0 for part in parts),
        "schools": sum(1 for file in inputs.files if file.upload is not None),
        "schools_without_file": sum(1 for file in inputs.files if file.upload is None),
        "files": [part.to_json() for part in parts],
        "replaces": _named(earlier[-1]) if earlier else None,
        "withdrawn": list(taken_back),
        "earlier": [{**_named(one), "rows": one["rows"], "withdrawn": one["withdrawn"]} for one in earlier],
    }
    return json.dumps(told, indent=1, ensure_ascii=False).encode() + b"\n"


def _named(record: Mapping[str, Any]) -> dict[str, str]:
    return {"release": record["release"], "sha256": record["sha256"]}


def release_record(data: bytes) -> bytes:
    """What is kept of a release for good: hashes, numbers of rows, what it took back; no row and no pupil."""
    told = json.loads(data)
    return canonical(
        {
            "form": FORM,
            "service": told["service"],
            "window": told["window"],
            "release": told["release"],
            "number": told["number"],
            "sha256": sha256(data),
            "inputs_sha256": told["inputs_sha256"],
            "manifest_sha256": told["manifest"]["sha256"],
            "rows": told["rows"],
            "replaces": told["replaces"],
            "withdrawn": told["withdrawn"],
        }
    )
