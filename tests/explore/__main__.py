"""`make explore`: small worlds in full, not sampled.

python -m tests.explore [--seconds N] [NAME ...]       all, or those whose name contains one of these

With --seconds a world that takes longer is left there, and the table says so.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

from .exploring import PAIRS, SMALL_WORLDS, explore


def main(arguments: list[str]) -> int:
    """Explores each world and tells states, edges and what was broken. 0 if nothing was, and all came to their end."""
    parser = argparse.ArgumentParser(prog="python -m tests.explore")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seconds", type=float)
    told = parser.parse_args(arguments)
    worlds = [w for w in (*SMALL_WORLDS, *PAIRS) if not told.names or any(part in w.name for part in told.names)]
    broken = states = edges = whole = 0
    print("| world | states | edges | ends checked | rules broken | seconds | to its end |")
    print("|---|---|---|---|---|---|---|")
    for world in worlds:
        began = time.monotonic()
        found = explore(world, seconds=told.seconds)
        took = time.monotonic() - began
        print(
            f"| {found.name} | {found.states:,} | {found.edges:,} | {len(found.ends):,} | {len(found.violations)} "
            f"| {took:.0f} | {'yes' if found.whole else 'no'} |",
            flush=True,
        )
        for violation, path in found.violations[:3]:
            print(f"    {violation}  (path {path})")
        broken, states, edges = broken + len(found.violations), states + found.states, edges + found.edges
        whole += found.whole
    print(
        f"{len(worlds)} worlds, {whole} of them to their end, {states:,} states, {edges:,} edges; {broken} rules broken"
    )
    return 0 if not broken and whole == len(worlds) else 1


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.explore", *sys.argv[1:]])  # noqa: S606
    sys.exit(main(sys.argv[1:]))
