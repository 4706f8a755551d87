"""What operators do: calendars, extracts, parked and late files, a table that is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from adapters.lookups import calendar_now
from early_results import keys
from early_results.access import Role
from early_results.canonical import canonical
from early_results.checking.roster import rosters_csv
from early_results.object_keys import user_key
from early_results.service import load_service
from early_results.writes import Item
from infra.operator import operating, seasons
from infra.operator.evidence import EvidenceUnclear
from infra.operator.operating import CannotOperate, OperatorSession
from infra.operator.operations import decide_calendar, store_calendar
from infra.operator.rebuilding import CannotRebuild, rebuild

from .boundary import SERVICE, SmallPool, pupil
from .scheduler import MINUTE, Actor, at

if TYPE_CHECKING:
    from .world import World


class Operators:
    """What operators do, by their own commands."""

    def __init__(self, world: World) -> None:
        self.world = world

    def extract(self, name: str, text: Callable[[], str], *, twins: int = 1, time: int | None = None) -> None:
        """Somebody drops an extract of the schools' information systems, in `twins` versions within one second."""
        plan, world = self.world.plan, self.world
        wanted, time = time, world.noon - plan.randint(-5, 18) * MINUTE + plan.randint(0, 59_999)
        chance = plan.random()
        if chance < 0.4 and world.posted:
            time = plan.choice(world.posted) + plan.randint(0, 100_000)
        elif chance < 0.6:
            time = world.at_a_run(world.noon + plan.randint(0, 200_000))
        time = wanted or time

        def drop() -> None:
            received = world.scheduler.now().replace(microsecond=0)
            for number in range(twins):
                version = world.uploads.store(name, text().encode(), received)
                world.scheduler.story(f"an extract is dropped: {name}, version {version}")
                if number:
                    world.scheduler.kinds.add("extracts together")
                world.pipeline.extract(name, version, received)

        world.scheduler.at(time, drop)

    def new_roster(self, school: str) -> Callable[[], str]:
        """The text of an extract by which a pupil joins, and another may leave."""

        def text() -> str:
            world = self.world
            before = world.rosters.get(school, [])
            world.joined += 1
            stay = before[1:] if len(before) > 1 and world.joined % 2 else before
            upns = [*stay, f"B{world.joined}{school}"]
            world.rosters[school] = upns
            world.scheduler.kinds.add("roster replaced")
            return rosters_csv([pupil(school, upn) for upn in upns], load_service(SERVICE))

        return text

    def set_season(self) -> None:
        """The operator stores the calendar of the season, with the close of a later window moved by a day."""

        if self.world.losing:  # no operator changes the calendar while the table is lost
            self.world.scheduler.after_ms(60_000, self.set_season)
            return

        def work(now: datetime) -> None:
            calendar = calendar_now(self.world.stores, load_service(SERVICE))
            if calendar.version:
                return
            last = calendar.windows[-1]
            longer = calendar.extend(last.number, last.closes + timedelta(days=1), now)
            store_calendar(self.world.stores.table, self.world.stores.records, longer, "operator", "the season")

        def done(result: Any, error: BaseException | None) -> None:
            if error is not None:
                self.world.scheduler.after_ms(20_000, self.set_season)
            else:
                self.world.scheduler.kinds.add("season set")

        self.world.actor("operator sets the season", work, done, seconds=30).fragile = 6

    def extend(self) -> None:
        """The operator gives the command, again and again until it is done or refused."""
        if self.world.losing:
            self.world.scheduler.after_ms(60_000, self.extend)
            return
        skew = self.world.skew()

        def work(now: datetime) -> str:
            closes = at(self.world.extended)
            return operating.extend(self.operated(skew), SERVICE, 1, closes, "snow", now)

        def done(result: Any, error: BaseException | None) -> None:
            if error is None:
                self.world.scheduler.kinds.add("calendar extended")
                self.world.scheduler.story("the window is extended by a day")
            elif not isinstance(error, CannotOperate) or "meanwhile" in str(error):
                self.world.scheduler.after_ms(20_000, self.extend)

        actor = self.world.actor("operator extends", work, done, seconds=1_200)
        actor.fragile, actor.steady = 6, True
        self._may_hang(actor, self.world.noon)

    def _may_hang(self, actor: Actor, boundary: int) -> None:
        """Lets a command that changes the calendar hang over the moment that it moves, or over the run after that."""
        world = self.world
        if not world.has("stalls") or world.scheduler.random.random() < 0.6:
            return
        first = min((run for run in world.runs if run >= boundary), default=boundary)
        until = boundary + int(10 ** (world.scheduler.random.random() * 2.5 + 2.5))  # a third of a second to 100 s
        actor.hang = max(0, world.scheduler.random.choice([first + 2_000, until, until]) - world.scheduler.time)

    def move_opening(self, opens: int) -> None:
        """The operator's own command: window 2 opens at another moment; given again until it is done or refused."""
        if self.world.losing:
            self.world.scheduler.after_ms(60_000, partial(self.move_opening, opens))
            return
        skew = self.world.skew()
        moments = {2: seasons.Moments(opens=at(opens))}

        def work(now: datetime) -> str:
            return seasons.set_calendar(self.operated(skew), SERVICE, moments, "builders", now)

        def done(result: Any, error: BaseException | None) -> None:
            if error is None:
                self.world.scheduler.kinds.add("opening moved")
                self.world.scheduler.story(f"window 2 opens at {at(opens):%H:%M:%S}")
            elif not isinstance(error, CannotOperate) or "meanwhile" in str(error):
                self.world.scheduler.after_ms(20_000, partial(self.move_opening, opens))

        actor = self.world.actor("operator moves an opening", work, done, seconds=1_200)
        actor.fragile, actor.steady = 6, True
        self._may_hang(actor, min(opens, self.world.opening()))

    def deploy(self) -> None:
        """A deployment: from now on the functions know another ruleset."""
        self.world.scheduler.story("a new ruleset is deployed")
        self.world.scheduler.kinds.add("ruleset changed")
        self.world.ruleset = "ks1-2023.2"

    def mend(self) -> None:
        """The operator decides about parked files: mostly the fault is found, and the file is tried again."""
        world = self.world
        parked = [
            item
            for key, item in world.table.items.items()
            if key.sk == "UPLOAD" and item.get("held") == "parked" and item["status"] != "DELETED"
        ]
        for item in parked:
            upload_id = item["upload_id"]
            world.scheduler.kinds.add("killer files")
            if world.scheduler.random.random() < 0.7 or upload_id in world.must_retry:
                world.kills = dict.fromkeys(world.kills, 0)
                self._command("retry", upload_id, operating.retry)
            else:
                self._command("settlement", upload_id, operating.settle)

    def _command(self, what: str, upload_id: str, act: Callable[[OperatorSession, str, str], str]) -> None:
        skew = self.world.skew()

        def done(result: Any, error: BaseException | None) -> None:
            if isinstance(error, CannotOperate) and "use retry" in str(error):
                self.world.must_retry.add(upload_id)

        def work(_: datetime) -> str:
            return act(self.operated(skew), upload_id, "the fault is found")

        self.world.actor(f"{what} of {upload_id[-4:]}", work, done, seconds=240)

    def user_comes(self, sub: str, organisation: str) -> None:
        """An operator adds a user by command, until that is done."""
        self.world.organisations[sub] = organisation
        role = Role.TRUST if organisation.startswith("TRUST#") else Role.SCHOOL

        def done(result: Any, error: BaseException | None) -> None:
            if error is None:
                self.world.scheduler.kinds.add("users come and go")
            elif not isinstance(error, CannotOperate):
                self.world.scheduler.after_ms(15_000, lambda: self.user_comes(sub, organisation))

        skew = self.world.skew()
        self.world.actor(
            f"adding {sub}", lambda _: operating.add_user(self.operated(skew), sub, role, organisation), done
        )

    def user_goes(self, sub: str) -> None:
        """An administrator takes a user's rights away, in evidence and in the table."""
        world = self.world
        if keys.user(sub) in world.table.items:
            world.scheduler.story(f"{sub} goes")
            world.scheduler.kinds.add("users come and go")
            world.records.store(user_key(sub), canonical({"role": "school", "organisation": "SCHOOL#0000000"}), at(0))
            item = {**world.table.items[keys.user(sub)], "organisation": "SCHOOL#0000000"}
            world.table._set(keys.user(sub), item)
            world.truth.gone.setdefault(sub, world.scheduler.now())

    def operated(self, skew: int = 0) -> OperatorSession:
        """The stack as an operator's commands see it, with the clock of the operator's machine."""

        def now() -> datetime:
            return self.world.scheduler.now() + timedelta(milliseconds=skew)

        pool = cast(Any, SmallPool(self.world))
        return OperatorSession(
            self.world.stores, self.world.upload_queue, self.world.report_queue, "operator", pool, "pool", True, now
        )

    def decide_soon(self, most: int = 2_000) -> None:
        """An operator who acts as soon as there is something to do, and so races with freeze, build and uploader."""
        if not self.world.has("late files decided") or self.world.scheduler.calm:
            return
        for _ in range(self.world.scheduler.random.choice([0, 1, 2])):
            self.world.scheduler.after_ms(int(self.world.scheduler.random.random() * most), self.decide)

    def decide(self) -> None:
        """An operator decides late files: lets them in, refuses them, or has another think."""
        if self.world.losing or (self.world.patient and self.world.scheduler.time < self.world.noon2):
            return
        for key, item in list(self.world.table.items.items()):
            if key.sk != "UPLOAD" or item.get("held") != "straggler" or item["status"] == "DELETED":
                continue
            choice = self.world.scheduler.random.random()
            if choice < 0.6:
                self.admit(item["upload_id"])
                self._delete_beside(item)
            if self.world.has("deletes") and self.world.scheduler.random.random() < 0.3:
                upload_id, sub = next(issued for issued in self.world.issued if issued[0] == item["upload_id"])
                wait = int(self.world.scheduler.random.random() * 400)
                self.world.scheduler.after_ms(wait, partial(self.world.people.delete, upload_id, sub, 20_000, 2))
            if choice > 0.4 and choice < 0.8:
                self.operate("refusal", item["upload_id"], operating.refuse)

    def _delete_beside(self, item: Item) -> None:
        """At the moment at which a late file is let in, the file that stands for its school may be deleted."""
        key = keys.current_register(SERVICE, str(item.get("school")))
        standing = str(self.world.table.items.get(key, {}).get("upload_id"))
        owner = next((sub for upload_id, sub in self.world.issued if upload_id == standing), None)
        if owner is not None and self.world.has("deletes") and self.world.scheduler.random.random() < 0.5:
            wait = int(self.world.scheduler.random.random() * 600)
            self.world.scheduler.after_ms(wait, partial(self.world.people.delete, standing, owner, 20_000, 1))

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

        self.world.scheduler.kinds.add("late files decided")
        self.world.actor(f"{what} of {upload_id[-4:]}", work, done, seconds=300)

    def finish_admissions(self) -> None:
        """An operator's command that died is given again, until it says that it is done or cannot be."""
        for upload_id in sorted(self.world.begun):
            item = self.world.table.items.get(keys.upload(upload_id), {})
            if item.get("status") in ("DELETED", "UPLOAD_ERROR"):  # the uploader, or another operator, was quicker
                self.world.begun.discard(upload_id)
            else:
                self.admit(upload_id)

    def lose_table(self, *, in_flight: bool = False) -> None:
        """Everything in the table is gone; an operator has it written again from the buckets, until that is done."""
        world = self.world
        if world.losing:
            return
        world.scheduler.story("the table is lost")
        world.scheduler.kinds.add("table lost in flight" if in_flight else "table lost")
        world.truth.lost.append(world.scheduler.now())
        if not in_flight:
            world.lost = True
        world.losing = True
        kept = world.table.items.get(keys.calendar(SERVICE), {}).get("record", "0")
        world.truth.calendar = max(world.truth.calendar, world.calendar_version())
        world.truth.in_force = str(kept).rpartition("/")[2].removesuffix(".json")
        watch, world.table.watch = world.table.watch, lambda key, old, new: None
        for key in list(world.table.items):
            world.table._set(key, None)
        world.table.indexed.clear()
        world.table.lagging.clear()
        world.table.watch = watch
        world.table.there = False
        # The runbook: the schedules are paused, and what still runs has come to its end, before the rebuild begins.
        wait = 0 if world.scheduler.calm else 601_000
        world.scheduler.after_ms(wait, lambda: self.rebuild(world.scheduler.random.choice([0, 1, 1, 2, 4]), in_flight))

    def rebuild(self, mishaps: int, in_flight: bool) -> None:
        """Rebuilds, with mishaps while there are tries left for them; the schedule goes on meanwhile."""
        world = self.world
        world.table.there = True
        calm = world.scheduler.calm
        world.scheduler.calm = not mishaps

        def done(result: Any, error: BaseException | None) -> None:
            world.scheduler.calm = True if not in_flight else calm
            if isinstance(error, EvidenceUnclear):  # the operator knows, or finds out, what was in force
                decide_calendar(world.stores.records, SERVICE, world.truth.in_force, "operator")
            # the command died, before or after its last write
            if error is not None and not isinstance(error, CannotRebuild):
                world.scheduler.after_ms(20_000, lambda: self.rebuild(max(0, mishaps - 1), in_flight))
                return
            if error is None and world.calendar_version() < world.truth.calendar:
                world.truth.journal.append("the table was rebuilt with a calendar that had been replaced")
            world.losing = False
            if not in_flight:
                world.scheduler.after_ms(1_000, lambda: world.schedule.rest(0))

        def freeze() -> None:
            if keys.rebuild() in world.table.items:  # the runbook has the schedule paused until the mark is there
                world.schedule.freeze()

        if not in_flight:
            world.scheduler.after_ms(world.scheduler.random.choice([500, 2_000, 5_000]), freeze)

        world.actor("rebuild", lambda now: rebuild(self.operated(), now), done, seconds=3_600)
