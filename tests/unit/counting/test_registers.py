"""Registers are maxima: whatever the order and the repeats of offers and deletions, they end the same (DESIGN 5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from early_results import keys
from early_results.counting import registers
from early_results.counting.registers import Mark, Outcome, Register, mark_from_text, register_from_item
from early_results.counting.uploads import Status, Upload, upload_from_item
from early_results.writes import Absent, Check, Item, Key, NoneOf, OneOf, Present, Put, Requirement, Update, Write
from tests.uploads import upload_of

SCHOOL, SERVICE = "1231234", "ks1-2023"
NOON = datetime(2023, 6, 30, 11, tzinfo=UTC)
MARKS = st.builds(
    Mark,
    st.integers(-3, 3).map(lambda seconds: NOON + timedelta(seconds=seconds)),
    st.sampled_from(["01ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FAW", "01BRZ3NDEKTSV4RRFFQ69G5FAV"]),
    st.booleans(),
)


@given(MARKS, MARKS)
def test_marks_compare_as_their_texts_do(one: Mark, other: Mark) -> None:
    assert (one < other) == (one.to_text() < other.to_text())
    assert mark_from_text(one.to_text()) == one


def _upload(number: int, seconds: int) -> Upload:
    moment = NOON - timedelta(minutes=5) + timedelta(seconds=seconds)
    return upload_of(
        f"01ARZ3NDEKTSV4RRFFQ69G5F{number:02d}",
        moment,
        service=SERVICE,
        organisation=f"SCHOOL#{SCHOOL}",
        expires_at=moment,
        status=Status.CHECKING,
        school=SCHOOL,
        received=moment,
        version=f"v{number}",
        sha256=f"{number:064d}",
        window=1,
        ruleset="r",
        figures_sha256="s",
        offer_pending=True,
        unsettled=True,
    )


class Store:
    """A table as small as the rules allow: items under keys, transactions that hold or fail as one."""

    def __init__(self, uploads: list[Upload]) -> None:
        self.items: dict[Key, Item] = {upload.key: upload.to_item() for upload in uploads}

    def write(self, writes: tuple[Write, ...]) -> bool:
        if not all(self._holds(write.key, write.require) for write in writes):
            return False
        for write in writes:
            if isinstance(write, Put):
                self.items[write.key] = dict(write.item)
            elif isinstance(write, Update):
                item = self.items.setdefault(write.key, {})
                item.update(write.set)
                for name in write.remove:
                    item.pop(name, None)
            else:
                assert isinstance(write, Check)
        return True

    def _holds(self, key: Key, require: dict[str, Requirement]) -> bool:
        item = self.items.get(key, {})
        return all(_meets(item.get(name), wanted) for name, wanted in require.items())

    def register(self, key: Key) -> Register:
        return register_from_item(key, self.items.get(key))

    def upload(self, upload: Upload) -> Upload:
        return upload_from_item(self.items[upload.key])


def _meets(value: Any, wanted: Requirement) -> bool:
    match wanted:
        case Absent():
            return value is None
        case Present():
            return value is not None
        case OneOf(values):
            return value in values
        case NoneOf(values):
            return value not in values
        case _:
            return bool(value == wanted)


WINDOW, CURRENT = keys.window_register(SERVICE, 1, SCHOOL), keys.current_register(SERVICE, SCHOOL)


def _do(store: Store, upload: Upload, deed: str) -> None:
    now = store.upload(upload)
    window, current = store.register(WINDOW), store.register(CURRENT)
    if deed == "offer":
        join = registers.offer(now, window, current, sealing=False)
    else:
        join = registers.delete(now, window, current, sealing=False)
    assert store.write(join.writes)  # nobody else writes here, so no race is lost


@given(st.data())
def test_any_order_and_any_repeats_end_the_same(data: st.DataObject) -> None:
    uploads = [_upload(number, data.draw(st.integers(0, 2))) for number in range(data.draw(st.integers(1, 4)))]
    deleted = [upload for upload in uploads if data.draw(st.booleans())]
    deeds = [(upload, "offer") for upload in uploads] + [(upload, "delete") for upload in deleted]
    store = Store(uploads)
    for upload, deed in data.draw(st.permutations(deeds * data.draw(st.integers(1, 2)))):
        _do(store, upload, deed)
    marks = [
        Mark(upload.received, upload.upload_id, upload in deleted) for upload in uploads if upload.received is not None
    ]
    for key in (WINDOW, CURRENT):
        assert store.register(key).mark == max(marks)
    winner = store.register(CURRENT).winner
    for upload in uploads:
        expected = (
            Status.DELETED
            if upload in deleted
            else Status.SUCCESSFUL
            if upload.upload_id == winner
            else Status.OVERWRITTEN
        )
        assert store.upload(upload).status is expected
        assert not store.upload(upload).offer_pending


def test_two_offers_that_read_the_same_cannot_both_be_written() -> None:
    """The lost race: both decided on what was there before either wrote; the second must read again."""
    for first, second in permutations([_upload(0, 0), _upload(1, 1)]):
        store = Store([first, second])
        window, current = store.register(WINDOW), store.register(CURRENT)
        joins = [registers.offer(upload, window, current, sealing=False) for upload in (first, second)]
        assert store.write(joins[0].writes)
        assert not store.write(joins[1].writes)
        _do(store, second, "offer")
        assert store.register(CURRENT).winner == _upload(1, 1).upload_id


def test_a_sealed_register_takes_no_mark_and_makes_a_straggler() -> None:
    early, late = _upload(0, 0), _upload(1, 1)
    store = Store([early, late])
    _do(store, early, "offer")
    stale = store.register(WINDOW), store.register(CURRENT)
    store.items[WINDOW]["frozen_at"] = "2023-06-30T11:03:00Z"
    sealed = dict(store.items[WINDOW])
    assert not store.write(registers.offer(late, *stale, sealing=False).writes)  # decided before the seal
    join = registers.offer(late, store.register(WINDOW), store.register(CURRENT), sealing=True)
    assert join.outcome is Outcome.STRAGGLER
    assert store.write(join.writes)
    assert store.items[WINDOW] == sealed
    assert store.upload(late).held == "straggler"
    # A deletion after the seal raises the service's register alone.
    _do(store, early, "delete")
    assert store.items[WINDOW] == sealed
    assert store.register(CURRENT).winner is None


def test_what_is_awaited_or_being_checked_cannot_be_deleted() -> None:
    for status in (Status.AWAITING_UPLOAD, Status.CHECKING):
        item = {**_upload(0, 0).to_item(), "status": status.value}
        del item["offer_pending"]
        join = registers.delete(upload_from_item(item), None, Register(CURRENT), sealing=False)
        assert join.outcome is Outcome.NOT_YET
        assert join.writes == ()


def test_a_register_is_small() -> None:
    """Registers stay under 1 KB (DESIGN 6)."""
    store = Store([_upload(0, 0)])
    _do(store, _upload(0, 0), "offer")
    for key in (WINDOW, CURRENT):
        item = {**store.items[key], "frozen_at": "2023-06-30T11:03:00Z", "school": SCHOOL, "tried": "0" * 26}
        size = sum(len(str(name)) + len(str(value)) for name, value in item.items())
        assert size < 1024
