"""`make cost`: what a year with one season costs for 17,000 schools with three uploads, what dominates, what was saved.

.venv/bin/python -m benchmarks.costs
"""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import replace
from typing import Any

from .model import BEFORE, NOW, PRICES, SAVINGS, VOLUMES, Choices, lines, total


def table(choices: Choices) -> list[str]:
    """The parts of a year, dearest first, each with what is most of it."""
    parts: defaultdict[str, float] = defaultdict(float)
    most: dict[str, tuple[float, str]] = {}
    usage = {line.part: line.usage for line in lines(choices)}
    for line in lines(choices):
        parts[line.part] += line.usd
        most[line.part] = max(most.get(line.part, (0.0, "")), (line.usd, line.what))
    rows = ["| part | USD | a season's use | most of it |", "|---|---:|---|---|"]
    for part, usd in sorted(parts.items(), key=lambda one: -one[1]):
        share, what = most[part]
        rows.append(f"| {part} | {usd:.2f} | {'yes' if usage[part] else ''} | {what}: {share:.2f} |")
    rows.append(f"| **all** | **{total(choices):.2f}** | {total(choices, usage=True):.2f} | |")
    return rows


def _without(setting: str) -> Choices:
    change: dict[str, Any] = {setting: False}
    return replace(NOW, **change)


def main() -> int:
    """Prints the table and each saving."""
    v = VOLUMES
    size = f"{v['schools']:,} schools, {v['uploads_per_school']} uploads each, {v['users']:,} users"
    print(f"A year with one season: {size}.")
    dearer = f"{PRICES['london'] - 1:.0%}"
    print(f"List prices of {PRICES['read']} in US East, plus {dearer} for London where they differ.\n")
    print("\n".join(table(NOW)))
    print("\n| saving | before | after | saved | by |\n|---|---:|---:|---:|---|")
    choices = BEFORE
    for name, change, by in SAVINGS:
        after = replace(choices, **change)
        before_usd, after_usd = total(choices), total(after)
        print(f"| {name} | {before_usd:.2f} | {after_usd:.2f} | {before_usd - after_usd:.2f} | {by} |")
        choices = after
    others = {"not done: unchanged rosters cost nothing": "rosters_anew", "a choice: no e-mail (MailFrom)": "emails"}
    for name, setting in others.items():
        without = total(_without(setting))
        print(f"| {name} | {total(NOW):.2f} | {without:.2f} | {total(NOW) - without:.2f} | |")
    people = next(line for line in lines(NOW) if line.part == "people who sign in")
    rest, usage = total(NOW) - people.usd, total(NOW, usage=True)
    print(f"\nWithout those who sign in: {rest:.2f} USD a year, {usage:.2f} of it a season's use.")
    print(f"Each month in which everybody signs in costs {people.usd / v['months_active']:.2f}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
