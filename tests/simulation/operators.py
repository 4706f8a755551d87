"""What operators do: calendars, extracts, parked and late files, a table that is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from adapters.lookups import calendar_now
from early_results import keys
from early_results.checking.roster import rosters_csv
from early_results.counting import verdicts
from early_results.counting.calendar import CalendarRefused
from early_results.counting.uploads import upload_from_item
from early_results.service import load_service
from infra.operator import operating
from infra.operator.operating import OperatorSession
from infra.operator.operations import store_calendar
from infra.operator.rebuilding import CannotRebuild, rebuild
from workflow import check_upload

from .boundary import SERVICE, SmallPool, pupil
from .founding import USERS
from .pipeline import Message
from .scheduler import MINUTE, at

if TYPE_CHECKING:
    from .world import World


class Operators:
    """What operators do, by their own commands."""

    def __init__(self, world: World) -> None:
        self.world = world

    def extract(self, name: str, text: Callable[[], str]) -> None:
        plan = self.world.plan
        time = self.world.noon - plan.randint(-5, 18) * MINUTE + plan.randint(0, 59_999)
        chance = plan.random()
        if chance < 0.4 and self.world.posted:
            time = plan.choice(self.world.posted) + plan.randint(0, 100_000)
        elif chance < 0.6:
            time = self.world.at_a_run(self.world.noon + plan.randint(0, 200_000))

        def drop() -> None:
            version = self.world.uploads.store(name, text().encode(), self.world.scheduler.now().replace(microsecond=0))
            received = self.world.scheduler.now().replace(microsecond=0)
            self.world.scheduler.story(f"an extract is dropped: {name}")
            self.world.pipeline.import_later(Message({"key": name, "version": version}), received)

        self.world.scheduler.at(time, drop)

    def new_roster(self, school: str) -> Callable[[], str]:
        def text() -> str:
            upns = [*self.world.rosters.get(school, []), f"B{len(self.world.rosters.get(school, []))}{school}"]
            self.world.rosters[school] = upns
            return rosters_csv([pupil(school, upn) for upn in upns], load_service(SERVICE))

        return text

    def extend(self) -> None:
        def work(now: datetime) -> None:
            calendar = calendar_now(self.world.stores, load_service(SERVICE))
            try:
                longer = calendar.extend(1, at(self.world.extended), now)
            except CalendarRefused:
                return
            store_calendar(self.world.stores.table, self.world.stores.records, longer, "operator", "snow")
            self.world.scheduler.story("the window is extended by a day")

        def done(result: Any, error: BaseException | None) -> None:
            if error is not None:
                self.world.scheduler.after_ms(20_000, self.extend)

        self.world.actor("operator extends", work, done, seconds=30)

    def mend(self) -> None:
        """The operator decides what is parked: mostly the fault is found and the file tried again."""

        def work(now: datetime) -> None:
            for key, item in list(self.world.table.items.items()):
                if key.sk != "UPLOAD" or item.get("held") != "parked" or item["status"] == "DELETED":
                    continue
                tag = next(
                    (json.loads(p.data)["tag"] for p in self.world.truth.posts if p.upload_id == item["upload_id"]), 0
                )
                if self.world.scheduler.random.random() < 0.7:
                    self.world.kills = dict.fromkeys(self.world.kills, 0)
                    self.world.table.write(verdicts.retry_parked(upload_from_item(item)))
                    self.world.scheduler.story(f"the operator has file {tag} tried again")
                elif check_upload.close_upload(self.world.stores, item["upload_id"]):
                    self.world.scheduler.story(f"the operator closes file {tag}")

        self.world.actor("operator mends", work, mortal=False, seconds=600)

    def operated(self, skew: int = 0) -> OperatorSession:
        """The stack as an operator's commands see it, by the clock of the operator's machine."""

        def now() -> datetime:
            return self.world.scheduler.now() + timedelta(milliseconds=skew)

        pool = cast(Any, SmallPool(sub for sub, *_ in USERS))
        return OperatorSession(
            self.world.stores, self.world.upload_queue, self.world.report_queue, "operator", pool, "pool", True, now
        )

    def decide_soon(self, most: int = 2_000) -> None:
        """An operator who sits and watches: where races with a freeze, a build and an uploader are."""
        if not self.world.has("late files decided") or self.world.scheduler.calm:
            return
        for _ in range(self.world.scheduler.random.choice([0, 1, 2])):
            self.world.scheduler.after_ms(int(self.world.scheduler.random.random() * most), self.decide)

    def decide(self) -> None:
        """An operator decides late files: lets them in, refuses them, or has another think."""
        if self.world.patient and self.world.scheduler.time < self.world.noon2:
            return
        for key, item in list(self.world.table.items.items()):
            if key.sk != "UPLOAD" or item.get("held") != "straggler" or item["status"] == "DELETED":
                continue
            choice = self.world.scheduler.random.random()
            if choice < 0.6:
                self.admit(item["upload_id"])
            if self.world.has("deletes") and self.world.scheduler.random.random() < 0.3:
                upload_id, sub = next(issued for issued in self.world.issued if issued[0] == item["upload_id"])
                wait = int(self.world.scheduler.random.random() * 400)
                self.world.scheduler.after_ms(wait, partial(self.world.people.delete, upload_id, sub, 20_000, 2))
            if choice > 0.4 and choice < 0.8:
                self.operate("refusal", item["upload_id"], operating.refuse)

    def admit(self, upload_id: str) -> None:
        self.world.begun.add(upload_id)
        self.operate("admission", upload_id, operating.admit)

    def operate(self, what: str, upload_id: str, act: Callable[[OperatorSession, str, str], str]) -> None:
        skew = self.world.skew()

        def work(_: datetime) -> str:
            return act(self.operated(skew), upload_id, "it was there in time")

        def done(result: Any, error: BaseException | None) -> None:
            if result is not None:
                self.world.begun.discard(upload_id)

        self.world.actor(f"{what} of {upload_id[-4:]}", work, done, seconds=300)

    def finish_admissions(self) -> None:
        """An operator's command that died is given again, until it says that it is done or cannot be."""
        for upload_id in sorted(self.world.begun):
            item = self.world.table.items.get(keys.upload(upload_id), {})
            if item.get("status") in ("DELETED", "UPLOAD_ERROR"):  # the uploader, or another operator, was quicker
                self.world.begun.discard(upload_id)
            else:
                self.admit(upload_id)

    def lose_table(self) -> None:
        """Everything in the table is gone; an operator has it written again from the buckets, until that is done."""
        self.world.scheduler.story("the table is lost")
        self.world.lost = True
        watch, self.world.table.watch = self.world.table.watch, lambda key, old, new: None
        for key in list(self.world.table.items):
            self.world.table._set(key, None)
        self.world.table.indexed.clear()
        self.world.table.lagging.clear()
        self.world.table.watch = watch
        self.rebuild(self.world.scheduler.random.choice([0, 1, 1, 2, 4]))

    def rebuild(self, mishaps: int) -> None:
        """Rebuilds, with mishaps while there are tries left for them; the schedule goes on meanwhile."""
        self.world.scheduler.calm = not mishaps

        def done(result: Any, error: BaseException | None) -> None:
            self.world.scheduler.calm = True
            if error is not None and not isinstance(error, CannotRebuild):  # it died, before its last word or after
                self.world.scheduler.after_ms(20_000, lambda: self.rebuild(max(0, mishaps - 1)))
            else:
                self.world.scheduler.after_ms(1_000, lambda: self.world.schedule.rest(0))

        def freeze() -> None:
            if keys.rebuild() in self.world.table.items:  # the runbook has the schedule paused until the mark is there
                self.world.schedule.freeze()

        self.world.scheduler.after_ms(self.world.scheduler.random.choice([500, 2_000, 5_000]), freeze)

        self.world.actor("rebuild", lambda now: rebuild(self.operated(), now), done, seconds=3_600)
