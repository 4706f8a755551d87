"""What every history begins with: schools, a trust, users, rosters; and the stores that it is played on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import cast

from adapters.objects import Bucket
from adapters.settings import Settings
from adapters.stores import Stores
from adapters.table import Table
from early_results import keys
from early_results.access import Role
from early_results.checking.roster import rosters_csv
from early_results.service import load_service
from early_results.writes import Item, Key, Put
from workflow import import_extract

from .boundary import SERVICE, pupil
from .store import Gate, MemoryBucket, MemoryTable, Stored

FOUNDED = datetime(2023, 5, 1, tzinfo=UTC)
GRACE = 180
SCHOOLS = ("1231001", "1231002", "2341003")
LATE_SCHOOL = "3451004"  # joins while the window is open: the only one of its local authority
TRUST = "ABC"
MAX_BYTES = 60_000

USERS = (
    *((f"user-{school}", Role.SCHOOL, f"SCHOOL#{school}") for school in (*SCHOOLS, LATE_SCHOOL)),
    ("user-trust", Role.TRUST, f"TRUST#{TRUST}"),
)


@cache
def founded() -> tuple[dict[Key, Item], dict[str, list[Stored]]]:
    """Table and uploads bucket as every history finds them: schools, a trust, users, rosters."""
    table = MemoryTable(_Still())
    uploads = MemoryBucket("uploads", _Still(), versioned=True)
    stores = stores_of(table, uploads, uploads, uploads)
    lines = ["School DFE,Name,Trust", *(f"{s},School {s},{TRUST if n < 2 else ''}" for n, s in enumerate(SCHOOLS))]
    uploads.store("rosters/schools.csv", "\n".join(lines).encode(), FOUNDED)
    uploads.store("rosters/trusts.csv", f"Trust,Name\n{TRUST},Trust".encode(), FOUNDED)
    pupils = [pupil(s, f"A{n}{s}") for s in SCHOOLS for n in range(2)]
    uploads.store(f"rosters/{SERVICE}/all.csv", rosters_csv(pupils, load_service(SERVICE)).encode(), FOUNDED)
    for key in sorted(uploads.objects):
        import_extract.import_extract(stores, key, None)
    for sub, role, organisation in USERS:
        table.write(Put(keys.user(sub), {"name": sub, "role": role.value, "organisation": organisation}))
    return table.items, uploads.objects


class _Still(Gate):
    def now(self) -> datetime:
        return FOUNDED


def stores_of(table: MemoryTable, uploads: MemoryBucket, results: MemoryBucket, records: MemoryBucket) -> Stores:
    settings = Settings(
        "t",
        "uploads",
        "results",
        "records",
        timedelta(seconds=GRACE),
        timedelta(seconds=120),
        timedelta(seconds=300),
        MAX_BYTES,
    )
    return Stores(cast(Table, table), cast(Bucket, uploads), cast(Bucket, results), cast(Bucket, records), settings)
