"""`make simulate`: many histories, and the proof that the checker would have told.

    python -m tests.simulation run [--histories N] [--first SEED] [--processes P]   histories, then the faults
    python -m tests.simulation faults [--trials T]                                  the faults alone
    python -m tests.simulation replay SEED [--fault NAME]                           the story of a seed, made short

A history that breaks a rule is played again without one mishap after another, as long as it still breaks it, and its
story is told: who wrote what and when, and what went wrong.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from multiprocessing import Pool
from pathlib import Path
from typing import Any

from .faults import BIASES, FAULTS, MOST_HISTORIES, Caught, hunt, switched_on
from .history import Result, play
from .mishaps import FEATURES

HISTORIES = 100_000
TRIALS = 5
TRIAL_SEEDS = 10_000_000  # apart from one another, and from the seeds of a run
CHUNK = 250
KEPT = Path(".local/simulated.jsonl")
ROOT = Path(__file__).parents[2]
PLAYED = ("functions", "infra/operator", "tests/simulation")  # whose sources decide what a history comes to
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
    sums: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    broken: list[tuple[int, str]] = []
    chunks = [(start, min(CHUNK, first + histories - start)) for start in range(first, first + histories, CHUNK)]
    kept = Kept(fingerprint(without="faults"))
    for told in kept.all(_play_chunk, chunks, processes):
        sums.update(told["sums"])
        kinds.update(told["kinds"])
        broken += [(seed, violation) for seed, violation in told["broken"]]
        for seed, violation in told["broken"]:
            print(f"  seed {seed}: {violation}", flush=True)
        if sums["histories"] % (CHUNK * 20) == 0:
            took = time.monotonic() - began
            print(f"  {sums['histories']:,} histories, {took:.0f} s, {len(broken)} broken", flush=True)
    done, took = sums["histories"], time.monotonic() - began
    print(
        f"{done:,} histories (seeds {first} to {first + histories - 1}) in {took:.0f} s on {processes} processes"
        f"{kept.again()}: {sums['posts']:,} files posted, {sums['steps']:,} steps, {sums['mishaps']:,} mishaps; "
        f"{len(broken)} broke a rule"
    )
    for seed, _ in sorted(broken)[:SHOWN]:
        replay_seed(seed)
    rare = [feature for feature in FEATURES if kinds[feature] < LEAST_SHARE * done]
    print("the share of histories in which each mishap happened:")
    for feature in sorted(FEATURES, key=lambda feature: kinds[feature]):
        print(f"  {kinds[feature] / done:7.2%}  {feature}")
    if rare:
        print(f"too seldom: {', '.join(rare)}")
    return not broken and not rare


def _play_chunk(chunk: tuple[int, int]) -> dict[str, Any]:
    first, count = chunk
    results = [play(seed) for seed in range(first, first + count)]
    return {
        "sums": {
            "histories": len(results),
            "steps": sum(result.steps for result in results),
            "mishaps": sum(result.mishaps for result in results),
            "posts": sum(result.posts for result in results),
        },
        "broken": [(result.seed, result.violations[0]) for result in results if result.violations],
        "kinds": Counter(kind for result in results for kind in result.kinds),
    }


def fingerprint(without: str = "") -> str:
    """A hash of all that a history is made of: what was played of the same sources is not played again."""
    paths = sorted(path for of in PLAYED for path in (ROOT / of).rglob("*") if path.suffix in (".py", ".toml"))
    found = hashlib.sha256()
    for path in paths:
        if not without or without not in path.parts:
            found.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return found.hexdigest()[:16]


class Kept:
    """What was played before, of the same sources, in a file that a run which was stopped goes on from."""

    def __init__(self, sources: str) -> None:
        self.sources = sources
        self.known: dict[str, dict[str, Any]] = {}
        self.found = 0
        if KEPT.exists():
            lines = [json.loads(line) for line in KEPT.read_text().splitlines()]
            self.known = {line["of"]: line["told"] for line in lines if line["sources"] == sources}

    def all(
        self, act: Callable[[Any], dict[str, Any]], wanted: Sequence[Any], processes: int
    ) -> Iterator[dict[str, Any]]:
        """What comes of each, in any order: first what is known, then what is played now."""
        names = {f"{act.__name__}{each}": each for each in wanted}
        for name in names:
            if name in self.known:
                self.found += 1
                yield self.known[name]
        KEPT.parent.mkdir(exist_ok=True)
        todo = [(act, name, each) for name, each in names.items() if name not in self.known]
        with Pool(processes) as pool, KEPT.open("a") as out:
            for name, told in pool.imap_unordered(_named, todo):
                out.write(json.dumps({"sources": self.sources, "of": name, "told": told}) + "\n")
                out.flush()
                yield told

    def again(self) -> str:
        """How much of it an earlier run had played."""
        return f" ({self.found} parts of an earlier run of the same sources)" if self.found else ""


def _named(todo: tuple[Callable[[Any], dict[str, Any]], str, Any]) -> tuple[str, dict[str, Any]]:
    act, name, wanted = todo
    return name, act(wanted)


def run_faults(trials: int, processes: int, out: Path | None) -> bool:
    """Switches on each fault in turn; tells the median number of histories until it was caught."""
    wanted = [(name, TRIAL_SEEDS * (trial + 1)) for trial in range(trials) for name in FAULTS]
    caught: dict[str, list[Caught]] = {name: [] for name in FAULTS}
    for told in Kept(fingerprint()).all(_hunt, wanted, processes):
        found = Caught(**told)
        caught[found.fault].append(found)
        if found.histories is None:
            print(f"  not caught: {found.fault}", flush=True)
    lines = list(_table(caught))
    print("\n".join(lines))
    if out:
        out.write_text("\n".join(lines) + "\n")
    return all(found.histories is not None for each in caught.values() for found in each)


def _hunt(wanted: tuple[str, int]) -> dict[str, Any]:
    return asdict(hunt(*wanted))


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
