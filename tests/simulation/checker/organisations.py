"""The newest extract that names a school decides its trust."""

from __future__ import annotations

from datetime import datetime

from .evidence import Evidence


def check_memberships(view: Evidence) -> None:
    """Of two extracts of one second, S3's order decides, for the profile and for the trust alike."""
    newest: dict[str, tuple[datetime, str]] = {}
    for extract in view.case.uploads.get("rosters/schools.csv", ()):  # in the order in which S3 stored them
        for line in extract.data.decode().splitlines()[1:]:
            school, _, trust = line.split(",")
            if school not in newest or extract.received >= newest[school][0]:
                newest[school] = (extract.received, trust)
    for school, (_, trust) in newest.items():
        inside = ("TRUST#ABC", f"SCHOOL#{school}") in view.items
        if inside is not (trust == "ABC"):
            view.wrong(5, f"{school} is {'still' if inside else 'not'} in the trust")
        profile = view.items.get((f"SCHOOL#{school}", "PROFILE"), {})
        if profile.get("trust", "") != trust:
            view.wrong(5, f"the profile of {school} says the trust {profile.get('trust')}, the newest extract {trust}")
