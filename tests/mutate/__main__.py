"""`make mutate`: small slips in the modules that decide, and whether a test notices each.

    python -m tests.mutate [--sample N] [--show] [MODULE ...]    all modules, or those named by a part

What was played is kept in .local/mutants.jsonl by the hash of the module's source, and not played again. --show tells
the scores of what was played so far.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from pathlib import Path

import pytest

from .equivalents import EQUIVALENT
from .mutants import fingerprint, mutants_of
from .running import Mutation, Wanted, read_results, sample_of

SAMPLE = 40  # mutants of each module
ROOMS = (
    "early_results/counting",
    "workflow",
    "early_results/checking",
    "early_results/workbook",
    "early_results/reporting",
)
FUNCTIONS = Path(__file__).parents[2] / "functions"
MODULES = (
    "early_results.access",
    *(
        f"{room}/{path.stem}".replace("/", ".")
        for room in ROOMS
        for path in sorted((FUNCTIONS / room).glob("*.py"))
        if path.stem != "__init__"
    ),
    "early_results.workbook",  # which has functions of its own
)
TESTS = (
    *(f"tests/unit/{room}" for room in ("counting", "checking", "reporting", "workbook")),
    "tests/unit/test_access.py",
    "tests/unit/test_sweep.py",
    "tests/unit/portal/test_board.py",
    "tests/operate",
    "tests/integration",
    "tests/unit/releasing",
    "tests/unit/test_exploring.py",
    "tests/unit/test_simulation.py",
)
RESULTS = Path(".local/mutants.jsonl")
MISSED = ("survived", "no test reaches it")


def main(arguments: list[str]) -> int:
    """Plays mutants, and tells the score of each module. 0 if every one was noticed or is known to be equivalent."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutate")
    parser.add_argument("modules", nargs="*")
    parser.add_argument("--sample", type=int, default=SAMPLE)
    parser.add_argument("--show", action="store_true")
    told = parser.parse_args(arguments)
    modules = tuple(m for m in MODULES if not told.modules or any(part in m for part in told.modules))
    if not told.show:
        os.environ["PYTHONHASHSEED"] = "0"
        quiet = ["-q", "-p", "no:cacheprovider", "-p", "no:randomly", "--capture=no", "--hypothesis-profile=quick"]
        pytest.main([*quiet, *TESTS], plugins=[Mutation(Wanted(modules, MODULES, told.sample, RESULTS))])
    return score(modules, told.sample)


def score(modules: tuple[str, ...], sample: int) -> int:
    """The table of scores; how many mutants nobody noticed and nobody has named."""
    known = read_results(RESULTS)
    print("| module | mutants | played | noticed | equivalent | missed | score |")
    print("|---|---|---|---|---|---|---|")
    sums = [0] * 5
    unnamed = []
    for module in modules:
        print_of = fingerprint(module)
        played = [known[print_of, m.name] for m in sample_of(module, sample) if (print_of, m.name) in known]
        played = [p for p in played if p["outcome"] not in ("not-made", "the same code")]
        missed = [p for p in played if p["outcome"] in MISSED]
        named = [p for p in missed if is_equivalent(p)]
        unnamed += [p for p in missed if not is_equivalent(p)]
        row = [len(mutants_of(module)), len(played), len(played) - len(missed), len(named), len(missed) - len(named)]
        sums = [a + b for a, b in zip(sums, row, strict=True)]
        print(f"| {module} | {' | '.join(map(str, row))} | {_share(row[2], row[1] - row[3])} |")
    low, high = _interval(sums[2], sums[1] - sums[3])
    print(f"| all | {' | '.join(map(str, sums))} | {_share(sums[2], sums[1] - sums[3])} |")
    print(f"With 95% confidence the score of all mutants lies between {low:.1%} and {high:.1%}.")
    for p in unnamed:
        print(f"  {p['outcome']}: {p['module']}:{p['line']} {p['place']}: {p['slip']}")
    return 1 if unnamed else 0


def is_equivalent(played: dict[str, str]) -> bool:
    """Whether a mutant is known to make no difference that anybody could notice."""
    return (played["module"], played["place"], played["slip"]) in EQUIVALENT


def _share(noticed: int, of: int) -> str:
    return f"{noticed / of:.1%}" if of else "-"


def _interval(noticed: int, of: int) -> tuple[float, float]:
    """Wilson's interval of a share."""
    if not of:
        return 0.0, 1.0
    z, share = 1.96, noticed / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    reach = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return middle - reach, middle + reach


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
