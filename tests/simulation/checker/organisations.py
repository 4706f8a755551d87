"""The newest extract that names a school decides its trust."""

from __future__ import annotations

from datetime import datetime

from .evidence import Evidence


def check_memberships(view: Evidence) -> None:
    """The newest extract that names a school decides its trust; of two in one second, either."""
    newest: dict[str, tuple[datetime, set[str]]] = {}
    for extract in view.case.uploads.get("rosters/schools.csv", ()):
        for line in extract.data.decode().splitlines()[1:]:
            school, _, trust = line.split(",")
            moment, trusts = newest.get(school, (extract.received, set()))
            if extract.received > moment:
                trusts = set()
            if extract.received >= moment:
                newest[school] = (extract.received, trusts | {trust})
    for school, (_, trusts) in newest.items():
        inside = ("TRUST#ABC", f"SCHOOL#{school}") in view.items
        if ("ABC" if inside else "") not in trusts:
            view.wrong(5, f"{school} is {'still' if inside else 'not'} in the trust")
