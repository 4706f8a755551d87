"""The plan of a history, drawn from its seed: who posts what when, who deletes, what operators do."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from .boundary import SERVICE, Present
from .founding import GRACE, LATE_SCHOOL, SCHOOLS, TRUST
from .mishaps import chances
from .scheduler import MINUTE, Pool

if TYPE_CHECKING:
    from .world import World


def play(world: World) -> None:
    """Plays the history to its end. Endless if it has none."""
    plan, scheduler, move = world.plan, world.scheduler, world.operators.move_opening
    scheduler.chances = chances(plan, world.features)
    world.schools = plan.randint(1, 3)
    world.rosters = {s: [f"A{n}{s}" for n in range(2)] for s in SCHOOLS}
    noons = world.noons = [world.noon]
    before = 0
    if world.has("calendar extended"):
        noons.append(world.extended)
        before = plan.choice([1, 1, 2, 3, 10]) * MINUTE + plan.choice(
            [plan.randint(100, 3_000), plan.randint(0, 50_000)]
        )
        scheduler.at(world.noon - before, world.operators.extend)
    beside = world.has("calendar extended") or world.has("opening moved")
    if world.has("opening moved"):
        # Put off, so that there is a time between the windows; then perhaps brought forward into that time.
        opens = world.noon + plan.choice([1, 3, 10, 20]) * MINUTE
        scheduler.at(world.noon - plan.choice([2, 2, 5]) * MINUTE - plan.randint(0, 20_000), partial(move, opens))
        if plan.random() < 0.5:
            earlier = world.noon + plan.choice([0, 1, 2, 5]) * MINUTE
            scheduler.at(earlier - 2 * MINUTE + plan.randint(-60_000, 40_000), partial(move, earlier))
    if world.has("second window"):
        noons.append(world.noon2)
        scheduler.kinds.add("second window")
    if world.has("third window"):
        noons.append(world.noon3)
        scheduler.kinds.add("third window")
    if world.has("season set"):
        scheduler.at(world.noon - 20 * MINUTE + plan.randint(0, 60_000), world.operators.set_season)
    if world.has("reports that fail"):
        world.stumbles = {
            (window, school): plan.choice([1, 4, 5, 6, 99])
            for window in (1, 2, 3)
            for school in SCHOOLS
            if plan.random() < 0.5
        }
    world.schedule.plan_runs(noons)
    together = plan.choice([-200_000, -20_000, -700])
    for _ in range(plan.randint(2, 6)):
        noon = plan.choice([world.noon, *noons])
        wait = plan.choice([-1_200_000, -300_000, -60_000, -5_000, -1_000, -999, -1, 0, 1, 1_000, 30_000, 240_000])
        if wait < -1_000 or wait > 1_000:
            wait += plan.randint(-5_000, 5_000)
        if beside and plan.random() < 0.3:  # files received while a command hangs over the close
            noon, wait = world.noon, plan.randint(0, 20_000)
        if world.has("rush"):
            wait = together + plan.randint(-200, 200)
        world.posted.append(max(noon + wait, scheduler.time + 1_000))
        world.people.upload(world.posted[-1])
    if world.has("ruleset changed"):
        when = plan.choice([world.noon - plan.randint(0, 10) * MINUTE, world.noon + plan.randint(0, 400_000)])
        if plan.random() < 0.6:  # while checks are repeated that died
            when = plan.choice(world.posted) + plan.randint(1_000, 90_000)
        scheduler.at(when, world.operators.deploy)
    if world.has("users come and go"):
        for _ in range(2):
            sub = f"user-{plan.choice(SCHOOLS)}" if plan.random() < 0.5 else "user-trust"
            scheduler.at(world.noon - 12 * MINUTE + plan.randint(0, 1_200_000), partial(world.operators.user_goes, sub))
        new = plan.choice(SCHOOLS)
        organisation = plan.choice([f"SCHOOL#{new}", f"TRUST#{TRUST}"])
        when = world.noon - 18 * MINUTE + plan.randint(0, 600_000)
        scheduler.at(when, partial(world.operators.user_comes, "user-new", organisation))
    if world.has("delete markers"):
        for _ in range(2):
            when = plan.choice(world.posted) + plan.choice([1_000, 5_000, 200_000]) + plan.randint(0, 4_000)
            scheduler.at(when, world.people.console)
    if world.has("table lost in flight"):
        when = plan.choice([plan.choice(world.posted) + plan.randint(0, 20_000), world.at_a_run(world.noon)])
        if world.has("calendar extended") and plan.random() < 0.4:  # while the calendar is changed
            when = world.noon - before + plan.randint(0, 15_000)
        scheduler.at(when, partial(world.operators.lose_table, in_flight=True))
    if world.has("school renamed"):
        name = f"{SCHOOLS[0]},School of another name,{TRUST}"
        building = plan.choice(noons) + GRACE * 1000 + plan.randint(0, 300_000) if plan.random() < 0.6 else None
        world.operators.extract("rosters/schools.csv", lambda: f"School DFE,Name,Trust\n{name}", time=building)
        scheduler.kinds.add("school renamed")
    if world.has("trust left"):
        scheduler.kinds.add("trust left")
        lines = ["School DFE,Name,Trust", *(f"{s},School {s}," for s in SCHOOLS[: plan.randint(1, 2)])]
        world.operators.extract("rosters/schools.csv", lambda: "\n".join(lines))
        if plan.random() < 0.4:
            back = ["School DFE,Name,Trust", *(f"{s},School {s},{TRUST}" for s in SCHOOLS[:1])]
            world.operators.extract("rosters/schools.csv", lambda: "\n".join(back))
    twins = plan.choice([1, 2, 3]) if world.has("extracts together") else 1
    if world.has("roster replaced") or twins > 1:
        world.operators.extract(
            f"rosters/{SERVICE}/new.csv", world.operators.new_roster(plan.choice(SCHOOLS)), twins=twins
        )
    if world.has("new school"):
        scheduler.kinds.add("new school")
        world.operators.extract(f"rosters/{SERVICE}/late.csv", world.operators.new_roster(LATE_SCHOOL))
        if plan.random() < 0.5:
            world.operators.extract("rosters/schools.csv", lambda: f"School DFE,Name,Trust\n{LATE_SCHOOL},Late school,")
    if world.has("objects dropped in"):
        stray = plan.choice([f"uploads/{SERVICE}/notes.txt", f"uploads/{SERVICE}/{'0' * 26}/file.xlsx"])

        def drop() -> None:
            scheduler.kinds.add("objects dropped in")
            version = world.uploads.store(stray, b"{}", scheduler.now().replace(microsecond=0))
            world.pipeline.notify(stray, version)

        scheduler.at(world.noon - plan.randint(0, 15) * MINUTE, drop)
    if world.has("strangers"):
        for _ in range(3):
            scheduler.at(world.noon - 10 * MINUTE + plan.randint(0, 1_800_000), world.people.stranger)
    if world.has("late files decided"):
        world.patient = world.has("second window") and plan.random() < 0.6
        for _ in range(4):
            when = world.at_a_run(plan.choice(noons) + plan.randint(0, 300_000))
            if plan.random() < 0.4:
                when = plan.choice(noons) + plan.randint(0, 24) * MINUTE
            scheduler.at(when, world.operators.decide)
    if world.has("killer files"):
        scheduler.at(noons[0] + plan.randint(1, 26) * MINUTE, world.operators.mend)
    scheduler.at(max(noons) + 26 * MINUTE, world.schedule.calm)
    Present.world = world
    Pool.scheduler = scheduler
    try:
        scheduler.run()
    finally:
        Present.world = None
        Pool.scheduler = None
