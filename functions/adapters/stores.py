"""Everything a function reads and writes, in one place: the table and the three buckets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from . import clients
from .objects import Bucket
from .queue import Queue
from .settings import Settings, read_settings, setting
from .table import Table


@dataclass(frozen=True, slots=True)
class Stores:
    """The table, and the uploads, results and records buckets (DESIGN 3)."""

    table: Table
    uploads: Bucket
    results: Bucket
    records: Bucket
    settings: Settings


@cache
def open_stores() -> Stores:
    """The stores that the environment names, opened once in a container. MissingSetting names what is missing."""
    settings = read_settings()
    return Stores(
        table=Table(clients.dynamodb(), settings.table),
        uploads=Bucket(clients.s3(), settings.uploads_bucket),
        results=Bucket(clients.s3(), settings.results_bucket),
        records=Bucket(clients.s3(), settings.records_bucket),
        settings=settings,
    )


@cache
def open_queue(name: str) -> Queue:
    """The queue whose address the named setting holds."""
    return Queue(clients.sqs(), setting(name))
