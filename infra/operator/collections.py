"""`early-results service`: what the service files say, whether one fits, and a draft of next year's.

Nothing here needs AWS: a service file is data beside the code, and docs/services.md explains it.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from pathlib import Path

from early_results import service as module
from early_results.service import BadServiceFile, Column, Service, load_service, read_service, service_names

_DRAFT = """\
# A draft, made from {other}. Before it is used: check every list that is only [B] or [C] against its source, set the
# windows, and read the notes and words once. Then add its line to tests/rulesets.lock (docs/services.md).
"""
_DAY = re.compile(r"^(opens|closes|reports)( *= *)(\d{4}-\d\d-\d\d)(T\d\d:\d\d:\d\d)?", re.MULTILINE)


class CannotDraft(ValueError):
    """A draft cannot be made. The message tells the operator why."""


def describe_all() -> str:
    """One line for each service: its name, title, year groups and when its windows close."""
    lines = []
    for service in map(load_service, service_names()):
        closes = ", ".join(f"{closes:%d/%m/%Y %H:%M}" for _, _, closes, _ in service.published)
        lines.append(f"{service.name:14}  {service.title}\n{'':14}  {service.year_group}; closes {closes}")
    return "\n".join(lines)


def describe(service: Service) -> str:
    """What a service file says, in a form that a person can compare with its sources."""
    lines = [f"{service.title} ({service.name}), rules {service.ruleset}, sheet “{service.sheet}”", ""]
    for group in service.year_groups:
        headline = f": {group.headline} ({group.measure})" if group.headline else ""
        lines.append(f"{group.name}, NC Year {group.nc_year}{headline}")
    lines += ["", "Columns"]
    lines += [f"  {column.heading}: {_accepts(column)}" for column in service.results]
    lines += ["", "Codes"]
    lines += [f"  {code.code:4} {code.fate.value:8} {code.meaning}" for code in service.codes]
    if service.combined:
        lines += ["", "Combined"]
        lines += [f"  {measure.name}: {', '.join(measure.parts)}" for measure in service.combined]
    lines += ["", "Windows (London)"]
    lines += [
        f"  {number}: {opens:%d/%m/%Y %H:%M} to {closes:%d/%m/%Y %H:%M}, reports {reports:%d/%m/%Y}"
        for number, opens, closes, reports in service.published
    ]
    return "\n".join(lines)


def _accepts(column: Column) -> str:
    parts = []
    if column.has_numbers:
        marks = [f"{column.expected} expected"] if column.expected is not None else []
        marks += [f"{column.higher} higher"] if column.higher is not None else []
        parts.append(f"{column.minimum} to {column.maximum}" + (f" ({', '.join(marks)})" if marks else ""))
    if column.codes:
        parts.append(" ".join(column.codes))
    return " or ".join(parts)


def check(path: Path) -> Service:
    """The service of a file. BadServiceFile, naming file and setting, if it does not fit; OSError if there is none."""
    service = read_service(path.read_bytes(), path.name)
    if service.name != path.name.removesuffix(".toml"):
        raise BadServiceFile(f'{path.name}: service: is "{service.name}". Write service = "{path.stem}"')
    return service


def text_of(service: Service) -> str:
    """The text of a service's own file."""
    return (Path(module.__file__).parent / "services" / f"{service.name}.toml").read_text(encoding="utf-8")


def draft(text: str, other: Service, name: str, year: int) -> str:
    """The text of a service file for another year: names and dates moved, everything else as it is.

    Days keep their weekday. CannotDraft if the new text is not a service file that can be loaded.
    """
    moved = _DAY.sub(lambda m: f"{m[1]}{m[2]}{_moved(date.fromisoformat(m[3]), year - other.year)}{m[4] or ''}", text)
    for setting, old, new in (
        ("service", other.name, name),
        ("ruleset", other.ruleset, f"{name}.1"),
        ("title", other.title, other.title.replace(str(other.year), str(year))),
    ):
        moved = moved.replace(f'{setting} = "{old}"', f'{setting} = "{new}"', 1)
    moved = re.sub(r"^year = \d+$", f"year = {year}", moved, count=1, flags=re.MULTILINE)
    moved = _DRAFT.format(other=other.name) + moved
    try:
        made = read_service(moved.encode(), f"{name}.toml")
    except BadServiceFile as error:
        raise CannotDraft(str(error)) from error
    if (made.name, made.year, made.ruleset) != (name, year, f"{name}.1"):
        raise CannotDraft(f"{other.name}: its service, year or ruleset is not on a line of its own")
    return moved


def _moved(day: date, years: int) -> date:
    """The nearest day of the same weekday so many years on."""
    there = datetime(day.year + years, day.month, min(day.day, 28)).date()  # noqa: DTZ001  # a day only, in no time zone
    there += timedelta(days=day.day - min(day.day, 28))
    ahead = (day.weekday() - there.weekday()) % 7
    return there + timedelta(days=ahead if ahead <= 3 else ahead - 7)
