"""What is said of a window is true: before its close, between the close and the freeze, and ever after."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.objects import Bucket
from adapters.queue import Queue
from adapters.settings import Settings
from adapters.stores import Stores
from adapters.table import Table
from early_results import keys
from early_results.access import Role, User
from early_results.counting.calendar import Calendar
from early_results.counting.registers import Outcome
from early_results.counting.uploads import Status, upload_from_item
from early_results.counting.verdicts import begin_checking
from early_results.guide import NEXT_STEPS
from early_results.ids import new_ulid
from early_results.service import Window
from early_results.writes import Put
from infra.operator import operating
from infra.operator.operating import OperatorSession
from infra.operator.operations import store_calendar
from portal.board import deadline_board
from portal.history import list_uploads, one_upload
from portal.requests import BoardQuery, ReportsQuery, UploadsQuery
from portal.services import describe_schools, list_reports
from tests.simulation.store import MemoryBucket
from tests.unit.checking.school_files import SERVICE
from tests.uploads import upload_of
from workflow.delete_upload import join_deletion, purge
from workflow.freeze_window import run_service
from workflow.join_registers import offer_upload

from .season import CLOSES, ENDS, NAME, SCHOOLS, Clock, Messages, Season, Shared

SCHOOL = SCHOOLS[0]
MINUTE = timedelta(minutes=1)


# The stories.


def _told(played: Season, upload_id: str) -> dict[str, Any]:
    return {**one_upload(played.stores, played.user(f"SCHOOL#{SCHOOL}"), played.record(upload_id))}


def _because(played: Season, upload_id: str) -> tuple[bool, str]:
    told = _told(played, upload_id)["receipt"]
    return told["counts"], told["because"]


def test_between_noon_and_the_freeze_the_file_that_will_be_frozen_is_said_to_count(played: Season) -> None:
    """With a file in the next window it said "no, because a later successful file has overwritten it"."""
    played.now = CLOSES - 5 * MINUTE
    first = played.upload(SCHOOL)
    played.now = CLOSES + MINUTE
    played.freeze()
    second = played.upload(SCHOOL)
    assert _because(played, first) == (True, "it is the latest successful file received for the school")
    told = _told(played, first)
    assert told["status"] == Status.OVERWRITTEN
    assert told["next_step"] == "This file has been overwritten by a later one. It is to be used for window 1"
    assert _because(played, second) == (True, "it is the latest successful file received for the school")
    played.now = CLOSES + 5 * MINUTE
    assert played.freeze()[0].state == "FROZEN"
    assert _because(played, first) == (True, "it is the school's frozen file")


def test_where_the_overwriting_file_was_deleted_nobody_says_that_a_later_one_was_frozen(played: Season) -> None:
    first, second = played.upload(SCHOOL), played.upload(SCHOOL)
    assert _because(played, first) == (False, "a later successful file has overwritten it")
    played.delete(f"SCHOOL#{SCHOOL}", second)
    gone = "a later successful file has overwritten it and has been deleted since, and nothing older comes back"
    assert _because(played, first) == (False, gone)
    played.now = CLOSES + 5 * MINUTE
    played.freeze()
    gone = "a later file overwrote it and was deleted before the window was frozen, and nothing older comes back"
    assert _because(played, first) == (False, gone)


def test_a_file_deleted_after_the_freeze_counts_nowhere_any_more(played: Season) -> None:
    first, second = played.upload(SCHOOL), played.upload(SCHOOL)
    played.now = CLOSES + 5 * MINUTE
    played.freeze()
    assert _because(played, first) == (False, "a later file was frozen for the school")
    [report] = _reports(played)
    assert (report["upload_id"], report["state"]) == (second, "PROCESSING")
    played.delete(f"SCHOOL#{SCHOOL}", second)
    gone = "a later file was frozen for the school and has been deleted since, and nothing older comes back"
    assert _because(played, first) == (False, gone)
    board = deadline_board(played.stores, played.user("OPERATOR"), SERVICE, "1", BoardQuery(), played.now)
    assert board["schools"][0]["standing"] == "nothing"
    assert _reports(played) == []
    [school] = describe_schools(played.stores, played.user(f"SCHOOL#{SCHOOL}"), SERVICE)["schools"]
    assert "the latest file has been deleted" in school["windows"][0]["statement"]


def _reports(played: Season) -> list[dict[str, Any]]:
    user = played.user(f"SCHOOL#{SCHOOL}")
    return [{**report} for report in list_reports(played.stores, user, ReportsQuery(), played.now)["reports"]]


def test_a_carried_file_says_so_of_each_window(played: Season) -> None:
    upload = played.upload(SCHOOL)
    for moment in (CLOSES + 5 * MINUTE, ENDS + 5 * MINUTE):
        played.now = moment
        played.freeze()
    told = _told(played, upload)["windows"]
    assert [(one["window"], one["counts"], one["carried_from"]) for one in told] == [(1, True, None), (2, True, 1)]
    assert told[1]["because"] == (
        "the school had no file of its own for it, and this one was carried forward from window 1"
    )
    assert _told(played, upload)["status"] == "PROCESSING"


def test_a_straggler_let_in_and_the_file_it_replaced_both_say_so(played: Season) -> None:
    early = played.upload(SCHOOL)
    late = played.straggler(SCHOOL)
    played.check(late)
    assert played.offer(late) is Outcome.STRAGGLER
    assert _because(played, early) == (True, "it is the school's frozen file")
    assert not _because(played, late)[0]
    operating.admit(played.operated, late, "a slow line")
    assert _because(played, late) == (True, "it was let in after the window was frozen")
    assert _because(played, early) == (False, "a later file was let in after the window was frozen")
    [report] = _reports(played)
    assert report["upload_id"] == late
    assert report["statement"].endswith("counts: it was let in after the window was frozen.")


def test_a_parked_file_outside_every_window_is_waited_for_by_none(played: Season) -> None:
    played.now = ENDS - MINUTE
    form = played.form(f"SCHOOL#{SCHOOL}")
    played.now = ENDS + MINUTE
    played.post(form, played.file(SCHOOL))
    upload = str(form["upload_id"])
    version = played.stores.uploads.oldest(played.record(upload).object_key)
    assert version
    played.stores.table.write(begin_checking(played.record(upload), version.received, version.version))
    played.park(upload)
    assert _because(played, upload) == (False, "we could not process the file yet")


# The rule: against a model that knows nothing of registers.

OPENS = datetime(2023, 6, 5, 8, tzinfo=UTC)
DAY = timedelta(days=1)
WINDOWS = tuple(Window(n, OPENS + (n - 1) * DAY, OPENS + n * DAY, (OPENS + n * DAY).date()) for n in (1, 2, 3))
READER = User("reader", "reader", Role.SCHOOL, f"SCHOOL#{SCHOOL}", frozenset({SCHOOL}))
BOARD = User("operator", "operator", Role.OPERATOR, "OPERATOR", frozenset())


class Model:
    """What holds, told as a story: lists of files, and what was done to them."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[int, datetime]] = {}  # window and received time of each good file
        self.joined: list[str] = []
        self.let_in: dict[int, list[str]] = {}  # by window, after it was frozen
        self.frozen: dict[int, str | None] = {}  # what the manifest has
        self.own: dict[int, str | None] = {}  # the last word of a frozen window's own files, deleted or not
        self.deleted: set[str] = set()

    def _latest(self, ids: list[str]) -> str | None:
        return max(ids, key=lambda one: (self.files[one][1], one), default=None)

    def last_word(self, window: int) -> str | None:
        """The file that decides a window, deleted or not."""
        if window not in self.frozen:
            return self._latest([one for one in self.joined if self.files[one][0] == window])
        own = self.own[window] or self.frozen[window]
        return self._latest([*self.let_in.get(window, ()), *([own] if own else [])])

    def counts(self, window: int) -> str | None:
        last = self.last_word(window)
        return None if last in self.deleted else last

    def freeze(self, window: int) -> None:
        own = self._latest([one for one in self.joined if self.files[one][0] == window])
        self.own[window] = own
        before = self.counts(window - 1) if own is None and window > 1 else own
        self.frozen[window] = None if before in self.deleted else before

    def admit(self, one: str) -> None:
        """Into its own window, and on into frozen ones after it that have no file of their own."""
        window = self.files[one][0]
        while window in self.frozen:
            if window != self.files[one][0] and (self.own[window] or self.counts(window - 1) != one):
                break
            self.let_in.setdefault(window, []).append(one)
            window += 1


class World:
    """One school's files on stores in memory, and the same story for the model."""

    def __init__(self) -> None:
        self.clock = Clock(OPENS + MINUTE)
        self.model = Model()
        second = timedelta(seconds=1)
        kept = Settings("t", "uploads", "results", "records", 180 * second, 60 * second, 600 * second, 1_000)
        buckets = [MemoryBucket(name, self.clock, versioned=name != "results") for name in ("u", "results", "r")]
        uploads, results, records = (cast(Bucket, bucket) for bucket in buckets)
        self.stores = Stores(cast(Table, Shared()), uploads, results, records, kept)
        self.queue = Messages()
        self.session = OperatorSession(
            self.stores, self.queue, self.queue, "an operator", None, "", True, now=self.clock.now
        )
        self.calendar = Calendar(NAME, 1, WINDOWS)
        store_calendar(self.stores.table, records, self.calendar, "an operator", "three windows")
        self.stores.table.write(Put(keys.listed_school(SCHOOL), {"school": SCHOOL}))
        self.late: list[str] = []

    def good(self, received: datetime) -> str:
        """A good file received at a moment, checked, and not offered yet."""
        window = self.calendar.window_of(received)
        assert window
        number = len(self.model.files) + 1
        upload = upload_of(
            new_ulid(received, number.to_bytes(10, "big")),
            received,
            service=NAME,
            user="reader",
            user_name="reader",
            organisation=f"SCHOOL#{SCHOOL}",
            name="results.xlsx",
            expires_at=received + MINUTE,
            status=Status.CHECKING,
            school=SCHOOL,
            received=received,
            version="v",
            sha256="0" * 64,
            window=window.number,
            ruleset="r",
            figures_sha256="0" * 64,
            offer_pending=True,
            unsettled=True,
        )
        self.stores.table.write(Put(upload.key, upload.to_item()))
        self.model.files[upload.upload_id] = (window.number, received)
        return upload.upload_id

    def upload(self) -> None:
        if self.calendar.window_of(self.clock.time) is None:
            return
        one = self.good(self.clock.time)
        assert offer_upload(self.stores, one) is Outcome.JOINED
        self.model.joined.append(one)

    def surface(self, seconds: int) -> None:
        """A file that S3 received before now, and that shows itself now."""
        received = self.clock.time - timedelta(seconds=seconds)
        if self.calendar.window_of(received) is None:
            return
        one = self.good(received)
        if offer_upload(self.stores, one) is Outcome.JOINED:
            assert self.model.files[one][0] not in self.model.frozen
            self.model.joined.append(one)
        else:
            self.late.append(one)

    def delete(self, which: int) -> None:
        standing = [one for one in self.model.files if one not in self.model.deleted]
        if not standing:
            return
        one = standing[which % len(standing)]
        assert join_deletion(self.stores, one)[0] is Outcome.JOINED
        self.model.deleted.add(one)
        self.late = [other for other in self.late if other != one]
        item = self.stores.table.get(keys.upload(one))
        assert item
        purge(self.stores, self.calendar, upload_from_item(item), self.clock.time)

    def admit(self, which: int) -> None:
        if not self.late:
            return
        one = self.late.pop(which % len(self.late))
        operating.admit(self.session, one, "let in")
        self.model.admit(one)

    def run(self) -> None:
        """A run of the schedule."""
        queue = cast(Queue, self.queue)
        for frozen in run_service(self.stores, queue, queue, SERVICE, self.clock.time)[1]:
            if frozen.state == "FROZEN" and frozen.window not in self.model.frozen:
                self.model.freeze(frozen.window)

    def wait(self, hours: int) -> None:
        self.clock.time += timedelta(hours=hours, seconds=7)

    def holds(self) -> None:
        """Everything that anybody is told now, against the model."""
        model = self.model
        counts = {window.number: model.counts(window.number) for window in WINDOWS}
        history = list_uploads(self.stores, READER, UploadsQuery(), self.clock.time)["uploads"]
        assert {one["upload_id"] for one in history} == model.files.keys() - model.deleted
        for one in history:
            upload, own = one["upload_id"], model.files[one["upload_id"]][0]
            told = {said["window"]: said for said in one["windows"]}
            carried = {n for n, one in counts.items() if one == upload and n in model.frozen and n != own}
            assert told.keys() == {own} | carried
            for number, said in told.items():
                assert said["counts"] is (counts[number] == upload)
                assert said["carried_from"] == (own if number != own else None)
            assert one["receipt"] is not None
            assert one["receipt"]["statement"] == told[own]["statement"]
            assert one["counts_for_school"] is (upload in counts.values())
            self._words(upload, own, one["receipt"]["because"], one["next_step"], counts)
        [school] = describe_schools(self.stores, READER, SERVICE)["schools"]
        assert {one["window"]: one["upload_id"] for one in school["windows"]} == counts
        for window in WINDOWS:
            board = deadline_board(self.stores, BOARD, SERVICE, str(window.number), BoardQuery(), self.clock.time)
            assert [one["upload_id"] for one in board["schools"]] == [counts[window.number]]
        reports = list_reports(self.stores, READER, ReportsQuery(), self.clock.time)["reports"]
        assert {one["window"]: one["upload_id"] for one in reports} == {
            n: one for n, one in counts.items() if n in model.frozen and one is not None
        }

    def _words(self, upload: str, own: int, because: str, step: str, counts: dict[int, str | None]) -> None:
        model = self.model
        if upload in self.late:
            assert "became visible to us only after" in because
            return
        last = model.last_word(own)
        assert last
        frozen = own in model.frozen
        assert ("deleted" in because) is (last in model.deleted)
        if counts[own] == upload:
            let_in = upload in model.let_in.get(own, ())
            assert because == (
                "it was let in after the window was frozen"
                if let_in
                else "it is the school's frozen file"
                if frozen
                else "it is the latest successful file received for the school"
            )
            assert "no longer" not in step
        else:
            assert model.files[last][1] > model.files[upload][1] or last > upload
            assert ("froze" in because) is frozen
            assert step == NEXT_STEPS[Status.OVERWRITTEN.value]


STEPS = st.one_of(
    st.tuples(st.just("upload")),
    st.tuples(st.just("surface"), st.integers(1, 40 * 3600)),
    st.tuples(st.just("delete"), st.integers(0, 9)),
    st.tuples(st.just("admit"), st.integers(0, 9)),
    st.tuples(st.just("run")),
    st.tuples(st.just("wait"), st.integers(1, 26)),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, max_size=14))
def test_whatever_is_said_at_a_moment_is_what_then_holds(steps: list[Any]) -> None:
    """Invariant 8: after each step everybody asks everything, and all of it is true."""
    world = World()
    world.holds()
    for name, *given_ in steps:
        getattr(world, name)(*given_)
        world.holds()
