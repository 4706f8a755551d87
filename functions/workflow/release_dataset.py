"""Releasing a service's data set: what the final window's manifest says, less its amendments, as files to hand over.

A run looks at what a release would be made of now and at the last release's record, and makes the next release where
they differ. So a freeze, a straggler that is let in and a deletion each lead to a release, even if their events were
lost or came twice. If a run dies, the next one goes on with its release: a release's name says what it is made of, so
whatever lies under that name is what the next run would write.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Any, NamedTuple

from adapters.errors import NotThere
from adapters.lookups import calendar_now
from adapters.objects import written_once
from adapters.stores import Stores
from early_results import keys, object_keys
from early_results.canonical import sha256
from early_results.counting.registers import counting, register_from_item
from early_results.object_keys import extract_key, manifest_key, release_folder, release_record_key
from early_results.releasing import parts, release
from early_results.releasing.counted import CountedFile, by_authority, counted_files
from early_results.releasing.parts import UploadRows
from early_results.releasing.release import RELEASE, SCHEMA, SCHOOLS, Inputs, Part
from early_results.reporting.summary import summarise
from early_results.results import PupilResults, results_from_extract
from early_results.service import Service, with_ruleset

READERS = 16  # files that are read at once: each is 20 ms of waiting for S3 and 2 ms of work
SPARE_SECONDS = 60.0  # with less time left a run stops, and the next one goes on; an authority takes 2 to 3 s
GZIP, CSV, JSON = "application/gzip", "text/csv", "application/json"


class Outcome(StrEnum):
    """What came of a run for one service."""

    NOT_FROZEN = "not-frozen"  # there is nothing to release yet
    CURRENT = "current"  # the last release is of what counts now
    RELEASED = "released"
    UNFINISHED = "unfinished"  # the run is out of time, and the next one goes on
    OVERTAKEN = "overtaken"  # what counts changed meanwhile, or another run was quicker; the next run looks again
    CLOSED = "closed"  # the season was closed, and what was released is removed
    WAITS = "waits"  # the table is lost or being rebuilt, so that nobody knows which stragglers were let in


class ReleaseIncompleteError(RuntimeError):
    """A file that counts cannot be read as it was frozen: nothing is released, an operator looks."""


class Released(NamedTuple):
    """What a run came to: the release that stands afterwards, if there is one, and its rows."""

    outcome: Outcome
    release: str | None = None
    rows: int = 0


def release_dataset(stores: Stores, service: Service, seconds_left: Callable[[], float]) -> Released:
    """One run for one service. `seconds_left` says how long it may still take. Safe to repeat and to die in."""
    if any(True for _ in stores.records.list(object_keys.season_key(service.name))):
        for listed in list(stores.results.list(release_folder(service.name))):
            stores.results.remove(listed.key)
        return Released(Outcome.CLOSED)
    inputs = inputs_now(stores, service)
    if inputs is None:
        return Released(Outcome.NOT_FROZEN)
    if not _table_is_whole(stores):
        return Released(Outcome.WAITS)
    earlier = release_records(stores, service)
    last = earlier[-1] if earlier else None
    if last and last["inputs_sha256"] == inputs.sha256:
        _tidy(stores, service, inputs, last["release"])
        return Released(Outcome.CURRENT, last["release"], last["rows"])
    try:
        return _next_release(stores, service, inputs, earlier, seconds_left)
    except ReleaseIncompleteError:
        if inputs_now(stores, service) != inputs:
            return Released(Outcome.OVERTAKEN, last["release"] if last else None)  # a file was deleted meanwhile
        raise


def inputs_now(stores: Stores, service: Service) -> Inputs | None:
    """What a release would be made of at this moment; None while the final window has no manifest."""
    window = calendar_now(stores, service).windows[-1].number
    key = manifest_key(service.name, window)
    if not any(found.key == key for found in stores.records.list(key)):
        return None
    manifest = stores.records.get(key)
    amendments = [a.key for a in stores.records.list(object_keys.amendments_prefix(service.name, window))]
    told = [object_keys.parse_amendment_key(amendment) for amendment in amendments]
    removed = {upload for upload, let_in in told if not let_in}
    schools = {
        str(json.loads(stores.records.get(amendment))["school"])
        for amendment, (_, let_in) in zip(amendments, told, strict=True)
        if let_in
    }
    late = {school: _with_stragglers(stores, service, window, school) for school in sorted(schools)}
    lines = [json.loads(line) for line in manifest.splitlines()]
    return Inputs(
        service.name,
        window,
        key,
        sha256(manifest),
        tuple(amendments),
        sha256(parts.schema_json(service)),
        counted_files(lines, late, removed),
    )


def _with_stragglers(stores: Stores, service: Service, window: int, school: str) -> CountedFile:
    """What counts for a school of which stragglers were let in: the latest of all, as its reports have it."""
    key, late = keys.window_register(service.name, window, school), keys.added(service.name, window, school)
    row, added = stores.table.get(key), stores.table.get(late)
    found = counting(register_from_item(key, row), row, added)
    facts = found.facts
    if found.upload is None:
        return CountedFile(school, None)
    figures, received, ruleset = (str(facts[name]) for name in ("figures", "received", "ruleset"))
    return CountedFile(school, found.upload, str(facts["sha256"]), figures, received, ruleset, found.carried_from)


def _table_is_whole(stores: Stores) -> bool:
    """Whether the table can say what stragglers came to: it is not being rebuilt, and was not lost."""
    if stores.table.get(keys.rebuild()) is not None:
        return False
    return any(True for _ in stores.table.query(keys.SCHOOLS, limit=1))


def release_records(stores: Stores, service: Service) -> list[dict[str, Any]]:
    """The records of all releases of a service, the oldest first."""
    listed = list(stores.records.list(object_keys.release_record_prefix(service.name)))
    return [json.loads(stores.records.get(record.key)) for record in listed]


def _next_release(
    stores: Stores,
    service: Service,
    inputs: Inputs,
    earlier: list[dict[str, Any]],
    seconds_left: Callable[[], float],
) -> Released:
    number = len(earlier) + 1
    name = release.release_name(number, inputs)
    folder = release_folder(service.name, name)
    before = release_folder(service.name, earlier[-1]["release"]) if earlier else None
    taken_back = _taken_back(stores, before, inputs) if before else []
    if before:
        _remove_deleted(stores, before, taken_back)
    made: list[Part] = []
    rows: dict[str, UploadRows] = {}
    reusable = _parts_by_content(stores, before) if before else {}
    there = {listed.key for listed in stores.results.list(folder)}
    for authority, files in by_authority(inputs.files).items():
        if seconds_left() < SPARE_SECONDS:
            return Released(Outcome.UNFINISHED, earlier[-1]["release"] if earlier else None)
        path = parts.authority_path(authority)
        content = release.made_of(files, inputs)
        if folder + path in there:
            data = stores.results.get(folder + path)  # of a run that died
        else:
            same = _same_as_released(stores, before, reusable.get(content))
            fresh = _part(stores, service, inputs, files) if same is None else same
            data = written_once(stores.results, folder + path, fresh, GZIP)
        unpacked = parts.unpacked(data)
        found = parts.rows_of_uploads(unpacked)
        rows |= found
        total = sum(one.pupils for one in found.values())
        made.append(
            Part(
                path,
                sha256(data),
                len(data),
                authority,
                total,
                len(files),
                sha256(unpacked),
                content,
            )
        )
    for path, data, kind in (
        (SCHOOLS, parts.schools_csv(inputs.window, inputs.files, rows), CSV),
        (SCHEMA, parts.schema_json(service), JSON),
    ):
        kept = written_once(stores.results, folder + path, data, kind)
        made.append(Part(path, sha256(kept), len(kept)))
    told = release.release_json(number, inputs, made, taken_back, earlier)
    told = written_once(stores.results, folder + RELEASE, told, JSON)
    if inputs_now(stores, service) != inputs:
        return Released(Outcome.OVERTAKEN, earlier[-1]["release"] if earlier else None)
    record = release.release_record(told)
    if written_once(stores.records, release_record_key(service.name, number), record) != record:
        return Released(Outcome.OVERTAKEN)
    _tidy(stores, service, inputs, name)
    return Released(Outcome.RELEASED, name, json.loads(record)["rows"])


def _part(stores: Stores, service: Service, inputs: Inputs, files: tuple[CountedFile, ...]) -> bytes:
    """The packed rows of a local authority's files, from the results that their verdicts were reached on."""
    with ThreadPoolExecutor(READERS) as pool:
        read = pool.map(lambda file: _results(stores, service, file), files)
        rows = [
            row
            for file, results in zip(files, read, strict=True)
            for row in parts.pupil_rows(service, inputs.window, file, results)
        ]
    return parts.packed(parts.csv_bytes(parts.columns_of(service), rows))


def _results(stores: Stores, service: Service, file: CountedFile) -> tuple[PupilResults, ...]:
    """What a file says, held against the figures that were frozen of it. ReleaseIncompleteError if it is not that."""
    try:
        results = results_from_extract(stores.results.get(extract_key(service.name, str(file.upload))))
    except NotThere as gone:
        # The file is being deleted at this moment, or is lost. A deletion writes its amendment before it removes
        # anything.
        raise ReleaseIncompleteError(f"the results of upload {file.upload} are not there") from gone
    if summarise(with_ruleset(service, str(file.ruleset)), results).sha256 != file.figures:
        raise ReleaseIncompleteError(f"the results of upload {file.upload} are not those that were frozen")
    return results


def _parts_by_content(stores: Stores, before: str) -> dict[str, dict[str, Any]]:
    """The files of the release before, by what they are made of; none where it is not there any more."""
    try:
        told = json.loads(stores.results.get(before + RELEASE))
    except NotThere:
        return {}
    return {part["made_of"]: part for part in told["files"] if "made_of" in part}


def _same_as_released(stores: Stores, before: str | None, part: dict[str, Any] | None) -> bytes | None:
    """A file of the release before whose rows are all still to be in the next one; None if it is not as it was."""
    if before is None or part is None:
        return None
    try:
        data = stores.results.get(before + part["path"])
    except NotThere:
        return None
    return data if sha256(data) == part["sha256"] else None


def _taken_back(stores: Stores, before: str, inputs: Inputs) -> list[dict[str, Any]]:
    """What the release before holds and the next one does not."""
    try:
        held = parts.schools_from_csv(stores.results.get(before + SCHOOLS))
    except NotThere as gone:
        raise ReleaseIncompleteError("the list of schools of the release before is not there") from gone
    told = map(object_keys.parse_amendment_key, inputs.amendments)
    return release.withdrawn(held, inputs.files, [upload for upload, let_in in told if not let_in])


def _remove_deleted(stores: Stores, before: str, taken_back: list[dict[str, Any]]) -> None:
    """Removes the files of the release before that hold a deleted file's rows, before the next one is made.

    They must go also if the next one cannot be made, because of another school's file. Nobody is handed a release that
    is not what counts.
    """
    for authority in sorted({row["la"] for row in taken_back if row["why"] == "deleted"}):
        stores.results.remove(before + parts.authority_path(authority))


def _tidy(stores: Stores, service: Service, inputs: Inputs, last: str) -> None:
    """Removes what other releases left, in full: the children whose rows were taken back are in them.

    What is of a release that is still being made is left alone: it was listed before what counts was read again, so it
    can only be of less than what counts now.
    """
    keep = release_folder(service.name, last)
    strays = [
        listed.key for listed in stores.results.list(release_folder(service.name)) if not listed.key.startswith(keep)
    ]
    if strays and inputs_now(stores, service) == inputs:
        for key in strays:
            stores.results.remove(key)
