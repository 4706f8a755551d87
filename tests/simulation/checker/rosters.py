"""The newest extract that names a school is its roster."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime

from .evidence import Evidence


def check_rosters(view: Evidence) -> None:
    """Of one second S3's order of versions counts, and between extracts of two names the names."""
    prefix = f"rosters/{view.case.service}/"
    newest: dict[str, list[tuple[datetime, str, int, set[str]]]] = {}
    for key, versions in view.case.uploads.items():
        if not key.startswith(prefix):
            continue
        for order, version in enumerate(versions):
            listed: dict[str, set[str]] = {}
            for row in csv.DictReader(io.StringIO(version.data.decode())):
                listed.setdefault(row["School DFE"], set()).add(row["UPN"])
            for school, upns in listed.items():
                newest.setdefault(school, []).append((version.received, key, order, upns))
    for school, found in newest.items():
        *_, must = max(found, key=lambda one: one[:3])
        item = view.items.get((f"SCHOOL#{school}", f"ROSTER#{view.case.service}"))
        if item is None:
            view.wrong(3, f"{school} has no roster")
            continue
        held = view.case.uploads[f"school-rosters/{view.case.service}/{school}/{item['version']}.json"]
        has = {pupil["upn"] for pupil in json.loads(held[0].data)["pupils"]}
        if has != must:
            view.wrong(3, f"the roster of {school} is not the newest: {item['version']}")
