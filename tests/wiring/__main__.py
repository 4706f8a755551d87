# ruff: noqa: T201 - a command: it prints its table
"""`make wiring`: takes one thing after the other out of the template, and shows what noticed it. 1 if nothing did.

python -m tests.wiring [--only REGEX] [--jobs N] [--text]
"""

from __future__ import annotations

import argparse
import re
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from infra.local import stack as local
from infra.local.stack import LocalError
from tests.template.reading import Template, load_template

from .harness import PLAYS, Workbench, play, workbench
from .mutations import Mutation, properties, wires
from .season import VAIN, Broken
from .texts import objections

_SPOKEN = threading.Lock()


@dataclass(frozen=True, slots=True)
class Result:
    """What noticed a mutation: a season's step, a test on the text, or nothing."""

    mutation: Mutation
    by: str
    why: str
    seconds: float

    @property
    def survived(self) -> bool:
        return not self.by


def judge(bench: Workbench | None, template: Template, mutation: Mutation, number: int) -> Result:
    """Plays the seasons that may notice a mutation, and asks the tests on the text if they did not."""
    began = time.monotonic()
    mutated = mutation.applied(template)
    by, why = "", ""
    for kind in mutation.plays:
        if bench is None:
            break
        why = noticed(bench, mutated, f"wire-{number}-{kind}", kind)
        if why:
            by = kind
            break
    if not by:
        objected = objections(mutated)
        if objected:
            by, why = "text", ", ".join(objected)
    return Result(mutation, by, why, time.monotonic() - began)


def noticed(bench: Workbench, mutated: Template, name: str, kind: str) -> str:
    """What a season stumbled over, "" if it held.

    On a busy machine a whole template may be waited for in vain too: what was must be so twice, at the same step.
    """
    seen = []
    for attempt in ("once", "twice"):
        try:
            play(bench, mutated, f"{name}-{attempt}", kind)
        except Broken as broken:
            seen.append(str(broken))
            if VAIN not in seen[-1]:
                return seen[-1]
        else:
            return ""
    once, twice = (text.split(":")[0] for text in seen)
    return seen[-1] if once == twice else ""


def run(only: str, jobs: int) -> list[Result]:
    """The wires, with seasons. Broken if the template as it is does not pass."""
    template = load_template()
    chosen = [m for m in wires(template) if re.search(only, m.name)]
    with workbench() as bench:
        for kind in PLAYS:
            began = time.monotonic()
            play(bench, template, f"whole-{kind}", kind)
            print(f"{'as it is':<75} passes {kind} in {time.monotonic() - began:.0f} s", flush=True)

        def one(pair: tuple[int, Mutation]) -> Result:
            result = judge(bench, template, pair[1], pair[0])
            with _SPOKEN:
                show(result)
            return result

        pool = ThreadPoolExecutor(jobs)
        try:
            return list(pool.map(one, enumerate(chosen)))
        finally:
            pool.shutdown(cancel_futures=True)  # Ctrl-C waits for the plays that run, not for all


def run_text(only: str) -> list[Result]:
    """Every property, with the tests on the text alone: quick."""
    template = load_template()
    seasons = {m.path for m in wires(template) if m.plays}
    chosen = [m for m in properties(template) if re.search(only, m.name)]
    results = []
    for mutation in chosen:
        if any(mutation.path[: len(path)] == path or path[: len(mutation.path)] == mutation.path for path in seasons):
            continue  # the seasons answer for it
        result = judge(None, template, mutation, 0)
        results.append(result)
        if result.survived:
            show(result)
    return results


def show(result: Result) -> None:
    """A line of the table."""
    by = result.by or "SURVIVED"
    print(f"{result.mutation.name:<75} {by:<8} {result.seconds:4.0f} s  {result.why[:260]}", flush=True)


def main() -> int:
    """The command of this module."""
    parser = argparse.ArgumentParser(prog="python -m tests.wiring", description=__doc__)
    parser.add_argument("--only", default="", help="mutations whose name this regular expression finds")
    parser.add_argument("--jobs", type=int, default=3, help="stacks side by side")
    parser.add_argument("--text", action="store_true", help="only what tests on the text speak for")
    options = parser.parse_args()
    results: list[Result] = []
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does: MiniStack with it
    try:
        if not options.text:
            local.build()
            results += run(options.only, options.jobs)
        results += run_text(options.only)
    except (Broken, LocalError) as error:
        print(f"the template as it is does not pass: {error}", file=sys.stderr)
        return 1
    survived = [result for result in results if result.survived]
    counts = {by: sum(1 for r in results if r.by == by) for by in ("season", "rescue", "poison", "text")}
    print(f"\n{len(results)} mutations: " + ", ".join(f"{n} noticed by {by}" for by, n in counts.items()), end="")
    print(f", {len(survived)} by nothing")
    for result in survived:
        print(f"  {result.mutation.name}")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
