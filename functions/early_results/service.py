"""A service: one Early Results collection in one year, read from its data file.

Nothing about a key stage is written in Python: columns, codes, ranges, rules and the calendar come from
`services/<service>.toml`. An unknown service or a setting that does not fit refuses to load, by name.
"""

from __future__ import annotations

import os.path
import tomllib
from datetime import date, datetime
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    LONDON: ZoneInfo
else:

    def __getattr__(name):
        """`LONDON`, made when first asked for: checking a file needs no clock, and having one costs 3 ms."""
        if name == "LONDON":
            return _zone("Europe/London")
        raise AttributeError(f"module {__name__} has no attribute {name}")


# Plain files beside this one. importlib.resources would do, and costs 15 ms of every cold start.
_FOLDER = os.path.join(os.path.dirname(__file__), "services")

ColumnKind = Literal["identity", "assessment", "score"]


class UnknownService(LookupError):
    """No data file defines this service; the message names it."""


class UnknownRuleset(LookupError):
    """The rules of that name are neither in force nor kept; the message names them."""


class BadServiceFile(ValueError):
    """A service's data file does not say what it must; the message names the file and the setting."""


class Column(NamedTuple):
    """A column of the workbook. `subject`, `codes` and the range are set for result columns only."""

    key: str
    heading: str
    kind: ColumnKind
    subject: str = ""
    subject_name: str = ""
    codes: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int = 0


class AssessmentCode(NamedTuple):
    """A teacher assessment code: whether it meets the expected standard, and whether it is the higher one."""

    code: str
    meaning: str
    met: bool = False
    higher: bool = False


class Mismatch(NamedTuple):
    """Codes that disagree strongly with a scaled score below `below`, or with any score at all."""

    codes: frozenset[str]
    below: int | None
    any_score: bool


class Window(NamedTuple):
    """A submission window: `opens <= received < closes`, both aware and in UTC; reports come on a London date."""

    number: int
    opens: datetime
    closes: datetime
    reports: date


class Service(NamedTuple):
    """One collection in one year.

    `rules` is the edition of the table of rules that judges its files (`checking/rules.py`). `published` are its
    windows in London time: number, opens, closes, reports.
    """

    name: str
    ruleset: str
    rules: int
    title: str
    short_title: str
    year: int
    nc_year: str
    year_group: str
    sheet: str
    identity: tuple[Column, ...]
    results: tuple[Column, ...]
    codes: tuple[AssessmentCode, ...]
    score_expected: int
    score_high: int
    combined_name: str
    combined_subjects: tuple[str, ...]
    mismatches: tuple[Mismatch, ...]
    published: tuple[tuple[int, datetime, datetime, date], ...]
    support_email: str
    support_telephone: str
    support_hours: tuple[str, ...]

    @property
    def windows(self) -> tuple[Window, ...]:
        """The windows as published; the calendar in the table may extend them."""
        return _windows(self.published)

    @property
    def columns(self) -> tuple[Column, ...]:
        """Identity columns and then result columns, in the template's order."""
        return self.identity + self.results

    @property
    def assessments(self) -> tuple[Column, ...]:
        """The teacher assessment columns, in order."""
        return tuple(c for c in self.results if c.kind == "assessment")

    @property
    def scores(self) -> tuple[Column, ...]:
        """The scaled score columns, in order."""
        return tuple(c for c in self.results if c.kind == "score")

    def code(self, code: str) -> AssessmentCode:
        """The assessment code of that name. KeyError if the service has none."""
        for known in self.codes:
            if known.code == code:
                return known
        raise KeyError(code)


def london(moment: datetime) -> datetime:
    """A naive London wall-clock time as an aware UTC time."""
    return moment.replace(tzinfo=_zone("Europe/London")).astimezone(_zone("UTC"))


@cache
def _zone(name: str) -> ZoneInfo:
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


@cache
def _windows(published: tuple[tuple[int, datetime, datetime, date], ...]) -> tuple[Window, ...]:
    return tuple(Window(number, london(opens), london(closes), reports) for number, opens, closes, reports in published)


def service_names() -> tuple[str, ...]:
    """The services that have a data file, by name."""
    return tuple(sorted(name.removesuffix(".toml") for name in os.listdir(_FOLDER) if name.endswith(".toml")))


@cache
def load_service(name: str) -> Service:
    """The service of that name, for example `ks1-2023`. UnknownService or BadServiceFile if there is none to be had."""
    if name not in service_names():
        raise UnknownService(name)
    return _read(f"{name}.toml")


def _read(file: str) -> Service:
    try:
        with open(os.path.join(_FOLDER, file), "rb") as source:
            return parse_service(tomllib.load(source))
    except (KeyError, TypeError, ValueError) as error:
        raise BadServiceFile(f"services/{file}: {type(error).__name__}: {error}") from error


@cache
def with_ruleset(service: Service, ruleset: str) -> Service:
    """The service as the rules of that name have it: itself, or as an earlier service file had it.

    A change of the rules in mid-season keeps the service file that it replaces as `services/rulesets/<ruleset>.toml`:
    a verdict that names those rules can then be reached again. UnknownRuleset if they are not kept; BadServiceFile if
    the file that is kept is another service's or names other rules.
    """
    if ruleset == service.ruleset:
        return service
    file = f"rulesets/{ruleset}.toml"
    if ruleset not in ruleset_names():
        raise UnknownRuleset(ruleset)
    kept = _read(file)
    if (kept.name, kept.ruleset) != (service.name, ruleset):
        raise BadServiceFile(f"services/{file}: it is the service {kept.name} under the rules {kept.ruleset}")
    return kept


def ruleset_names() -> tuple[str, ...]:
    """The rules that are no longer in force and are kept, by name."""
    folder = os.path.join(_FOLDER, "rulesets")
    if not os.path.isdir(folder):
        return ()
    return tuple(sorted(name.removesuffix(".toml") for name in os.listdir(folder) if name.endswith(".toml")))


def parse_service(data: dict[str, Any]) -> Service:
    """A service from the parsed data file. KeyError, TypeError or ValueError where a setting is missing or wrong."""
    identity = tuple(Column(kind="identity", **entry) for entry in data["identity"])
    results = tuple(
        Column(**{**entry, "codes": tuple(entry.get("codes", ()))})  # TOML gives lists
        for entry in data["result"]
    )
    codes = tuple(AssessmentCode(**entry) for entry in data["code"])
    known = {c.code for c in codes}
    for column in results:
        if column.kind not in ("assessment", "score"):
            raise ValueError(f"column {column.key}: kind {column.kind}")
        if not known.issuperset(column.codes):
            raise ValueError(f"column {column.key}: codes without a meaning: {sorted(set(column.codes) - known)}")
        if (column.kind == "assessment") is not bool(column.codes):
            raise ValueError(f"column {column.key}: an assessment column, and no other, lists codes")
        if column.kind == "score" and not 0 < column.minimum < column.maximum:
            raise ValueError(f"column {column.key}: a score needs a minimum below its maximum")
    headings = [c.heading.casefold() for c in identity + results]
    keys = [c.key for c in identity + results]
    if len(set(headings)) != len(headings) or len(set(keys)) != len(keys):
        raise ValueError("two columns share a heading or a key")
    published = tuple((w["number"], w["opens"], w["closes"], w["reports"]) for w in data["window"])
    for number, opens, closes, _ in published:
        if not opens < closes:
            raise ValueError(f"window {number} does not close after it opens")
    for (before, _, closes, _), (after, opens, _, _) in pairwise(published):
        if closes > opens or before >= after:
            raise ValueError(f"window {after} does not follow window {before}")
    return Service(
        name=data["service"],
        ruleset=data["ruleset"],
        rules=data.get("rules", 1),
        title=data["title"],
        short_title=data["short_title"],
        year=int(data["year"]),
        nc_year=data["nc_year"],
        year_group=data["year_group"],
        sheet=data["sheet"],
        identity=identity,
        results=results,
        codes=codes,
        score_expected=data["scores"]["expected"],
        score_high=data["scores"]["high"],
        combined_name=data["combined"]["name"],
        combined_subjects=tuple(data["combined"]["subjects"]),
        mismatches=tuple(
            Mismatch(frozenset(m["codes"]), m.get("below"), m.get("any_score", False)) for m in data["mismatch"]
        ),
        published=published,
        support_email=data["support"]["email"],
        support_telephone=data["support"]["telephone"],
        support_hours=tuple(data["support"]["hours"]),
    )
