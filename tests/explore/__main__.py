"""`make explore`: small worlds in full, not sampled.

python -m tests.explore [NAME ...]       all, or those whose name contains one of these
"""

from __future__ import annotations

import os
import sys
import time

from .exploring import PAIRS, SMALL_WORLDS, explore


def main(wanted: list[str]) -> int:
    """Explores each world and tells states, edges and what was broken. 0 if nothing was."""
    worlds = [w for w in (*SMALL_WORLDS, *PAIRS) if not wanted or any(part in w.name for part in wanted)]
    broken = states = edges = 0
    print("| world | states | edges | ends checked | rules broken | seconds |")
    print("|---|---|---|---|---|---|")
    for world in worlds:
        began = time.monotonic()
        told = explore(world)
        took = time.monotonic() - began
        print(
            f"| {told.name} | {told.states:,} | {told.edges:,} | {told.ends:,} | {len(told.violations)} | {took:.0f} |",
            flush=True,
        )
        for violation, path in told.violations[:3]:
            print(f"    {violation}  (path {path})")
        broken, states, edges = broken + len(told.violations), states + told.states, edges + told.edges
    print(f"{len(worlds)} worlds, {states:,} states, {edges:,} edges; {broken} rules broken")
    return 1 if broken else 0


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.explore", *sys.argv[1:]])  # noqa: S606
    sys.exit(main(sys.argv[1:]))
