"""The model of costs: acts of a season times what each asks for, times a price.

What an act asks for is counted on the real use cases (`benchmarks/counting.py`, `requests.json`). How many acts there
are follows from `volumes.toml`, prices are those of `prices.toml`, and memory and alarms are read from the template.
"""

from __future__ import annotations

import json
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from tests.template.reading import ALARM, FUNCTION, Template, load_template, of_type

FOLDER = Path(__file__).parent
ASSETS = FOLDER.parents[1] / "functions" / "portal" / "assets"
DAYS, MONTHS, HOURS = 365, 12, 730
ACTS: dict[str, dict[str, float]] = json.loads((FOLDER / "requests.json").read_text())
VOLUMES: dict[str, Any] = tomllib.loads((FOLDER / "volumes.toml").read_text())
PRICES: dict[str, Any] = tomllib.loads((FOLDER / "prices.toml").read_text())
SECOND_MS = 1000
# Metrics that a run of a schedule gives each time, whatever it found: they have data in every hour of the year.
OF_SCHEDULES = 12
OF_FILES = 18  # those that a file, a report or a request gives; they have data while a season is on


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be chosen: by the template, its parameters, or by closing a season. The default is as it was before."""

    tier: str = "essentials"
    detailed_api: bool = True
    out_of_season: bool = False  # `Season=off` for the months without a window
    closes: bool = False  # `season close` once the reports are out: no file is left to sweep or to keep
    hidden_tabs_look: bool = True
    rosters_anew: bool = True  # an unchanged roster is written again every night
    emails: bool = True


BEFORE = Choices()


class Line(NamedTuple):
    """One line of the table: what is paid for, whose it is, and USD a year."""

    part: str
    what: str
    usd: float
    usage: bool  # of a season's use, and not what stands there or who may sign in


Used = defaultdict[str, float]


def _used(**numbers: float) -> Used:
    return defaultdict(float, numbers)


def _sum(*some: Used) -> Used:
    """What several things use together."""
    found = _used()
    for one in some:
        for name, number in one.items():
            found[name] += number
    return found


def memory(template: Template) -> dict[str, float]:
    """Gigabytes of each function."""
    return {name: function["MemorySize"] / 1024 for name, function in of_type(template, FUNCTION).items()}


def acts(choices: Choices) -> Iterator[tuple[str, str, str, float]]:
    """Every act of a season: part, act, function, how many times."""
    v = VOLUMES
    uploads = v["schools"] * v["uploads_per_school"]
    pages = v["users"] * v["pages_per_user"]
    yield "checking", "a form", "PortalFunction", uploads
    yield "checking", "a check of a file with errors", "ValidateFunction", v["schools"]
    yield "checking", "a check of a good file", "ValidateFunction", v["schools"]
    yield "checking", "a check of a second good file", "ValidateFunction", uploads - 2 * v["schools"]
    yield "checking", "an offer", "SupersedeFunction", v["schools"]
    yield "checking", "an offer that overwrites", "SupersedeFunction", uploads - 2 * v["schools"]
    yield "freeze and reports", "a freeze, a school", "FreezeFunction", v["schools"] * v["windows"]
    yield "freeze and reports", "a report", "BuildFunction", v["schools"] * v["windows"]
    yield "page", "a template", "PortalFunction", v["schools"] * v["templates_per_school"]
    yield "page", "a page that is opened", "PortalFunction", pages
    yield "page", "a status while a file is checked", "PortalFunction", uploads * v["status_questions"]
    yield "page", "a look of an open page", "PortalFunction", pages * v["minutes_per_page"] * v["looks_per_minute"]
    if choices.hidden_tabs_look:
        hidden = pages * v["left_open"] * v["hours_left_open"] * 60 * v["looks_per_minute"]
        yield "tabs left open", "a look of an open page", "PortalFunction", hidden
    if choices.rosters_anew:
        yield "nightly rosters", "a roster, a school", "RosterFunction", v["schools"] * v["roster_nights"]
    if choices.emails:
        rounds = v["windows"] * (len(v["reminded"]) + 2)
        yield "e-mails", "a file's news", "NoticeFunction", uploads
        yield "e-mails", "a round, a person", "NoticeFunction", v["users"] * rounds
        yield "e-mails", "an e-mail", "TellFunction", uploads + v["users"] * rounds


# An act of the portal is so many requests of the API; a page that is opened asks five times.
REQUESTS = {"a page that is opened": 5}
# Acts that many share one run of their function.
IN_ONE_RUN = {"a freeze, a school": 17_000, "a roster, a school": 17_000, "a round, a person": 19_500}


def used(act: str, function: str, times: float, gigabytes: dict[str, float]) -> Used:
    """What an act, so many times, uses of everything that has a price."""
    asked, found = ACTS[act], _used()
    for name in ("read_units", "write_units", "s3_reads", "s3_writes"):
        found[name] += asked.get(name, 0) * times
    requests = REQUESTS.get(act, 1)
    if function == "PortalFunction":
        caller = ACTS["a request's caller"]
        counted = 0 if act == "a look of an open page" else 1  # app.py: seldom looks are not counted in the table
        found["read_units"] += caller["read_units"] * times * requests
        found["write_units"] += counted * times * requests
        found["api_requests"] += times * requests
    # A message is sent, perhaps with nine others, received and removed.
    found["sqs_requests"] += times * (asked.get("sqs_sent", 0) + 2 * asked.get("sqs_messages", 0))
    if function == "ValidateFunction":
        found["sqs_requests"] += 2 * times  # S3 sends them for nothing
    runs = times * requests / IN_ONE_RUN.get(act, 1)
    waits = sum(asked.get(call, 0) * ms for call, ms in VOLUMES["latency"].items())
    spent = (asked["processor_ms"] + waits) * times + VOLUMES["cold"] * SECOND_MS * runs
    return _sum(found, _runs(function, runs, spent, gigabytes, asked.get("s3_calls", 0) * times))


def _runs(function: str, runs: float, ms: float, gigabytes: dict[str, float], s3_calls: float) -> Used:
    return _used(
        lambda_requests=runs,
        lambda_gb_seconds=ms / 1000 * gigabytes[function],
        log_gb=runs * VOLUMES["log_kb"] / 1e6,
        traces=runs * VOLUMES["sampled"],
        trail_events=s3_calls,
    )


# Runs of the schedules in a day: of the noon hour, and every five minutes.
NOON, FIVE_MINUTES, DAILY = 60, 288, 1
SCHEDULES = {
    "FreezeFunction": "a run of the freeze with nothing to do",
    "DatasetFunction": "a run of the data set with nothing to do",
    "OverviewFunction": "a run of the data set with nothing to do",  # it looks likewise
    "NoticeFunction": "a look for news with nothing to do",
}
SERVICES_RUN = 2  # services with a season of their own; of one that was never begun a run reads two items


def schedules(choices: Choices, gigabytes: dict[str, float]) -> Used:
    """What the schedules use in a year when there is nothing to do."""
    found = _used()
    on = VOLUMES["months_open"] / MONTHS if choices.out_of_season else 1
    for function, act in SCHEDULES.items():
        if function == "NoticeFunction" and not choices.emails:
            continue
        runs = DAYS * (on * FIVE_MINUTES + (1 - on) * DAILY) + (DAYS * NOON if function == "FreezeFunction" else 0)
        asked = ACTS[act]
        for name in ("read_units", "write_units", "s3_reads", "s3_writes"):
            found[name] += asked.get(name, 0) * runs * SERVICES_RUN
        waits = sum(asked.get(call, 0) * ms for call, ms in VOLUMES["latency"].items())
        spent = (asked["processor_ms"] + waits) * SERVICES_RUN * runs
        found = _sum(found, _runs(function, runs, spent, gigabytes, asked.get("s3_calls", 0) * runs * SERVICES_RUN))
        found["schedule_runs"] += runs
    return found


def whole_sweeps(choices: Choices, gigabytes: dict[str, float]) -> Used:
    """The hourly sweep of the whole bucket, as long as there are files in it, and as often as the schedule runs it."""
    v = VOLUMES
    files = v["schools"] * v["uploads_per_school"]
    hours = v["months_open"] * HOURS
    if not choices.closes:
        rest = (MONTHS - v["months_open"]) * HOURS
        hours += rest / 24 if choices.out_of_season else rest  # hourly at most, and no more often than it runs
    asked = ACTS["a whole sweep, a file"]
    # Half of the season the bucket is half full.
    times = hours * files * (0.75 if choices.closes else 1)
    found = _used(read_units=asked["read_units"] * times, s3_writes=times / 1000)  # a thousand in one listing
    ms = asked["processor_ms"] * times + times / 100 * v["latency"]["table_calls"]  # a hundred in one read
    return _sum(found, _runs("FreezeFunction", 0, ms, gigabytes, 0))


def lines(choices: Choices) -> list[Line]:
    """The table of a year with one season, dearest first."""
    template, v = load_template(), VOLUMES
    gigabytes = memory(template)
    parts: dict[str, Used] = {}
    for part, act, function, times in acts(choices):
        parts[part] = _sum(parts.get(part, _used()), used(act, function, times, gigabytes))
    files = len(list(ASSETS.iterdir())) * v["users"] * v["browsers_per_user"]
    fetched = _runs("PortalFunction", files, 5 * files, gigabytes, 0)
    parts["page"] = _sum(parts["page"], fetched, _used(api_requests=files))
    if choices.emails:
        wanted = sum(v["reminded"]) + 2 * v["told_of_the_end"]
        sent = v["schools"] * v["uploads_per_school"] + v["users"] * v["windows"] * wanted
        parts["e-mails"] = _sum(parts["e-mails"], _used(emails=sent))
    usage = set(parts)
    parts["schedules all year"] = schedules(choices, gigabytes)
    parts["whole sweeps"] = whole_sweeps(choices, gigabytes)
    parts["storage"] = storage(choices)
    parts["alarms"] = _used(alarm_months=alarm_months(choices, template))
    parts["metrics"] = _used(metric_months=metric_months(choices, template))
    signed_in: float = v["users"] * v["months_active"]
    parts["people who sign in"] = _used(**{f"active_users_{choices.tier}": signed_in})
    found = [Line(part, name, usd, part in usage) for part, name, usd in _priced(parts, choices)]
    return sorted(found, key=lambda line: -line.usd)


def storage(choices: Choices) -> Used:
    """Gigabytes kept, times months."""
    v = VOLUMES
    months = v["months_open"] if choices.closes else MONTHS
    uploads = v["schools"] * v["uploads_per_school"]
    kept = (uploads * 2 * v["file_kb"] + v["schools"] * v["windows"] * v["report_kb"]) / 1e6
    table = uploads * v["item_kb"] / 1e6
    return _used(s3_gb_months=kept * months, table_gb_months=table * months)


def alarm_months(choices: Choices, template: Template) -> float:
    """Alarms times months: those of the season, and those that stand out of it."""
    in_season = out_of_season = 0
    for name in of_type(template, ALARM):
        condition = template["Resources"][name].get("Condition", "")
        if condition == "OutOfSeason":
            out_of_season += 1
        elif choices.emails or not condition.startswith("Tells"):
            in_season += 1
    if not choices.out_of_season:
        return in_season * MONTHS
    open_: float = VOLUMES["months_open"]
    return in_season * open_ + out_of_season * (MONTHS - open_)


def metric_months(choices: Choices, template: Template) -> float:
    """Metrics times the months in which they have data."""
    routes = len(of_type(template, "AWS::ApiGatewayV2::Route"))
    open_: float = VOLUMES["months_open"]
    shut = MONTHS - open_
    of_schedules = OF_SCHEDULES * (open_ + (shut / 24 if choices.out_of_season else shut))
    detailed = 7 * routes * open_ if choices.detailed_api else 0  # API Gateway's seven metrics for each route
    return of_schedules + OF_FILES * open_ + detailed


def _priced(parts: dict[str, Used], choices: Choices) -> Iterator[tuple[str, str, float]]:
    """USD of each part and price. What is free in a month is shared by the parts as they use it."""
    totals = _sum(*parts.values())
    for name, total in totals.items():
        price = PRICES[name]
        months = VOLUMES["months_active"] if name.startswith("active_users") else _months(name, choices)
        paid = max(0.0, total - price.get("free", 0) * months) / total if total else 0
        for part, found in parts.items():
            if found[name]:
                dearer = PRICES["london"] if price.get("regional") else 1
                yield part, name, found[name] * paid * price["price"] / price["per"] * dearer


def _months(name: str, choices: Choices) -> float:
    """In how many months a free allowance is of use: those of the season, or all for what goes on all year."""
    return MONTHS if name in ("alarm_months", "metric_months", "schedule_runs") else VOLUMES["months_open"]


def total(choices: Choices, *, usage: bool = False) -> float:
    """USD a year, or of a season's use alone."""
    return sum(line.usd for line in lines(choices) if line.usage or not usage)


# One saving after the other, in the order in which each was made: name, what it changes, what it is.
SAVINGS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("a hidden tab asks nothing", {"hidden_tabs_look": False}, "watch.js (decision 0027)"),
    ("the user pool's tier is Lite", {"tier": "lite"}, "UserPoolTier (decision 0073)"),
    ("no metrics for each route of the API", {"detailed_api": False}, "ApiStage (decision 0073)"),
    ("`season close` once the reports are out", {"closes": True}, "the runbook"),
    ("out of season nothing polls, no alarm a function", {"out_of_season": True}, "Season=off (decision 0073)"),
)
NOW = BEFORE
for _, change, _ in SAVINGS:
    NOW = replace(NOW, **change)
