"""The ledger of e-mails under every order of deaths, refusals, repeats and pairs of workers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import Conflict
from early_results.telling.ledger import Entry, Next, begin, ended, key_of
from early_results.writes import Item
from tests.simulation.store import MemoryTable

KEY, LEASE = key_of("sub", "VERDICT#1"), timedelta(seconds=30)


class Fate(StrEnum):
    """What becomes of a try that has been noted."""

    SENT = "sent"
    DIES_BEFORE = "dies-before"  # it is sent
    DIES_AFTER = "dies-after"
    NOT_YET = "not-yet"
    REFUSED = "refused"


class World:
    """One notice, the workers that take it, and how often its e-mail went out."""

    def __init__(self) -> None:
        self.table = MemoryTable()
        self.sent = 0
        self.unknown = 0
        self.now = datetime(2023, 6, 30, 9, tzinfo=UTC)

    def entry(self) -> Item | None:
        return self.table.get(KEY)

    def take(self, fate: Fate, seen: Item | None) -> Next:
        """A worker that has read the entry as `seen`, and whose try then ends so."""
        step = begin(KEY, seen, LEASE, self.now)
        if step.write is not None:
            try:
                self.table.write(step.write)
            except Conflict:
                return Next.BUSY
        if step.next is not Next.SEND:
            return step.next
        if fate in (Fate.SENT, Fate.DIES_AFTER):
            self.sent += 1
        if fate in (Fate.DIES_BEFORE, Fate.DIES_AFTER):
            self.unknown += 1
            return step.next
        outcome = {Fate.SENT: Entry.SENT, Fate.NOT_YET: Entry.WAITING, Fate.REFUSED: Entry.REFUSED}[fate]
        self.table.write(ended(KEY, step.tries, outcome))
        return step.next


waits = st.sampled_from([0, 5, 31, 180])
tries = st.lists(st.tuples(st.sampled_from(Fate), waits, st.booleans()), min_size=1, max_size=12)


@given(tries)
def test_nobody_gets_an_email_three_times_and_none_is_lost_in_silence(plan: list[tuple[Fate, int, bool]]) -> None:
    world = World()
    for fate, wait, pair in plan:
        seen = world.entry()
        world.take(fate, seen)
        if pair:  # another worker read the same entry at the same moment
            # It may send if the first did certainly not: the entry then stands as both of them read it.
            assert world.take(fate, seen) in (Next.BUSY, Next.DONE) or fate is Fate.NOT_YET
        world.now += timedelta(seconds=wait)
    for _ in _until_done(world):
        pass
    entry = Entry((world.entry() or {})["entry"])
    assert world.sent <= 1 + world.unknown
    assert world.sent <= 2  # and not MOST_TRIES: it is what people were promised
    assert entry in (Entry.SENT, Entry.REFUSED, Entry.GIVEN_UP)
    if entry is Entry.SENT:
        assert world.sent
    if entry is Entry.GIVEN_UP:
        assert world.unknown == 2  # and an alarm says so
    if not world.unknown and entry is Entry.SENT:
        assert world.sent == 1


def _until_done(world: World) -> Iterator[Next]:
    """The queue brings the notice again and again, and nothing goes wrong any more."""
    while True:
        done = world.take(Fate.SENT, world.entry())
        yield done
        if done in (Next.DONE, Next.GIVE_UP):
            return
        world.now += timedelta(seconds=180)
