"""The sweep, in a season: what lost its notice is found, however it hides."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from adapters.errors import Conflict
from adapters.lookups import calendar_now
from early_results.counting.freeze import WindowState
from early_results.object_keys import manifest_key, upload_key
from tests.unit.checking.school_files import SERVICE
from workflow import freeze_window, sweep_bucket
from workflow.build_report import Built, fail_report
from workflow.delete_upload import purge

from .season import CLOSES, NAME, SCHOOLS, Season, season


@pytest.fixture
def played() -> Iterator[Season]:
    with season() as played:
        yield played


def test_a_file_beneath_a_delete_marker_is_found_and_frozen(played: Season) -> None:
    """Somebody removed it in the console, after its form had ended and before anybody had noticed the file."""
    played.now = CLOSES - timedelta(minutes=30)
    form = played.form(f"SCHOOL#{SCHOOLS[0]}")
    played.post(form, played.file(SCHOOLS[0]))
    hidden = str(form["upload_id"])
    data = played.files.objects.pop(upload_key(NAME, hidden))
    played.later(minutes=20)
    played.freeze()  # the form ends quietly: nothing was received, as far as anybody can see
    played.files.objects[upload_key(NAME, hidden)] = data
    played.files.remove(upload_key(NAME, hidden))
    played.now = CLOSES + timedelta(minutes=4)
    assert [waited.upload_id for waited in played.freeze()[0].waited] == [hidden]
    assert [message["Records"][0]["s3"]["object"]["key"] for message in played.upload_queue.sent] == [
        upload_key(NAME, hidden)
    ]
    played.check(hidden)
    played.offer(hidden)
    played.later(minutes=1)
    assert played.freeze()[0].state == "FROZEN"
    assert played.record(hidden).reports == {"1": "PROCESSING"}


def test_what_is_noted_while_the_table_is_lost_leaves_no_item_of_a_single_line(
    played: Season, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sweep, a deletion and a freeze run that were under way: half an item would stand in the rebuild's way."""
    deleted = played.upload(SCHOOLS[1])
    waiting = played.sent(f"SCHOOL#{SCHOOLS[0]}", played.file(SCHOOLS[0]))
    record, gone = played.record(waiting), played.record(deleted)
    played.lose_the_table()
    sweep_bucket._note_queued(played.stores, record, played.now)
    purge(played.stores, calendar_now(played.stores, SERVICE), gone, played.now)
    manifest = b""
    played.stores.records.put(manifest_key(NAME, 1), manifest, "application/x-ndjson")
    with pytest.raises(Conflict):
        freeze_window.queue_reports(played.stores, played.report_queue, SERVICE, 1, WindowState())
    assert played.items() == {}


def test_a_report_that_is_given_up_twice_has_failed_once(played: Season) -> None:
    """Both of a message that came twice end in the dead-letter queue: the second has nothing more to say."""
    upload = played.upload(SCHOOLS[0])
    played.now = CLOSES + timedelta(minutes=5)
    played.freeze()
    assert fail_report(played.stores, NAME, 1, SCHOOLS[0]) is Built.FAILED
    assert fail_report(played.stores, NAME, 1, SCHOOLS[0]) is Built.FAILED
    assert played.record(upload).reports == {"1": "FAILED"}
    played.build_reports()
    assert fail_report(played.stores, NAME, 1, SCHOOLS[0]) is Built.READY
    assert played.record(upload).reports == {"1": "READY"}
