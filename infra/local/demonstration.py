"""Demonstration schools: invented children with realistic names and a realistic spread of results, for any service.

Everything is drawn from one seed, so that two runs show the same schools. No child here exists.
"""

from __future__ import annotations

import io
import random
import secrets
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from openpyxl import Workbook, load_workbook

from adapters.objects import Bucket
from adapters.table import Table
from adapters.templates import template_workbook
from early_results import keys
from early_results.access import Role
from early_results.checking.roster import Roster, rosters_csv
from early_results.counting.calendar import Calendar, calendar_of
from early_results.results import Pupil
from early_results.service import LONDON, Column, Service, Window, load_service
from early_results.times import moment_words
from infra.operator.operations import NewUser, create_user, store_calendar

if TYPE_CHECKING:
    from .stack import Stack

SEED = 2023
SERVICE = "ks1-2023"
# services that are open beside it in `make run`, each closing later than the one before
BESIDE = ("ks2-2026", "phonics-2026")
TRUST = "ABC"
TRUST_NAME = "ABC Trust"


class Invented(NamedTuple):
    """A demonstration school: its name, how many pupils of the year group it has, and its trust."""

    name: str
    pupils: int
    trust: str | None


SCHOOLS = {
    "1231234": Invented("Holly Lane Primary School", 30, TRUST),
    "1232001": Invented("St Agnes Church of England Primary School", 58, TRUST),
    "1232002": Invented("Riverside Infant School", 87, TRUST),
    "8012003": Invented("Oakfield Academy", 45, TRUST),
    "9352010": Invented("Marsh End Community Primary School", 27, None),
}
OUTSIDE = "9352010"
# With the five above a season of forty, so that reports have other schools to stand beside: five trusts of seven.
CROWD = {
    f"{authority}{number}": (f"{name} Primary School", f"T{at}")
    for at, (authority, names) in enumerate(
        {
            "201": "Alder Birch Cedar Damson Elder Fir Gorse",
            "301": "Hazel Ivybridge Juniper Larch Maple Nettle Oak",
            "302": "Pine Quince Rowan Sorrel Thorn Usk Vine",
            "865": "Willow Yew Aspen Bramble Cherry Drift Eden",
            "919": "Fern Glade Holm Iris Lime Moss Nook",
        }.items()
    )
    for number, name in enumerate(names.split(), 2001)
}

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
    crowd: dict[str, tuple[Pupil, ...]] = field(default_factory=dict)  # of the schools that stand beside


def schools_of(service: Service) -> dict[str, Invented]:
    """The demonstration schools that have pupils of the service's year groups: an infant school ends with Year 2."""
    oldest = max(_year(group.nc_year) for group in service.year_groups)
    return {school: told for school, told in SCHOOLS.items() if oldest <= 2 or "Infant" not in told.name}


def pupils_of(school: str, number: int, seed: int = SEED, service: Service | None = None) -> tuple[Pupil, ...]:
    """The invented pupils of a school's year group, in order of surname, as old as they are in the service's year.

    If the service takes several year groups, only few pupils of the later ones take the check again. Without a service
    it is the Year 2 of 2023.
    """
    service = service or load_service(SERVICE)
    name = "" if service.name == SERVICE else f"{service.name}/"
    draw = random.Random(f"{seed}/{name}{school}")  # noqa: S311 - a demonstration, not a secret
    pupils = []
    for place, group in enumerate(service.year_groups):
        first = date(service.year - _year(group.nc_year) - 6, 9, 1)
        for index in range(max(2, number // 6) if place else number):
            girl = draw.random() < 0.49
            born = first + timedelta(days=draw.randrange(365))
            pupils.append(
                Pupil(
                    school=school,
                    upn=f"{draw.choice('ABCDEFGHJKLMNPQRTUVWXYZ')}{school}{20 + place}{index:03d}",
                    forename=draw.choice(_GIRLS if girl else _BOYS),
                    surname=draw.choice(_SURNAMES),
                    gender="Female" if girl else "Male",
                    birth_date=born,
                    nc_year=group.nc_year,
                )
            )
    return tuple(sorted(pupils, key=lambda p: (p.surname, p.forename, p.upn)))


def _year(nc_year: str) -> int:
    """The number of a year group; Reception is Year 0."""
    return int(nc_year) if nc_year.isdigit() else 0


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
        reasons, ladder = _reasons(service, column), _ladder(service, column)
        if not any(service.code(code).met for code in ladder):
            if level < _CUTS[0]:  # for pupils who did not sit the test, and nobody else
                found[column.key] = ladder[-1]
        elif draw.random() < 0.012 and reasons:
            found[column.key] = reasons[0]
        else:
            found[column.key] = _level(service, ladder, level)
    for column in service.scores:
        paired = next((pair.codes for pair in service.pairs if pair.numbers == column.key), "")
        related = str(found.get(paired, ""))
        if related and related not in _likely(service, service.column(paired)):
            continue
        if draw.random() < 0.03:
            if reasons := _reasons(service, column):
                found[column.key] = draw.choice(reasons)
            continue
        span = column.maximum - column.minimum
        usual = (column.minimum + round(0.7 * span) if column.expected is None else column.expected) + span / 12
        score = round(usual + 6.2 / 30 * span * ability + draw.gauss(0, 2.2 / 30 * span))
        if related and service.code(related).higher:
            score = max(score, (column.expected or 0) + span // 10)
        found[column.key] = min(max(score, column.minimum), column.maximum)
    return found


# The level from which a pupil has each of the codes below the standard, the best code first; below them all, the last.
_CUTS = (-1.6, -1.95, -2.3, -2.6)


def _reasons(service: Service, column: Column) -> list[str]:
    """The codes of a column that say why there is no result."""
    return [code for code in column.codes if not service.code(code).counted or (len(code) == 1 and code.isalpha())]


def _ladder(service: Service, column: Column) -> list[str]:
    """The codes of a column that are results, the best first."""
    reasons = _reasons(service, column)
    return [code for code in column.codes if code not in reasons]


def _likely(service: Service, column: Column) -> list[str]:
    """The codes of pupils who take the test as well: those that meet the standard, and the next."""
    ladder = _ladder(service, column)
    return ladder[: 1 + sum(service.code(code).met for code in ladder)]


def _level(service: Service, ladder: list[str], level: float) -> str:
    higher = [code for code in ladder if service.code(code).higher]
    met = [code for code in ladder if service.code(code).met and code not in higher]
    below = [code for code in ladder if not service.code(code).met]
    cuts = [(code, 1.0) for code in higher] + [(code, -0.45 if higher else -0.75) for code in met]
    for code, least in (*cuts, *zip(below, _CUTS, strict=False)):
        if level >= least:
            return code
    return ladder[-1]


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


def demonstration_calendar(now: datetime, closes_in: timedelta, service: Service | None = None) -> Calendar:
    """The service's windows, the first open now and closing soon, each later one following it for a fortnight."""
    closes = (now + closes_in).replace(microsecond=0)
    if closes_in >= timedelta(minutes=10):
        closes = closes.replace(second=0)
    published = calendar_of(service or load_service(SERVICE))
    opens, windows = now - timedelta(days=1), []
    for window in published.windows:
        windows.append(Window(window.number, opens, closes, closes.astimezone(LONDON).date()))
        opens, closes = closes, closes + timedelta(days=14)
    if len(windows) == 1:  # a season can be played past its close
        windows.append(Window(windows[0].number + 1, opens, closes, closes.astimezone(LONDON).date()))
    return Calendar(published.service, 1, tuple(windows))


def seed(
    stack: Stack, now: datetime, closes_in: timedelta, samples: Path, more: dict[str, timedelta] | None = None
) -> Seeded:
    """Brings schools, trust, pupils, users and a calendar onto a stack, in the ways that an operator would use.

    `more` are services beside the first, with the time until each one's first close.
    """
    return seed_services(stack, now, {SERVICE: closes_in, **(more or {})}, samples)[0]


def seed_services(
    stack: Stack, now: datetime, wanted: dict[str, timedelta], samples: Path, crowded: str = ""
) -> list[Seeded]:
    """As `seed`, for any services, each with the time until its first close. Gives what was made, for each service.

    `crowded` names the service that the schools of CROWD take part in, each trust by one administrator.
    """
    from .stack import wait_for

    uploads = Bucket(stack.client("s3"), stack.outputs["UploadsBucketName"])
    records = Bucket(stack.client("s3"), stack.outputs["RecordsBucketName"])
    table = Table(stack.client("dynamodb"), stack.outputs["TableName"])
    schools = "School DFE,Name,Trust\r\n" + "".join(
        f"{school},{name},{trust or ''}\r\n" for school, (name, _, trust) in SCHOOLS.items()
    )
    trusts = f"Trust,Name\r\n{TRUST},{TRUST_NAME}\r\n"
    crowd = dict(CROWD) if crowded else {}
    schools += "".join(f"{school},{name},{trust}\r\n" for school, (name, trust) in crowd.items())
    trusts += "".join(f"{trust},Trust {trust}\r\n" for trust in sorted({trust for _, trust in crowd.values()}))
    uploads.put("rosters/trusts.csv", trusts.encode(), "text/csv")
    uploads.put("rosters/schools.csv", schools.encode(), "text/csv")
    made = []
    for name, closes_in in wanted.items():
        service = load_service(name)
        calendar = demonstration_calendar(now, closes_in, service)
        store_calendar(table, records, calendar, "demonstration", "a season that can be played in an hour")
        pupils = {
            school: pupils_of(school, number, service=service) for school, (_, number, _) in schools_of(service).items()
        }
        others = {
            school: pupils_of(school, 24 + 3 * (at % 7), service=service)
            for at, school in enumerate(crowd if name == crowded else ())
        }
        roster = rosters_csv((pupil for of_school in (pupils | others).values() for pupil in of_school), service)
        uploads.put(f"rosters/{name}/mis.csv", roster.encode(), "text/csv")
        made.append((service, calendar, pupils, others))
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
        *(
            NewUser(f"admin@{trust.lower()}.example", _password(), Role.TRUST, f"TRUST#{trust}")
            for trust in sorted({trust for _, trust in crowd.values()})
        ),
    ]
    for user in users:
        create_user(stack.client("cognito-idp"), stack.outputs["UserPoolId"], table, records, user, by="demonstration")
    keys_of = [keys.roster(service.name, school) for service, _, pupils, others in made for school in pupils | others]
    keys_of += [keys.school(school) for school in (*SCHOOLS, *crowd)]
    for service, _, pupils, _ in made:  # while the extracts are being taken in
        write_samples(service, pupils, samples)
    wait_for("the extracts to be taken in", lambda: len(table.get_many(keys_of)) == len(keys_of), 60)
    told = [
        {"email": u.email, "password": u.password or "", "role": u.role.value, "organisation": u.organisation}
        for u in users
    ]
    return [Seeded(told, calendar, samples, pupils, others) for _, calendar, pupils, others in made]


def _password() -> str:
    return f"Demo-{secrets.token_urlsafe(9)}-1aA"


def write_samples(service: Service, pupils: dict[str, tuple[Pupil, ...]], folder: Path) -> None:
    """Sample workbooks to try the service with: one good file a school, and one with errors."""
    folder.mkdir(parents=True, exist_ok=True)
    moment = datetime(service.year, 6, 5, 8, 0, tzinfo=UTC)
    for school, children in pupils.items():
        template = template_workbook(service, Roster(school, "sample", moment, children), moment)
        results = {pupil.upn: results_of(service, pupil) for pupil in children}
        name = f"{service.year}{service.short_title}-{school}"
        (folder / f"{name}-good.xlsx").write_bytes(fill(template, service, results))
        (folder / f"{name}-errors.xlsx").write_bytes(fill(template, service, with_errors(service, results)))


def exported(service: Service, pupils: tuple[Pupil, ...]) -> bytes:
    """A school's results as its information system would export them: the columns of the template, without its mark."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(service.sheet)
    sheet.append([column.heading for column in service.columns])
    for pupil in pupils:
        results = results_of(service, pupil)
        born = pupil.birth_date.strftime("%d/%m/%Y") if pupil.birth_date else ""
        known = {**pupil._asdict(), "birth_date": born}
        sheet.append([known.get(column.key, results.get(column.key)) for column in service.columns])
    saved = io.BytesIO()
    book.save(saved)
    return saved.getvalue()


def with_errors(service: Service, results: dict[str, dict[str, str | int]]) -> dict[str, dict[str, str | int]]:
    """The same results with the mistakes that schools make: a slip in a code, a number out of range."""
    wrong = {upn: dict(values) for upn, values in results.items()}
    first, second, third = list(wrong)[:3]
    coded = [column for column in service.results if column.codes]
    if service.scores:
        wrong[first][service.scores[-1].key] = service.scores[-1].maximum + 1
        wrong[third][service.scores[0].key] = service.scores[0].minimum - 1
    if coded:
        wrong[second][coded[0].key] = "EXP"
    strange = [code.code for code in service.codes if service.assessments and code.code not in coded[-1].codes]
    if strange:
        wrong[third][coded[-1].key] = strange[0]
    return wrong


def greeting(stack: Stack, every: list[Seeded]) -> str:
    """What `make run` prints once all is ready."""
    seeded = every[0]
    width = max(len(user["email"]) for user in seeded.users)
    lines = [
        "",
        "Early Results is running.",
        *(
            f"  {load_service(one.calendar.service).title}: window 1 closes at "
            f"{moment_words(one.calendar.windows[0].closes)} (London)."
            for one in every
        ),
        "",
        f"  Portal   {stack.portal_url}",
        f"  Samples  {seeded.samples}",
        f"  E-mails  {stack.endpoint}/_ministack/ses/messages",
        "",
        "Sign in as",
    ]
    lines += [
        f"  {user['email']:<{width}}  {user['password']}  {user['role']}, {user['organisation']}"
        for user in seeded.users
    ]
    lines += ["", "What to try", *_to_try(seeded), "", "For programs: .local/stack.json. Ctrl-C stops everything."]
    return "\n".join(lines)


def _to_try(seeded: Seeded) -> list[str]:
    """What to try in five minutes, with the sample files and users that there are."""
    school = next(iter(seeded.pupils))
    service = load_service(seeded.calendar.service)
    errors, good = (f"{service.year}{service.short_title}-{school}-{kind}.xlsx" for kind in ("errors", "good"))
    people = {user["organisation"]: user["email"] for user in seeded.users}
    trust = next(organisation for organisation in people if organisation.startswith("TRUST#"))
    close = f"{seeded.calendar.windows[0].closes.astimezone(LONDON) + timedelta(minutes=30):%Y-%m-%d %H:%M}"
    return [
        f"  1. As {people[f'SCHOOL#{school}']}, upload {errors}: the page names each mistake and its cell.",
        f"     Then upload {good}: it counts.",
        f"  2. In a private window, as {people[trust]}: drop all the good files at once.",
        f"  3. In a third, as {people['OPERATOR']}: the deadline board, as the window is about to close.",
        "  4. In a terminal, see what waits, or give everybody half an hour more:",
        f"     .venv/bin/early-results windows --service {service.name}",
        f"     .venv/bin/early-results calendar extend --service {service.name} --window 1 \\",
        f'       --closes "{close}" --reason "a try"',
    ]


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
