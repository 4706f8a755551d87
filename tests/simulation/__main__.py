"""`make simulate`: many histories, and the proof that the checker would have told.

    python -m tests.simulation run [--histories N] [--first SEED] [--processes P]   histories, then the faults
    python -m tests.simulation faults [--trials T]                                  the faults alone
    python -m tests.simulation replay SEED [--fault NAME]                           the story of a seed, made short

A history that breaks a rule is played again without one mishap after another, as long as it still breaks it, and its
story is told: who wrote what and when, and what went wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from multiprocessing import Pool
from pathlib import Path

from .faults import BIASES, FAULTS, MOST_HISTORIES, Caught, hunt, switched_on
from .history import Result, play
from .mishaps import FEATURES

HISTORIES = 100_000
TRIALS = 5
TRIAL_SEEDS = 10_000_000  # apart from one another, and from the seeds of a run
CHUNK = 250
SHOWN = 5
LEAST_SHARE = 0.005  # of histories, for each mishap
STORY = 120


def main(arguments: list[str]) -> int:
    """Runs what the command line asks for. 0 if no rule was broken and every fault was caught."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run")
    run.add_argument("--histories", type=int, default=HISTORIES)
    run.add_argument("--first", type=int, default=0)
    faults = commands.add_parser("faults")
    for command in (run, faults):
        command.add_argument("--processes", type=int, default=os.cpu_count() or 1)
        command.add_argument("--trials", type=int, default=TRIALS)
        command.add_argument("--out", type=Path)
    replay = commands.add_parser("replay")
    replay.add_argument("seed", type=int)
    replay.add_argument("--fault", choices=sorted(FAULTS))
    told = parser.parse_args(arguments)
    if told.command == "replay":
        return replay_seed(told.seed, told.fault)
    good = run_histories(told.first, told.histories, told.processes) if told.command == "run" else True
    return 0 if run_faults(told.trials, told.processes, told.out) and good else 1


def run_histories(first: int, histories: int, processes: int) -> bool:
    """Plays the histories of consecutive seeds; tells how many there were and what they broke."""
    began = time.monotonic()
    done = steps = mishaps = posts = 0
    broken: list[Result] = []
    kinds: Counter[str] = Counter()
    chunks = [(start, min(CHUNK, first + histories - start)) for start in range(first, first + histories, CHUNK)]
    with Pool(processes) as pool:
        for results in pool.imap_unordered(_play_chunk, chunks):
            done += results[0]
            steps += results[1]
            mishaps += results[2]
            posts += results[3]
            broken += results[4]
            kinds += results[5]
            for result in results[4]:
                print(f"  seed {result.seed}: {result.violations[0]}", flush=True)
            if done % (CHUNK * 40) == 0:
                print(f"  {done:,} histories, {time.monotonic() - began:.0f} s, {len(broken)} broken", flush=True)
    took = time.monotonic() - began
    print(
        f"{done:,} histories (seeds {first} to {first + histories - 1}) in {took:.0f} s on {processes} processes: "
        f"{posts:,} files posted, {steps:,} steps, {mishaps:,} mishaps; {len(broken)} broke a rule"
    )
    for result in sorted(broken, key=lambda result: result.seed)[:SHOWN]:
        replay_seed(result.seed)
    rare = [feature for feature in FEATURES if kinds[feature] < LEAST_SHARE * done]
    print("the share of histories in which each mishap happened:")
    for feature in sorted(FEATURES, key=lambda feature: kinds[feature]):
        print(f"  {kinds[feature] / done:7.2%}  {feature}")
    if rare:
        print(f"too seldom: {', '.join(rare)}")
    return not broken and not rare


def _play_chunk(chunk: tuple[int, int]) -> tuple[int, int, int, int, list[Result], Counter[str]]:
    first, count = chunk
    results = [play(seed) for seed in range(first, first + count)]
    return (
        len(results),
        sum(result.steps for result in results),
        sum(result.mishaps for result in results),
        sum(result.posts for result in results),
        [result for result in results if result.violations],
        Counter(kind for result in results for kind in result.kinds),
    )


def run_faults(trials: int, processes: int, out: Path | None) -> bool:
    """Switches on each fault in turn; tells the median number of histories until it was caught."""
    wanted = [(name, TRIAL_SEEDS * (trial + 1)) for name in FAULTS for trial in range(trials)]
    caught: dict[str, list[Caught]] = {name: [] for name in FAULTS}
    with Pool(processes) as pool:
        for found in pool.imap_unordered(_hunt, wanted):
            caught[found.fault].append(found)
    lines = list(_table(caught))
    print("\n".join(lines))
    if out:
        out.write_text("\n".join(lines) + "\n")
    return all(found.histories is not None for each in caught.values() for found in each)


def _hunt(wanted: tuple[str, int]) -> Caught:
    return hunt(*wanted)


def _table(caught: dict[str, list[Caught]]) -> Iterator[str]:
    trials = max(len(each) for each in caught.values())
    yield f"{len(caught)} faults, each hunted {trials} times (at most {MOST_HISTORIES:,} histories a time):"
    yield ""
    yield "| fault | caught | median histories | for example |"
    yield "|---|---|---|---|"
    for name, each in caught.items():
        counts = [found.histories for found in each if found.histories is not None]
        # A hunt without a catch counts as the most that were played, so the median never flatters.
        median = statistics.median(found.histories or MOST_HISTORIES for found in each)
        example = next((found for found in each if found.histories is not None), each[0])
        seed = f"seed {example.seed}: {_plain(example.violation)}" if example.histories else "-"
        yield f"| {name} | {len(counts)} of {len(each)} | {median:g} | {seed} |"


def _plain(violation: str) -> str:
    return re.sub(r"\b[0-9A-HJKMNP-TV-Z]{26}\b", "(upload)", violation)


def replay_seed(seed: int, fault: str | None = None) -> int:
    """Tells the story of a seed with as few kinds of mishaps as still break the same rule."""
    with ExitStack() as stack:
        if fault:
            stack.enter_context(switched_on(fault))
        bias = BIASES[fault] if fault else None
        first = play(seed, bias=bias)
        kind = _kind(first)
        without: frozenset[str] = frozenset()
        for feature in sorted(first.features) if kind else ():
            if _kind(play(seed, without=without | {feature}, bias=bias)) == kind:
                without |= {feature}
        story: list[str] = []
        last = play(seed, without=without, bias=bias, tell=story.append)
    print(f"\nseed {seed}, with {', '.join(sorted(last.features)) or 'no mishaps'}:")
    print("\n".join([*(["  ..."] if len(story) > STORY else []), *(f"  {line}" for line in story[-STORY:])]))
    print(json.dumps(list(last.violations), indent=2))
    return 1 if last.violations else 0


def _kind(result: Result) -> str:
    """The first violation without its names and numbers: what a shorter history must still break."""
    return re.sub(r"\S*\d\S*", "", result.violations[0][6:]) if result.violations else ""


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Sets of texts have an order of their own in every process: a seed must play the same history in all of them.
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.simulation", *sys.argv[1:]])  # noqa: S606
    sys.exit(main(sys.argv[1:]))
