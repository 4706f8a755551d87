"""Upload to verdict on the deployed stack, as a user feels it: from the presigned post's end to the page's answer.

    python -m benchmarks.verdict [uploads]

It starts a stack of its own, warms the functions up, and uploads good files of 30 to 87 pupils one after another.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from early_results.service import load_service
from infra.local import demonstration
from infra.local import stack as local
from infra.local.client import PortalClient, post_form
from infra.local.demonstration import SERVICE

RESULTS = Path(__file__).parent / "results" / "verdict.md"
WARM_UP = 8


def measure(client: PortalClient, name: str, data: bytes) -> tuple[float, float, float]:
    """Seconds that a form, the post and the verdict took; the verdict is counted from the end of the post."""
    began = time.perf_counter()
    form = client.forms(SERVICE, {name: data})[0]
    issued = time.perf_counter()
    if post_form(form["post"], data) != 204:
        raise RuntimeError("the post was not taken")
    posted = time.perf_counter()
    upload = client.verdict(form["upload_id"])
    if upload["status"] not in ("SUCCESSFUL", "OVERWRITTEN"):
        raise RuntimeError(f"the file became {upload['status']}")
    return issued - began, posted - issued, time.perf_counter() - posted


def main() -> int:
    """Measures, prints a table and keeps it."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    local.build()
    with tempfile.TemporaryDirectory() as folder, local.running(local.LOCAL / "bench") as stack:
        seeded = demonstration.seed(stack, datetime.now(UTC), timedelta(hours=1), Path(folder))
        user = next(u for u in seeded.users if u["role"] == "trust")
        client = PortalClient.of(stack, user["email"], user["password"])
        service = load_service(SERVICE)
        files = {}
        for school, (_, _, trust) in demonstration.SCHOOLS.items():
            if trust:
                results = {p.upn: demonstration.results_of(service, p) for p in seeded.pupils[school]}
                files[school] = demonstration.fill(client.template(SERVICE, school), service, results)
        schools = list(files)
        times = []
        for index in range(WARM_UP + number):
            school = schools[index % len(schools)]
            taken = measure(client, f"{school}.xlsx", files[school])
            if index >= WARM_UP:
                times.append(taken)
    lines = [
        "# Upload to verdict",
        "",
        f"`python -m benchmarks.verdict {number}`: {number} uploads one after another on the embedded stack, functions "
        f"warm, schools of 30 to 87 pupils, asking every 0.1 s. Seconds.",
        "",
        "| step | median | 90th percentile | most |",
        "|---|---:|---:|---:|",
    ]
    for name, index in (("form issued", 0), ("file posted", 1), ("verdict after the post", 2)):
        column = sorted(taken[index] for taken in times)
        ninety = column[int(len(column) * 0.9)]
        lines.append(f"| {name} | {statistics.median(column):.2f} | {ninety:.2f} | {column[-1]:.2f} |")
    RESULTS.write_text("\n".join(lines) + "\n")
    print(RESULTS.read_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
