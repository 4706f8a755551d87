"""What counts, in stories that no test told: each would pass unnoticed if a line that decides were another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from adapters.errors import Conflict
from adapters.lookups import calendar_now
from early_results import keys
from early_results.canonical import canonical
from early_results.counting.freeze import WindowState, manifest_lines
from early_results.counting.registers import Outcome
from early_results.counting.uploads import Status
from early_results.object_keys import manifest_key, national_key, upload_key
from early_results.reporting.summary import summarise
from early_results.writes import Put
from infra.operator import operating
from infra.operator.verifying import verify_window
from tests.unit.checking.school_files import SERVICE
from tests.unit.reporting.report_samples import KS1, cohort
from workflow import freeze_window
from workflow.freeze_window import TableIncompleteError

from .season import CLOSES, ENDS, NAME, RESULTS, SCHOOLS, Season, season

SCHOOL = SCHOOLS[0]


@pytest.fixture
def played() -> Iterator[Season]:
    with season() as played:
        yield played


def frozen(played: Season, number: int) -> dict[str, str | None]:
    lines = manifest_lines(played.stores.records.get(manifest_key(NAME, number)))
    return {line["school"]: line["upload"] for line in lines}


def test_a_deletion_of_an_older_file_leaves_the_present_one_as_it_is(played: Season) -> None:
    """A is in window 1, B in window 2 after noon; A is deleted before window 1 is frozen."""
    played.now = CLOSES - timedelta(minutes=10)
    older = played.upload(SCHOOL)
    played.now = CLOSES + timedelta(minutes=1)
    newer = played.upload(SCHOOL, RESULTS[1])
    played.delete(f"SCHOOL#{SCHOOL}", older)
    assert played.record(newer).status is Status.SUCCESSFUL
    played.now = CLOSES + timedelta(minutes=5)
    assert played.freeze()[0].state == "FROZEN"
    assert frozen(played, 1)[SCHOOL] is None
    assert played.record(newer).status is Status.SUCCESSFUL
    played.now = ENDS + timedelta(minutes=5)
    played.freeze()
    assert frozen(played, 2)[SCHOOL] == newer


def test_a_deletion_of_a_file_that_waits_for_its_offer_takes_the_older_one_out_too(played: Season) -> None:
    """Nothing older comes back: the newer file was there, even if only to be deleted."""
    older = played.upload(SCHOOL)
    played.later(minutes=1)
    newer = played.sent(f"SCHOOL#{SCHOOL}", played.file(SCHOOL, RESULTS[1]))
    played.check(newer)
    played.delete(f"SCHOOL#{SCHOOL}", newer)
    assert played.record(older).status is Status.OVERWRITTEN
    assert played.offer(newer) is Outcome.NOTHING_TO_DO
    played.now = CLOSES + timedelta(minutes=5)
    assert played.freeze()[0].state == "FROZEN"
    assert frozen(played, 1)[SCHOOL] is None


def _late(played: Season, seconds: int) -> str:
    """A file received so many seconds before the close that shows itself after the freeze."""
    played.now = CLOSES - timedelta(seconds=seconds)
    return played.sent(f"SCHOOL#{SCHOOL}", played.file(SCHOOL, RESULTS[seconds % 2]))


@pytest.mark.parametrize("oldest_first", [True, False])
def test_of_two_stragglers_the_later_counts_whichever_is_let_in_first(played: Season, oldest_first: bool) -> None:
    uploads = [_late(played, 50), _late(played, 41)]
    hidden = {name: played.files.objects.pop(upload_key(NAME, name)) for name in uploads}
    played.now = CLOSES + timedelta(minutes=4)
    played.freeze()
    for name, stored in hidden.items():
        played.files.objects[upload_key(NAME, name)] = stored
    played.now = CLOSES + timedelta(minutes=20)
    for upload in uploads:
        played.check(upload)
        assert played.offer(upload) is Outcome.STRAGGLER
    for upload in uploads if oldest_first else reversed(uploads):
        operating.admit(played.operated, upload, "it was there in time")
        played.later(minutes=1)
    played.build_reports()
    assert (played.stores.table.get(keys.report(NAME, 1, SCHOOL)) or {})["upload_id"] == uploads[1]
    assert (played.stores.table.get(keys.added(NAME, 1, SCHOOL)) or {})["upload_id"] == uploads[1]
    assert [played.record(upload).status for upload in uploads] == [Status.OVERWRITTEN, Status.SUCCESSFUL]
    assert [played.record(upload).reports for upload in uploads] == [{}, {"1": "READY"}]
    assert verify_window(played.stores, SERVICE, 1).differences == []


def test_a_later_window_does_not_overtake_one_that_waits(played: Season) -> None:
    """The later one may have to carry what the earlier one is still waiting for."""
    played.now = CLOSES - timedelta(minutes=10)
    parked = played.sent(f"SCHOOL#{SCHOOL}", played.file(SCHOOL))
    played.park(parked)
    played.now = ENDS + timedelta(minutes=5)
    told = played.freeze()
    assert [(one.window, [w.upload_id for w in one.waited]) for one in told] == [(1, [parked])]
    assert played.stores.table.get(keys.state(NAME, 2)) is None
    operating.retry(played.operated, parked, "the fault is found")
    played.check(parked)
    played.offer(parked)
    assert [one.state for one in played.freeze()] == ["FROZEN", "FROZEN"]
    assert frozen(played, 2)[SCHOOL] == parked


def test_a_race_that_is_lost_while_reports_are_queued_loses_none(
    played: Season, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next window's first files overwrite uploads at that very moment."""
    uploads = [played.upload(school) for school in SCHOOLS]
    write = played.table.write
    lost: list[Any] = []

    def racing(writes: Any) -> None:
        todo = writes if isinstance(writes, list) else [writes]
        if any(isinstance(w, Put) and w.key.sk.startswith("REPORT#") for w in todo) and len(lost) < 3:
            lost.append(todo)
            raise Conflict("a transaction was in progress")
        write(writes)

    monkeypatch.setattr(played.table, "write", racing)
    played.now = CLOSES + timedelta(minutes=5)
    assert played.freeze()[0].reports == len(SCHOOLS)
    assert len(lost) == 3
    assert sorted(message["school"] for message in played.report_queue.sent) == sorted(SCHOOLS)
    assert [played.record(upload).reports for upload in uploads] == [{"1": "PROCESSING"}] * len(SCHOOLS)
    played.build_reports()
    assert [played.record(upload).reports for upload in uploads] == [{"1": "READY"}] * len(SCHOOLS)


def test_a_file_below_the_low_water_mark_is_found_within_the_hour(played: Season) -> None:
    """It surfaced long after its form had ended, and its notice was lost; no window closes, so nothing looks sooner."""
    form = played.form(f"SCHOOL#{SCHOOL}")
    upload = str(form["upload_id"])
    played.post(form, played.file(SCHOOL))
    hidden = played.files.objects.pop(upload_key(NAME, upload))
    played.later(minutes=30)
    played.freeze()  # the whole bucket is looked at, and the form ends
    played.later(minutes=20)
    played.freeze()
    played.files.objects[upload_key(NAME, upload)] = hidden
    played.later(minutes=20)
    played.freeze()
    assert played.upload_queue.sent == [], "a sweep from the low-water mark on does not come by"
    played.later(minutes=21)
    played.freeze()
    sent = [message["Records"][0]["s3"]["object"]["key"] for message in played.upload_queue.sent]
    assert sent == [upload_key(NAME, upload)]


def test_the_national_figures_of_more_than_a_hundred_schools(played: Season) -> None:
    """Summaries are read by the hundred: none is read twice, none left out, and one that was deleted adds nothing."""
    many = 230
    lines: list[dict[str, object]] = []
    for number in range(many):
        upload = f"upload{number:04}"
        lines.append({"upload": upload, "school": str(number)})
        if number == 111:
            played.stores.table.write(Put(keys.upload(upload), {"status": "DELETED"}))
        else:
            summary = canonical(summarise(KS1, cohort(1 + number % 3, number)).to_json()).decode()
            played.stores.table.write(Put(keys.summary(upload), {"summary": summary}))
    lines.append({"upload": None, "school": "none"})
    national = freeze_window._national(played.stores, SERVICE, lines)
    assert national.schools == many - 1
    must = summarise(KS1, [p for number in range(many) if number != 111 for p in cohort(1 + number % 3, number)])
    assert json.loads(canonical(national.summary.to_json())) == json.loads(canonical(must.to_json()))


def test_a_table_that_is_lost_while_a_window_is_frozen_leaves_no_manifest_and_no_figures(played: Season) -> None:
    """Both are written once and locked: of an empty table they would say that nobody sent anything."""
    played.upload(SCHOOL)
    played.now = CLOSES + timedelta(minutes=5)
    schools = frozenset(SCHOOLS)
    calendar = calendar_now(played.stores, SERVICE)
    freeze_window.seal_all(played.stores, SERVICE, calendar, 1, WindowState(), played.now)
    kept = dict(played.table.items)
    lines = [
        {"upload": row["upload_id"], "school": "any"}
        for row in kept.values()
        if "frozen_at" in row and "upload_id" in row
    ]
    played.lose_the_table()
    with pytest.raises(TableIncompleteError):
        freeze_window.write_manifest(played.stores, SERVICE, 1, schools)
    with pytest.raises(TableIncompleteError):
        freeze_window._national(played.stores, SERVICE, lines)
    assert not played.stores.records.has(manifest_key(NAME, 1))
    assert not played.stores.records.has(national_key(NAME, 1))
