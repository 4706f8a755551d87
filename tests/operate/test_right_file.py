"""Exactly the right file, again: faults that forced interleavings had found, each told as its story."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.errors import AlreadyThere, Conflict, OutsideError, WriteUnderWay
from adapters.lookups import calendar_now
from adapters.objects import Bucket
from adapters.report_workbook import build_workbook
from adapters.stores import Stores
from adapters.table import Table
from early_results import keys, service
from early_results.checking import submission
from early_results.checking.roster import rosters_csv
from early_results.counting.calendar import Calendar, CalendarRefused
from early_results.counting.freeze import State
from early_results.counting.uploads import Status
from early_results.object_keys import tombstone_key, upload_key
from early_results.service import load_service, with_ruleset
from early_results.writes import Put
from infra.operator import operating, operations, rebuilding
from infra.operator.operating import CannotOperate
from infra.operator.operations import store_calendar
from infra.operator.verifying import verify_window
from portal.history import one_upload
from tests.simulation.store import MemoryBucket
from tests.unit.checking.school_files import SERVICE, roster
from workflow import build_report, check_upload
from workflow.build_report import Built, fail_report
from workflow.check_upload import Checked
from workflow.import_extract import import_extract

from .season import CLOSES, NAME, OPENS, SCHOOLS, TRUST, Clock, Season, Shared

SCHOOL = SCHOOLS[0]
MINE = f"SCHOOL#{SCHOOL}"
LATER = CLOSES + timedelta(hours=3)


def _frozen(played: Season) -> None:
    played.now = CLOSES + timedelta(minutes=5)
    assert played.freeze()[0].state is State.FROZEN


# A change of the calendar whose command hangs between its look at the clock and its transaction.


def _hangs(played: Season, changed: Calendar) -> None:
    """The rest of a command that has decided on a calendar some time ago."""
    store_calendar(played.stores.table, played.stores.records, changed, "an operator", "snow")


def _agree(played: Season, uploads: list[str]) -> None:
    """Whatever came of the command, each file is in the window that the calendar in force says."""
    calendar = calendar_now(played.stores, SERVICE)
    for upload in uploads:
        record = played.record(upload)
        assert record.received
        window = calendar.window_of(record.received)
        assert record.window == (window.number if window else None)


@pytest.mark.parametrize("version", [0, 1])
def test_an_extension_that_hangs_over_noon_takes_no_file_back_from_the_next_window(
    played: Season, version: int
) -> None:
    """No run of the schedule has pinned noon yet; but a file of the next window was judged."""
    if not version:
        played.without_calendar()
    early = played.upload(SCHOOL)
    longer = calendar_now(played.stores, SERVICE).extend(1, LATER, CLOSES - timedelta(seconds=70))
    played.now = CLOSES - timedelta(seconds=58)
    late = played.upload(SCHOOLS[1])  # received two seconds after noon
    assert played.record(late).window == 2
    with pytest.raises(CalendarRefused, match="from 12 noon on Friday 30 June 2023 on have been judged"):
        _hangs(played, longer)
    _agree(played, [early, late])
    _frozen(played)
    assert verify_window(played.stores, SERVICE, 1).differences == []


def test_an_extension_that_hangs_over_noon_comes_into_force_while_nothing_was_judged_since(played: Season) -> None:
    early = played.upload(SCHOOL)
    longer = calendar_now(played.stores, SERVICE).extend(1, LATER, CLOSES - timedelta(seconds=70))
    played.now = CLOSES - timedelta(seconds=61)
    last = played.upload(SCHOOLS[1])  # received in the last second before noon
    played.now = CLOSES + timedelta(seconds=20)
    _hangs(played, longer)
    late = played.upload(SCHOOLS[2])
    assert played.record(late).window == 1
    _agree(played, [early, last, late])
    played.now = LATER + timedelta(minutes=5)
    assert played.freeze()[0].state is State.FROZEN
    assert verify_window(played.stores, SERVICE, 1).differences == []


def test_an_extension_that_hangs_sees_a_check_that_has_only_begun(
    played: Season, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check has read the calendar, and its verdict is not written yet: the mark comes before the look."""
    longer = calendar_now(played.stores, SERVICE).extend(1, LATER, CLOSES - timedelta(seconds=70))
    played.now = CLOSES + timedelta(seconds=2)
    late = played.sent(MINE, played.file(SCHOOL))
    read, tried = submission.read_submission, []

    def meanwhile(*given: Any) -> Any:
        with pytest.raises(CalendarRefused):
            _hangs(played, longer)
        tried.append(late)
        return read(*given)

    monkeypatch.setattr(check_upload, "read_submission", meanwhile)
    assert played.check(late) is Checked.ACCEPTED
    assert tried == [late]
    _agree(played, [late])


def test_an_extension_that_lost_its_race_with_a_check_has_changed_nothing(
    played: Season, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check begins between the command's look at the mark and its transaction: the table itself refuses."""
    longer = calendar_now(played.stores, SERVICE).extend(1, LATER, CLOSES - timedelta(seconds=70))
    played.now = CLOSES + timedelta(seconds=2)
    late = played.sent(MINE, played.file(SCHOOL))
    mark = operations.mark_calendar

    def meanwhile(*given: Any) -> None:
        mark(*given)
        assert played.check(late) is Checked.ACCEPTED

    monkeypatch.setattr(operations, "mark_calendar", meanwhile)
    with pytest.raises(Conflict):
        _hangs(played, longer)
    _agree(played, [late])


@pytest.mark.parametrize("hours", [1, -1])
def test_a_moved_opening_that_hangs_over_itself_takes_no_judged_file_along(played: Season, hours: int) -> None:
    """Put off: a file was judged for the window already. Brought forward: it was refused, as of no window."""
    calendar = calendar_now(played.stores, SERVICE)
    opens = CLOSES + timedelta(hours=2)
    apart = calendar.move(2, OPENS, opens=opens)
    _hangs(played, apart)
    moved = apart.move(2, CLOSES + timedelta(minutes=30), opens=opens + timedelta(hours=hours))
    played.now = min(opens, opens + timedelta(hours=hours)) + timedelta(seconds=5)
    # Between two windows nobody is given a form; this one was, before the first change.
    form = _form_of_before(played)
    played.post(form, played.file(SCHOOL))
    upload = str(form["upload_id"])
    played.check(upload)
    assert played.record(upload).status is (Status.CHECKING if hours > 0 else Status.UPLOAD_ERROR)
    with pytest.raises(CalendarRefused, match="have been judged"):
        _hangs(played, moved)
    _agree(played, [upload])


def _form_of_before(played: Season) -> dict[str, Any]:
    now, played.now = played.now, CLOSES - timedelta(minutes=1)
    form = played.form(MINE)
    played.now = now
    return form


def test_a_parked_file_that_is_settled_stays_in_its_window(played: Season) -> None:
    longer = calendar_now(played.stores, SERVICE).extend(1, LATER, CLOSES - timedelta(seconds=70))
    played.now = CLOSES + timedelta(seconds=2)
    upload = played.sent(MINE, b"kills its function")
    played.park(upload)
    operating.settle(played.operated, upload, "a bomb")
    with pytest.raises(CalendarRefused):
        _hangs(played, longer)
    _agree(played, [upload])


def test_an_extension_that_hangs_through_the_loss_of_the_table_still_sees_what_was_judged(played: Season) -> None:
    longer = calendar_now(played.stores, SERVICE).extend(1, LATER, CLOSES - timedelta(seconds=70))
    played.now = CLOSES - timedelta(seconds=58)
    late = played.upload(SCHOOL)
    played.lose_the_table()
    rebuilding.rebuild(played.operated, played.now)
    with pytest.raises(CalendarRefused):
        _hangs(played, longer)
    _agree(played, [late])


# Extracts whose messages come again, or late, around a rebuild.


def _pupils(played: Season, upns: int) -> str:
    return rosters_csv(roster(school=SCHOOL).pupils[:upns], SERVICE)


def _listed(played: Season) -> int:
    item = played.stores.table.get(keys.roster(NAME, SCHOOL))
    assert item
    return int(item["pupils"])


def test_an_old_extract_that_comes_again_onto_the_empty_table_does_not_stay(played: Season) -> None:
    key = f"rosters/{NAME}/new.csv"
    old = played.stores.uploads.put(key, _pupils(played, 2).encode(), "text/csv")
    import_extract(played.stores, key, old)
    played.later(minutes=1)
    played.extract(key, _pupils(played, 3))
    played.lose_the_table()
    import_extract(played.stores, key, old)  # SQS delivers at least once
    rebuilding.rebuild(played.operated, played.now)
    assert _listed(played) == 3


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_extracts_of_one_second_the_later_stands_whichever_comes_after_a_rebuild(
    played: Season, first: int
) -> None:
    key = f"rosters/{NAME}/new.csv"
    twins = [played.stores.uploads.put(key, _pupils(played, n).encode(), "text/csv") for n in (2, 3)]
    import_extract(played.stores, key, twins[first])
    played.lose_the_table()
    rebuilding.rebuild(played.operated, played.now)
    import_extract(played.stores, key, twins[1 - first])
    assert _listed(played) == 3


@pytest.mark.parametrize("first", [True, False])
def test_a_file_judged_between_two_runs_of_a_rebuild_is_offered_like_any_other(
    played: Season, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    """The first run died in its last step: the second finds a verdict, and the file's record waiting for its offer."""
    before = None if first else played.upload(SCHOOL)
    played.later(minutes=1)
    upload = played.sent(MINE, played.file(SCHOOL))
    played.lose_the_table()
    delete = played.table.delete

    def dies(key: Any) -> None:
        if key == keys.rebuild():
            raise OutsideError("killed")
        delete(key)

    with monkeypatch.context() as patched:
        patched.setattr(played.table, "delete", dies)
        with pytest.raises(OutsideError):
            rebuilding.rebuild(played.operated, played.now)
    assert played.check(upload) is Checked.ACCEPTED
    rebuilding.rebuild(played.operated, played.now)
    played.offer(upload)
    assert played.record(upload).status is Status.SUCCESSFUL
    if before:
        assert played.record(before).status is Status.OVERWRITTEN
        assert played.record(before).overwritten_by == upload
    _frozen(played)
    assert verify_window(played.stores, SERVICE, 1).differences == []


# A change of the rules in mid-window.


@pytest.fixture
def new_rules(played: Season, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts other rules in force; those before them are kept."""

    def put_in_force() -> None:
        text = Path(service._FOLDER, f"{NAME}.toml").read_text(encoding="utf-8")
        (tmp_path / "rulesets").mkdir()
        (tmp_path / "rulesets" / f"{SERVICE.ruleset}.toml").write_text(text, encoding="utf-8")
        changed = text.replace(f'"{SERVICE.ruleset}"', '"ks1-2023.9"')
        (tmp_path / f"{NAME}.toml").write_text(changed, encoding="utf-8")
        monkeypatch.setattr(service, "_FOLDER", str(tmp_path))
        load_service.cache_clear()
        with_ruleset.cache_clear()
        assert load_service(NAME).ruleset == "ks1-2023.9"

    yield put_in_force
    monkeypatch.undo()
    load_service.cache_clear()
    with_ruleset.cache_clear()


def test_a_check_that_died_is_finished_by_the_rules_its_verdict_names(
    played: Season, new_rules: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was `VerdictDiffersError` for ever: settle said retry, retry failed, and no school was frozen."""
    upload = played.sent(MINE, played.file(SCHOOL))

    def dies(*_: object) -> None:
        raise RuntimeError("killed after the verdict was written")

    with monkeypatch.context() as patched:
        patched.setattr(check_upload, "_record", dies)
        with pytest.raises(RuntimeError):
            played.check(upload)
    new_rules()
    played.park(upload)
    with pytest.raises(CannotOperate, match="use retry"):
        operating.settle(played.operated, upload, "it does not end")
    operating.retry(played.operated, upload, "try again")
    assert played.check(upload) is Checked.ACCEPTED
    assert played.record(upload).ruleset == SERVICE.ruleset
    played.offer(upload)
    _frozen(played)
    told = verify_window(played.stores, load_service(NAME), 1)
    assert (told.differences, told.notes) == ([], [])
    # What is made of the file later is made by its own rules, too.
    assert one_upload(played.stores, played.user(MINE), played.record(upload))["ruleset"] == SERVICE.ruleset
    again = check_upload.judge_again(played.stores, played.record(upload))
    assert again
    assert again[1].ruleset == SERVICE.ruleset
    summary = played.items()["UPLOAD#" + upload, "SUMMARY"]["summary"]
    played.lose_the_table()
    rebuilding.rebuild(played.operated, played.now)
    assert played.items()["UPLOAD#" + upload, "SUMMARY"]["summary"] == summary


# Reports.


def test_a_report_that_is_ready_stays_ready_when_its_message_comes_twice_and_dies(played: Season) -> None:
    upload = played.upload(SCHOOL)
    _frozen(played)
    played.build_reports()
    assert fail_report(played.stores, NAME, 1, SCHOOL) is Built.READY
    assert played.record(upload).reports == {"1": "READY"}
    assert played.items()[f"SCHOOL#{SCHOOL}", f"REPORT#{NAME}#1"]["state"] == "READY"


def test_a_report_fails_from_processing_alone_and_can_still_be_built(played: Season) -> None:
    upload = played.upload(SCHOOL)
    _frozen(played)
    assert fail_report(played.stores, NAME, 1, SCHOOL) is Built.FAILED
    assert played.record(upload).reports == {"1": "FAILED"}
    played.build_reports()
    assert played.record(upload).reports == {"1": "READY"}


def test_a_deleted_files_report_goes_on_the_dead_letters_way_too(
    played: Season, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last try wrote PDF and workbook while the file was deleted, and died before it could say so."""
    upload = played.upload(SCHOOL)
    _frozen(played)

    def deleted_meanwhile(report: Any) -> bytes:
        played.delete(MINE, upload)
        return build_workbook(report)

    def dies(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(build_report, "build_workbook", deleted_meanwhile)
        patched.setattr(build_report, "_note", dies)
        with pytest.raises(RuntimeError):
            played.build_reports()
    assert len(list(played.stores.results.list("reports/"))) == 3
    assert fail_report(played.stores, NAME, 1, SCHOOL) is Built.DELETED
    assert list(played.stores.results.list("reports/")) == []


def test_nobody_removes_the_record_of_another_uploads_report(played: Season, monkeypatch: pytest.MonkeyPatch) -> None:
    """A straggler is let in between a deletion's look at the report's record and its removal."""
    upload = played.upload(SCHOOL)
    _frozen(played)
    report = keys.report(NAME, 1, SCHOOL)
    another = {**(played.stores.table.get(report) or {}), "upload_id": "another"}
    get = played.table.get

    def get_and_be_overtaken(key: Any, **how: Any) -> Any:
        found = get(key, **how)
        if key == report and found and found["upload_id"] == upload:
            played.table.write(Put(report, another))
        return found

    monkeypatch.setattr(played.table, "get", get_and_be_overtaken)
    played.delete(MINE, upload)
    assert (get(report) or {}).get("upload_id") == "another"


# Extracts of one second.


def test_an_old_extract_of_the_same_second_that_comes_again_changes_nothing(played: Season) -> None:
    """v1, v2, v1 again: the old roster came back, and a trust kept a school that had left it."""

    def put(key: str, text: str) -> str:
        return played.stores.uploads.put(key, text.encode(), "text/csv")

    listed = f"rosters/{NAME}/mis.csv"
    old, new = roster(school=SCHOOL).pupils, roster(school=SCHOOL).pupils[1:]
    pupils = [put(listed, rosters_csv(some, SERVICE)) for some in (old, new)]
    heading = "School DFE,Name,Trust\n"
    schools = [put("rosters/schools.csv", f"{heading}{SCHOOL},School,{trust}\n") for trust in (TRUST, "")]
    for key, versions in ((listed, pupils), ("rosters/schools.csv", schools)):
        for version in (versions[0], versions[1], versions[0]):
            import_extract(played.stores, key, version)
    items = played.items()
    assert items[f"SCHOOL#{SCHOOL}", f"ROSTER#{NAME}"]["pupils"] == len(new)
    assert "trust" not in items[f"SCHOOL#{SCHOOL}", "PROFILE"]
    assert (f"TRUST#{TRUST}", f"SCHOOL#{SCHOOL}") not in items
    played.lose_the_table()
    rebuilding.rebuild(played.operated, played.now)
    assert (
        played.items()[f"SCHOOL#{SCHOOL}", f"ROSTER#{NAME}"]["version"]
        == (items[f"SCHOOL#{SCHOOL}", f"ROSTER#{NAME}"]["version"])
    )
    import_extract(played.stores, listed, pupils[0])
    assert played.items()[f"SCHOOL#{SCHOOL}", f"ROSTER#{NAME}"]["pupils"] == len(new)


def _imported(extracts: list[tuple[int, str | None]], order: list[int]) -> dict[Any, Any]:
    """The table after these versions of schools.csv (seconds, trust of the one school), taken in in this order."""
    clock = Clock(OPENS)
    uploads = MemoryBucket("uploads", clock, versioned=True)
    table = Shared()
    bucket = cast(Bucket, uploads)
    stores = Stores(cast(Table, table), bucket, bucket, bucket, cast(Any, None))
    received = OPENS
    versions = []
    for seconds, trust in extracts:
        received += timedelta(seconds=seconds)
        text = f"School DFE,Name,Trust\n{SCHOOL},School,{trust or ''}\n"
        versions.append(uploads.store("rosters/schools.csv", text.encode(), received))
    for which in order:
        import_extract(stores, "rosters/schools.csv", versions[which % len(versions)])
    return dict(table.items)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.sampled_from([None, "ABC", "XYZ"])), min_size=1, max_size=4),
    st.lists(st.integers(0, 3), max_size=8),
    st.randoms(use_true_random=False),
)
def test_extracts_in_any_order_and_however_often_end_as_in_their_own(
    extracts: list[Any], more: list[int], random: Any
) -> None:
    order = [*range(len(extracts)), *more]
    random.shuffle(order)
    assert _imported(extracts, order) == _imported(extracts, list(range(len(extracts))))


# Objects without a record.


def test_a_file_posted_while_the_table_was_lost_gets_a_record_and_counts(played: Season) -> None:
    """79 of 340 were left without one, though the form had signed their user and service."""
    forms = [played.form(MINE), played.form("SCHOOL#" + SCHOOLS[1])]
    played.lose_the_table()
    rebuilding.rebuild(played.operated, played.now)
    played.later(minutes=1)
    checked, swept = (str(form["upload_id"]) for form in forms)
    played.post(forms[0], played.file(SCHOOL))
    assert played.check(checked) is Checked.ACCEPTED  # its notice came
    played.post(forms[1], played.file(SCHOOLS[1]))  # this one's was lost
    played.later(minutes=5)
    played.freeze()
    [message] = played.upload_queue.sent
    assert message["Records"][0]["s3"]["object"]["key"] == upload_key(NAME, swept)
    assert played.check(swept) is Checked.ACCEPTED
    for upload in (checked, swept):
        played.offer(upload)
        record = played.record(upload)
        assert (record.status, record.name) == (Status.SUCCESSFUL, "results.xlsx")
        assert record.user == played.subs[record.organisation]
    assert not [key for key in played.items() if key[0] == keys.UNATTRIBUTED]
    _frozen(played)
    assert verify_window(played.stores, SERVICE, 1).differences == []


def test_an_object_found_before_its_user_was_back_is_adopted_later_with_their_rights_of_then(played: Season) -> None:
    form = played.form(MINE)
    upload, user = str(form["upload_id"]), keys.user(played.subs[MINE])
    played.post(form, played.file(SCHOOL))
    played.stores.table.delete(keys.upload(upload))
    before = played.stores.table.get(user)
    assert before
    played.stores.table.delete(user)
    assert played.check(upload) is Checked.UNATTRIBUTED
    assert [key for key in played.items() if key[0] == keys.UNATTRIBUTED]
    played.stores.table.write(Put(user, {**before, "organisation": f"SCHOOL#{SCHOOLS[1]}"}))  # they changed schools
    played.later(minutes=20)
    played.freeze()
    assert played.record(upload).organisation == f"SCHOOL#{SCHOOLS[1]}"
    assert not [key for key in played.items() if key[0] == keys.UNATTRIBUTED]
    assert played.check(upload) is Checked.REFUSED  # it is not a file of the school they act for now


@pytest.mark.parametrize("signed", [{}, {"user": "nobody"}, {"service": "ks9"}, {"user": ""}])
def test_an_object_that_no_form_of_ours_explains_stays_nobodys(played: Season, signed: dict[str, str]) -> None:
    form = played.form(MINE)
    upload = str(form["upload_id"])
    told = {**form["post"]["metadata"], **signed} if signed else {}
    played.files.store(upload_key(NAME, upload), played.file(SCHOOL), played.now, told)
    played.stores.table.delete(keys.upload(upload))
    assert played.check(upload) is Checked.UNATTRIBUTED
    played.later(minutes=10)
    played.freeze()
    assert played.stores.table.get(keys.upload(upload)) is None


def test_an_object_named_after_a_time_to_come_is_nobodys(played: Season) -> None:
    signed = played.form(MINE)["post"]["metadata"]
    upload = "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"
    played.files.store(upload_key(NAME, upload), played.file(SCHOOL), played.now, signed)
    assert played.check(upload) is Checked.UNATTRIBUTED


# Writing once.


def test_a_tombstone_that_was_never_written_does_not_count_as_written(
    played: Season, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3's 409, another write is under way, was taken for "it is there": versions went without a tombstone."""
    upload = played.upload(SCHOOL)
    put_once = played.stores.records.put_once

    def said_to_be_there(key: str, *more: Any) -> str:
        if key.startswith("tombstones/"):
            raise AlreadyThere("it is said to be there")
        return put_once(key, *more)

    with monkeypatch.context() as patched:
        patched.setattr(played.stores.records, "put_once", said_to_be_there)
        with pytest.raises(WriteUnderWay):
            played.delete(MINE, upload)
    assert played.stores.uploads.oldest(upload_key(NAME, upload)) is not None
    played.later(minutes=5)
    played.freeze()
    assert json.loads(played.stores.records.get(tombstone_key(NAME, upload)))["upload"] == upload
    assert played.stores.uploads.oldest(upload_key(NAME, upload)) is None


@pytest.mark.parametrize("folder", ["verdicts", "stragglers", "closings", "manifests", "figures", "amendments"])
def test_whatever_is_said_to_be_there_is_read_before_it_is_relied_on(
    played: Season, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    """Nothing goes on as if a record were kept that is not: what needs it fails, and goes on once it is written."""
    put_once = played.stores.records.put_once
    refused: list[str] = []
    refusing = True

    def said_to_be_there(key: str, *more: Any) -> str:
        if refusing and key.startswith(f"{folder}/"):
            refused.append(key)
            raise AlreadyThere("it is said to be there")
        return put_once(key, *more)

    monkeypatch.setattr(played.stores.records, "put_once", said_to_be_there)

    def until_written(act: Any, again: Any = None) -> None:
        nonlocal refusing
        try:
            act()
        except WriteUnderWay:
            assert not played.stores.records.has(refused[-1])
            refusing = False
            (again or act)()
            refusing = True

    first = played.sent(MINE, played.file(SCHOOL))
    until_written(lambda: played.check(first))
    played.offer(first)
    late = played.sent("SCHOOL#" + SCHOOLS[1], played.file(SCHOOLS[1]))
    hidden = upload_key(NAME, late)
    data, signed = played.stores.uploads.get(hidden), played.stores.uploads.metadata(hidden)
    received = played.now
    played.stores.uploads.remove_versions(hidden)
    played.now = CLOSES + timedelta(minutes=5)
    until_written(played.freeze)
    played.files.store(hidden, data, received, signed)
    until_written(lambda: played.check(late))
    until_written(lambda: played.offer(late))
    until_written(lambda: operating.admit(played.operated, late, "a slow line"))
    until_written(lambda: played.delete(MINE, first), again=played.freeze)  # the sweep finishes it
    assert refused
    kept = {one.key for one in played.stores.records.list(f"{folder}/")}
    assert set(refused) <= kept
    assert verify_window(played.stores, SERVICE, 1).differences == []


def test_a_tombstone_of_another_upload_is_not_taken_for_this_ones(played: Season) -> None:
    upload = played.upload(SCHOOL)
    played.stores.records.put(tombstone_key(NAME, upload), b'{"upload":"another"}', "application/json")
    with pytest.raises(OutsideError, match="another upload"):
        played.delete(MINE, upload)
    assert played.stores.uploads.oldest(upload_key(NAME, upload)) is not None


# Who overwrote whom.


def test_an_overwritten_file_names_the_one_that_took_its_place(played: Season) -> None:
    def by(upload: str) -> str | None:
        told = one_upload(played.stores, played.user(MINE), played.record(upload))["overwritten_by"]
        return None if told is None else str(told)

    first = played.upload(SCHOOL)
    played.later(seconds=5)
    slow = played.sent(MINE, played.file(SCHOOL))  # received before the next, and checked after it
    third = played.upload(SCHOOL)
    assert (by(first), by(third)) == (third, None)
    assert played.check(slow) is Checked.ACCEPTED
    played.offer(slow)
    assert (by(slow), by(third)) == (third, None)
    fourth = played.upload(SCHOOL)
    assert (by(first), by(slow), by(third)) == (third, third, fourth)
    played.delete(MINE, fourth)
    assert by(third) == fourth  # nothing older comes back
    played.lose_the_table()
    rebuilding.rebuild(played.operated, played.now)
    assert (by(slow), by(third)) == (third, fourth)
