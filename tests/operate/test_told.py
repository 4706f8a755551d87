"""People are told by e-mail what is true when it is sent: found in the table, queued, and sent once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from adapters.errors import NotSentYet, OutsideError, WillNotBeSent
from adapters.post import Post
from early_results import keys
from early_results.counting.calendar import Calendar
from early_results.service import Window
from early_results.telling.ledger import Entry
from early_results.telling.letters import Letter
from early_results.telling.notices import Kind, Notice, notice_from_json
from early_results.telling.wishes import set_wishes
from early_results.writes import Put, Update
from infra.operator import operating, people
from infra.operator.operations import store_calendar
from tests.unit.checking.school_files import SERVICE
from workflow.find_news import news_of_file, news_of_straggler, news_of_windows
from workflow.tell_person import Sender, Told, UnderWayError, tell_person

from .season import CLOSES, ENDS, NAME, OPENS, SCHOOLS, TRUST, WRONG, Messages, Season

OWN = f"SCHOOL#{SCHOOLS[0]}"
LEASE = timedelta(seconds=30)


class Box(Post):
    """Keeps what is sent; `fails` may raise in place of SES."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Letter]] = []
        self.fails: Callable[[], None] = lambda: None

    def send(self, to: str, letter: Letter) -> None:
        self.fails()
        self.sent.append((to, letter))


class Telling:
    """What the two functions do in a season."""

    def __init__(self, played: Season) -> None:
        self.played, self.queue, self.box = played, Messages(), Box()
        self.sender = Sender(self.box, "https://results.example/", LEASE)

    def file(self, *uploads: str) -> None:
        """The stream brings the records of these uploads as they are now."""
        for upload_id in uploads:
            item = self.played.stores.table.get(keys.upload(upload_id)) or {}
            news_of_file(self.played.stores, self.queue, item, self.played.now)

    def look(self) -> list[str]:
        """A run of the schedule; gives the marks of the rounds that it queued."""
        found = news_of_windows(self.played.stores, self.queue, SERVICE, self.played.now)
        return [one.round.mark for one in found]

    def tell(self, notice: Notice) -> Told:
        """The tell function's work on one notice."""
        return tell_person(self.played.stores, self.sender, notice, self.played.now)

    def post(self) -> list[tuple[str, str]]:
        """Sends all that is queued, each twice; gives to whom and under which subject."""
        wanted, self.queue.sent = [notice_from_json(one) for one in self.queue.sent], []
        self.box.sent = []
        for notice in wanted:
            first = self.tell(notice)
            assert self.tell(notice) is (Told.ALREADY if first is Told.SENT else first)
        return [(to, letter.subject) for to, letter in self.box.sent]


@pytest.fixture
def telling(played: Season) -> Telling:
    """A season whose people are told by e-mail."""
    return Telling(played)


def test_a_verdict_and_an_overwriting_go_to_whom_they_concern(played: Season, telling: Telling) -> None:
    mine = played.upload(SCHOOLS[0])
    wrong = played.upload(SCHOOLS[0], WRONG)
    telling.file(mine, wrong)
    name = f"School {SCHOOLS[0]} ({SCHOOLS[0]})"
    assert telling.post() == [
        (f"school{SCHOOLS[0]}@example.org", f"{name}: your KS1 2023 file was accepted"),
        (f"school{SCHOOLS[0]}@example.org", f"{name}: your KS1 2023 file has 4 errors and does not count"),
    ]
    # The trust overwrites it, and the school alone is told; its own later file is no news to the trust itself.
    theirs = played.upload(SCHOOLS[0], by=f"TRUST#{TRUST}")
    again = played.upload(SCHOOLS[0], by=f"TRUST#{TRUST}")
    telling.file(mine, theirs, again, mine)
    assert telling.post() == [
        (f"school{SCHOOLS[0]}@example.org", f"{name}: your KS1 2023 file was overwritten by somebody else"),
        (f"trust{TRUST.lower()}@example.org", f"{name}: your KS1 2023 file was accepted, but does not count"),
        (f"trust{TRUST.lower()}@example.org", f"{name}: your KS1 2023 file was accepted"),
    ]


def test_what_a_person_turned_off_is_not_sent_and_an_overwriting_always_is(played: Season, telling: Telling) -> None:
    key = keys.user(played.subs[OWN])
    played.stores.table.write(set_wishes(key, dict.fromkeys(Kind, False)))
    mine = played.upload(SCHOOLS[0])
    played.upload(SCHOOLS[0], by=f"TRUST#{TRUST}")
    telling.file(mine)
    [(to, subject)] = telling.post()
    assert to == f"school{SCHOOLS[0]}@example.org"
    assert subject.endswith("was overwritten by somebody else")
    played.now = CLOSES - timedelta(days=5)
    telling.look()
    assert played.subs[OWN] not in {message["to"] for message in telling.queue.sent}
    played.stores.table.write(set_wishes(key, dict.fromkeys(Kind, True)))
    assert "mail_off" not in (played.stores.table.get(key) or {})


def test_reminders_come_once_each_to_those_without_a_good_file(played: Season, telling: Telling) -> None:
    played.upload(SCHOOLS[0])
    played.upload(SCHOOLS[1], WRONG)
    played.now = CLOSES - timedelta(days=6)
    assert telling.look() == []
    played.now = CLOSES - timedelta(days=5) + timedelta(minutes=2)
    assert len(telling.look()) == 1
    assert telling.look() == []
    sent = dict(telling.post())
    # The trust's other school has a good file; the operator is told nothing.
    assert set(sent) == {f"school{SCHOOLS[1]}@example.org", f"school{SCHOOLS[2]}@example.org", "trustabc@example.org"}
    [(_, letter)] = [one for one in telling.box.sent if one[0] == "trustabc@example.org"]
    assert SCHOOLS[0] not in letter.text
    assert f"Files have come for School {SCHOOLS[1]}" in letter.text

    # Who sends a good file between the look and the sending is not reminded.
    played.now = CLOSES - timedelta(days=1) + timedelta(minutes=2)
    telling.look()
    played.upload(SCHOOLS[1])
    assert set(dict(telling.post())) == {f"school{SCHOOLS[2]}@example.org"}

    # Nor is anybody after the close, however long the queue was.
    played.now = CLOSES - timedelta(hours=2) + timedelta(minutes=2)
    assert len(telling.look()) == 1
    played.now = CLOSES
    assert telling.post() == []


def test_a_school_without_pupils_and_one_that_is_carried_forward_are_not_reminded(
    played: Season, telling: Telling
) -> None:
    played.upload(SCHOOLS[0])
    played.stores.table.delete(keys.roster(NAME, SCHOOLS[2]))
    played.now = CLOSES + timedelta(minutes=5)
    played.freeze()
    played.now = ENDS - timedelta(days=5)
    telling.look()
    assert set(dict(telling.post())) == {f"school{SCHOOLS[1]}@example.org", "trustabc@example.org"}


def test_frozen_and_ready_are_told_once_and_a_trust_gets_one_letter(played: Season, telling: Telling) -> None:
    played.upload(SCHOOLS[0])
    played.now = CLOSES + timedelta(minutes=2)
    played.freeze()
    assert telling.look() == []  # in the grace nothing is final
    played.now = CLOSES + timedelta(minutes=5)
    played.freeze()
    # The day of reports has come, but they are being built: nobody is told yet.
    assert telling.look() == ["FROZEN#1"]
    assert dict(telling.post()) == {
        f"school{SCHOOLS[0]}@example.org": f"School {SCHOOLS[0]} ({SCHOOLS[0]}): KS1 2023 window 1 is closed, "
        "your file is final",
        **{
            f"school{school}@example.org": f"School {school} ({school}): KS1 2023 window 1 is closed, no file counts"
            for school in SCHOOLS[1:]
        },
        "trustabc@example.org": "KS1 2023 window 1 is closed: files of 1 of your 2 schools count",
    }
    played.build_reports()
    assert telling.look() == ["REPORT#1"]
    assert telling.look() == []
    ready = f"School {SCHOOLS[0]} ({SCHOOLS[0]}): your KS1 2023 report is ready"
    assert sorted(telling.post()) == [(f"school{SCHOOLS[0]}@example.org", ready), ("trustabc@example.org", ready)]


def test_a_report_is_told_of_on_its_day_and_not_before(played: Season, telling: Telling) -> None:
    windows = (Window(1, OPENS, CLOSES, (CLOSES + timedelta(days=9)).date()), Window(2, CLOSES, ENDS, ENDS.date()))
    calendar = Calendar(NAME, 2, windows)
    store_calendar(played.stores.table, played.stores.records, calendar, "an operator", "reports later")
    played.upload(SCHOOLS[0])
    played.now = CLOSES + timedelta(minutes=5)
    played.freeze()
    played.build_reports()
    assert telling.look() == ["FROZEN#1"]
    played.now = CLOSES + timedelta(days=9)
    assert telling.look() == ["REPORT#1"]


def test_who_was_shut_out_or_whom_it_no_longer_concerns_is_told_nothing(played: Season, telling: Telling) -> None:
    mine = played.upload(SCHOOLS[0])
    theirs = played.upload(SCHOOLS[1], by=f"TRUST#{TRUST}")
    telling.file(mine, theirs)
    people.disable(played.operated, f"school{SCHOOLS[0]}@example.org", "left")
    played.extract("rosters/schools.csv", f"School DFE,Name,Trust\n{SCHOOLS[1]},School,\n")  # the school left its trust
    assert telling.post() == []
    played.now = CLOSES - timedelta(days=5)
    telling.look()
    assert played.subs[OWN] not in {message["to"] for message in telling.queue.sent}


def test_a_deleted_file_is_no_news(played: Season, telling: Telling) -> None:
    mine = played.upload(SCHOOLS[0])
    telling.file(mine)
    played.delete(OWN, mine)
    assert telling.post() == []


def test_a_parked_file_has_two_verdicts_and_a_straggler_one_when_it_is_decided(
    played: Season, telling: Telling
) -> None:
    parked = played.sent(OWN, played.file(SCHOOLS[0]))
    played.park(parked)
    telling.file(parked)
    assert [subject.rpartition(" file ")[2] for _, subject in telling.post()] == ["could not be processed yet"]
    second = played.sent(OWN, played.file(SCHOOLS[0]))
    played.park(second)
    telling.file(second)
    operating.retry(played.operated, second, "more memory")
    played.check(second)
    played.offer(second)
    telling.file(second)
    # The notice of the second parked file waited until there was another verdict: that one alone is told.
    assert [subject.rpartition(" file ")[2] for _, subject in telling.post()] == ["was accepted"]
    operating.settle(played.operated, parked, "they sent another")  # or no freeze would pass over it
    late = played.straggler(SCHOOLS[2])
    played.check(late)
    played.offer(late)
    telling.file(late)
    assert telling.post() == []
    operating.admit(played.operated, late, "S3 was late")
    telling.file(late)
    assert telling.queue.sent == []  # as if it were a file whose report is being built
    assert news_of_straggler(played.stores, telling.queue, late, played.now) == 1
    assert [subject.rpartition(" file ")[2] for _, subject in telling.post()] == ["was accepted"]


def test_nothing_is_news_while_the_table_is_rebuilt(played: Season, telling: Telling) -> None:
    mine = played.upload(SCHOOLS[0])
    played.stores.table.write(Put(keys.rebuild(), {"since": "now"}))
    telling.file(mine)
    played.now = CLOSES - timedelta(days=5)
    assert telling.look() == []
    assert telling.queue.sent == []


def _entry(played: Season, notice: Notice) -> dict[str, Any]:
    return played.stores.table.get(keys.told(notice.to, notice.mark)) or {}


@pytest.mark.parametrize(
    ("error", "left"),
    [(NotSentYet("a rate"), Entry.WAITING), (OutsideError("no answer"), Entry.TRYING)],
)
def test_what_ses_did_not_take_or_did_not_answer_comes_again(
    played: Season, telling: Telling, error: OutsideError, left: Entry
) -> None:
    telling.file(played.upload(SCHOOLS[0]))
    [notice] = map(notice_from_json, telling.queue.sent)

    def fail() -> None:
        raise error

    telling.box.fails = fail
    with pytest.raises(OutsideError):
        telling.tell(notice)
    assert _entry(played, notice)["entry"] == left.value
    telling.box.fails = lambda: None
    if left is Entry.TRYING:
        with pytest.raises(UnderWayError):  # it may still be sending
            telling.tell(notice)
    played.later(seconds=31)
    assert telling.tell(notice) is Told.SENT
    assert _entry(played, notice)["tries"] == (2 if left is Entry.TRYING else 1)


def test_an_address_that_nobody_can_have_is_given_up_at_once(played: Season, telling: Telling) -> None:
    telling.file(played.upload(SCHOOLS[0]))
    [notice] = map(notice_from_json, telling.queue.sent)

    def fail() -> None:
        raise WillNotBeSent("no address")

    telling.box.fails = fail
    assert telling.tell(notice) is Told.REFUSED
    assert telling.tell(notice) is Told.ALREADY


def test_after_two_deaths_an_operator_is_told_and_nobody_a_third_time(played: Season, telling: Telling) -> None:
    telling.file(played.upload(SCHOOLS[0]))
    [notice] = map(notice_from_json, telling.queue.sent)

    def die() -> None:
        raise KeyboardInterrupt

    telling.box.fails = die
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            telling.tell(notice)
        played.later(minutes=3)
    assert telling.tell(notice) is Told.GIVEN_UP
    assert telling.tell(notice) is Told.ALREADY


def test_a_run_that_dies_before_it_notes_a_round_queues_it_again_and_nobody_is_told_twice(
    played: Season, telling: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    played.now = CLOSES - timedelta(days=5)
    write, table = played.table.write, played.stores.table

    def dies(writes: Put | Update) -> None:
        raise OutsideError("the table could not be written")

    monkeypatch.setattr(table, "write", dies)
    with pytest.raises(OutsideError):
        telling.look()
    monkeypatch.setattr(table, "write", write)
    telling.look()
    assert len(telling.queue.sent) == 2 * len({message["to"] for message in telling.queue.sent})
    wanted = [notice_from_json(one) for one in telling.queue.sent]
    told = [telling.tell(notice) for notice in wanted]
    assert told.count(Told.SENT) == len(telling.box.sent) == 4
