"""What the validate function imports before it can check a file, line by line, boto3 and the clients included.

    python -m benchmarks.imports [rounds]

Each round is a new process (`python -X importtime`); the figures are medians, so that a busy machine counts less.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "imports.md"
PROGRAM = "import validate.app; from adapters import clients; clients.s3(); clients.dynamodb()"
SETTINGS = {
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_DEFAULT_REGION": "eu-west-2",
    "POWERTOOLS_METRICS_NAMESPACE": "EarlyResults",
    "POWERTOOLS_SERVICE_NAME": "validate",
}
LEAST = 2.0  # milliseconds, below which a module has no line of its own


def one_round() -> dict[str, tuple[float, float, int]]:
    """Own and whole milliseconds of every module imported, and its depth."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", PROGRAM],
        cwd=ROOT / "functions",
        env={**os.environ, **SETTINGS},
        capture_output=True,
        text=True,
        check=True,
    )
    found = {}
    for own, whole, indent, name in re.findall(r"import time:\s+(\d+) \|\s+(\d+) \|( +)(\S+)", done.stderr):
        found[name] = (int(own) / 1000, int(whole) / 1000, len(indent) // 2)
    return found


def main() -> int:
    """Measures, prints two tables and keeps them."""
    rounds = [one_round() for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 9)]
    names = [name for name in rounds[0] if all(name in one for one in rounds)]
    own = {name: median(one[name][0] for one in rounds) for name in names}
    whole = {name: median(one[name][1] for one in rounds) for name in names}
    packages: dict[str, float] = defaultdict(float)
    counts: dict[str, int] = defaultdict(int)
    for name in names:
        top = name.partition(".")[0]
        package = top if top not in sys.stdlib_module_names else "the standard library"
        packages[package] += own[name]
        counts[package] += 1
    total = sum(packages.values())
    lines = [
        "# What the validate function imports",
        "",
        f"`python -m benchmarks.imports {len(rounds)}`, Python {sys.version.split()[0]}, medians; "
        f"{len(names)} modules, {total:.0f} ms with the measuring itself, to the two clients made. Not imported: "
        "openpyxl, pydantic, Typst, the portal (a test holds that).",
        "",
        "| package | modules | own ms | share |",
        "|---|---:|---:|---:|",
    ]
    for package, taken in sorted(packages.items(), key=lambda entry: -entry[1]):
        if taken >= LEAST / 2:
            lines.append(f"| {package} | {counts[package]} | {taken:.1f} | {taken / total:.0%} |")
    lines += ["", f"Every module that takes {LEAST:.0f} ms or more with what it brings:", ""]
    lines += ["| module | own ms | with what it brings |", "|---|---:|---:|"]
    for name in sorted(names, key=lambda name: -whole[name]):
        if whole[name] >= LEAST:
            lines.append(f"| `{name}` | {own[name]:.1f} | {whole[name]:.1f} |")
    RESULTS.write_text("\n".join(lines) + "\n")
    print(RESULTS.read_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
