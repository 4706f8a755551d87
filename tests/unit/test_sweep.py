"""The sweep over forms that nobody used: how much it asks of S3 and the table, however many they are."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from adapters.objects import Bucket
from adapters.queue import Queue
from adapters.settings import Settings
from adapters.stores import Stores
from adapters.table import Table
from early_results import keys
from early_results.counting.calendar import FORM_LIFETIME, Calendar
from early_results.counting.freeze import State
from early_results.counting.uploads import UNSETTLED_PARTITIONS, Upload, unsettled_partition
from early_results.ids import new_ulid
from early_results.service import Service, Window, load_service
from early_results.writes import Put
from tests.simulation.store import Gate, MemoryBucket, MemoryQueue, MemoryTable
from tests.uploads import upload_of
from workflow.freeze_window import run_service
from workflow.sweep_bucket import MOST_ENDED, Swept, sweep

SERVICE: Service = load_service("ks1-2023")
NOON = datetime(2023, 6, 30, 11, 0, tzinfo=UTC)
GRACE = timedelta(minutes=3)
FORMS = 3 * MOST_ENDED
CALENDAR = Calendar(SERVICE.name, 1, (Window(1, NOON - timedelta(days=20), NOON, NOON.date()),))


class Clocked(Gate):
    """S3's clock stands at noon: what is written to the records is not looked at here."""

    def now(self) -> datetime:
        return NOON


class CountingBucket(MemoryBucket):
    """The uploads bucket; counts the listings of one key's versions."""

    def __init__(self) -> None:
        super().__init__("uploads", versioned=True)
        self.listings: Counter[str] = Counter()

    def versions(self, key: str) -> list[Any]:
        self.listings["versions"] += 1
        return super().versions(key)


class Place:
    """A stack in memory."""

    def __init__(self) -> None:
        self.table, self.uploads = MemoryTable(), CountingBucket()
        self.queued: list[dict[str, Any]] = []
        settings = Settings("t", "u", "r", "e", GRACE, timedelta(seconds=60), timedelta(minutes=45), 10**7)
        results, records = MemoryBucket("results", versioned=False), MemoryBucket("records", Clocked(), versioned=True)
        self.stores = Stores(
            cast(Table, self.table),
            cast(Bucket, self.uploads),
            cast(Bucket, results),
            cast(Bucket, records),
            settings,
        )
        self.queue = cast(Queue, MemoryQueue("uploads", self.queued.append))
        self.table.write(Put(keys.calendar(SERVICE.name), {"calendar": CALENDAR.to_json(), "version": 1}))
        self.table.write(Put(keys.listed_school("1231234"), {"school": "1231234"}))
        self.table.write(Put(keys.service_begun(SERVICE.name), {"service": SERVICE.name}))

    def form(self, number: int, issued: datetime) -> Upload:
        """A form as one account asks for it."""
        upload = upload_of(
            new_ulid(issued, number.to_bytes(10, "big")),
            issued,
            expires_at=min(issued + FORM_LIFETIME, NOON),
            unsettled=True,
        )
        self.table.write(Put(upload.key, upload.to_item()))
        return upload

    def sweep(self, now: datetime, *, whole: bool = False) -> Swept:
        return sweep(self.stores, self.queue, SERVICE, CALENDAR, now, whole=whole)

    def status(self, upload: Upload) -> str:
        return str(self.table.items[upload.key]["status"])


@pytest.fixture
def place() -> Place:
    return Place()


def test_thousands_of_open_forms_ask_nothing_of_s3(place: Place) -> None:
    for number in range(FORMS):
        place.form(number, NOON - timedelta(minutes=9))
    swept = place.sweep(NOON - timedelta(minutes=1))
    assert place.uploads.listings == Counter()
    assert (len(swept.pending), swept.ended) == (FORMS, 0)


def test_thousands_of_forms_that_nobody_used_hold_no_freeze_up(place: Place) -> None:
    for number in range(FORMS):
        place.form(number, NOON - timedelta(minutes=9))
    now = NOON + GRACE + timedelta(seconds=1)
    swept, [frozen] = run_service(place.stores, place.queue, place.queue, SERVICE, now)
    assert frozen.state is State.FROZEN
    assert place.uploads.listings == Counter()
    assert swept.ended == MOST_ENDED  # the rest is for later runs: each costs a write
    for _ in range(FORMS // MOST_ENDED - 1):
        now += timedelta(minutes=1)
        assert place.sweep(now).ended == MOST_ENDED
    assert place.sweep(now).ended == 0
    assert place.uploads.listings == Counter()


def test_a_file_is_found_whatever_became_of_its_notice(place: Place) -> None:
    """In the listing, below its start, and with an expired form: each is queued again, once."""
    place.sweep(NOON - timedelta(minutes=40))
    late = place.form(1, NOON - timedelta(minutes=70))  # below the low-water mark that this sweep has set
    usual = place.form(2, NOON - timedelta(minutes=9))
    for upload in (late, usual):
        place.uploads.store(upload.object_key, b"x", upload.issued + timedelta(minutes=1))
    swept = place.sweep(NOON + GRACE)
    assert swept.queued_again == 2
    assert {upload.upload_id for upload in swept.pending} == {late.upload_id, usual.upload_id}
    assert place.uploads.listings["versions"] == 2  # the oldest version of each, and no more


def test_a_form_below_the_listing_is_ended_only_after_a_look(place: Place) -> None:
    place.sweep(NOON - timedelta(minutes=40))
    form = place.form(1, NOON - timedelta(minutes=70))
    assert place.sweep(NOON).ended == 1
    assert place.uploads.listings["versions"] == 1
    assert "unsettled" not in place.table.items[form.key]


def test_a_form_in_its_grace_is_left_alone(place: Place) -> None:
    form = place.form(1, NOON - timedelta(minutes=5))
    swept = place.sweep(NOON + GRACE)
    assert (swept.ended, [upload.upload_id for upload in swept.pending]) == (0, [form.upload_id])
    assert place.sweep(NOON + GRACE + timedelta(seconds=1)).ended == 1


def test_the_unsettled_are_spread_over_their_partitions() -> None:
    at = NOON
    found = Counter(unsettled_partition("ks1-2023", new_ulid(at, n.to_bytes(10, "big"))) for n in range(8_000))
    assert len(found) == UNSETTLED_PARTITIONS
    assert set(found.values()) == {1000}
