"""A service: one Early Results collection in one year, read from its data file.

Nothing about a collection is written in Python: columns, codes, ranges, thresholds, rules, words and the calendar come
from `services/<service>.toml`, which docs/services.md explains. A file with an unknown or wrong setting is not loaded;
the exception names the file and the setting, and says what to write.
"""

from __future__ import annotations

import os.path
import tomllib
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

from .guide import SUPPORT, Support

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    LONDON: ZoneInfo
else:

    def __getattr__(name):
        """Makes `LONDON` when it is first asked for. It takes 3 ms to load, and checking a file does not need it."""
        if name == "LONDON":
            return _zone("Europe/London")
        raise AttributeError(f"module {__name__} has no attribute {name}")


# Plain files beside this one: importlib.resources would add 15 ms to every cold start.
_FOLDER = os.path.join(os.path.dirname(__file__), "services")

ColumnKind = Literal["identity", "code", "number", "number-or-code"]
RESULT_KINDS = ("code", "number", "number-or-code")
NUMBER_SETTINGS = ("minimum", "maximum", "expected", "higher", "unreachable")
IDENTITY_KEYS = ("school", "upn", "forename", "surname", "gender", "birth_date", "nc_year")
# A summary uses these names itself, so no combined measure may have one of them as its key.
RESERVED_KEYS = ("pupils", "empty", "code", "score", "band")


LONGEST_LIST = 200  # characters of all codes of a column; Excel takes 255 for a whole list or formula


# Of names that become part of addresses, of keys in buckets and in the table.
_SMALL = "abcdefghijklmnopqrstuvwxyz0123456789"
_LONGEST_NAME = 40
_NOT_IN_SHEETS = "\\/?*[]:'"  # Excel's own rule, and an apostrophe, which parts a sheet's name from a cell
_LONGEST_SHEET = 31


class UnknownService(LookupError):
    """No data file defines this service; the message names it."""


class UnknownRuleset(LookupError):
    """The rules of that name are neither in force nor kept; the message names them."""


class BadServiceFile(ValueError):
    """A service's data file does not say what it must: the message names file and setting, and says what to write."""


class Fate(StrEnum):
    """What a code does to a percentage. A code that is `OUT` leaves its pupil out of the cohort."""

    HIGHER = "higher"
    MET = "met"
    NOT_MET = "not-met"
    OUT = "out"


class Column(NamedTuple):
    """A column of the workbook. The fields after `kind` are set for result columns only.

    A column of kind `code` takes one of `codes`, one of kind `number` a whole number from `minimum` to `maximum`, and
    one of kind `number-or-code` either. `expected` and `higher` are the least numbers that reach the standard and the
    higher one, None where there is no such threshold. `unreachable` are numbers within the range that no mark of the
    year's test leads to.
    """

    key: str
    heading: str
    kind: ColumnKind
    subject: str = ""
    subject_name: str = ""
    codes: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int = 0
    expected: int | None = None
    higher: int | None = None
    unreachable: tuple[int, ...] = ()

    @property
    def has_numbers(self) -> bool:
        """Whether a cell of it may hold a number."""
        return self.kind in ("number", "number-or-code")


class ResultCode(NamedTuple):
    """A code that stands for a result, or for why there is none."""

    code: str
    meaning: str
    fate: Fate

    @property
    def met(self) -> bool:
        """Whether it meets the expected standard."""
        return self.fate in (Fate.MET, Fate.HIGHER)

    @property
    def higher(self) -> bool:
        """Whether it is the higher standard, too."""
        return self.fate is Fate.HIGHER

    @property
    def counted(self) -> bool:
        """Whether its pupils are in the cohort of a percentage."""
        return self.fate is not Fate.OUT


class Mismatch(NamedTuple):
    """Codes that disagree strongly with a number below `below`, or with any number if `any_score` is set."""

    codes: frozenset[str]
    below: int | None
    any_score: bool


class Pair(NamedTuple):
    """Two columns of one subject, by key: its codes and its numbers. They are crossed, and rules may compare them."""

    codes: str
    numbers: str


class Combined(NamedTuple):
    """A measure that a pupil reaches by reaching every one of its parts, which are column keys.

    `reached` is how a sentence says so of pupils, "" where the standard is reached in it as in a subject.
    """

    key: str
    name: str
    parts: tuple[str, ...]
    reached: str = ""


class YearGroup(NamedTuple):
    """Pupils of one year. `measure` is the key of the column or combined measure that is their headline, "" if none."""

    nc_year: str
    name: str
    headline: str = ""
    measure: str = ""


class Words(NamedTuple):
    """What this collection calls things. Each word is written as it stands within a sentence.

    `code` and `number` name one result of either kind, `numbers` several numbers. `expected` is the expected standard,
    `reached` says that it was reached or passed, `reached_short` says so in a table's heading. `higher` is the higher
    standard of codes and of combined measures, `high` that of numbers. `statutory` and `not_statutory_here` are what a
    report and a template say about the statutory return.
    """

    code: str
    number: str
    numbers: str
    expected: str
    reached: str
    reached_short: str
    higher: str
    high: str
    statutory: str
    not_statutory_here: str

    @property
    def one(self) -> str:
        """The last word of `number`, for places where the text around it says which number is meant."""
        return self.number.rpartition(" ")[2]


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

    `together` are groups of columns, by key: if a pupil has a result in one of them and none in another, a warning
    asks for it.
    `notes` tell a report's reader how this collection is counted. `support` is the guide's unless the deployment names
    somebody else.
    """

    name: str
    ruleset: str
    rules: int
    title: str
    short_title: str
    year: int
    sheet: str
    words: Words
    year_groups: tuple[YearGroup, ...]
    identity: tuple[Column, ...]
    results: tuple[Column, ...]
    codes: tuple[ResultCode, ...]
    pairs: tuple[Pair, ...]
    combined: tuple[Combined, ...]
    mismatches: tuple[Mismatch, ...]
    together: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
    published: tuple[tuple[int, datetime, datetime, date], ...]
    support: Support = SUPPORT

    @property
    def windows(self) -> tuple[Window, ...]:
        """The windows as published; the calendar in the table may extend them."""
        return _windows(self.published)

    @property
    def year_group(self) -> str:
        """`Year 2`, or `Year 1 and Year 2`: whose results it collects."""
        return " and ".join(group.name for group in self.year_groups)

    @property
    def columns(self) -> tuple[Column, ...]:
        """Identity columns and then result columns, in the template's order."""
        return self.identity + self.results

    @property
    def assessments(self) -> tuple[Column, ...]:
        """The columns that hold codes and nothing else, in order."""
        return tuple(c for c in self.results if c.kind == "code")

    @property
    def scores(self) -> tuple[Column, ...]:
        """The columns that hold numbers, those that take codes as well included, in order."""
        return tuple(c for c in self.results if c.has_numbers)

    def column(self, key: str) -> Column:
        """The result column of that key. KeyError if the service has none."""
        for column in self.results:
            if column.key == key:
                return column
        raise KeyError(key)

    def code(self, code: str) -> ResultCode:
        """The code of that name. KeyError if the service has none."""
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
    """The service of that name, for example `ks1-2023`.

    UnknownService if it has no file, BadServiceFile if that is wrong.
    """
    if name not in service_names():
        raise UnknownService(name)
    service = _read(f"{name}.toml")
    if service.name != name:
        raise BadServiceFile(f'services/{name}.toml: service: is "{service.name}". Write service = "{name}"')
    return service


def _read(file: str) -> Service:
    with open(os.path.join(_FOLDER, file), "rb") as source:
        return read_service(source.read(), f"services/{file}")


def read_service(text: bytes, file: str) -> Service:
    """The service that a data file's text defines. BadServiceFile, naming `file`, if it does not fit."""
    try:
        return parse_service(tomllib.loads(text.decode("utf-8-sig")))  # some editors write a mark before the text
    except BadServiceFile as error:
        raise BadServiceFile(f"{file}: {error}") from None
    except ValueError as error:  # TOML's own complaint names line and column; text that is not UTF-8 has neither
        raise BadServiceFile(f"{file}: not a TOML file: {error}") from error


@cache
def with_ruleset(service: Service, ruleset: str) -> Service:
    """The service as it was under the ruleset of that name: the service itself, or an earlier version of its file.

    Whoever changes the rules in mid-season keeps the file as it was, as `services/rulesets/<ruleset>.toml`. A verdict
    that names the earlier ruleset can then be reached again. UnknownRuleset if no file is kept for it; BadServiceFile
    if the kept file is of another service or names another ruleset.
    """
    if ruleset == service.ruleset:
        return service
    file = f"rulesets/{ruleset}.toml"
    if ruleset not in ruleset_names():
        raise UnknownRuleset(ruleset)
    kept = _read(file)
    if (kept.name, kept.ruleset) != (service.name, ruleset):
        raise BadServiceFile(f"services/{file}: it is the service {kept.name} under the rules {kept.ruleset}")
    return kept._replace(support=service.support)


def ruleset_names() -> tuple[str, ...]:
    """The names of the rulesets that are no longer in force and whose files are kept."""
    folder = os.path.join(_FOLDER, "rulesets")
    if not os.path.isdir(folder):
        return ()
    return tuple(sorted(name.removesuffix(".toml") for name in os.listdir(folder) if name.endswith(".toml")))


def parse_service(data: dict[str, Any]) -> Service:
    """A service from the parsed data file. BadServiceFile, naming the setting, if one is missing, wrong or unknown."""
    top = _Settings(data, "")
    identity = tuple(_identity(entry) for entry in top.tables("identity"))
    results = tuple(_result(entry) for entry in top.tables("result"))
    codes = tuple(_code(entry) for entry in top.tables("code", least=0))
    pairs = tuple(_pair(entry) for entry in top.tables("pair", least=0))
    combined = tuple(_combined(entry) for entry in top.tables("combined", least=0))
    mismatches = tuple(_mismatch(entry) for entry in top.tables("mismatch", least=0))
    together = tuple(_together(entry) for entry in top.tables("together", least=0))
    words = _words(top.table("words"))
    service = Service(
        name=top.name("service", "-", "small letters, digits and hyphens, such as phonics-2027"),
        ruleset=top.name("ruleset", "-.", "the service's name and a number, such as phonics-2027.1"),
        rules=top.number("rules", 1, 99, default=1),
        title=top.text("title"),
        short_title=top.text("short_title"),
        year=top.number("year", 2000, 2100),
        sheet=_sheet(top),
        words=words,
        year_groups=tuple(_year_group(entry) for entry in top.tables("year_group")),
        identity=identity,
        results=results,
        codes=codes,
        pairs=pairs,
        combined=combined,
        mismatches=mismatches,
        together=together,
        notes=top.texts("notes"),
        published=tuple(_window(entry) for entry in top.tables("window")),
    )
    top.end()
    if str(service.year) not in service.title:
        raise BadServiceFile(f"title: does not name the year. Write {service.year} in it, or another year")
    _check_columns(service)
    _check_codes(service)
    _check_measures(service)
    _check_words(service)
    _check_windows(service)
    return service


_KINDS = {
    str: "a text in quotation marks",
    int: "a whole number without quotation marks",
    float: "a number with a decimal point",
    bool: "true or false, without quotation marks",
    datetime: "a London date and time without an offset, such as 2026-06-26T12:00:00",
    date: "a date such as 2026-07-16",
    list: "a list in square brackets",
    dict: "a table",
}


class _Settings:
    """One table of the file. Each setting is read by name and type; `end` refuses a setting that nothing has read."""

    def __init__(self, data: dict[str, Any], place: str) -> None:
        self._data = data
        self._place = place
        self._asked: set[str] = set()

    def refuse(self, setting: str, told: str) -> BadServiceFile:
        """The exception for a setting of this table, to be raised."""
        return BadServiceFile(f"{self._place}{setting}: {told}")

    def missing(self, setting: str, what: str) -> BadServiceFile:
        """The exception for a setting that is not there. It names one of the file that may be a slip for it."""
        from difflib import get_close_matches

        near = get_close_matches(setting, self._data.keys() - self._asked, 1)
        return self.refuse(setting, f"is missing{f', and {near[0]} is no setting' if near else ''}. Write {what}")

    def name(self, setting: str, signs: str, what: str) -> str:
        """A text of small letters, digits and some signs; `what` says so, with an example, for the message."""
        value = self.text(setting)
        if set(value) - set(_SMALL + signs) or value[0] in signs or len(value) > _LONGEST_NAME:
            raise self.refuse(setting, f'is "{value}". Write {what}, {_LONGEST_NAME} characters at most')
        return value

    def _get(self, setting: str, kind: type, *, needed: bool = True) -> Any:
        self._asked.add(setting)
        value = self._data.get(setting)
        if value is None:
            if needed:
                raise self.missing(setting, _KINDS[kind])
            return None
        # To Python a bool is an int and a datetime is a date. In this file they are different kinds.
        if type(value) is not kind:
            raise self.refuse(setting, f"is {_KINDS.get(type(value), 'something else')}. Write {_KINDS[kind]}")
        return value

    def text(self, setting: str, default: str | None = None) -> str:
        """A text that is not blank."""
        value = self._get(setting, str, needed=default is None)
        if value is None:
            return default or ""
        if not value.strip() or value != value.strip() or not value.isprintable():
            raise self.refuse(setting, "is blank, or has spaces around it or line breaks in it. Write one line of text")
        return cast("str", value)

    def number(self, setting: str, least: int, most: int, default: int | None = None) -> int:
        """A whole number from least to most; the default, where there is one, if the setting is not there."""
        value = self.maybe_number(setting, least, most)
        if value is None:
            value = default
        if value is None:
            raise self.missing(setting, f"{_KINDS[int]}, from {least} to {most}")
        return value

    def maybe_number(self, setting: str, least: int, most: int) -> int | None:
        """A whole number from least to most, or None where the setting is not there."""
        value: int | None = self._get(setting, int, needed=False)
        if value is not None and not least <= value <= most:
            raise self.refuse(setting, f"is {value}. Write a whole number from {least} to {most}")
        return value

    def flag(self, setting: str) -> bool:
        """True or false; false where the setting is not there."""
        return bool(self._get(setting, bool, needed=False))

    def texts(self, setting: str, *, needed: bool = True) -> tuple[str, ...]:
        """A list of texts, each once."""
        values = self._get(setting, list, needed=needed) or ()
        for value in values:
            if not isinstance(value, str) or not value.strip() or not value.isprintable():
                raise self.refuse(setting, 'is a list with something else in it. Write texts only: ["2", "1"]')
        if needed and not values:
            raise self.refuse(setting, "is an empty list. Write at least one text")
        if len(set(values)) != len(values):
            raise self.refuse(setting, "names something twice. Write each once")
        return tuple(values)

    def numbers(self, setting: str, least: int, most: int) -> tuple[int, ...]:
        """A list of whole numbers from least to most, each once; none where the setting is not there."""
        values = self._get(setting, list, needed=False) or ()
        for value in values:
            if type(value) is not int or not least <= value <= most:
                raise self.refuse(setting, f"has something else in it. Write whole numbers from {least} to {most}")
        if len(set(values)) != len(values):
            raise self.refuse(setting, "names a number twice. Write each once")
        return tuple(values)

    def moment(self, setting: str) -> datetime:
        """A London wall-clock time."""
        value = self._get(setting, datetime)
        if value.tzinfo is not None:
            raise self.refuse(setting, f"has an offset. Write {_KINDS[datetime]}")
        return cast("datetime", value)

    def day(self, setting: str) -> date:
        """A date."""
        return cast("date", self._get(setting, date))

    def table(self, setting: str) -> _Settings:
        """The table of that name."""
        if isinstance(self._data.get(setting), list):
            raise self.refuse(setting, f"is there several times. Write it once, as [{setting}]")
        return _Settings(self._get(setting, dict), f"[{setting}] ")

    def tables(self, setting: str, least: int = 1) -> list[_Settings]:
        """The tables of that name. Messages name each by its own key, or by its number in the file if it has none."""
        self._asked.add(setting)
        if setting not in self._data and least:
            raise self.missing(setting, f"at least one [[{setting}]]")
        if isinstance(self._data.get(setting), dict):
            raise self.refuse(setting, f"is one table, and there may be several. Write [[{setting}]] for each")
        values = self._get(setting, list, needed=False) or []
        found = []
        for at, value in enumerate(values, 1):
            if not isinstance(value, dict):
                raise self.refuse(setting, f"is a list. Write a table under [[{setting}]] for each")
            own = next((value[name] for name in ("key", "code", "nc_year", "number") if name in value), None)
            found.append(_Settings(value, f"[[{setting}]] {own if isinstance(own, str | int) else f'no. {at}'}: "))
        if len(found) < least:
            raise self.refuse(setting, f"is empty. Write at least one [[{setting}]]")
        return found

    def none_of(self, settings: tuple[str, ...], told: str) -> None:
        """Refuses settings that only another kind of table has."""
        for setting in settings:
            if setting in self._data:
                raise self.refuse(setting, f"is there, and {told}, or leave it out")

    def end(self) -> None:
        """Refuses settings that nothing has read. Otherwise a misspelt setting would silently have no effect."""
        for setting in self._data:
            if setting not in self._asked:
                from difflib import get_close_matches

                near = get_close_matches(setting, self._asked, 1)
                meant = f"Did you mean {near[0]}?" if near else f"Known here are {', '.join(sorted(self._asked))}"
                raise self.refuse(setting, f"is not a setting of a service file. {meant}")


def _sheet(top: _Settings) -> str:
    sheet = top.text("sheet")
    if len(sheet) > _LONGEST_SHEET or set(sheet) & set(_NOT_IN_SHEETS):
        told = f"{_LONGEST_SHEET} characters at most, and none of {' '.join(_NOT_IN_SHEETS)}"
        raise top.refuse("sheet", f'is "{sheet}". Write a name that Excel takes: {told}')
    return sheet


def _identity(entry: _Settings) -> Column:
    column = Column(entry.text("key"), entry.text("heading"), "identity")
    if column.key not in IDENTITY_KEYS:
        raise entry.refuse("key", f'is "{column.key}". Write one of {", ".join(IDENTITY_KEYS)}')
    entry.end()
    return column


def _result(entry: _Settings) -> Column:
    kind = entry.text("kind")
    if kind not in RESULT_KINDS:
        raise entry.refuse("kind", f'is "{kind}". Write one of {", ".join(RESULT_KINDS)}')
    codes = entry.texts("codes", needed=False)
    if kind != "number" and not codes:
        raise entry.refuse("codes", f'is missing, and a column of kind {kind} takes codes. Write codes = ["...", ...]')
    if kind == "number" and codes:
        raise entry.refuse("codes", "is there, and a column of kind number takes none. Write kind = number-or-code")
    if kind == "code":
        entry.none_of(NUMBER_SETTINGS, "a column of kind code takes no numbers. Write kind = number-or-code")
    if len(",".join(codes)) > LONGEST_LIST:
        raise entry.refuse(
            "codes", f"is longer than Excel's lists. Write {LONGEST_LIST} characters at most, with commas"
        )
    low = high = 0
    expected = higher = None
    unreachable: tuple[int, ...] = ()
    if kind != "code":
        low = entry.number("minimum", 0, 9_998)
        high = entry.number("maximum", low + 1, 9_999)
        expected = entry.maybe_number("expected", low, high)
        higher = entry.maybe_number("higher", low if expected is None else expected + 1, high)
        unreachable = entry.numbers("unreachable", low, high)
    key = entry.name("key", "_", "small letters, digits and _, such as ta_reading")
    column = Column(
        key=key,
        heading=entry.text("heading"),
        kind=cast("ColumnKind", kind),
        subject=entry.text("subject", key),
        subject_name=entry.text("subject_name"),
        codes=codes,
        minimum=low,
        maximum=high,
        expected=expected,
        higher=higher,
        unreachable=unreachable,
    )
    entry.end()
    return column


def _code(entry: _Settings) -> ResultCode:
    fate = entry.text("fate")
    if fate not in tuple(Fate):
        raise entry.refuse("fate", f'is "{fate}". Write one of {", ".join(Fate)}')
    code = ResultCode(entry.text("code"), entry.text("meaning"), Fate(fate))
    if code.code != code.code.upper() or not code.code.isalnum() or not code.code.isascii():
        raise entry.refuse("code", "has small letters, spaces or signs in it. Write capitals and digits")
    entry.end()
    return code


def _pair(entry: _Settings) -> Pair:
    pair = Pair(entry.text("codes"), entry.text("numbers"))
    entry.end()
    return pair


def _combined(entry: _Settings) -> Combined:
    measure = Combined(
        entry.name("key", "_", "small letters, digits and _, such as rwm"),
        entry.text("name"),
        entry.texts("parts"),
        entry.text("reached", ""),
    )
    if measure.key in RESERVED_KEYS:
        raise entry.refuse("key", f"is taken. Write another than {', '.join(RESERVED_KEYS)}")
    entry.end()
    return measure


def _mismatch(entry: _Settings) -> Mismatch:
    rule = Mismatch(frozenset(entry.texts("codes")), entry.maybe_number("below", 1, 9_999), entry.flag("any_score"))
    if (rule.below is None) is not rule.any_score:
        raise entry.refuse("below", "and any_score exclude each other. Write below = 100, or any_score = true")
    entry.end()
    return rule


def _together(entry: _Settings) -> tuple[str, ...]:
    columns = entry.texts("columns")
    if len(columns) < 2:
        raise entry.refuse("columns", "names one column. Write two or more that belong together")
    entry.end()
    return columns


def _year_group(entry: _Settings) -> YearGroup:
    nc_year = entry.text("nc_year")
    if not (nc_year.isascii() and nc_year.replace(" ", "").isalnum()):
        raise entry.refuse("nc_year", f'is "{nc_year}". Write letters and digits, as the school\'s system does: "2"')
    group = YearGroup(nc_year, entry.text("name"), entry.text("headline", ""), entry.text("measure", ""))
    if bool(group.headline) is not bool(group.measure):
        raise entry.refuse("headline", "and measure belong together. Write both, or neither")
    entry.end()
    return group


def _words(entry: _Settings) -> Words:
    words = Words(
        **{name: entry.text(name, "") for name in Words._fields if not name.endswith("statutory")}
        | {"statutory": entry.text("statutory"), "not_statutory_here": entry.text("not_statutory_here")}
    )
    entry.end()
    return words


def _window(entry: _Settings) -> tuple[int, datetime, datetime, date]:
    window = (entry.number("number", 1, 99), entry.moment("opens"), entry.moment("closes"), entry.day("reports"))
    entry.end()
    return window


def _check_columns(service: Service) -> None:
    missing = [key for key in IDENTITY_KEYS if key not in {column.key for column in service.identity}]
    if missing:
        raise BadServiceFile(f"[[identity]] {missing[0]}: is missing. Write the column with its heading")
    headings = ["".join(column.heading.split()).casefold() for column in service.columns]
    keys = [column.key for column in service.columns]
    for at, column in enumerate(service.columns):
        if headings[at] in headings[:at] or column.key in keys[:at]:
            raise BadServiceFile(f"[[result]] {column.key}: two columns share a heading or a key. Write each once")
    years = [group.nc_year for group in service.year_groups]
    if len(set(years)) != len(years):
        raise BadServiceFile("[[year_group]] nc_year: two year groups share it. Write each once")


def _check_codes(service: Service) -> None:
    known = [code.code for code in service.codes]
    if len(set(known)) != len(known):
        raise BadServiceFile("[[code]] code: two codes share a name. Write each once")
    used = {code for column in service.results for code in column.codes}
    for column in service.results:
        for code in column.codes:
            if code not in known:
                raise BadServiceFile(f"[[result]] {column.key}: codes: {code} has no meaning. Write a [[code]] for it")
            if column.has_numbers and code.isdigit():
                raise BadServiceFile(
                    f"[[result]] {column.key}: codes: {code} is a number, and the column takes numbers. "
                    "Write kind = code, or leave the code out"
                )
    for code in known:
        if code not in used:
            raise BadServiceFile(f"[[code]] {code}: no column takes it. Write it among a column's codes")
    for rule in service.mismatches:
        _known(rule.codes, known, "[[mismatch]] codes")


def _check_measures(service: Service) -> None:
    keys = [column.key for column in service.results]
    names = [measure.key for measure in service.combined]
    if len(set(names)) != len(names) or set(names) & set(keys):
        raise BadServiceFile("[[combined]] key: is that of another measure or of a column. Write each once")
    for measure in service.combined:
        _known(measure.parts, keys, f"[[combined]] {measure.key}: parts")
        for part in map(service.column, measure.parts):
            if part.has_numbers and part.expected is None:
                raise BadServiceFile(
                    f"[[combined]] {measure.key}: parts: {part.key} has no threshold to reach. "
                    f"Write expected = ... under [[result]] {part.key}"
                )
            _reachable(service, part, f"[[combined]] {measure.key}: parts")
    for run in service.together:
        _known(run, keys, "[[together]] columns")
    for group in service.year_groups:
        if group.measure:
            _known([group.measure], [*keys, *names], f"[[year_group]] {group.nc_year}: measure")
            if group.measure in keys:
                _reachable(service, service.column(group.measure), f"[[year_group]] {group.nc_year}: measure")
    for pair in service.pairs:
        _known([pair.codes], [column.key for column in service.assessments], "[[pair]] codes")
        _known([pair.numbers], [column.key for column in service.scores], "[[pair]] numbers")
        numbers = service.column(pair.numbers)
        if numbers.expected is None or numbers.higher is None:
            raise BadServiceFile(
                f"[[pair]] numbers: {pair.numbers} is crossed by thresholds. Write its expected and higher"
            )
    if service.mismatches and not service.pairs:
        raise BadServiceFile("[[mismatch]] codes: there is nothing to compare. Write a [[pair]]")


def _reachable(service: Service, column: Column, setting: str) -> None:
    """Refuses a measure that no pupil could ever reach, since no code of its column does."""
    if not column.has_numbers and not any(service.code(code).met for code in column.codes):
        raise BadServiceFile(f"{setting}: no code of {column.key} reaches the standard. Write another column")


def _known(given: Iterable[str], known: Iterable[str], setting: str) -> None:
    choices = list(known)
    for name in sorted(given):
        if name not in choices:
            raise BadServiceFile(f'{setting}: names "{name}". Write one of {", ".join(choices)}')


def _check_words(service: Service) -> None:
    """Refuses a service that lacks a word which its messages and reports need."""
    needed = {
        "code": any(column.codes for column in service.results),
        "number": bool(service.scores),
        "numbers": bool(service.scores),
        "expected": any(code.met for code in service.codes) or any(c.expected is not None for c in service.scores),
        "reached": any(code.met for code in service.codes),
        "reached_short": any(code.met for code in service.codes) or bool(service.combined),
        "higher": any(code.higher for code in service.codes),
        "high": any(column.higher is not None for column in service.scores),
    }
    for name, so in needed.items():
        if so and not getattr(service.words, name):
            raise BadServiceFile(f"[words] {name}: is missing. Write what this collection calls it, in small letters")


def _check_windows(service: Service) -> None:
    for number, opens, closes, reports in service.published:
        if not opens < closes:
            raise BadServiceFile(f"[[window]] {number}: closes: window {number} does not close after it opens")
        if reports < closes.date():
            raise BadServiceFile(f"[[window]] {number}: reports: is before the close. Write a later date")
    for (before, _, closes, _), (after, opens, _, _) in pairwise(service.published):
        if closes > opens or before >= after:
            raise BadServiceFile(f"[[window]] {after}: opens: window {after} does not follow window {before}")
