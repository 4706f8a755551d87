"""How long a release of 17,000 schools takes, and how much memory: `python -m benchmarks.dataset [SCHOOLS]`.

The function's own code, on buckets in memory that answer after S3's usual 15 ms, with 152 local authorities.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

from adapters.objects import Bucket
from adapters.settings import Settings
from adapters.stores import Stores
from adapters.table import Table
from early_results import keys
from early_results.canonical import canonical
from early_results.object_keys import amendment_key, extract_key, manifest_key
from early_results.reporting.summary import summarise
from early_results.results import Pupil, PupilResults, extract_json
from early_results.service import load_service
from early_results.writes import Put
from tests.simulation.store import Gate, MemoryBucket, MemoryTable
from workflow.release_dataset import release_dataset

SERVICE = load_service("ks1-2023")
AUTHORITIES, PUPILS, READ_SECONDS = 152, 40, 0.015


class Clock(Gate):
    """A clock that stands, and no mishaps."""

    def now(self) -> datetime:
        """The moment of every write."""
        return datetime(2023, 7, 21, 12, tzinfo=UTC)


class Slow(MemoryBucket):
    """A bucket whose reads take as long as S3's usually do."""

    def get(self, key: str, version: str | None = None, limit: int | None = None) -> bytes:
        time.sleep(READ_SECONDS)
        return super().get(key, version, limit)


def results_of(school: str, seed: int) -> tuple[PupilResults, ...]:
    """A school's results, the same every time."""
    codes = ("EXS", "WTS", "GDS", "EXS", "PK4")
    return tuple(
        PupilResults(
            Pupil(
                school,
                f"P{seed * 100 + n:012d}",
                "A",
                "B",
                ("Male", "Female")[n % 2],
                date(2015, 9, 1) + timedelta(days=(seed + n) % 365),
                "2",
            ),
            n + 2,
            {
                c.key: ("EXS" if c.subject == "science" else codes[(seed + n + i) % 5])
                for i, c in enumerate(SERVICE.assessments)
            },
            {c.key: 85 + (seed + 7 * n + i) % 31 for i, c in enumerate(SERVICE.scores)},
        )
        for n in range(PUPILS)
    )


def season(schools: int) -> tuple[Stores, list[str]]:
    """The stores of a season whose final window is frozen."""
    gate = Clock()
    results, records = Slow("results", gate, versioned=False), Slow("records", gate, versioned=True)
    table = MemoryTable(gate)
    second = timedelta(seconds=1)
    settings = Settings("t", "u", "r", "k", second, second, second, 1)
    uploads = MemoryBucket("uploads", versioned=True)
    files, made, kept = (cast(Bucket, bucket) for bucket in (uploads, results, records))
    stores = Stores(cast(Table, table), files, made, kept, settings)
    lines, ids = [], []
    for number in range(schools):
        school = f"{201 + number % AUTHORITIES}{2000 + number // AUTHORITIES}"
        upload = f"01H43Q0F8RZJ4T1D2{number:09d}"
        ids.append(upload)
        rows = results_of(school, number)
        results.store(extract_key(SERVICE.name, upload), extract_json(rows).encode(), datetime(2023, 7, 1, tzinfo=UTC))
        line: dict[str, Any] = {"school": school, "upload": upload, "sha256": "0" * 64, "carried_from": None}
        line |= {"figures": summarise(SERVICE, rows).sha256, "received": "2023-07-01T09:00:00Z"}
        lines.append(line | {"ruleset": SERVICE.ruleset})
    lines.sort(key=lambda line: str(line["school"]))
    manifest = b"".join(canonical(line) + b"\n" for line in lines)
    window = SERVICE.windows[-1].number
    records.store(manifest_key(SERVICE.name, window), manifest, datetime(2023, 7, 21, tzinfo=UTC))
    table.write(Put(keys.listed_school("1231234"), {"school": "1231234"}))
    return stores, ids


def main() -> None:
    """Prints a table of what each kind of run took."""
    schools = int(sys.argv[1]) if len(sys.argv) > 1 else 17_000
    stores, ids = season(schools)
    begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{schools:,} schools of {PUPILS} pupils, {AUTHORITIES} authorities, {READ_SECONDS * 1000:.0f} ms a read\n")
    print("| run | seconds | outcome | rows |\n|---|---|---|---|")
    for what in ("the first release", "nothing changed", "one file deleted", "nothing changed"):
        if what == "one file deleted":
            key = amendment_key(SERVICE.name, SERVICE.windows[-1].number, ids[0])
            stores.records.put(key, json.dumps({"school": "2012000"}).encode(), "application/json")
        clock, busy = time.monotonic(), time.process_time()
        done = release_dataset(stores, SERVICE, lambda: 900.0)
        took, worked = time.monotonic() - clock, time.process_time() - busy
        print(f"| {what} | {took:.1f} ({worked:.1f} of them computing) | {done.outcome.value} | {done.rows:,} |")
    grew = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - begun
    print(f"\nMemory beyond the buckets themselves: {grew / 1024:.0f} MB at most.")


if __name__ == "__main__":
    main()
