"""The functions' settings, read once from the environment.

If one is missing, the function stops at its start, naming it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from early_results.guide import SUPPORT, Support
from early_results.service import Service, load_service

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


def setting(name: str, environment: Mapping[str, str] = os.environ, default: str = "") -> str:
    """One setting, or its default. MissingSetting, naming it, if it is not there or empty and has no default."""
    value = environment.get(name, "") or default
    if not value:
        raise MissingSetting(f"the setting {name} is missing")
    return value


def read_support(environment: Mapping[str, str] = os.environ) -> Support:
    """Whom users ask for help: as the deployment says, and where it says nothing, as the guide does.

    `SUPPORT_HOURS` has semicolons between its lines.
    """
    hours = setting("SUPPORT_HOURS", environment, ";".join(SUPPORT.hours)).split(";")
    return Support(
        setting("SUPPORT_EMAIL", environment, SUPPORT.email),
        setting("SUPPORT_TELEPHONE", environment, SUPPORT.telephone),
        tuple(line.strip() for line in hours),
    )


def deployed_service(name: str) -> Service:
    """The service of that name, with whom this deployment's users ask for help.

    UnknownService or BadServiceFile if there is none to be had.
    """
    service, support = load_service(name), read_support()
    return service if service.support == support else _with_support(service, support)


@cache  # the checks keep what they work out for a service by the service itself
def _with_support(service: Service, support: Support) -> Service:
    return service._replace(support=support)


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
