"""The functions' settings, read once from the environment.

If one is missing, the function stops at its start, naming it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from .errors import MissingSetting


@dataclass(frozen=True, slots=True)
class Settings:
    """What every function is told by the template. Sizes in bytes.

    `sweep_age` is how long the sweep waits for an object's own event before it queues the object again. `stalled` is
    how long it waits for a check that has begun: SQS still has its message, and sends it again or to the rescue
    function.
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
