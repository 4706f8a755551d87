"""The data set of a season: released after the final freeze, anew after every amendment, and handed over whole.

The rows are worked out a second time by pandas from the workbooks as they were sent.
"""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.objects import Bucket, written_once
from early_results import keys
from early_results.canonical import sha256
from early_results.checking.nil import NilReturn, nil_return
from early_results.object_keys import extract_key, release_folder, release_record_prefix
from early_results.releasing import parts
from early_results.releasing.parts import unpacked
from early_results.writes import Put
from infra.operator import operating, rebuilding, seasons
from infra.operator.verifying import verify_window
from tests.unit.checking.school_files import SERVICE
from workflow import release_dataset as releasing
from workflow.release_dataset import Outcome, Released, ReleaseIncompleteError, release_dataset

from .season import CLOSES, ENDS, NAME, RESULTS, SCHOOLS, Season, season

BLANK = ("", "", "", "", "", "", "")
HEADINGS = {column.heading: column.key for column in SERVICE.columns}
FOLDER = release_folder(NAME)


def run(played: Season, seconds: float = 900) -> Released:
    return release_dataset(played.stores, SERVICE, lambda: seconds)


def to_the_end(played: Season) -> None:
    """Both windows are frozen."""
    for moment in (CLOSES, ENDS):
        played.now = max(played.now, moment + timedelta(minutes=5))
        played.freeze()


def released(bucket: Bucket) -> dict[str, bytes]:
    """What lies in the results bucket of any release, by key."""
    return {listed.key: bucket.get(listed.key) for listed in bucket.list(FOLDER)}


def told(played: Season, release: str | None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(played.stores.results.get(f"{release_folder(NAME, str(release))}release.json"))
    return found


def records(played: Season) -> list[dict[str, Any]]:
    bucket = played.stores.records
    return [json.loads(bucket.get(listed.key)) for listed in bucket.list(release_record_prefix(NAME))]


def rows_of(objects: dict[str, bytes]) -> pd.DataFrame:
    """The pupils' rows of all parts that lie there."""
    packed = [data for key, data in sorted(objects.items()) if key.endswith("pupils.csv.gz")]
    if not packed:
        return pd.DataFrame()
    return pd.concat([pd.read_csv(io.BytesIO(unpacked(data)), dtype=str, keep_default_na=False) for data in packed])


def recomputed(played: Season, uploads: dict[str, tuple[str, str]]) -> pd.DataFrame:
    """The same rows, by pandas alone, from the workbooks of `uploads`, each with its window and carried_from."""
    frames = []
    for upload, (window, carried) in uploads.items():
        [version] = played.stores.uploads.versions(f"uploads/{NAME}/{upload}/file.xlsx")
        data = played.stores.uploads.get(version.key, version.version)
        frame = pd.read_excel(io.BytesIO(data), engine="openpyxl", dtype=object).rename(columns=HEADINGS)
        born = pd.to_datetime(frame["birth_date"])
        results = [column.key for column in SERVICE.results]
        texts = frame[results].map(lambda value: "" if pd.isna(value) else str(value).strip())
        frames.append(
            pd.DataFrame(
                {
                    "school": frame["school"].astype(str),
                    "la": frame["school"].astype(str).str[:3],
                    "upn": frame["upn"],
                    "gender": frame["gender"].str[:1],
                    "birth_date": born.dt.strftime("%Y-%m-%d"),
                    "birth_month": born.dt.month.astype(str),
                    "nc_year": frame["nc_year"].astype(str),
                    **{key: texts[key] for key in results},
                    "empty": (texts == "").all(axis=1).map({True: "true", False: "false"}),
                    "upload_id": upload,
                    "row": (frame.index + 2).astype(str),
                    "received_utc": version.received.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "window": window,
                    "carried_from": carried,
                    "ruleset": SERVICE.ruleset,
                }
            )
        )
    return pd.concat(frames) if frames else pd.DataFrame()


def same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    order = ["school", "row"]
    if left.empty and right.empty:
        return
    ordered = [frame.sort_values(order, ignore_index=True) for frame in (left, right)]
    pd.testing.assert_frame_equal(*ordered, check_dtype=False)


def test_nothing_is_released_before_the_final_window_is_frozen(played: Season) -> None:
    played.upload(SCHOOLS[0])
    played.now = CLOSES + timedelta(minutes=5)
    assert run(played) == Released(Outcome.NOT_FROZEN)
    played.freeze()
    assert run(played) == Released(Outcome.NOT_FROZEN)
    assert released(played.stores.results) == {}


def test_the_first_release_is_of_the_final_window_with_what_it_carries(played: Season) -> None:
    first = played.upload(SCHOOLS[0])
    played.upload(SCHOOLS[2], RESULTS[1])
    played.now = CLOSES + timedelta(minutes=5)
    played.freeze()
    second = played.upload(SCHOOLS[2], RESULTS[0])
    blank = played.upload(SCHOOLS[1], ("EXS", *BLANK[1:]))
    to_the_end(played)
    done = run(played)
    assert done.outcome is Outcome.RELEASED
    objects = released(played.stores.results)
    folder = release_folder(NAME, str(done.release))
    assert {key.removeprefix(folder) for key in objects} == {
        "la=123/pupils.csv.gz",
        "la=801/pupils.csv.gz",
        "schools.csv",
        "schema.json",
        "release.json",
    }
    same(rows_of(objects), recomputed(played, {first: ("2", "1"), second: ("2", ""), blank: ("2", "")}))
    said = told(played, done.release)
    assert (said["rows"], said["schools"], said["schools_without_file"], done.rows) == (12, 3, 0, 12)
    assert (said["replaces"], said["withdrawn"], said["earlier"]) == (None, [], [])
    assert records(played)[0]["sha256"] == sha256(objects[f"{folder}release.json"])
    for part in said["files"]:
        data = objects[folder + part["path"]]
        assert (sha256(data), len(data)) == (part["sha256"], part["bytes"])
    # A run that finds nothing changed changes nothing.
    assert run(played) == Released(Outcome.CURRENT, done.release, 12)
    assert released(played.stores.results) == objects


def test_no_name_is_in_a_release_and_no_pupil_in_its_record(played: Season) -> None:
    played.upload(SCHOOLS[0])
    to_the_end(played)
    run(played)
    objects = released(played.stores.results)
    everything = b"".join(unpacked(data) if key.endswith(".gz") else data for key, data in objects.items())
    kept = b"".join(played.stores.records.get(v.key) for v in played.stores.records.list(release_record_prefix(NAME)))
    assert rows_of(objects)["upn"].str.startswith("P1234567891").all()
    for name in (b"Smith", b"Brown", b"John", b"Ann"):
        assert name not in everything
        assert name not in kept
    assert b"P1234567891" not in kept
    assert not [listed.key for listed in played.stores.records.list("dataset/")]


def test_a_deletion_takes_the_rows_back_in_a_new_release_and_leaves_none_of_them(played: Season) -> None:
    mine, other = played.upload(SCHOOLS[0]), played.upload(SCHOOLS[2], RESULTS[1])
    to_the_end(played)
    first = run(played)
    before = told(played, first.release)
    hashed = sha256(played.stores.results.get(f"{release_folder(NAME, str(first.release))}release.json"))
    played.delete(f"SCHOOL#{SCHOOLS[0]}", mine)
    second = run(played)
    assert (second.outcome, second.rows) == (Outcome.RELEASED, 4)
    objects = released(played.stores.results)
    assert {key.split("/")[2] for key in objects} == {second.release}
    assert mine.encode() not in b"".join(unpacked(d) for k, d in objects.items() if k.endswith(".gz"))
    same(rows_of(objects), recomputed(played, {other: ("2", "1")}))
    said = told(played, second.release)
    assert said["replaces"] == {"release": first.release, "sha256": hashed}
    assert said["withdrawn"] == [
        {"school": SCHOOLS[0], "la": "123", "upload_id": mine, "pupils": 4, "rows": "2-5", "why": "deleted"}
    ]
    # The authority whose files are the same has the same bytes.
    [of_the_first] = [part for part in before["files"] if part.get("la") == "801"]
    [of_the_second] = [part for part in said["files"] if part.get("la") == "801"]
    assert of_the_first == of_the_second
    assert [record["release"] for record in records(played)] == [first.release, second.release]


def test_whoever_missed_a_release_finds_all_that_was_taken_back_since(played: Season) -> None:
    uploads = [played.upload(school) for school in SCHOOLS]
    to_the_end(played)
    names = [run(played).release]
    for school, upload in list(zip(SCHOOLS, uploads, strict=True))[:2]:
        played.delete(f"SCHOOL#{school}", upload)
        names.append(run(played).release)
    said = told(played, names[2])
    assert [one["release"] for one in said["earlier"]] == names[:2]
    since = [row["upload_id"] for one in said["earlier"][1:] for row in one["withdrawn"]]
    assert since + [row["upload_id"] for row in said["withdrawn"]] == uploads[:2]


def test_a_straggler_that_is_let_in_replaces_its_schools_rows(played: Season) -> None:
    early = played.upload(SCHOOLS[0])
    late = played.straggler(SCHOOLS[0])
    played.check(late)
    played.offer(late)
    to_the_end(played)
    first = run(played)
    same(rows_of(released(played.stores.results)), recomputed(played, {early: ("2", "1")}))
    operating.admit(played.operated, late, "S3 had a bad minute")
    second = run(played)
    assert second.outcome is Outcome.RELEASED
    same(rows_of(released(played.stores.results)), recomputed(played, {late: ("2", "1")}))
    [taken] = told(played, second.release)["withdrawn"]
    assert (taken["upload_id"], taken["why"]) == (early, "replaced")
    assert told(played, second.release)["replaces"]["release"] == first.release
    assert verify_window(played.stores, SERVICE, 2).differences == []
    # And a straggler that does not count, because what came later was deleted, brings nothing back.
    played.delete(f"SCHOOL#{SCHOOLS[0]}", late)
    assert (run(played).rows, run(played).outcome) == (0, Outcome.CURRENT)


def test_a_straggler_that_is_older_than_a_deleted_file_counts_for_nothing(played: Season) -> None:
    late = played.straggler(SCHOOLS[0])
    played.check(late)
    played.offer(late)
    again = played.upload(SCHOOLS[0])
    played.delete(f"SCHOOL#{SCHOOLS[0]}", again)  # of window 2, before it is sealed
    to_the_end(played)
    operating.admit(played.operated, late, "S3 had a bad minute")
    done = run(played)
    assert (done.outcome, done.rows) == (Outcome.RELEASED, 0)
    assert verify_window(played.stores, SERVICE, 2).differences == []


def test_a_nil_return_is_a_school_without_pupils(played: Season) -> None:
    played.stores.table.delete(keys.roster(NAME, SCHOOLS[0]))  # it has no pupils of the year group
    nil = played.sent(f"SCHOOL#{SCHOOLS[0]}", nil_return(NilReturn(NAME, SCHOOLS[0])))
    played.check(nil)
    played.offer(nil)
    other = played.upload(SCHOOLS[2])
    to_the_end(played)
    done = run(played)
    assert (done.outcome, done.rows) == (Outcome.RELEASED, 4)
    same(rows_of(released(played.stores.results)), recomputed(played, {other: ("2", "1")}))
    listed = played.stores.results.get(f"{release_folder(NAME, str(done.release))}schools.csv").decode()
    [line] = [line for line in listed.splitlines() if nil in line]
    assert line.startswith(f"{SCHOOLS[0]},123,{nil},")
    assert line.endswith(",0,")


class Dies(Exception):
    """A function that is killed."""


def _killed_at(played: Season, monkeypatch: pytest.MonkeyPatch, call: int) -> bool:
    """A run that dies just before its n-th write or removal; whether it got that far."""
    left = [call]

    def counted(real: Any) -> Any:
        def asked(*arguments: Any, **more: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                raise Dies
            return real(*arguments, **more)

        return asked

    with monkeypatch.context() as patched:
        for bucket in (played.stores.results, played.stores.records):
            for name in ("put", "put_once", "remove"):
                patched.setattr(bucket, name, counted(getattr(bucket, name)))
        try:
            run(played)
        except Dies:
            return True
    return False


def test_a_run_that_is_killed_anywhere_is_gone_on_with_and_ends_the_same(
    played: Season, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, _ = played.upload(SCHOOLS[0]), played.upload(SCHOOLS[2])
    to_the_end(played)
    run(played)
    played.delete(f"SCHOOL#{SCHOOLS[0]}", mine)
    buckets: list[Any] = [played.stores.results, played.stores.records]
    before = [dict(bucket.objects) for bucket in buckets]  # versions are never changed in place

    def ended(kill: int) -> tuple[dict[str, bytes], list[dict[str, Any]], bool]:
        for bucket, objects in zip(buckets, before, strict=True):
            bucket.objects = {key: list(versions) for key, versions in objects.items()}
        died = bool(kill) and _killed_at(played, monkeypatch, kill)
        run(played)
        assert run(played).outcome is Outcome.CURRENT
        return released(played.stores.results), records(played), died

    whole = ended(0)
    for call in range(1, 30):
        objects, told_of, died = ended(call)
        assert (objects, told_of) == whole[:2], call
        if not died:
            break
    assert call > 9  # a part of the deleted, a part, two lists, release, record, and four files of the one before


def test_a_run_that_is_out_of_time_leaves_what_it_has_to_the_next(played: Season) -> None:
    for school in SCHOOLS:
        played.upload(school)
    to_the_end(played)
    left = iter([900.0, 10.0])
    assert release_dataset(played.stores, SERVICE, lambda: next(left)).outcome is Outcome.UNFINISHED
    assert [key.split("/")[3] for key in released(played.stores.results)] == ["la=123"]
    assert records(played) == []
    reads: list[str] = []
    real = played.stores.results.get
    played.stores.results.get = lambda key, *more: (reads.append(key), real(key, *more))[1]  # type: ignore[method-assign,func-returns-value]
    assert run(played).outcome is Outcome.RELEASED
    assert sum("extracts/" in key for key in reads) == 1  # of the other authority alone


def test_a_deletion_while_a_release_is_made_never_leaves_its_rows(
    played: Season, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = [played.upload(school) for school in SCHOOLS]
    to_the_end(played)
    real = parts.schools_csv

    def deleted_meanwhile(*arguments: Any) -> bytes:
        if played.record(uploads[0]).status != "DELETED":
            played.delete(f"SCHOOL#{SCHOOLS[0]}", uploads[0])
        return real(*arguments)

    monkeypatch.setattr(parts, "schools_csv", deleted_meanwhile)
    assert run(played).outcome is Outcome.OVERTAKEN
    assert records(played) == []
    done = run(played)
    assert (done.outcome, done.rows) == (Outcome.RELEASED, 8)
    assert {key.split("/")[2] for key in released(played.stores.results)} == {done.release}
    assert uploads[0] not in set(rows_of(released(played.stores.results))["upload_id"])


def test_a_file_that_is_deleted_before_it_is_read_is_no_fault(played: Season, monkeypatch: pytest.MonkeyPatch) -> None:
    uploads = [played.upload(school) for school in SCHOOLS]
    to_the_end(played)
    real = releasing._part

    def deleted_meanwhile(*arguments: Any) -> bytes:
        if played.record(uploads[2]).status != "DELETED":
            played.delete(f"SCHOOL#{SCHOOLS[2]}", uploads[2])
        return real(*arguments)

    monkeypatch.setattr(releasing, "_part", deleted_meanwhile)
    assert run(played).outcome is Outcome.OVERTAKEN
    assert run(played).rows == 8


@pytest.mark.parametrize("slip", ["gone", "changed"])
def test_results_that_are_not_those_that_were_frozen_are_released_to_nobody(played: Season, slip: str) -> None:
    upload = played.upload(SCHOOLS[0])
    to_the_end(played)
    key = extract_key(NAME, upload)
    text = played.stores.results.get(key)
    played.stores.results.remove(key)
    if slip == "changed":
        played.stores.results.put(key, text.replace(b'"EXS"', b'"GDS"', 1), "application/json")
    with pytest.raises(ReleaseIncompleteError):
        run(played)
    assert records(played) == []


def test_a_deleted_files_rows_go_though_no_release_can_be_made(played: Season) -> None:
    """Another school's results are gone, which an operator must look into; the child's rows do not wait for that."""
    uploads = [played.upload(school) for school in SCHOOLS]
    to_the_end(played)
    run(played)
    played.stores.results.remove(extract_key(NAME, uploads[1]))
    played.delete(f"SCHOOL#{SCHOOLS[0]}", uploads[0])
    with pytest.raises(ReleaseIncompleteError):
        run(played)
    assert set(rows_of(released(played.stores.results))["school"]) == {SCHOOLS[2]}


def test_two_runs_side_by_side_make_one_release(played: Season, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no execution is reserved the schedule's next run may begin before this one has ended."""
    uploads = [played.upload(school) for school in SCHOOLS]
    to_the_end(played)
    real = written_once
    inside: list[Outcome] = []

    def other_first(bucket: Any, key: str, *more: Any) -> bytes:
        if key.startswith("releases/") and not inside:
            inside.append(Outcome.UNFINISHED)
            played.delete(f"SCHOOL#{SCHOOLS[0]}", uploads[0])
            inside[0] = run(played).outcome
        return real(bucket, key, *more)

    monkeypatch.setattr("workflow.release_dataset.written_once", other_first)
    assert run(played).outcome is Outcome.OVERTAKEN
    assert inside == [Outcome.RELEASED]
    assert [record["number"] for record in records(played)] == [1]
    done = run(played)
    assert (done.outcome, done.rows) == (Outcome.CURRENT, 8)
    assert {key.split("/")[2] for key in released(played.stores.results)} == {done.release}


def test_a_table_that_was_lost_neither_changes_a_release_nor_makes_one(played: Season) -> None:
    early = played.upload(SCHOOLS[0])
    late = played.straggler(SCHOOLS[0])
    played.check(late)
    played.offer(late)
    played.build_reports()
    operating.admit(played.operated, late, "S3 had a bad minute")
    other = played.upload(SCHOOLS[2])
    to_the_end(played)
    first = run(played)
    assert early not in set(rows_of(released(played.stores.results))["upload_id"])
    played.lose_the_table()
    assert run(played).outcome is Outcome.WAITS
    rebuilding.rebuild(played.operated, played.now)
    assert run(played) == Released(Outcome.CURRENT, first.release, 8)
    played.delete(f"SCHOOL#{SCHOOLS[2]}", other)
    assert run(played).rows == 4
    played.stores.table.write(Put(keys.rebuild(), {"state": "RUNNING"}))
    assert run(played).outcome is Outcome.WAITS


def test_a_season_that_is_closed_has_no_data_set_any_more_and_gets_none(played: Season) -> None:
    played.upload(SCHOOLS[0])
    to_the_end(played)
    played.build_reports()
    run(played)
    assert released(played.stores.results)
    counted = seasons.close_season(played.operated, SERVICE, "handed over", really=False)
    assert counted.objects[FOLDER] == 4
    seasons.close_season(played.operated, SERVICE, "handed over", really=True)
    assert released(played.stores.results) == {}
    played.stores.results.put(f"{FOLDER}0001-x/la=123/pupils.csv.gz", b"of a run that was under way", "x")
    assert run(played) == Released(Outcome.CLOSED)
    assert released(played.stores.results) == {}
    assert [record["number"] for record in records(played)] == [1]  # the hash stays


@pytest.mark.long
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_rows_are_those_of_the_admitted_files_less_the_deleted(data: st.DataObject, monkeypatch: Any) -> None:
    """Files, overwrites and deletions in either window and after the freeze, with runs anywhere between."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with season() as played:
        current: dict[str, str | None] = dict.fromkeys(SCHOOLS)
        window: dict[str, int] = {}

        def act(number: int) -> None:
            school = data.draw(st.sampled_from(SCHOOLS))
            if current[school] is not None and data.draw(st.booleans()):
                played.delete(f"SCHOOL#{school}", str(current[school]))
                current[school] = None
            elif number:
                current[school] = played.upload(school, data.draw(st.sampled_from(RESULTS)))
                window[str(current[school])] = number

        for number, closes in ((1, CLOSES), (2, ENDS)):
            for _ in range(data.draw(st.integers(0, 3))):
                act(number)
            played.now = closes + timedelta(minutes=5)
            played.freeze()
            run(played)
        held = dict(current)
        for _ in range(data.draw(st.integers(0, 3))):
            act(0)
            if data.draw(st.booleans()):
                done = run(played)
                taken = {u for u in held.values() if u and u not in current.values()}
                assert {row["upload_id"] for row in told(played, done.release)["withdrawn"]} >= taken or not taken
                held = dict(current)
        done = run(played)
        objects = released(played.stores.results)
        assert {key.split("/")[2] for key in objects} == {done.release}
        counting = {u: ("2", "1" if window[u] == 1 else "") for u in current.values() if u}
        same(rows_of(objects), recomputed(played, counting))
        assert run(played) == Released(Outcome.CURRENT, done.release, 4 * len(counting))
        assert released(played.stores.results) == objects
