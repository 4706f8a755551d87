"""The operator's commands: calendar, users, parked uploads and stragglers, and losing the whole table."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters import report_pdf
from adapters.errors import Conflict
from adapters.lookups import calendar_now, window_states
from adapters.rosters import user_of
from early_results import keys
from early_results.access import Role
from early_results.checking.roster import rosters_csv
from early_results.counting import freeze, registers
from early_results.counting.freeze import manifest_lines
from early_results.counting.registers import Mark, Outcome, Register, register_from_item
from early_results.counting.uploads import Status
from early_results.ids import new_ulid
from early_results.object_keys import extract_key, manifest_key, upload_key
from early_results.reporting.figures import Copy, ReportInput
from early_results.writes import Put, Update
from infra.operator import operating, operations, rebuilding
from infra.operator.cli import CannotRun, london_moment
from infra.operator.evidence import EvidenceUnclear, gather
from infra.operator.operating import CannotOperate
from infra.operator.operations import store_calendar
from infra.operator.rebuilding import CannotRebuild
from infra.operator.verifying import verify_window
from portal.board import deadline_board
from portal.history import one_upload
from portal.problems import Problem
from portal.requests import BoardQuery
from tests.unit.checking.school_files import SERVICE, roster
from workflow import build_report, freeze_window
from workflow.join_registers import read_registers

from .season import CLOSES, ENDS, NAME, OPENS, RESULTS, SCHOOLS, TRUST, WRONG, Season

LATER = CLOSES + timedelta(hours=3)


# The calendar.


def test_a_window_is_extended_and_evidence_says_by_whom_and_why(played: Season) -> None:
    said = operating.extend(played.operated, NAME, 1, LATER, "snow", CLOSES - timedelta(seconds=61))
    assert "3pm on Friday 30 June 2023" in said
    shown = operating.show_calendar(played.operated, NAME, played.now)
    assert "version 2" in shown
    assert "3pm on Friday 30 June 2023" in shown
    records = [listed.key for listed in played.stores.records.list(f"calendars/{NAME}/000002-")]
    kept = json.loads(played.stores.records.get(records[0]))
    assert (kept["by"], kept["reason"]) == ("an operator", "snow")
    assert gather(played.stores, SERVICE).calendar.version == 2
    # A file after the old close and before the new one counts for window 1.
    played.now = CLOSES + timedelta(hours=1)
    upload = played.upload(SCHOOLS[0])
    assert played.record(upload).window == 1
    played.now = LATER + timedelta(minutes=5)
    assert played.freeze()[0].state == "FROZEN"
    assert verify_window(played.stores, SERVICE, 1).differences == []


@pytest.mark.parametrize("seconds", [60, 59, 0, -1])
def test_from_a_minute_before_the_close_nothing_is_extended(played: Season, seconds: int) -> None:
    with pytest.raises(CannotOperate, match="until one minute before the window closes"):
        operating.extend(played.operated, NAME, 1, LATER, "snow", CLOSES - timedelta(seconds=seconds))


def test_a_window_that_has_begun_to_close_is_not_extended(played: Season) -> None:
    """Not even by somebody whose clock is slow."""
    played.now = CLOSES + timedelta(seconds=1)
    played.freeze()
    with pytest.raises(CannotOperate, match="stays closed"):
        operating.extend(played.operated, NAME, 1, LATER, "snow", CLOSES - timedelta(hours=1))
    with pytest.raises(CannotOperate, match="later than the present one"):
        operating.extend(played.operated, NAME, 2, CLOSES, "shorter", played.now)
    with pytest.raises(CannotOperate, match="no window 3"):
        operating.extend(played.operated, NAME, 3, ENDS, "another", played.now)


def test_a_first_extension_that_hangs_over_noon_lets_no_late_file_be_frozen(played: Season) -> None:
    """The service file's own calendar is in force, version 0: its first change has conditions like any other."""
    played.without_calendar()
    before = played.upload(SCHOOLS[0])
    played.now = CLOSES - timedelta(minutes=2)
    calendar = calendar_now(played.stores, SERVICE)
    longer = calendar.extend(1, LATER, played.now)
    assert (calendar.version, longer.version) == (0, 1)
    played.now = CLOSES + timedelta(seconds=5)
    played.freeze()  # pins noon
    with pytest.raises(Conflict):
        store_calendar(played.stores.table, played.stores.records, longer, "an operator", "snow")
    played.now = CLOSES + timedelta(seconds=20)
    late = played.upload(SCHOOLS[0])
    assert played.record(late).window == 2
    played.now = CLOSES + timedelta(minutes=5)
    assert played.freeze()[0].state == "FROZEN"
    lines = manifest_lines(played.stores.records.get(manifest_key(NAME, 1)))
    assert [line["upload"] for line in lines] == [before, None, None]
    assert verify_window(played.stores, SERVICE, 1).differences == []


def test_a_window_that_is_closing_cannot_be_moved_in_any_way(played: Season) -> None:
    calendar = calendar_now(played.stores, SERVICE)
    played.now = CLOSES + timedelta(seconds=5)
    played.freeze()
    first, second = calendar.windows
    for moved in (
        (first._replace(opens=OPENS - timedelta(days=1)), second),
        (first._replace(reports=ENDS.date()), second),
        (second,),
    ):
        changed = replace(calendar, version=calendar.version + 1, windows=moved)
        with pytest.raises(Conflict):
            store_calendar(played.stores.table, played.stores.records, changed, "an operator", "by mistake")


def test_of_two_operators_who_change_a_calendar_at_once_one_must_look_again(played: Season) -> None:
    calendar = calendar_now(played.stores, SERVICE)
    for closes in (LATER, LATER + timedelta(hours=1)):
        longer = calendar.extend(1, closes, played.now)
        if closes == LATER:
            store_calendar(played.stores.table, played.stores.records, longer, "an operator", "snow")
        else:
            with pytest.raises(Conflict):
                store_calendar(played.stores.table, played.stores.records, longer, "another", "more snow")
    assert calendar_now(played.stores, SERVICE).windows[0].closes == LATER


def test_a_rebuild_takes_no_old_calendar_for_the_present_one(played: Season, monkeypatch: pytest.MonkeyPatch) -> None:
    """An extension died between the table and its mark in evidence; then the table is lost."""

    def dies(*_: object) -> None:
        raise RuntimeError("killed")

    longer = calendar_now(played.stores, SERVICE).extend(1, LATER, played.now)
    with monkeypatch.context() as patched:
        patched.setattr(operations, "_mark_in_force", dies)
        patched.setattr(operations, "mark_calendar", lambda *_: None)
        with pytest.raises(RuntimeError):
            store_calendar(played.stores.table, played.stores.records, longer, "an operator", "snow")
    assert calendar_now(played.stores, SERVICE).windows[0].closes == LATER
    played.lose_the_table()
    with pytest.raises(EvidenceUnclear, match=f"--calendar {NAME}=000002-"):
        rebuilding.rebuild(played.operated, played.now)
    assert played.items() == {}
    [record] = gather(played.stores, SERVICE).undecided
    operations.decide_calendar(played.stores.records, NAME, record, "an operator")
    rebuilding.rebuild(played.operated, played.now)
    assert calendar_now(played.stores, SERVICE) == longer


def test_a_change_that_never_came_into_force_is_put_aside_at_an_operators_word(
    played: Season, monkeypatch: pytest.MonkeyPatch
) -> None:
    calendar = calendar_now(played.stores, SERVICE)

    def lost(*_: object) -> None:
        raise Conflict("lost a race")

    changed = calendar.extend(1, LATER, played.now)
    with monkeypatch.context() as patched:
        patched.setattr(played.table, "write", lost)
        with pytest.raises(Conflict):
            store_calendar(played.stores.table, played.stores.records, changed, "an operator", "snow")
    [first] = [name for name, kept in gather(played.stores, SERVICE).records.items() if kept == calendar]
    with pytest.raises(KeyError):
        operations.decide_calendar(played.stores.records, NAME, "000007-000000000000", "an operator")
    played.lose_the_table()
    operations.decide_calendar(played.stores.records, NAME, first, "an operator")
    rebuilding.rebuild(played.operated, played.now)
    assert calendar_now(played.stores, SERVICE) == calendar


def test_what_a_killed_extension_left_undone_is_done_by_the_next_look(
    played: Season, monkeypatch: pytest.MonkeyPatch
) -> None:
    longer = calendar_now(played.stores, SERVICE).extend(1, LATER, played.now)
    with monkeypatch.context() as patched:
        patched.setattr(operations, "_mark_in_force", lambda *_: None)
        store_calendar(played.stores.table, played.stores.records, longer, "an operator", "snow")
    assert gather(played.stores, SERVICE).undecided
    operating.show_windows(played.operated, NAME, played.now)
    assert gather(played.stores, SERVICE).calendar == longer
    assert gather(played.stores, SERVICE).undecided == []


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2023-06-30 15:00", datetime(2023, 6, 30, 14, tzinfo=UTC)),
        ("2023-01-13 12:00", datetime(2023, 1, 13, 12, tzinfo=UTC)),
    ],
)
def test_times_are_londons(text: str, moment: datetime) -> None:
    assert london_moment(text) == moment


@pytest.mark.parametrize("text", ["2023-10-29 01:30", "2023-03-26 01:30", "30/06/2023 15:00", "noon"])
def test_times_that_are_none_or_two_are_refused(text: str) -> None:
    with pytest.raises(CannotRun):
        london_moment(text)


# Users.


def test_a_user_is_added_once_and_evidence_names_nobody(played: Season) -> None:
    said = operating.add_user(played.operated, "head@example.org", Role.SCHOOL, f"SCHOOL#{SCHOOLS[0]}")
    assert "The password is " in said
    with pytest.raises(CannotOperate, match="a user already"):
        operating.add_user(played.operated, "head@example.org", Role.SCHOOL, f"SCHOOL#{SCHOOLS[0]}")
    for listed in played.stores.records.list("users/"):
        kept = json.loads(played.stores.records.get(listed.key))
        assert set(kept) == {"role", "organisation", "by"}


@pytest.mark.parametrize(
    ("role", "organisation"),
    [
        (Role.SCHOOL, "SCHOOL#9999999"),
        (Role.TRUST, "TRUST#XYZ"),
        (Role.SCHOOL, "TRUST#ABC"),
        (Role.OPERATOR, "SCHOOL#1231234"),
    ],
)
def test_a_user_of_nowhere_is_refused(played: Season, role: Role, organisation: str) -> None:
    with pytest.raises(CannotOperate):
        operating.add_user(played.operated, "somebody@example.org", role, organisation)


# Parked uploads and stragglers.


def test_a_parked_upload_is_waited_for_until_an_operator_decides(played: Season) -> None:
    upload = played.sent(f"SCHOOL#{SCHOOLS[0]}", played.file(SCHOOLS[0]))
    played.park(upload)
    played.now = CLOSES + timedelta(minutes=5)
    assert [w.upload_id for w in played.freeze()[0].waited] == [upload]
    shown = operating.show_windows(played.operated, NAME, played.now)
    assert "parked: `early-results retry` or `early-results settle`: 1" in shown
    assert upload in shown
    operating.settle(played.operated, upload, "the school sends it again")
    assert played.freeze()[0].state == "FROZEN"
    with pytest.raises(CannotOperate, match="not parked"):
        operating.retry(played.operated, upload, "again")
    assert verify_window(played.stores, SERVICE, 1).differences == []


def _late(played: Season, school: str) -> str:
    """A straggler, checked and held."""
    upload = played.straggler(school)
    played.check(upload)
    assert played.offer(upload) is Outcome.STRAGGLER
    return upload


def _counts(played: Season, upload_id: str) -> bool:
    upload = played.record(upload_id)
    told = one_upload(played.stores, played.user(f"SCHOOL#{upload.school}"), upload)
    assert told["receipt"] is not None
    return told["receipt"]["counts"]


def test_a_straggler_that_is_let_in_counts_and_its_report_is_built_again(played: Season) -> None:
    early = played.upload(SCHOOLS[0])
    late = _late(played, SCHOOLS[0])
    played.build_reports()
    told = verify_window(played.stores, SERVICE, 1)
    assert told.differences == []
    assert "waits for an operator" in told.notes[0]
    assert late in operating.show_windows(played.operated, NAME, played.now)

    said = operating.admit(played.operated, late, "S3 had a bad minute")

    assert "reports of window 1 are built again" in said
    assert played.record(late).status is Status.SUCCESSFUL
    assert played.record(early).status is Status.OVERWRITTEN
    assert played.build_reports() == 1
    report = played.stores.table.get(keys.report(NAME, 1, SCHOOLS[0])) or {}
    assert (report["upload_id"], report["state"]) == (late, "READY")
    assert played.record(late).reports == {"1": "READY"}
    assert played.record(early).reports == {}
    # The manifest and the sealed row stand as they were.
    lines = {
        line["school"]: line["upload"] for line in manifest_lines(played.stores.records.get(manifest_key(NAME, 1)))
    }
    assert lines[SCHOOLS[0]] == early
    key = keys.window_register(NAME, 1, SCHOOLS[0])
    assert register_from_item(key, played.stores.table.get(key)).frozen_upload == early
    assert verify_window(played.stores, SERVICE, 1).differences == []
    # The board shows what counts.
    operator = user_of(played.stores, played.subs["OPERATOR"])
    assert operator is not None
    board = deadline_board(played.stores, operator, SERVICE, "1", BoardQuery(), played.now)
    assert {line["school"]: line["upload_id"] for line in board["schools"]}[SCHOOLS[0]] == late
    assert board["counts"] is not None
    assert board["counts"]["submitted"] == 1
    # Once more changes nothing.
    operating.admit(played.operated, late, "S3 had a bad minute")
    played.build_reports()
    assert verify_window(played.stores, SERVICE, 1).differences == []
    # The next window carries it, and a deletion takes it out of both.
    played.now = ENDS + timedelta(minutes=5)
    assert played.freeze()[0].state == "FROZEN"
    carried = manifest_lines(played.stores.records.get(manifest_key(NAME, 2)))
    assert {line["school"]: line["upload"] for line in carried}[SCHOOLS[0]] == late
    assert verify_window(played.stores, SERVICE, 2).differences == []
    played.delete(f"SCHOOL#{SCHOOLS[0]}", late)
    for number in (1, 2):
        assert verify_window(played.stores, SERVICE, number).differences == []
    assert played.stores.table.get(keys.report(NAME, 1, SCHOOLS[0])) is None


def test_a_straggler_older_than_what_was_frozen_changes_no_report(played: Season) -> None:
    late = _late(played, SCHOOLS[0])
    played.now = CLOSES - timedelta(seconds=40)
    assert verify_window(played.stores, SERVICE, 1).differences == []
    played.now = CLOSES + timedelta(minutes=30)
    newer = played.upload(SCHOOLS[0])
    operating.admit(played.operated, late, "it was there in time")
    assert played.record(newer).status is Status.SUCCESSFUL
    assert played.record(late).status is Status.OVERWRITTEN
    assert verify_window(played.stores, SERVICE, 1).differences == []


def test_a_straggler_let_in_after_the_next_window_amends_that_too(played: Season) -> None:
    late = _late(played, SCHOOLS[0])
    played.now = ENDS + timedelta(minutes=5)
    assert played.freeze()[0].state == "FROZEN"
    operating.admit(played.operated, late, "it was there in time")
    played.build_reports()
    for number in (1, 2):
        assert verify_window(played.stores, SERVICE, number).differences == []
        report = played.stores.table.get(keys.report(NAME, number, SCHOOLS[0])) or {}
        assert report["upload_id"] == late


def test_a_straggler_that_is_refused_is_an_error_with_the_reason(played: Season) -> None:
    late = _late(played, SCHOOLS[0])
    operating.refuse(played.operated, late, "it was sent after noon from a stopped clock")
    record = played.record(late)
    assert record.status is Status.UPLOAD_ERROR
    assert record.findings[0]["code"] == "window-closed"
    assert "stopped clock" in record.findings[0]["message"]
    assert not _counts(played, late)
    assert verify_window(played.stores, SERVICE, 1).notes == []
    for act in (operating.admit, operating.refuse, operating.retry):
        with pytest.raises(CannotOperate):
            act(played.operated, late, "another thought")


def _begun(played: Season, late: str) -> None:
    """An admission that died after its mark."""
    played.stores.table.write(registers.begin_admission(played.record(late)))


def test_what_is_being_let_in_is_neither_deleted_nor_refused(played: Season) -> None:
    late = _late(played, SCHOOLS[0])
    _begun(played, late)
    with pytest.raises(Problem) as refused:
        played.delete(f"SCHOOL#{SCHOOLS[0]}", late)
    assert refused.value.kind == "still-checking"
    with pytest.raises(CannotOperate, match="being let in: repeat"):
        operating.refuse(played.operated, late, "another thought")
    assert "repeat `settle --admit`" in operating.show_windows(played.operated, NAME, played.now)
    operating.admit(played.operated, late, "it was there in time")
    assert played.record(late).status is Status.SUCCESSFUL
    played.delete(f"SCHOOL#{SCHOOLS[0]}", late)
    assert verify_window(played.stores, SERVICE, 1).differences == []


def test_a_deletion_that_read_before_an_admission_began_loses_its_race(played: Season) -> None:
    late = _late(played, SCHOOLS[0])
    current = Register(keys.current_register(NAME, SCHOOLS[0]))
    decided = registers.delete(played.record(late), None, current, False)
    _begun(played, late)
    with pytest.raises(Conflict):
        played.stores.table.write(decided.writes)


def test_nothing_older_than_a_deleted_file_is_carried_forward(played: Season) -> None:
    """It stood in the window until it was deleted: what an operator lets in beneath it counts nowhere."""
    late = _late(played, SCHOOLS[0])  # received fifty seconds before the close
    played.now = ENDS - timedelta(hours=1)
    assert played.record(late).held == "straggler"
    key = keys.window_register(NAME, 1, SCHOOLS[0])
    later = Mark(CLOSES - timedelta(seconds=10), new_ulid(CLOSES, bytes(10)), deleted=True)
    played.stores.table.write(Update(key, set={"mark": later.to_text()}))  # as if it had been deleted before noon
    played.now = ENDS + timedelta(minutes=5)
    assert played.freeze()[0].state == "FROZEN"
    assert "a later file counts" in operating.admit(played.operated, late, "it was there in time")
    carried = keys.added(NAME, 2, SCHOOLS[0])
    assert played.stores.table.get(carried) is None


def test_a_refused_straggler_is_in_evidence_even_if_its_note_was_still_missing(played: Season) -> None:
    late = played.straggler(SCHOOLS[0])
    played.check(late)
    upload = played.record(late)
    window, current = read_registers(played.stores, upload)
    played.stores.table.write(registers.offer(upload, window, current, True).writes)  # and dies before its note
    operating.refuse(played.operated, late, "a stopped clock")
    told = verify_window(played.stores, SERVICE, 1)
    assert (told.differences, told.notes) == ([], [])


def test_a_delayed_freeze_run_takes_no_report_back_from_a_straggler(played: Season) -> None:
    early = played.upload(SCHOOLS[0])
    late = _late(played, SCHOOLS[0])
    operating.admit(played.operated, late, "it was there in time")
    pinned = {"school_name": "", "comes_out": "2023-07-07"}
    assert not freeze_window._note_processing(played.stores, NAME, 1, SCHOOLS[0], early, pinned)
    played.build_reports()
    assert played.record(early).reports == {}
    assert (played.stores.table.get(keys.report(NAME, 1, SCHOOLS[0])) or {})["upload_id"] == late


def test_a_sealing_that_begins_while_a_straggler_is_let_in_stops_it(
    played: Season, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The freeze may have read what was let in before it was there; the command is given again once that is done."""
    late = _late(played, SCHOOLS[0])
    keep, calendar = operating._keep_amendment, calendar_now(played.stores, SERVICE)

    def meanwhile(*given: Any) -> None:
        keep(*given)
        if not window_states(played.stores, calendar)[2].sealing:
            played.stores.table.write(freeze.begin_closing(NAME, calendar.windows[1], calendar.version))
            played.stores.table.write(freeze.begin_sealing(NAME, 2))

    monkeypatch.setattr(operating, "_keep_amendment", meanwhile)
    with pytest.raises(CannotOperate, match="window 2 is being frozen"):
        operating.admit(played.operated, late, "it was there in time")
    assert played.record(late).held == "admitting"
    assert played.stores.table.get(keys.added(NAME, 1, SCHOOLS[0])) is None


def test_a_report_that_was_being_built_gives_way_to_a_straggler_let_in_meanwhile(
    played: Season, monkeypatch: pytest.MonkeyPatch
) -> None:
    early = played.upload(SCHOOLS[0])
    late = _late(played, SCHOOLS[0])
    build_pdf = report_pdf.build_pdf

    def interrupted(report: ReportInput, copy: Copy) -> bytes:
        monkeypatch.setattr(build_report, "build_pdf", build_pdf)
        operating.admit(played.operated, late, "it was there in time")
        return build_pdf(report, copy)

    monkeypatch.setattr(build_report, "build_pdf", interrupted)
    with pytest.raises(Conflict):  # the message comes again
        build_report.build_report(played.stores, NAME, 1, SCHOOLS[0])
    played.build_reports()
    assert (played.record(early).reports, played.record(late).reports) == ({}, {"1": "READY"})
    assert (played.stores.table.get(keys.report(NAME, 1, SCHOOLS[0])) or {})["upload_id"] == late


def test_nothing_is_decided_while_the_table_is_being_rebuilt(played: Season) -> None:
    late = _late(played, SCHOOLS[0])
    played.stores.table.write(Put(keys.rebuild(), {"begun": "now", "by": "an operator"}))
    for act in (operating.admit, operating.refuse, operating.retry):
        with pytest.raises(CannotOperate, match="being rebuilt"):
            act(played.operated, late, "now")


def test_nobody_is_let_in_while_a_window_is_being_frozen(played: Season) -> None:
    late = _late(played, SCHOOLS[0])
    played.now = ENDS - timedelta(minutes=1)
    blocking = played.sent(f"SCHOOL#{SCHOOLS[1]}", played.file(SCHOOLS[1]))
    played.park(blocking)
    played.now = ENDS + timedelta(minutes=5)
    assert played.freeze()[0].waited
    operating.admit(played.operated, late, "waiting is not sealing")
    operating.settle(played.operated, blocking, "no good")
    played.stores.records.put(f"manifests/{NAME}/2/manifest.jsonl", b"another", "text/plain")
    with pytest.raises(RuntimeError):
        played.freeze()  # dies while it seals
    with pytest.raises(CannotOperate, match="window 2 is being frozen"):
        operating.admit(played.operated, late, "now")


# Losing the table.


def _without(items: dict[Any, dict[str, Any]], *names: str) -> dict[Any, dict[str, Any]]:
    """What must come back: all but when something was done, and what is kept only for convenience."""
    return {key: {n: v for n, v in item.items() if n not in names} for key, item in items.items()}


def test_the_table_comes_back_from_the_buckets(played: Season, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every state an upload can be in, two windows, and then the table is lost. Support is a deployment's own."""
    monkeypatch.setenv("SUPPORT_EMAIL", "help@example.org")
    first = played.upload(SCHOOLS[0])
    played.upload(SCHOOLS[0], RESULTS[1], by="TRUST#ABC")
    played.upload(SCHOOLS[1], WRONG)
    gone = played.upload(SCHOOLS[1])
    played.delete(f"SCHOOL#{SCHOOLS[1]}", gone)
    third = played.upload(SCHOOLS[2])
    parked = played.sent(f"SCHOOL#{SCHOOLS[1]}", b"nonsense")
    played.park(parked)
    operating.settle(played.operated, parked, "no good")
    admitted, refused = _late(played, SCHOOLS[0]), _late(played, SCHOOLS[1])
    undecided = _late(played, SCHOOLS[2])
    played.build_reports()
    operating.admit(played.operated, admitted, "it was there")
    operating.refuse(played.operated, refused, "it was not")
    played.build_reports()
    played.delete(f"SCHOOL#{SCHOOLS[2]}", third)
    played.upload(SCHOOLS[1], RESULTS[1])
    played.form(f"SCHOOL#{SCHOOLS[0]}")  # never used: there is no evidence of it
    replayed = played.form(f"SCHOOL#{SCHOOLS[2]}")
    played.post(replayed, played.file(SCHOOLS[2]))
    played.later(seconds=5)
    again = played.post(replayed, b"again")
    played.check(replayed["upload_id"], again)
    played.offer(replayed["upload_id"])
    unchecked = played.sent(f"SCHOOL#{SCHOOLS[2]}", played.file(SCHOOLS[2], RESULTS[1]))
    played.freeze()
    before = played.items()
    assert {first, undecided, admitted} <= {item["upload_id"] for key, item in before.items() if key[1] == "UPLOAD"}

    played.lose_the_table()
    assert played.freeze() == ()  # a freeze on an empty table does nothing that could not be taken back
    told = rebuilding.rebuild(played.operated, played.now)

    assert told.reports == 0
    assert "The table is rebuilt." in rebuilding.describe(told)
    played.freeze()
    after = played.items()
    forgiven = (
        "frozen_at",
        "made",
        "stamp",  # after all extracts of its second
        "whole",
        "swept",
        "low_water",
        "record",
        "changes",
        "queued_again",
        "tried",
        "size",
    )
    never_sent = {
        k for k, i in before.items() if k[1] == "UPLOAD" and "received" not in i and i["upload_id"] != unchecked
    }
    lost = _without(before, *forgiven)
    for item in lost.values():
        if item.get("status") == "DELETED":
            item.update(name="")  # it was signed with the file, which is gone
            item.pop("report_1", None)
        if item.get("report_1") == "REPLACED":  # says only what counts no longer
            item.pop("report_1")
    for key in never_sent:
        del lost[key]
    for key in [key for key in lost if key[0].startswith("FORMS#")]:
        del lost[key]  # how many forms somebody was handed lately is not in evidence: the limit begins anew
    found = _without(after, *forgiven)
    assert found.keys() == lost.keys()
    different = {
        (*key, name): (lost[key].get(name), found[key].get(name))
        for key in lost
        for name in lost[key].keys() | found[key].keys()
        if (lost[key].get(name) or None) != (found[key].get(name) or None)
    }
    assert different == {}, "\n".join(map(str, different.items()))
    assert verify_window(played.stores, SERVICE, 1).differences == []
    # Life goes on where it was.
    played.check(unchecked)
    assert played.offer(unchecked) is Outcome.JOINED
    played.now = ENDS + timedelta(minutes=5)
    assert played.freeze()[0].state == "FROZEN"
    assert verify_window(played.stores, SERVICE, 2).differences == []


def test_a_table_that_is_not_lost_is_left_alone(played: Season) -> None:
    before = played.items()
    with pytest.raises(rebuilding.CannotRebuild):
        rebuilding.rebuild(played.operated, played.now)
    assert played.items() == before


def test_a_rebuild_that_died_is_run_again_and_no_freeze_runs_meanwhile(
    played: Season, monkeypatch: pytest.MonkeyPatch
) -> None:
    played.upload(SCHOOLS[0])
    played.now = CLOSES + timedelta(minutes=5)
    played.lose_the_table()
    with monkeypatch.context() as dying:
        dying.setattr(rebuilding, "_users", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            rebuilding.rebuild(played.operated, played.now)
    assert played.freeze() == ()
    rebuilding.rebuild(played.operated, played.now)
    assert played.freeze()[0].state == "FROZEN"
    played.build_reports()
    assert verify_window(played.stores, SERVICE, 1).differences == []
    assert played.stores.table.get(keys.rebuild()) is None


def test_a_manifest_without_its_figures_stands_when_the_table_is_lost(
    played: Season, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run died between the two; a file that surfaced since is late, also in the table that is written again."""
    played.now = CLOSES - timedelta(minutes=2)
    played.upload(SCHOOLS[1])
    late = played.sent(f"SCHOOL#{SCHOOLS[0]}", played.file(SCHOOLS[0]))
    hidden = played.files.objects.pop(upload_key(NAME, late))
    played.now = CLOSES + timedelta(minutes=5)
    with monkeypatch.context() as patched:
        patched.setattr(freeze_window, "_national_once", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            played.freeze()
    played.files.objects[upload_key(NAME, late)] = hidden
    played.check(late)
    played.lose_the_table()
    rebuilding.rebuild(played.operated, played.now)
    assert played.offer(late) is Outcome.STRAGGLER
    assert played.freeze()[0].state == "FROZEN"
    assert verify_window(played.stores, SERVICE, 1).differences == []


def test_a_check_that_died_before_it_wrote_its_extract_does_not_stand_in_the_rebuilds_way(played: Season) -> None:
    """The verdict was written, the normalised results were not; then the table was lost."""
    upload = played.upload(SCHOOLS[0])
    extract = extract_key(NAME, upload)
    kept, summary = played.stores.results.get(extract), played.stores.table.get(keys.summary(upload))
    played.stores.results.remove(extract)
    played.lose_the_table()
    rebuilding.rebuild(played.operated, played.now)
    assert played.record(upload).status is Status.SUCCESSFUL
    assert played.stores.table.get(keys.summary(upload)) == summary
    assert played.stores.results.get(extract) == kept


def test_an_extract_that_comes_before_the_rebuild_does_not_stand_in_its_way(played: Season) -> None:
    """The school management system goes on sending: its schools are on the empty table before the operator is."""
    upload = played.upload(SCHOOLS[0])
    played.lose_the_table()
    new = "2042222"
    played.later(minutes=1)
    played.extract(f"rosters/{NAME}/more.csv", rosters_csv(roster(school=new).pupils, SERVICE))
    rebuilding.rebuild(played.operated, played.now)
    assert played.record(upload).status is Status.SUCCESSFUL
    assert {row["school"] for row in played.stores.table.query(keys.SCHOOLS)} == {*SCHOOLS, new}
    with pytest.raises(CannotRebuild, match="not lost"):
        rebuilding.rebuild(played.operated, played.now)


def test_the_list_of_schools_knows_their_names_whichever_extract_comes_first(played: Season) -> None:
    def listed(school: str) -> dict[str, Any]:
        item = played.stores.table.get(keys.listed_school(school)) or {}
        return {name: item.get(name) for name in ("school", "name", "trust")}

    first = SCHOOLS[0]  # schools.csv came before its roster
    assert listed(first) == {"school": first, "name": f"School {first}", "trust": TRUST}
    new = "2042222"
    played.later(minutes=1)
    played.extract(f"rosters/{NAME}/more.csv", rosters_csv(roster(school=new).pupils, SERVICE))
    assert listed(new) == {"school": new, "name": None, "trust": None}
    played.later(minutes=1)
    played.extract("rosters/schools.csv", f"School DFE,Name,Trust\n{new},New School,{TRUST}\n{first},Left It,\n")
    assert listed(new) == {"school": new, "name": "New School", "trust": TRUST}
    assert listed(first) == {"school": first, "name": "Left It", "trust": None}
    played.later(minutes=1)
    played.extract(f"rosters/{NAME}/more.csv", rosters_csv(roster(school=new).pupils, SERVICE))
    assert listed(new) == {"school": new, "name": "New School", "trust": TRUST}
