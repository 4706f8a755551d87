"""The schedule's runs, and how a history comes to its rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from early_results import keys
from report import freeze as report_freeze

from .boundary import SERVICE, handler
from .scheduler import MINUTE

if TYPE_CHECKING:
    from .world import World

MOST_RUNS = 14  # of the schedule after the mishaps have ended


class Schedule:
    """Starts the freeze function again and again, until nothing is left to do."""

    def __init__(self, world: World) -> None:
        self.world = world

    def freeze(self) -> None:
        """A run of the schedule, to the freeze function; paused while a lost table is not being rebuilt yet."""
        if self.world.losing and keys.rebuild() not in self.world.table.items:
            return
        act = handler(report_freeze)
        self.world.actor("freeze", lambda _: act({"run": "schedule"}, None), seconds=600)

    def plan_runs(self, noons: list[int]) -> None:
        """The schedule's runs around each noon: early, often, twice at a time."""
        plan = self.world.plan
        for noon in noons:
            time = noon - plan.randint(0, 6) * MINUTE
            while time < noon + 12 * MINUTE:
                self.world.runs.append(time)
                if self.world.has("overlapping freezes") and plan.random() < 0.5:
                    self.world.scheduler.kinds.add("overlapping freezes")
                    self.world.runs.append(time + plan.choice([0, 200, 5_000]))
                time += plan.choice([60_000, 120_000, 180_000, 300_000])
        for run in self.world.runs:
            self.world.scheduler.at(run, self.freeze)

    def calm(self) -> None:
        """Mishaps end here. The schedule goes on until two runs in a row leave nothing to be done."""
        self.world.scheduler.story("mishaps end")
        self.world.scheduler.calm = True
        self.rest(0)

    def rest(self, runs: int, *, looked: bool = False) -> None:
        """Goes on until all is at rest, then once more when a sweep of the whole bucket is due."""
        if runs >= MOST_RUNS or (looked and runs >= 2 and self.at_rest()):
            if self.world.has("table lost") and not self.world.lost:
                self.world.operators.lose_table()
            return
        if self.world.losing:
            self.world.scheduler.after_ms(5 * MINUTE, lambda: self.rest(runs + 1, looked=looked))
            return
        wait = 5 * MINUTE
        if not looked and runs >= 2 and self.at_rest():
            wait, runs, looked = 61 * MINUTE, -1, True
        self.world.operators.mend()
        self.world.operators.finish_admissions()
        self.world.scheduler.after_ms(30_000, self.freeze)
        self.world.scheduler.after_ms(wait, lambda: self.rest(runs + 1, looked=looked))

    def at_rest(self) -> bool:
        """Whether nothing is left to wait for, as far as an operator can see. A second look finds what an index hid."""
        waits = any("unsettled" in item and item.get("held") != "straggler" for item in self.world.table.items.values())
        now = self.world.scheduler.now()
        closed = [w.number for w in self.world.windows if w.closes <= now]
        states = [self.world.table.items.get(keys.state(SERVICE, number), {}) for number in closed]
        frozen = all("reports_queued" in state for state in states)
        return (
            frozen
            and not waits
            and not self.world.begun
            and not self.world.scheduler.actors
            and not self.world.scheduler.events
        )
