"""Demonstration schools: invented children with realistic names and a realistic spread of results.

Everything is drawn from one seed, so that two runs show the same schools. No child here exists.
"""

from __future__ import annotations

import io
import random
import secrets
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openpyxl import load_workbook

from adapters.objects import Bucket
from adapters.table import Table
from adapters.templates import template_workbook
from early_results import keys
from early_results.access import Role
from early_results.checking.roster import Roster, rosters_csv
from early_results.counting.calendar import Calendar, calendar_of
from early_results.results import Pupil
from early_results.service import LONDON, Service, Window, load_service
from early_results.times import moment_words
from infra.operator.operations import NewUser, create_user, store_calendar

if TYPE_CHECKING:
    from .stack import Stack

SEED = 2023
SERVICE = "ks1-2023"
TRUST = "ABC"
TRUST_NAME = "ABC Trust"
SCHOOLS = {
    "1231234": ("Holly Lane Primary School", 30, TRUST),
    "1232001": ("St Agnes Church of England Primary School", 58, TRUST),
    "1232002": ("Riverside Infant School", 87, TRUST),
    "8012003": ("Oakfield Academy", 45, TRUST),
    "9352010": ("Marsh End Community Primary School", 27, None),
}
OUTSIDE = "9352010"

_GIRLS = (
    "Amelia Olivia Isla Ava Freya Aisha Grace Ella Maya Zara Sofia Lily Poppy Niamh Fatima Chloe Ruby Ivy Evie "
    "Matilda Harriet Nia Leila Erin Imogen Martha Thea Priya Wren Elsie Siobhan Zofia"
).split()
_BOYS = (
    "Oliver George Arthur Noah Muhammad Leo Harry Oscar Theo Jack Henry Alfie Idris Kofi Dylan Rhys Samuel Finley "
    "Rory Yusuf Jude Elijah Reuben Arjun Tomasz Caleb Albie Ethan Owen Zachary Callum Mateo"
).split()
_SURNAMES = (
    "Smith Jones Taylor Brown Williams Khan Patel Davies Evans Wilson Thomas Roberts Johnson Walker Wright Ahmed "
    "Robinson Green Hall Wood Clarke O'Brien Hussain Edwards Hughes Begum Lewis Martin Nowak Ali Phillips Adeyemi "
    "Mitchell Kelly Cook Carter Richardson Bailey Cooper Price Murphy Singh Okafor Lee-Barnes Bennett Gray"
).split()


@dataclass(frozen=True, slots=True)
class Seeded:
    """What the demonstration made: users with their passwords, the calendar, and a folder of sample workbooks."""

    users: list[dict[str, str]]
    calendar: Calendar
    samples: Path
    pupils: dict[str, tuple[Pupil, ...]] = field(default_factory=dict)


def pupils_of(school: str, number: int, seed: int = SEED) -> tuple[Pupil, ...]:
    """The invented Year 2 of a school: born September 2015 to August 2016, in order of surname."""
    draw = random.Random(f"{seed}/{school}")  # noqa: S311 - a demonstration, not a secret
    pupils = []
    for index in range(number):
        girl = draw.random() < 0.49
        born = date(2015, 9, 1) + timedelta(days=draw.randrange(365))
        pupils.append(
            Pupil(
                school=school,
                upn=f"{draw.choice('ABCDEFGHJKLMNPQRTUVWXYZ')}{school}20{index:03d}",
                forename=draw.choice(_GIRLS if girl else _BOYS),
                surname=draw.choice(_SURNAMES),
                gender="Female" if girl else "Male",
                birth_date=born,
                nc_year="2",
            )
        )
    return tuple(sorted(pupils, key=lambda p: (p.surname, p.forename, p.upn)))


def results_of(service: Service, pupil: Pupil, seed: int = SEED) -> dict[str, str | int]:
    """Invented results of a pupil by column key, drawn from one ability so that subjects agree; some cells blank."""
    draw = random.Random(f"{seed}/{pupil.upn}")  # noqa: S311 - likewise
    ability = draw.gauss(0, 1) + (0.15 if pupil.gender == "Female" else 0)
    if pupil.birth_date and pupil.birth_date.month in (5, 6, 7, 8):
        ability -= 0.35  # summer-born children are the youngest of the year
    found: dict[str, str | int] = {}
    if draw.random() < 0.02:
        return found  # no data for this pupil: all cells blank
    for column in service.assessments:
        level = ability + draw.gauss(0, 0.45)
        accepted = column.codes
        if draw.random() < 0.012:
            found[column.key] = "A"
        elif "GDS" in accepted:
            found[column.key] = _level(level)
        else:
            found[column.key] = "EXS" if level > -0.75 else "HNM"
    for column in service.scores:
        related = next((found.get(c.key) for c in service.assessments if c.subject == column.subject), "EXS")
        if related in ("A", "EM", "PK1", "PK2", "PK3", "PK4") or draw.random() < 0.03:
            continue
        score = round(102.5 + 6.2 * ability + draw.gauss(0, 2.2))
        if related == "GDS":
            score = max(score, 103)
        found[column.key] = min(max(score, column.minimum), column.maximum)
    return found


def _level(level: float) -> str:
    for code, least in (("GDS", 1.0), ("EXS", -0.45), ("WTS", -1.6), ("PK4", -1.95), ("PK3", -2.3), ("PK2", -2.6)):
        if level >= least:
            return code
    return "EM"


def fill(template: bytes, service: Service, results: dict[str, dict[str, str | int]]) -> bytes:
    """A template filled in as a school would: results by UPN and column key, typed into the cells of the sheet."""
    book = load_workbook(io.BytesIO(template))
    sheet = book[service.sheet]
    at = {str(cell.value): cell.column for cell in sheet[1] if cell.value}
    upn = at[next(c.heading for c in service.identity if c.key == "upn")]
    for row in range(2, sheet.max_row + 1):
        for key, value in results.get(str(sheet.cell(row, upn).value), {}).items():
            heading = next(c.heading for c in service.results if c.key == key)
            sheet.cell(row, at[heading], value)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def demonstration_calendar(now: datetime, closes_in: timedelta) -> Calendar:
    """Two windows: the first open now and closing soon, the second following it for a fortnight."""
    service = load_service(SERVICE)
    closes = (now + closes_in).replace(microsecond=0)
    if closes_in >= timedelta(minutes=10):
        closes = closes.replace(second=0)
    published = calendar_of(service)
    first, second = published.windows
    end = closes + timedelta(days=14)
    windows = (
        Window(first.number, now - timedelta(days=1), closes, closes.astimezone(LONDON).date()),
        Window(second.number, closes, end, end.astimezone(LONDON).date()),
    )
    return Calendar(published.service, 1, windows)


def seed(stack: Stack, now: datetime, closes_in: timedelta, samples: Path) -> Seeded:
    """Brings schools, trust, pupils, users and a calendar onto a stack, through the doors an operator would use."""
    from .stack import wait_for

    service = load_service(SERVICE)
    uploads = Bucket(stack.client("s3"), stack.outputs["UploadsBucketName"])
    records = Bucket(stack.client("s3"), stack.outputs["RecordsBucketName"])
    table = Table(stack.client("dynamodb"), stack.outputs["TableName"])
    calendar = demonstration_calendar(now, closes_in)
    store_calendar(table, records, calendar, "demonstration", "a season that can be played in an hour")
    pupils = {school: pupils_of(school, number) for school, (_, number, _) in SCHOOLS.items()}
    schools = "School DFE,Name,Trust\r\n" + "".join(
        f"{school},{name},{trust or ''}\r\n" for school, (name, _, trust) in SCHOOLS.items()
    )
    uploads.put("rosters/trusts.csv", f"Trust,Name\r\n{TRUST},{TRUST_NAME}\r\n".encode(), "text/csv")
    uploads.put("rosters/schools.csv", schools.encode(), "text/csv")
    roster = rosters_csv((p for school in SCHOOLS for p in pupils[school]), service)
    uploads.put(f"rosters/{SERVICE}/mis.csv", roster.encode(), "text/csv")
    users = [
        *(
            NewUser(
                f"school{school}@{'abctrust' if trust else 'marshend'}.example",
                _password(),
                Role.SCHOOL,
                f"SCHOOL#{school}",
            )
            for school, (_, _, trust) in SCHOOLS.items()
        ),
        NewUser("matadmin@abctrust.example", _password(), Role.TRUST, f"TRUST#{TRUST}"),
        NewUser("operator@early-results.example", _password(), Role.OPERATOR, "OPERATOR"),
    ]
    for user in users:
        create_user(stack.client("cognito-idp"), stack.outputs["UserPoolId"], table, records, user, by="demonstration")
    wanted = [keys.roster(SERVICE, school) for school in SCHOOLS] + [keys.school(school) for school in SCHOOLS]
    wait_for("the extracts to be taken in", lambda: len(table.get_many(wanted)) == len(wanted), 60)
    write_samples(service, pupils, samples)
    told = [
        {"email": u.email, "password": u.password or "", "role": u.role.value, "organisation": u.organisation}
        for u in users
    ]
    return Seeded(told, calendar, samples, pupils)


def _password() -> str:
    return f"Demo-{secrets.token_urlsafe(9)}-1aA"


def write_samples(service: Service, pupils: dict[str, tuple[Pupil, ...]], folder: Path) -> None:
    """Sample workbooks to try the service with: one good file a school, and one with errors."""
    folder.mkdir(parents=True, exist_ok=True)
    moment = datetime(2023, 6, 5, 8, 0, tzinfo=UTC)
    for school, children in pupils.items():
        template = template_workbook(service, Roster(school, "sample", moment, children), moment)
        results = {pupil.upn: results_of(service, pupil) for pupil in children}
        (folder / f"2023KS1-{school}-good.xlsx").write_bytes(fill(template, service, results))
        (folder / f"2023KS1-{school}-errors.xlsx").write_bytes(fill(template, service, with_errors(service, results)))


def with_errors(service: Service, results: dict[str, dict[str, str | int]]) -> dict[str, dict[str, str | int]]:
    """The same results with the mistakes that schools make: a slip in a code, a score out of range, a wrong subject."""
    wrong = {upn: dict(values) for upn, values in results.items()}
    first, second, third = list(wrong)[:3]
    wrong[first][service.scores[-1].key] = 116
    wrong[second][service.assessments[0].key] = "EXP"
    wrong[third][service.assessments[-1].key] = "GDS"
    wrong[third][service.scores[0].key] = 84
    return wrong


def greeting(stack: Stack, seeded: Seeded) -> str:
    """What `make run` prints once all is ready."""
    closes = seeded.calendar.windows[0].closes
    width = max(len(user["email"]) for user in seeded.users)
    lines = [
        "",
        f"Early Results is running. Window 1 closes at {moment_words(closes)} (London).",
        "",
        f"  Portal   {stack.portal_url}",
        f"  Samples  {seeded.samples}",
        "",
        "Sign in as",
    ]
    lines += [
        f"  {user['email']:<{width}}  {user['password']}  {user['role']}, {user['organisation']}"
        for user in seeded.users
    ]
    lines += ["", "For programs: .local/stack.json. Ctrl-C stops everything."]
    return "\n".join(lines)


def stack_json(stack: Stack, seeded: Seeded) -> dict[str, Any]:
    """What `.local/stack.json` says, so that any client can drive the stack (DESIGN 9)."""
    return {
        "endpoint": stack.endpoint,
        "portal_url": stack.portal_url,
        "api_url": stack.api_url,
        "bucket": stack.outputs["UploadsBucketName"],
        "results_bucket": stack.outputs["ResultsBucketName"],
        "records_bucket": stack.outputs["RecordsBucketName"],
        "table": stack.outputs["TableName"],
        "user_pool": stack.outputs["UserPoolId"],
        "client_id": stack.outputs["UserPoolClientId"],
        "region": stack.region,
        "users": seeded.users,
        "sample_dir": str(seeded.samples),
        "access_key": stack.access_key,
        "secret_key": stack.secret_key,
        "stack": stack.name,
    }
