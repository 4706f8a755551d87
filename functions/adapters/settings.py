"""The functions' settings: read once from the environment; a missing one stops the function at its start, by name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from .errors import MissingSetting


@dataclass(frozen=True, slots=True)
class Settings:
    """What every function is told by the template. Sizes in bytes.

    `sweep_age` is what an object's own event is given before the sweep queues the object again, `stalled` what a check
    that has begun is given: its message is in the queue still, on its way to the rescue function.
    """

    table: str
    uploads_bucket: str
    results_bucket: str
    records_bucket: str
    grace: timedelta
    sweep_age: timedelta
    stalled: timedelta
    max_upload_bytes: int


def setting(name: str, environment: Mapping[str, str] = os.environ) -> str:
    """One setting. MissingSetting, naming it, if it is not there or empty."""
    value = environment.get(name, "")
    if not value:
        raise MissingSetting(f"the setting {name} is missing")
    return value


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings that all functions share. MissingSetting names what is missing."""
    return Settings(
        table=setting("TABLE", environment),
        uploads_bucket=setting("UPLOADS_BUCKET", environment),
        results_bucket=setting("RESULTS_BUCKET", environment),
        records_bucket=setting("RECORDS_BUCKET", environment),
        grace=timedelta(seconds=float(setting("GRACE_SECONDS", environment))),
        sweep_age=timedelta(seconds=float(setting("SWEEP_AGE_SECONDS", environment))),
        stalled=timedelta(seconds=float(setting("STALLED_SECONDS", environment))),
        max_upload_bytes=int(setting("MAX_UPLOAD_BYTES", environment)),
    )
