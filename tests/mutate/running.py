"""Plays mutants against the tests, inside one run of pytest: a process is forked for each, so nothing is loaded again.

First every test is run once in a process of its own kind, to see which functions it reaches and how long it takes. A
mutant is then met by the tests that reach its function, the quickest first, until one fails.
"""

from __future__ import annotations

import gc
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from .mutants import Mutant, code_of, fingerprint, functions_of, mutants_of

MOST_SECONDS = 25.0  # of tests, for one mutant
SLOW = 6.0  # times as long as without the mutant: it has hung
SEED = 20230630


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be played: modules, of `all_modules`, at most `sample` mutants of each, and the file of results."""

    modules: tuple[str, ...]
    all_modules: tuple[str, ...]
    sample: int
    results: Path


class Mutation:
    """A plugin of pytest that plays mutants in the place of its loop over the tests."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = list(session.items)
        known = read_results(self.wanted.results)
        todo = [m for module in self.wanted.modules for m in sample_of(module, self.wanted.sample)]
        todo = [m for m in todo if (fingerprint(m.module), m.name) not in known]
        print(f"{len(todo)} mutants to be played against {len(items)} tests", flush=True)
        if not todo:
            return True
        reached, seconds = self._look(items)
        gc.collect()
        gc.freeze()
        for mutant in todo:
            self._play(mutant, items, reached, seconds)
        return True

    def _look(self, items: list[pytest.Item]) -> tuple[dict[tuple[str, str], set[int]], list[float]]:
        """Which tests reach which function, and how long each test takes."""
        firsts = {
            (function.__code__.co_filename, function.__code__.co_firstlineno): (module, name)
            for module in self.wanted.all_modules
            for name, function in functions_of(module)
        }
        kept = self.wanted.results.with_suffix(".reached.json")
        told = json.loads(kept.read_text()) if kept.exists() else {}
        new = [item for item in items if item.nodeid not in told]
        if new:
            child = os.fork()
            if not child:
                _quiet()
                _trace_all(new, firsts, told, kept)
                os._exit(0)
            os.waitpid(child, 0)
            told = json.loads(kept.read_text())
        numbers = {item.nodeid: number for number, item in enumerate(items)}
        reached: dict[tuple[str, str], set[int]] = {}
        seconds = [1.0] * len(items)
        for test, (took, functions, passed) in told.items():
            if test not in numbers or not passed:
                continue
            seconds[numbers[test]] = took
            for module, name in functions:
                reached.setdefault((module, name), set()).add(numbers[test])
        return reached, seconds

    def _play(
        self,
        mutant: Mutant,
        items: list[pytest.Item],
        reached: dict[tuple[str, str], set[int]],
        seconds: list[float],
    ) -> None:
        code = code_of(mutant)
        function = dict(functions_of(mutant.module)).get(mutant.place)
        tests = sorted(reached.get((mutant.module, mutant.place), ()), key=lambda number: seconds[number])
        chosen: list[int] = []
        for number in tests:
            if chosen and sum(seconds[n] for n in chosen) + seconds[number] > MOST_SECONDS:
                break
            chosen.append(number)
        began = time.monotonic()
        if code is None or function is None or code.co_freevars != function.__code__.co_freevars:
            outcome = "not-made"
        elif code.co_code == function.__code__.co_code and code.co_consts == function.__code__.co_consts:
            outcome = "the same code"
        elif not chosen:
            outcome = "no test reaches it"
        else:
            limit = 20 + SLOW * sum(seconds[number] for number in chosen)
            outcome = _in_a_fork(code, function, [items[number] for number in chosen], limit)
        told = {
            "fingerprint": fingerprint(mutant.module),
            "name": mutant.name,
            "module": mutant.module,
            "place": mutant.place,
            "line": mutant.line,
            "slip": mutant.slip,
            "outcome": outcome,
            "tests": len(chosen),
            "seconds": round(time.monotonic() - began, 1),
        }
        with self.wanted.results.open("a") as out:
            out.write(json.dumps(told) + "\n")
        if outcome in ("survived", "no test reaches it"):
            print(f"  {outcome}: {mutant.module}:{mutant.line} {mutant.place}: {mutant.slip}", flush=True)


def _in_a_fork(code: Any, function: Any, tests: list[pytest.Item], limit: float) -> str:
    child = os.fork()
    if not child:
        _quiet()
        function.__code__ = code
        failed = any(not _passes(item, follower) for item, follower in zip(tests, [*tests[1:], None], strict=True))
        os._exit(1 if failed else 0)
    end = time.monotonic() + limit
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return "survived" if status == 0 else "killed"
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hung"


def _passes(item: pytest.Item, follower: pytest.Item | None) -> bool:
    try:
        reports = runtestprotocol(item, log=False, nextitem=follower)
    except BaseException:
        return False
    return not any(report.failed for report in reports)


def _quiet() -> None:
    """The child says nothing, and does not tidy up what is its parent's."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (1, 2):
        os.dup2(nothing, number)


def _trace_all(
    items: list[pytest.Item], firsts: dict[tuple[str, int], tuple[str, str]], told: dict[str, Any], kept: Path
) -> None:
    for item, follower in zip(items, [*items[1:], None], strict=True):
        found: set[tuple[str, str]] = set()

        def trace(frame: Any, event: str, _: Any, found: set[tuple[str, str]] = found) -> None:
            code = frame.f_code
            place = firsts.get((code.co_filename, code.co_firstlineno))
            if place:
                found.add(place)

        threading.settrace(trace)
        sys.settrace(trace)
        began = time.monotonic()
        passed = _passes(item, follower)
        sys.settrace(None)
        threading.settrace(None)
        told[item.nodeid] = (time.monotonic() - began, sorted(found), passed)
    kept.write_text(json.dumps(told))


def sample_of(module: str, most: int) -> list[Mutant]:
    """At most so many of a module's mutants, always the same ones of the same source."""
    found = mutants_of(module)
    if len(found) > most:
        found = random.Random(f"{SEED}{module}").sample(found, most)  # noqa: S311
    return sorted(found, key=lambda mutant: mutant.number)


def read_results(path: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """What is known of mutants, by the source they are of and their name."""
    if not path.exists():
        return {}
    lines: Iterable[dict[str, Any]] = map(json.loads, path.read_text().splitlines())
    return {(line["fingerprint"], line["name"]): line for line in lines}
