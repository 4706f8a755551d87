"""What each act of a season asks of DynamoDB, S3 and SQS: counted on the real use cases, for the model of costs.

    .venv/bin/python -m benchmarks.counting

Plays a season of three schools in memory (tests/operate/season.py), with a meter on the table, the buckets and the
queues. Units are DynamoDB's own: a consistent read is one for each 4 KB of an item, half as much if it need not be
consistent; a write is one for each 1 KB, twice that in a transaction, and once more for each index that has the item.
Requests of S3 are of its two classes. Results go to benchmarks/costs/requests.json; a test counts again and compares.
Processor time is this machine's, and is not compared.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from adapters.post import Post
from adapters.queue import Queue
from adapters.rosters import user_of
from early_results import keys
from early_results.access import User
from early_results.checking.roster import rosters_csv
from early_results.telling.letters import Letter
from early_results.telling.notices import notice_from_json
from early_results.writes import Check, Item, Key, Put, Remove, Update
from portal import changes, history, services
from portal.requests import ReportsQuery, UploadsQuery
from tests.operate.season import CLOSES, ENDS, NAME, SCHOOLS, WRONG, Messages, Season, season
from tests.unit.checking.school_files import SERVICE, roster
from workflow.find_news import news_of_file, news_of_windows
from workflow.release_dataset import release_dataset
from workflow.tell_person import Sender, tell_person

RESULTS = Path(__file__).parent / "costs" / "requests.json"
READ_UNIT, WRITE_UNIT = 4096, 1024
INDEXES = ("by_school", "by_trust", "unsettled")
Counts = dict[str, float]


class Meter:
    """Counts what is asked of a season's stores while an act is played."""

    def __init__(self, played: Season) -> None:
        self.counts: Counter[str] = Counter()
        self._meter_table(played)
        for bucket in (played.stores.uploads, played.stores.results, played.stores.records):
            self._meter_bucket(bucket)
        for queue in (played.upload_queue, played.report_queue):
            self.meter_queue(queue)

    def _meter_table(self, played: Season) -> None:
        table: Any = played.table
        get, query, write = table.get, table.query, table.write

        def read(items: Iterable[Item | None], *, consistent: bool, together: bool = False) -> None:
            sizes = [_size(item) for item in items]
            units = max(1, -(-sum(sizes) // READ_UNIT)) if together else sum(max(1, -(-s // READ_UNIT)) for s in sizes)
            self.counts["read_units"] += units if consistent else units / 2  # type: ignore[assignment]
            self.counts["table_calls"] += 1

        def one(key: Key, *, consistent: bool = True) -> Item | None:
            found = get(key)
            read([found], consistent=consistent)
            return cast(Item | None, found)

        def many(wanted: Iterable[Key], *, consistent: bool = True) -> dict[Key, Item]:
            asked = list(dict.fromkeys(wanted))
            for start in range(0, len(asked), 100):
                read([get(key) for key in asked[start : start + 100]], consistent=consistent)
            return {key: item for key in asked if (item := get(key)) is not None}

        def some(pk: str, *, index: str | None = None, **named: Any) -> Iterator[Item]:
            found = list(query(pk, index=index, **named))
            read(found, consistent=index is None, together=True)
            return iter(found)

        def put(writes: Any) -> None:
            todo = [writes] if isinstance(writes, Put | Update | Remove | Check) else list(writes)
            before = {w.key: get(w.key) for w in todo}
            write(writes)
            twice = 1 if len(todo) == 1 and not isinstance(todo[0], Check) else 2
            for one_of in todo:
                old, new = before[one_of.key], get(one_of.key)
                units = max(1, -(-max(_size(old), _size(new)) // WRITE_UNIT))
                self.counts["write_units"] += units * twice
                held = [name for name in INDEXES if name in {**(old or {}), **(new or {})}]
                if not isinstance(one_of, Check):
                    self.counts["write_units"] += sum(1 if name == "unsettled" else units for name in held)
            self.counts["table_calls"] += bool(todo)

        table.get, table.get_many, table.query, table.write = one, many, some, put

    def _meter_bucket(self, bucket: Any) -> None:
        for names, kind in (
            (("put", "put_once"), "s3_writes"),
            (("versions", "all_versions", "list"), "s3_writes"),  # a listing costs what a PUT costs
            (("get", "metadata", "has"), "s3_reads"),
        ):
            for name in names:
                self._count(bucket, name, kind)

    def _count(self, bucket: Any, name: str, kind: str) -> None:
        real = getattr(bucket, name)

        def counted(*arguments: Any, **named: Any) -> Any:
            self.counts[kind] += 1
            self.counts["s3_calls"] += 1
            return real(*arguments, **named)

        setattr(bucket, name, counted)

    def meter_queue(self, queue: Messages) -> None:
        """Counts the messages of a queue: sent ten at a time, received and removed one by one."""
        real: Callable[[Any], None] = queue.send

        def counted(messages: Any) -> None:
            self.counts["sqs_sent"] += -(-len(messages) // 10)
            self.counts["sqs_messages"] += len(messages)
            real(messages)

        queue.send = counted  # type: ignore[method-assign]

    def play(self, act: Callable[[], object], share: int = 1) -> Counts:
        """What an act asks for, by each of `share` parts, and its processor time in milliseconds."""
        self.counts.clear()
        began = time.process_time()
        act()
        spent = (time.process_time() - began) * 1000
        found = {name: round(number / share, 2) for name, number in sorted(self.counts.items()) if number}
        return found | {"processor_ms": round(spent / share, 1)}


def _size(item: Item | None) -> int:
    """About DynamoDB's own size of an item: its names and values as text."""
    return len(json.dumps(item, default=sorted, separators=(",", ":"))) if item else 0


class Nowhere(Post):
    """Takes every e-mail."""

    def __init__(self) -> None:
        self.sent = 0

    def send(self, to: str, letter: Letter) -> None:
        self.sent += 1


def count() -> dict[str, Counts]:
    """Every act of a season, once."""
    with _credentials(), season() as played:
        return _play(played)


@contextmanager
def _credentials() -> Iterator[None]:
    """Made-up ones: moto answers in place of AWS."""
    wanted = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "eu-west-2"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _play(played: Season) -> dict[str, Counts]:
    meter, stores, table = Meter(played), played.stores, played.table
    found: dict[str, Counts] = {}
    own = f"SCHOOL#{SCHOOLS[0]}"
    forms: list[dict[str, Any]] = []

    # A request of the portal: who asks is looked up, and the request is counted in the table.
    found["a request's caller"] = meter.play(lambda: user_of(stores, played.subs[own]))
    found["a form"] = meter.play(lambda: forms.append(played.form(own)))
    played.post(forms[0], played.file(SCHOOLS[0]))
    upload = str(forms[0]["upload_id"])
    found["a check of a good file"] = meter.play(lambda: played.check(upload))
    found["an offer"] = meter.play(lambda: played.offer(upload))
    played.later(minutes=1)  # of two files of one second chance would say which counts
    bad = played.sent(own, played.file(SCHOOLS[0], WRONG))
    found["a check of a file with errors"] = meter.play(lambda: played.check(bad))
    played.later(minutes=1)
    second = played.sent(own, played.file(SCHOOLS[0]))
    found["a check of a second good file"] = meter.play(lambda: played.check(second))
    found["an offer that overwrites"] = meter.play(lambda: played.offer(second))
    for school in SCHOOLS[1:]:
        played.upload(school)

    user, now = played.user(own), played.now
    found["a page that is opened"] = meter.play(lambda: _page(played, user))
    found["a look of an open page"] = meter.play(lambda: changes.name_of(stores, user, SERVICE, now))
    found["a status while a file is checked"] = meter.play(
        lambda: history.one_upload(stores, user, history.find_upload(stores, user, second))
    )
    found["a template"] = meter.play(lambda: services.build_template(stores, user, SERVICE, None, now))

    # A run of the schedule that finds nothing, its whole sweep, and the freeze.
    played.later(minutes=30)
    played.freeze()
    played.later(minutes=5)
    found["a run of the freeze with nothing to do"] = idle = meter.play(played.freeze)
    files = len(SCHOOLS) + 2
    played.later(minutes=61)
    found["a whole sweep, a file"] = _less(meter.play(played.freeze), idle, files)
    played.now = CLOSES + timedelta(minutes=1)
    played.freeze()
    played.now = CLOSES + timedelta(minutes=4)
    frozen = meter.play(played.freeze)
    found["a freeze, a school"] = _less(frozen, idle, len(SCHOOLS))
    found["a report"] = meter.play(played.build_reports, len(SCHOOLS))

    # Rosters: a night in which nothing changed is a night like any other.
    pupils = [pupil for school in SCHOOLS for pupil in roster(school=school).pupils]
    played.later(hours=1)
    found["a roster, a school"] = meter.play(
        lambda: played.extract(f"rosters/{NAME}/mis.csv", rosters_csv(pupils, SERVICE)), len(SCHOOLS)
    )

    # E-mails.
    notices, box = Messages(), Nowhere()
    meter.meter_queue(notices)
    item = table.get(keys.upload(second)) or {}
    fresh = {name: value for name, value in item.items() if not name.startswith("report_")}
    found["a file's news"] = meter.play(lambda: news_of_file(stores, cast(Queue, notices), fresh, now))
    sender = Sender(box, "https://results.example/", timedelta(seconds=30))
    notice = notice_from_json(notices.sent[0])
    found["an e-mail"] = meter.play(lambda: tell_person(stores, sender, notice, now))
    rounds = 2 * len(played.subs)  # that the window is frozen, and that its reports are ready
    found["a round, a person"] = meter.play(
        lambda: news_of_windows(stores, cast(Queue, notices), SERVICE, played.now), rounds
    )
    found["a look for news with nothing to do"] = meter.play(
        lambda: news_of_windows(stores, cast(Queue, notices), SERVICE, played.now)
    )

    # The data set looks all year.
    played.now = ENDS + timedelta(minutes=5)
    played.freeze()
    played.build_reports()
    release_dataset(stores, SERVICE, lambda: 900.0)
    found["a run of the data set with nothing to do"] = meter.play(
        lambda: release_dataset(stores, SERVICE, lambda: 900.0)
    )
    return found


def _page(played: Season, user: User) -> None:
    """What the page asks when it is opened: who I am, services, schools, history, reports."""
    stores, now = played.stores, played.now
    services.describe_me(stores, user, tells=True)
    services.describe_services(stores, now)
    services.describe_schools(stores, user, SERVICE)
    history.list_uploads(stores, user, UploadsQuery(), now)
    services.list_reports(stores, user, ReportsQuery(), now)


def _less(whole: Counts, idle: Counts, parts: int) -> Counts:
    """What each of so many parts adds to a run that has nothing to do."""
    names = sorted({*whole, *idle})
    return {name: max(0.0, round((whole.get(name, 0) - idle.get(name, 0)) / parts, 2)) for name in names}


def main() -> int:
    """Counts and writes the results."""
    found = count()
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    for name, counts in found.items():
        print(f"{name:<45} " + "  ".join(f"{number:g} {what}" for what, number in counts.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
