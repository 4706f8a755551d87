"""Handing a data set over: a release's files, each held against its hash, and as Parquet where pyarrow is installed."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from adapters.errors import NotThere
from adapters.objects import written_once
from adapters.stores import Stores
from early_results.canonical import canonical, sha256
from early_results.object_keys import handover_key, release_folder, season_key
from early_results.releasing.parts import unpacked
from early_results.releasing.release import RELEASE
from early_results.service import Service
from early_results.times import to_text
from workflow.release_dataset import inputs_now, release_records

from .operating import CannotOperate, OperatorSession

PARQUET = "pupils.parquet"


def standing_release(stores: Stores, service: Service) -> tuple[dict[str, Any] | None, str]:
    """The record of the last release, None if there is none, and in words how it stands."""
    if any(True for _ in stores.records.list(season_key(service.name))):
        return None, "the season is closed, and its data set is removed"
    records, inputs = release_records(stores, service), inputs_now(stores, service)
    if inputs is None:
        return None, "none: the final window is not frozen"
    if not records:
        return None, "none yet: the first release comes within five minutes of the freeze"
    last = records[-1]
    told = f"{last['release']}, {last['rows']:,} pupils"
    if last["inputs_sha256"] == inputs.sha256:
        return last, told
    return last, f"{told}; behind: a file was deleted or let in since, and the next release comes within five minutes"


def hand_over(session: OperatorSession, service: Service, folder: Path) -> str:
    """Writes the last release under a folder, as `<service>/<release>/...`, and says what lies there.

    CannotOperate if there is none, if it is not what counts now, or if a file is not what release.json says. Safe to
    repeat; what an earlier try left half done is done anew.
    """
    stores = session.stores
    record, words = standing_release(stores, service)
    if record is None or "; behind" in words:
        raise CannotOperate(f"the data set of {service.name} cannot be handed over: {words}")
    home = folder / service.name
    target, partial = home / record["release"], home / f"{record['release']}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    told = _fetched(stores, service, record, partial)
    parquet = _parquet(partial, told) if find_spec("pyarrow") else None
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    _note(session, service, record)
    lines = [
        f"{target}: {told['rows']:,} pupils of {told['schools']:,} schools, each file as release.json says.",
        f"release.json has the SHA-256 {record['sha256']}, as the records bucket says.",
        parquet or "No Parquet: it takes pyarrow (uv sync --group handover).",
    ]
    others = sorted(path for path in home.iterdir() if path.is_dir() and path != target)
    lines += [f"{other} lies there too. It may hold rows that were taken back: remove it." for other in others]
    return "\n".join(lines)


def _fetched(stores: Stores, service: Service, record: dict[str, Any], target: Path) -> dict[str, Any]:
    """Writes the files of a release, once each is what its hash says. Gives release.json."""
    source = release_folder(service.name, record["release"])
    try:
        release = stores.results.get(source + RELEASE)
        if sha256(release) != record["sha256"]:
            raise CannotOperate("release.json is not the one that the records bucket names: hand nothing over")
        told: dict[str, Any] = json.loads(release)
        for part in told["files"]:
            data = stores.results.get(source + part["path"])
            if sha256(data) != part["sha256"]:
                raise CannotOperate(f"{part['path']} is not what release.json says: hand nothing over")
            _write(target / part["path"], data)
    except NotThere:
        raise CannotOperate("a file of the release is not there; if a file was deleted just now, try again") from None
    _write(target / RELEASE, release)
    return told


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _parquet(target: Path, told: dict[str, Any]) -> str:
    """Writes all rows as one Parquet file, a group of rows a local authority, typed as schema.json says."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    types = {
        "string": pa.string(),
        "integer": pa.int32(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "datetime": pa.timestamp("s", tz="UTC"),
    }
    fields = json.loads((target / "schema.json").read_text(encoding="utf-8"))["fields"]
    named = {"release": told["release"], "service": told["service"], "inputs_sha256": told["inputs_sha256"]}
    schema = pa.schema([(field["name"], types[field["type"]]) for field in fields], metadata=named)
    blank = csv.ConvertOptions(
        column_types=schema, null_values=[""], strings_can_be_null=True, true_values=["true"], false_values=["false"]
    )
    path = target / PARQUET
    rows = 0
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for part in (part for part in told["files"] if "la" in part):
            source = pa.py_buffer(unpacked((target / part["path"]).read_bytes()))
            table = csv.read_csv(pa.BufferReader(source), convert_options=blank)
            rows += table.num_rows
            writer.write_table(table.cast(schema))
    if rows != told["rows"]:
        raise CannotOperate(f"the Parquet file would hold {rows} rows, not {told['rows']}")
    return f"{PARQUET}: the same rows, SHA-256 {sha256(path.read_bytes())}."


def _note(session: OperatorSession, service: Service, record: dict[str, Any]) -> None:
    """Keeps who took which release, so that they can be told when rows are taken back."""
    moment = session.now()
    said = {"service": service.name, "release": record["release"], "sha256": record["sha256"]}
    kept = canonical({**said, "by": session.who, "at": to_text(moment)})
    written_once(session.stores.records, handover_key(service.name, f"{moment:%Y%m%dT%H%M%S%fZ}"), kept)
