"""What the API answers with, as types: mypy holds the code to them, and the contract's schemas are derived from them.

They are plain dictionaries at run time, so an answer costs nothing more than its JSON. The contract alone imports them:
for all other modules they are there for mypy. What JSON Schema says of a value beyond its type, `Says` says. A
docstring is the description of its object, so it is written for whoever reads the contract. `NotRequired` is a name
that some answers leave out. Every other name is always there.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from early_results import ids
from early_results.access import Role
from early_results.counting.freeze import State
from early_results.counting.uploads import SHOWN_FINDINGS, SHOWN_STATUSES, Held, ReportState, Status
from early_results.findings import Code, Severity

from .limits import LINK_SECONDS, MOST_FIGURES, MOST_LEFT_OUT, MOST_SCHOOLS, MOST_WAITING, PAGE
from .problems import MOST_PLACES, TYPE
from .requests import StandingName


class Says:
    """Keywords of JSON Schema for a value, beyond those of its type."""

    def __init__(self, description: str = "", **keywords: Any) -> None:
        self.keywords = {**({"description": description} if description else {}), **keywords}


Number = Annotated[int, Says(minimum=0)]
Ordinal = Annotated[int, Says(minimum=1)]  # a number that counts from 1
Moment = Annotated[str, Says(format="date-time", pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")]
Day = Annotated[str, Says(format="date")]
School = Annotated[
    str,
    Says("A DfE number; its first three digits are the local authority.", pattern=f"^{ids.SCHOOL}$"),
]
Authority = Annotated[str, Says("A local authority.", pattern=f"^{ids.AUTHORITY}$")]
ServiceName = Annotated[str, Says("A service.", pattern=f"^{ids.SERVICE}$")]
UploadId = Annotated[str, Says("A ULID.", pattern=f"^{ids.ULID}$")]
WindowNumber = Annotated[int, Says("A window's number.", minimum=1)]
Sha256 = Annotated[str, Says("SHA-256, hexadecimal.", pattern="^[0-9a-f]{64}$")]
Organisation = Annotated[str, Says(pattern=r"^(SCHOOL#\d{7}|TRUST#[\w.-]+)$")]
SchoolName = Annotated[str, Says("Empty if it is not known.")]
GroupName = Literal["all", "female", "male", "gender-unknown", "autumn", "spring", "summer", "term-unknown"]
Parting = Literal["gender", "term"]
ColumnName = Annotated[str, Says(pattern="^[a-z][a-z0-9_]*$")]
ResultName = Annotated[str, Says(pattern="^[A-Z0-9]+$")]  # a code, or a number
# A report that another file's report has replaced is shown to nobody.
ToldReportState = Literal[ReportState.PROCESSING, ReportState.READY, ReportState.FAILED]
NotDeleted = Literal[
    Status.AWAITING_UPLOAD, Status.CHECKING, Status.SUCCESSFUL, Status.UPLOAD_ERROR, Status.OVERWRITTEN
]
ShownStatus = Annotated[str, Says(enum=list(SHOWN_STATUSES))]


class Link(TypedDict):
    """A link that anybody may follow while it is good."""

    url: Annotated[str, Says(f"Good for {LINK_SECONDS} seconds.", format="uri")]


class MyOrganisation(TypedDict):
    """An organisation that a user may act for."""

    organisation: Organisation
    school: NotRequired[School]
    name: SchoolName


class Mail(TypedDict):
    """What the user is told by e-mail. That somebody overwrote a file of theirs they are always told."""

    verdict: bool
    reminder: bool
    frozen: bool
    report: bool


class Me(TypedDict):
    """The user who asks."""

    sub: Annotated[str, Says("The user's id.")]
    name: str
    role: Role
    organisation: Annotated[
        str,
        Says("Whom the user works for.", pattern=r"^(SCHOOL#\d{7}|TRUST#[\w.-]+|OPERATOR)$"),
    ]
    organisations: Annotated[
        list[MyOrganisation], Says("Those the user may act for, a trust first and then its schools.")
    ]
    may_upload: bool
    mail: Annotated[Mail | None, Says("`null`: this service tells the user nothing by e-mail.")]


class Window(TypedDict):
    """A submission window of a service."""

    number: WindowNumber
    opens: Moment
    closes: Moment
    closes_words: Annotated[str, Says("London time.")]
    reports: Annotated[Day, Says("From when reports are to be had.")]
    reports_words: str
    state: Annotated[
        State,
        Says(
            "CLOSING until every file that came in time is settled. A window is not-held, and never "
            "frozen, if it had closed before the service had a first school."
        ),
    ]
    open: bool


class Support(TypedDict):
    """Whom to ask, and when."""

    email: Annotated[str, Says(format="email")]
    telephone: str
    hours: list[str]


Reference = Annotated[
    str,
    Says(
        "Of the upload, for people; its last letter checks the others.",
        pattern=f"^{ids.REFERENCE}$",
    ),
]
Heading = Annotated[str, Says("The heading of a column.")]


class CodeColumn(TypedDict):
    """A column that takes a code."""

    heading: Heading
    codes: Annotated[list[str], Says(minItems=1)]


class NumberColumn(TypedDict):
    """A column that takes a number."""

    heading: Heading
    minimum: Number
    maximum: Number


class NumberOrCodeColumn(TypedDict):
    """A column that takes a number or a code."""

    heading: Heading
    codes: Annotated[list[str], Says(minItems=1)]
    minimum: Number
    maximum: Number


Column = CodeColumn | NumberColumn | NumberOrCodeColumn


class CodeMeaning(TypedDict):
    """A code, and what it stands for."""

    code: str
    meaning: str


class Service(TypedDict):
    """A collection in one year."""

    service: ServiceName
    title: str
    short_title: str
    year: Number
    year_group: str
    not_statutory: Annotated[str, Says("How a submission stands to the statutory return.")]
    support: Support
    columns: Annotated[list[Column], Says("The columns to be filled in, and what each accepts.")]
    codes: list[CodeMeaning]
    max_upload_bytes: Number
    open_window: WindowNumber | None
    seconds_to_close: Annotated[Number, Says("Of the window that is open.")] | None
    windows: list[Window]


class Services(TypedDict):
    """Every service, the one that closes next first."""

    services: list[Service]
    now: Moment


class RosterFound(TypedDict):
    """How fresh it is."""

    made: Moment
    pupils: Number


class CurrentFile(TypedDict):
    """The latest good file of all windows. Which one counts for a window: `windows`."""

    upload_id: UploadId
    name: str
    user: str
    received: Moment
    window: WindowNumber | None


class SchoolInWindow(TypedDict):
    """The file of a school that counts in a window."""

    window: WindowNumber
    upload_id: UploadId | None
    received: Moment | None
    frozen: Annotated[bool, Says("Whether the window is frozen for the school.")]
    carried_from: Annotated[Ordinal, Says("The earlier window whose file counts in this one too.")] | None
    statement: Annotated[str, Says("What counts for the school in the window, now, as a sentence.")]


class SchoolInService(TypedDict):
    """A school as it stands in a service."""

    school: School
    name: SchoolName
    roster: RosterFound | None
    current: CurrentFile | None
    windows: Annotated[
        list[SchoolInWindow],
        Says("By window: the file that counts. One that is open is overwritten by an upload."),
    ]


class Schools(TypedDict):
    """The schools that a user acts for."""

    schools: list[SchoolInService]


class Changes(TypedDict):
    """A name for a state of things: another name, another state."""

    changes: Annotated[str, Says(pattern="^[0-9a-f]{16}$")]


class Finding(TypedDict):
    """One thing wrong in a file; row, column and cell are null if it is about the whole file."""

    code: Annotated[Code, Says("Stable; new ones may be added.")]
    message: Annotated[str, Says("For people.")]
    row: Annotated[Ordinal, Says("The row that Excel shows.")] | None
    column: Annotated[str, Says("The heading of the column.")] | None
    cell: Annotated[str, Says(pattern="^[A-Z]{1,3}[1-9][0-9]*$")] | None


class PupilNamed(TypedDict):
    """A pupil, as the school's list or else the file names them."""

    upn: str
    forename: str
    surname: str


class FindingOfPupil(Finding):
    """A finding with what it is about, for who may see the school's pupils."""

    pupil: NotRequired[PupilNamed]
    value: NotRequired[Annotated[str, Says("What the cell holds; empty if it is blank.")]]
    pupils: NotRequired[Annotated[list[PupilNamed], Says("Those who are not in the file.", minItems=1)]]


class FromTo(TypedDict):
    """One result that differs from the school's last good file."""

    pupil: PupilNamed
    row: Annotated[Ordinal, Says("The row of this file.")] | None
    column: Annotated[str, Says("The heading of the column.")]
    before: Annotated[str, Says("Empty: there was none.")]
    after: Annotated[str, Says("Empty: there is none.")]


class UploadPupils(TypedDict):
    """Whom an upload's findings and changes are about. It is read from the file each time, and kept nowhere else."""

    findings: Annotated[list[FindingOfPupil], Says("As the upload shows them.", maxItems=SHOWN_FINDINGS)]
    changes: Annotated[list[FromTo], Says("Null if nothing was compared, or the file before is gone.")] | None


class Post(TypedDict):
    """What to post the file to, and with what before it."""

    url: Annotated[str, Says(format="uri")]
    fields: Annotated[
        dict[str, str],
        Says(
            "To be sent as they are, before the file. Their names are Amazon S3's.",
            required=["key", "Content-Type", "policy"],
        ),
    ]


class Form(TypedDict):
    """A presigned form: post it to `url` before it expires."""

    upload_id: UploadId
    name: str
    status: Literal[Status.AWAITING_UPLOAD]
    post: Post
    expires_at: Moment
    window: Annotated[
        Number,
        Says("The window that is open now; the file counts for it if it arrives before its close."),
    ]


class Refused(TypedDict):
    """A file too large to be taken; it stands in the history as an attempt."""

    upload_id: UploadId
    name: str
    status: Literal[Status.UPLOAD_ERROR]
    post: None
    expires_at: None
    findings: Annotated[list[Finding], Says(minItems=1)]


Statement = Annotated[str, Says("The same as one sentence.")]


class Receipt(TypedDict):
    """What the uploader is told once the check has ended."""

    sha256: Sha256 | None
    received: Moment
    window: WindowNumber | None
    closes: Moment | None
    counts: bool
    because: str
    statement: Statement


class Said(TypedDict):
    """Whether a file counts for a window, and why: derived from that window alone, as it is now."""

    window: WindowNumber
    closes: Moment
    counts: bool
    because: str
    statement: Statement
    frozen: Annotated[bool, Says("Whether the window is frozen for the school.")]
    carried_from: Annotated[Ordinal, Says("The file's own window, where this one carries it on.")] | None


class Counts(TypedDict):
    """What the check counted."""

    pupils: Number
    errors: Number
    warnings: Number


class NoCounts(TypedDict):
    """Before a verdict."""


class NamedUpload(TypedDict):
    """An upload by its id, and by the reference that a person can read over the telephone."""

    upload_id: UploadId
    reference: Reference


class Upload(NamedUpload):
    """A line of the history."""

    name: Annotated[str, Says("The file's name on the user's computer.")]
    service: ServiceName
    year: Number
    organisation: Annotated[Organisation, Says("Whom the uploader worked for.")]
    school: School | None
    user: str
    date: Moment
    status: ShownStatus
    next_step: Annotated[str, Says("For people: what the status means for them.")]
    counts_for_school: Annotated[
        bool,
        Says("Whether it counts for a window: the school's report is, or will be, built from it."),
    ]
    can_delete: bool
    can_download: bool
    counts: Counts | NoCounts
    receipt: Receipt | None
    windows: Annotated[list[Said], Says("Its own window, and later ones that carry it on; none before a verdict.")]
    corrected_from: (
        Annotated[NamedUpload, Says("The upload whose results it has, corrected at the page; as the file itself says.")]
        | None
    )
    reports: Annotated[
        dict[Annotated[str, Says(pattern="^[1-9][0-9]*$")], ToldReportState],
        Says("By window: the state of the report that is built from this file."),
    ]


Forms = Annotated[list[Form | Refused], Says(minItems=1)]


class Uploads(TypedDict):
    """A page of the history."""

    note: NotRequired[Annotated[str, Says("Why a search has found nothing.")]]
    uploads: Annotated[list[Upload], Says(maxItems=PAGE)]
    cursor: Annotated[UploadId, Says("For the next page; null on the last.")] | None


class RuleNamed(TypedDict):
    """A finding code in words."""

    title: str
    severity: Severity


class KindsOfChange(TypedDict):
    """How many results differ, by how."""

    added: Number
    changed: Number
    removed: Number


class ChangedColumn(KindsOfChange):
    """How many results of one column differ, by how."""

    column: str


class ChangedResults(KindsOfChange):
    """Against the school's last good file."""

    pupils: Annotated[Number, Says("How many have a result that differs.")]
    columns: list[ChangedColumn]
    rows: list[Ordinal]


class RepairTold(TypedDict):
    """A word that stands for a code in a file that was made of an export."""

    column: Heading
    word: str
    code: str


class UploadInFull(Upload):
    """One upload in full."""

    findings: Annotated[list[Finding], Says("The first ten, in row order.", maxItems=SHOWN_FINDINGS)]
    rules: Annotated[
        dict[Code, RuleNamed], Says("What the codes of these findings are called, and whether they block.")
    ]
    changes: ChangedResults | None
    ruleset: str | None
    roster_version: str | None
    replays: Annotated[Number, Says("How often the form was posted again; only the first file counts.")]
    overwritten_by: Annotated[UploadId, Says("The upload that took its place as the school's latest good file.")] | None
    repairs: Annotated[list[RepairTold], Says("As the file itself says.")]


ColumnKey = Annotated[str, Says("The key of one of the template's columns.")]
TheirColumn = Annotated[int, Says("The export's column; 1 is A.", minimum=1)]


class TheirHeading(TypedDict):
    """A heading of an export."""

    column: TheirColumn
    heading: str


class WantedColumn(TypedDict):
    """A column of the template that an export can fill."""

    key: ColumnKey
    heading: Heading


class RowRead(TypedDict):
    """A row of an export as it would be read, by key."""

    row: Ordinal
    cells: dict[ColumnKey, str]


class OfferedRepair(TypedDict):
    """A word that is no code. It is not taken for one unless that is said."""

    column: ColumnKey
    word: Annotated[str, Says("What the export has.")]
    code: Annotated[str, Says("The code that it may stand for; empty if none is proposed.")]
    said: Annotated[str, Says("The code that was said, now or the last time; empty if none was.")]
    codes: Annotated[list[str], Says("What the column takes.")]


class Match(TypedDict):
    """How an export would be read. Nothing of it is kept."""

    school: School
    remembered: Annotated[bool, Says("Whether the school has matched such columns before.")]
    headings: list[TheirHeading]
    wanted: Annotated[list[WantedColumn], Says("What can be matched.")]
    columns: Annotated[dict[ColumnKey, TheirColumn], Says("Proposed, remembered, or as the request has them.")]
    rows: Annotated[list[RowRead], Says("The first rows.")]
    repairs: list[OfferedRepair]
    pupils: Annotated[Number, Says("On the school's list.")]
    found: Annotated[Number, Says("Of these, with a result in the export.")]
    unknown: Annotated[
        list[Ordinal], Says("The export's rows of pupils who are not on the list.", maxItems=MOST_LEFT_OUT)
    ]
    repeated: Annotated[list[Ordinal], Says("Its rows of pupils who are on an earlier row.", maxItems=MOST_LEFT_OUT)]


class ColumnToCorrect(TypedDict):
    """A column of results with what it takes: codes, numbers in a range, or both."""

    key: ColumnKey
    heading: Heading
    codes: list[str]
    minimum: NotRequired[Number]
    maximum: NotRequired[Number]


class CellToCorrect(TypedDict):
    """A result with an error."""

    pupil: PupilNamed
    row: Ordinal
    column: ColumnKey
    value: Annotated[str, Says("What the cell holds.")]
    message: Annotated[str, Says("For people.")]


class Corrections(TypedDict):
    """What can be corrected of a file without Excel, by the school's list as it is now."""

    school: School
    roster_version: Annotated[str, Says("To be sent back with the corrections.")]
    columns: list[ColumnToCorrect]
    cells: Annotated[list[CellToCorrect], Says("Each must be given.")]
    missing: Annotated[list[PupilNamed], Says("Those who are not in the file: their results may be given.")]
    put_right: Annotated[list[Finding], Says("Errors that a new template is without.")]
    elsewhere: Annotated[
        list[Finding], Says("Errors that must be corrected in Excel. While there is one, nothing can.")
    ]


class FrozenFile(TypedDict):
    """The frozen file; null if it was deleted since."""

    name: str
    user: str
    received: Moment | None
    window: WindowNumber | None


class Report(TypedDict):
    """A school's report of a window."""

    service: ServiceName
    window: WindowNumber
    school: School
    upload_id: UploadId
    file: FrozenFile | None
    state: ToldReportState
    available: Annotated[bool, Says("Whether it may be downloaded now.")]
    available_from: Day
    available_from_words: str
    statement: Annotated[str, Says("What counts for the school in the window, now, as a sentence.")]


class Reports(TypedDict):
    """The reports of a user's schools, or of one school."""

    reports: list[Report]


class Overview(TypedDict):
    """A report of many schools' files of a frozen window: of a trust's schools, or the operators' summary."""

    service: ServiceName
    window: WindowNumber
    kind: Literal["trust", "summary"]
    state: Annotated[ToldReportState, Says("PROCESSING also while it is built again, because a file has changed.")]
    available: Annotated[bool, Says("Whether it may be downloaded now.")]
    available_from: Day
    available_from_words: str
    statement: Annotated[str, Says("Of how many schools it is made, as a sentence; empty while it is being built.")]


class Overviews(TypedDict):
    """The reports of many schools' files that are for the user."""

    overviews: list[Overview]


class Measured(TypedDict):
    """Pupils by what they reached; a standard that there is not here is null."""

    cohort: Annotated[Number, Says("Those that a share is of.")]
    expected: Annotated[Number, Says("The expected standard or above.")] | None
    higher: Annotated[Number, Says("The higher standard.")] | None


class MeasuredColumn(Measured):
    """Pupils of a column by result."""

    counts: Annotated[dict[ResultName, Number], Says("By code or number; those that nobody has are left out.")]


class GroupOfPupils(TypedDict):
    """The counts of one group of a school's pupils."""

    year: Annotated[str, Says("The year group; empty where the service has but one.")]
    group: GroupName
    pupils: Number
    empty: Annotated[Number, Says("Those without any result.")]
    columns: Annotated[dict[ColumnName, MeasuredColumn], Says("By the name of the column in the data set.")]
    combined: Annotated[dict[ColumnName, Measured], Says("By the name of the combined measure.")]


class SchoolFigures(TypedDict):
    """The figures of the file that counts for a school in a frozen window."""

    school: School
    upload_id: UploadId
    received: Moment
    carried_from: Annotated[Ordinal, Says("The earlier window whose file counts in this one too.")] | None
    ruleset: str
    hidden: Annotated[
        list[Parting],
        Says("For operators: groups that are left out, because one of them has fewer than 11 pupils."),
    ]
    groups: list[GroupOfPupils]


class Figures(TypedDict):
    """A page of schools' own figures, in order of their DfE numbers."""

    service: ServiceName
    window: WindowNumber
    schools: Annotated[list[SchoolFigures], Says(maxItems=MOST_FIGURES)]
    cursor: Annotated[School, Says("For the next page; null on the last.")] | None


class SchoolOnBoard(TypedDict):
    """A school on the deadline board."""

    school: School
    name: SchoolName
    authority: Authority
    trust: str | None
    standing: StandingName
    upload_id: UploadId | None
    received: Moment | None
    carried_from: Annotated[Ordinal, Says("The earlier window whose frozen file counts in this one too.")] | None
    carries_on: (
        Annotated[Ordinal, Says("The earlier window whose file will count in this one, unless there is another.")]
        | None
    )


# Schools by how they stand: a name of these has a hyphen, which no class can say.
Standings = TypedDict("Standings", {"submitted": Number, "only-errors": Number, "nothing": Number})


class AuthorityStandings(Standings):
    """The schools of one local authority by how they stand."""

    authority: Authority


class TrustStandings(Standings):
    """The schools of one trust by how they stand."""

    trust: Annotated[str, Says("Null: schools in no trust.")] | None
    name: Annotated[str, Says("Empty if it is not known.")]


class Waiting(NamedUpload):
    """A file that is not settled."""

    commands: Annotated[list[str], Says("What an operator may run to decide it; none if it settles by itself.")]
    school: School | None
    status: NotDeleted
    held: Held | None
    issued: Moment


class Manifest(TypedDict):
    """Of what was frozen; nulls before."""

    key: str | None
    version: str | None
    sha256: Sha256 | None


FIRST_PAGE = "With the first page alone, whatever its filters: null under a cursor."


class Board(Window):
    """A window as operators see it."""

    service: ServiceName
    counts: Annotated[Standings, Says(f"Of all schools. {FIRST_PAGE}")] | None
    authorities: Annotated[list[AuthorityStandings], Says(FIRST_PAGE)] | None
    trusts: Annotated[list[TrustStandings], Says(FIRST_PAGE)] | None
    found: Annotated[Number, Says("How many schools the filters let through. With the first page alone.")] | None
    schools: Annotated[list[SchoolOnBoard], Says("In order of their DfE numbers.", maxItems=MOST_SCHOOLS)]
    cursor: Annotated[School, Says("For the next page; null on the last.")] | None
    waiting: Annotated[
        list[Waiting],
        Says("Files that are not settled, which a freeze waits for; the oldest first.", maxItems=MOST_WAITING),
    ]
    waiting_in_all: Number
    manifest: Manifest


class Slip(TypedDict):
    """A place of a request that is wrong, and why."""

    place: str
    message: str


class Problem(TypedDict):
    """What went wrong (RFC 9457)."""

    type: Annotated[str, Says("Stable, for programs.", format="uri", pattern=f"^{TYPE}[a-z-]+$")]
    title: str
    status: Annotated[int, Says(minimum=400, maximum=599)]
    detail: Annotated[str, Says("For people: what to do next.")]
    errors: NotRequired[Annotated[list[Slip], Says(minItems=1, maxItems=MOST_PLACES)]]


class Gateway(TypedDict):
    """An answer of the gateway, not of the service."""

    message: str
