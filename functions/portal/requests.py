"""What the API takes in, checked at its edge: the one source of what its contract says of bodies and queries."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from early_results import ids
from early_results.access import Role
from early_results.counting.uploads import SHOWN_STATUSES

from .limits import LONGEST_NAME, MOST_BASE64, MOST_CORRECTIONS, MOST_FILES
from .problems import MOST_PLACES, Problem, bad_request

# A file name has no control characters, and something in it that is not a space of any kind.
_SPACES = r"\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
NAME = rf"^[^\x00-\x1f\x7f]*[^\x00-\x1f\x7f{_SPACES}][^\x00-\x1f\x7f]*$"

School = Annotated[str, Field(pattern=f"^{ids.SCHOOL}$", description="A DfE number.", examples=["1231234"])]
Organisation = Annotated[
    str,
    Field(
        pattern=f"^(SCHOOL#{ids.SCHOOL}|TRUST#{ids.TRUST})$",
        description="A school or a trust.",
        examples=["SCHOOL#1231234"],
    ),
]
ServiceName = Annotated[str, Field(min_length=1, max_length=40, description="A service.", examples=["ks1-2023"])]
WindowNumber = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,2}$", description="A window's number.", examples=["1"])]
UploadId = Annotated[str, Field(pattern=f"^{ids.ULID}$", description="An upload id, a ULID.")]

# Operators act for no organisation, so they name the one they ask about.
NEEDED_BY_OPERATORS = Field(json_schema_extra={"x-needed-by": [Role.OPERATOR.value]})
# A user who acts for one school need not name it.
NEEDED_BY_MANY = Field(json_schema_extra={"x-needed-by": [Role.TRUST.value, Role.OPERATOR.value]})


def _whole(number: Any) -> Any:
    """JSON has one kind of number: 100.0 is 100."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


# Marks that reverse the direction of writing: with one, "gpj.exe" is shown as "exe.jpg".
_TURNS = dict.fromkeys(map(ord, "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))


def _without_turns(name: Any) -> Any:
    """A file name without marks of direction. Nobody types them on purpose, and names are shown to other people."""
    return name.translate(_TURNS) if isinstance(name, str) else name


class FileToUpload(BaseModel):
    """One file of an upload: its name on the user's computer and its size in bytes."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(max_length=LONGEST_NAME, pattern=NAME), BeforeValidator(_without_turns)]
    size: Annotated[int, Field(ge=0, le=2**53), BeforeValidator(_whole)]


class UploadRequest(BaseModel):
    """The body of POST /uploads: one file or many, of one service."""

    model_config = ConfigDict(extra="forbid", strict=True)

    service: ServiceName
    files: Annotated[list[FileToUpload], Field(min_length=1, max_length=MOST_FILES)]


class SaidRepair(BaseModel):
    """What a person has said of a word of an export: which code of which column it stands for."""

    model_config = ConfigDict(extra="forbid", strict=True)

    column: Annotated[str, Field(max_length=40, description="The key of one of the template's columns.")]
    word: Annotated[str, Field(max_length=32_767, description="As the proposal has it.")]
    code: Annotated[str, Field(max_length=40, description="Empty: the word is left as it is.")]


class MatchRequest(BaseModel):
    """The body of POST /services/{service}/match and .../match/workbook: an export, and what has been said of it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    school: School | None = None
    file: Annotated[
        str, Field(max_length=MOST_BASE64, description="A CSV file or a workbook in base64, 4 MB at most as such.")
    ]
    columns: (
        Annotated[
            dict[str, Annotated[int, Field(ge=1, le=16_384), BeforeValidator(_whole)]],
            Field(max_length=200, description="The export's column (1 is A) by the key of the template's."),
        ]
        | None
    ) = None
    repairs: Annotated[list[SaidRepair], Field(max_length=1_000)] | None = None


class Correction(BaseModel):
    """What a result is to be: of one pupil, in one column."""

    model_config = ConfigDict(extra="forbid", strict=True)

    upn: Annotated[str, Field(min_length=1, max_length=40, description="The pupil, as the corrections name them.")]
    column: Annotated[str, Field(min_length=1, max_length=40, description="The key of a column of results.")]
    value: Annotated[str, Field(max_length=40, description="A code or a number; empty: the cell is left blank.")]


class CorrectionsRequest(BaseModel):
    """The body of POST /uploads/{upload_id}/corrections: every cell with an error, corrected."""

    model_config = ConfigDict(extra="forbid", strict=True)

    roster_version: Annotated[str, Field(max_length=100, description="As the corrections have it.")]
    cells: Annotated[list[Correction], Field(max_length=MOST_CORRECTIONS)]


class MailWishes(BaseModel):
    """The body of PUT /me/mail: what the user wants to be told by e-mail."""

    model_config = ConfigDict(extra="forbid", strict=True)

    verdict: Annotated[bool, Field(description="The verdict on each file that I send, with its receipt.")]
    reminder: Annotated[
        bool, Field(description="Five days, one day and two hours before a close, while no good file has come.")
    ]
    frozen: Annotated[bool, Field(description="What counts once a window is closed for good.")]
    report: Annotated[bool, Field(description="That a report can be downloaded.")]


class TemplateQuery(BaseModel):
    """The query of GET /services/{service}/template."""

    school: Annotated[School | None, NEEDED_BY_MANY] = None


class UploadsQuery(BaseModel):
    """The query of GET /uploads."""

    organisation: Annotated[Organisation | None, NEEDED_BY_OPERATORS] = None
    status: Annotated[Literal[SHOWN_STATUSES] | None, Field(description="The status that people see.")] = None  # type: ignore[valid-type]
    year: Annotated[str, Field(pattern=r"^[0-9]{4}$", description="The year of the service.")] | None = None
    service: ServiceName | None = None
    find: (
        Annotated[
            str,
            Field(min_length=1, max_length=60, description="Uploads of this reference, or with this in their name."),
        ]
        | None
    ) = None
    cursor: Annotated[UploadId, Field(description="The cursor of the page before.")] | None = None


class FindingsQuery(BaseModel):
    """The query of GET /uploads/{id}/findings."""

    format: Annotated[Literal["json", "csv", "xlsx"], Field(description="The form of the list.")] = "json"


class ReportsQuery(BaseModel):
    """The query of GET /reports."""

    service: ServiceName | None = None
    window: WindowNumber | None = None
    school: Annotated[School | None, NEEDED_BY_OPERATORS] = None


class ReportQuery(BaseModel):
    """The query of GET /reports/{service}/{window}/{school}."""

    format: Annotated[
        Literal["pdf", "staff", "xlsx"],
        Field(
            description="The form of the report: `pdf` may be shown to governors, `staff` is the PDF with the list of "
            "pupils, for those who act for the school, `xlsx` the workbook."
        ),
    ] = "pdf"


class OverviewsQuery(BaseModel):
    """The query of GET /overviews."""

    service: ServiceName | None = None
    window: WindowNumber | None = None


class OverviewQuery(BaseModel):
    """The query of GET /overviews/{service}/{window}."""

    format: Annotated[Literal["pdf", "xlsx"], Field(description="The form of the report.")] = "pdf"


StandingName = Literal["submitted", "only-errors", "nothing"]
_STANDING = "|".join(get_args(StandingName))


class FiguresQuery(BaseModel):
    """The query of GET /figures/{service}/{window}."""

    school: Annotated[School, Field(description="This school alone.")] | None = None
    format: Annotated[Literal["json", "csv"], Field(description="The form of the figures.")] = "json"
    cursor: Annotated[School, Field(description="The cursor of the page before.")] | None = None


class BoardQuery(BaseModel):
    """The query of GET /windows/{service}/{window}."""

    authority: (
        Annotated[str, Field(pattern=f"^{ids.AUTHORITY}$", description="Schools of one local authority.")] | None
    ) = None
    trust: (
        Annotated[
            str,
            Field(
                pattern=r"^([A-Za-z0-9._-]{1,40}|\(none\))$", description="Schools of one trust; `(none)`: of no trust."
            ),
        ]
        | None
    ) = None
    standing: (
        Annotated[
            str,
            Field(
                pattern=rf"^({_STANDING})(,({_STANDING})){{0,2}}$",
                description="Schools that stand so; several standings with commas between them.",
                examples=["only-errors,nothing"],
            ),
        ]
        | None
    ) = None
    find: (
        Annotated[
            str,
            Field(
                min_length=1,
                max_length=60,
                description="Schools with this in their DfE number or name, or whose latest file has this reference.",
            ),
        ]
        | None
    ) = None
    limit: Annotated[
        str, Field(pattern=r"^([1-9][0-9]{0,2}|1000)$", description="How many schools a page has at most.")
    ] = "1000"
    cursor: Annotated[School, Field(description="The cursor of the page before.")] | None = None


Query = TypeVar("Query", bound=BaseModel)


def query_of(model: type[Query], given: dict[str, str]) -> Query:
    """The query of a request. Problem (400) that names every place that is wrong.

    Unknown names are ignored. An empty value counts as not given, because HTML forms send their empty fields too.
    """
    try:
        return model.model_validate({name: value for name, value in given.items() if value})
    except ValidationError as error:
        places = _places(error)
        wrong = ", ".join(dict.fromkeys(place["place"] for place in places))
        raise bad_request(f"The query is not of the right form: {wrong}.", places) from None


def upload_request(body: str | None) -> UploadRequest:
    """The body as a request. Problem (400) that names every place that is wrong, without quoting what was there."""
    try:
        return UploadRequest.model_validate_json(body or "")
    except ValidationError as error:
        raise _bad(_places(error)) from None


def match_request(body: str | None) -> MatchRequest:
    """The body as a request. Problem (400) that names every place that is wrong, without quoting what was there."""
    return _body_of(MatchRequest, body)


def mail_request(body: str | None) -> MailWishes:
    """The body as a request. Problem (400) that names every place that is wrong, without quoting what was there."""
    return _body_of(MailWishes, body)


def _body_of(model: type[Query], body: str | None) -> Query:
    try:
        return model.model_validate_json(body or "")
    except ValidationError as error:
        places = _places(error)
        wrong = ", ".join(dict.fromkeys(place["place"] for place in places))
        raise bad_request(f"The body is not of the right form: {wrong}.", places) from None


def corrections_request(body: str | None) -> CorrectionsRequest:
    """The body as a request. Problem (400) that names every place that is wrong, without quoting what was there."""
    try:
        return CorrectionsRequest.model_validate_json(body or "")
    except ValidationError as error:
        places = _places(error)
        wrong = ", ".join(dict.fromkeys(place["place"] for place in places))
        raise bad_request(f"The body is not of the right form: {wrong}.", places) from None


def _places(error: ValidationError) -> list[dict[str, str]]:
    found: list[Any] = error.errors(include_input=False, include_url=False, include_context=False)
    return [{"place": ".".join(map(str, one["loc"])) or "body", "message": _words(one)} for one in found[:MOST_PLACES]]


def _words(slip: dict[str, Any]) -> str:
    if slip["type"] == "string_pattern_mismatch" and slip["loc"][-1] == "name":
        return "A file name has no control characters and is not blank"
    return str(slip["msg"])


def _bad(places: list[dict[str, str]]) -> Problem:
    return bad_request(
        'The body must be {"service": "ks1-2023", "files": [{"name": "a.xlsx", "size": 23456}]}, with 1 to '
        f"{MOST_FILES} files.",
        places,
    )
