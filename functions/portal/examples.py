"""One school's season, as the API tells it: what the contract shows beside its schemas.

The functions that answer make the examples, from a service file. So an example cannot have a code that its column does
not take, or words that no user ever sees. The people and the file are invented. Imported by the contract.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import date, timedelta
from typing import cast

from adapters.lookups import Place
from early_results.access import Role, User
from early_results.checking import messages
from early_results.checking.changes import Change, Changes, Kind
from early_results.checking.correcting import BadCell, Correctable
from early_results.checking.matching import read_export
from early_results.checking.nil import NilReturn, nil_return
from early_results.checking.pupils import Concerned, FromTo, named
from early_results.checking.roster import Roster
from early_results.counting import verdicts
from early_results.counting.calendar import FORM_LIFETIME, calendar_of
from early_results.counting.freeze import WindowState
from early_results.counting.registers import Mark, facts
from early_results.counting.standing import Standing
from early_results.counting.uploads import ReportState, Status, Upload
from early_results.findings import Code, Finding, cell_reference
from early_results.ids import authority_of, new_ulid
from early_results.media import XLSX
from early_results.reporting.counts import counted_groups
from early_results.reporting.summary import summarise
from early_results.results import Pupil, PupilResults
from early_results.service import Service, load_service, service_names
from early_results.times import to_text

from . import answers
from .correcting import describe_correctable
from .figures import Page, SchoolsFigures, figures_csv, figures_json
from .history import describe, describe_in_full, named_upload
from .matching import describe_match
from .overviews import describe_overview, describe_summary
from .requests import Correction, CorrectionsRequest, FileToUpload, MatchRequest, UploadRequest
from .services import describe_report, describe_service, describe_standing, describe_window


def _of_both_kinds() -> Service:
    """The first service that takes codes and numbers, which shows the most."""
    return next(service for service in map(load_service, service_names()) if service.assessments and service.scores)


SERVICE = _of_both_kinds()
CALENDAR = calendar_of(SERVICE)
WINDOW = CALENDAR.windows[0]
SCHOOL, SCHOOL_NAME, PUPILS = "1231234", "Holly Lane Primary School", 30
TRUST, TRUST_NAME = "ABC", "ABC Trust"
MOST_BYTES = 10 * 1024 * 1024
RECEIVED = WINDOW.closes - timedelta(days=1, seconds=79)
ISSUED = RECEIVED - timedelta(seconds=2)
NOW = RECEIVED + timedelta(seconds=79)  # a day before the close
ROSTER_MADE = WINDOW.opens

USER = User(
    "97716142-c53d-4a93-a147-f1a272337dec",
    f"school{SCHOOL}@abctrust.example",
    Role.SCHOOL,
    f"SCHOOL#{SCHOOL}",
    frozenset({SCHOOL}),
)
_UPLOAD = Upload(
    upload_id=new_ulid(ISSUED, bytes(range(10))),
    service=SERVICE.name,
    user=USER.sub,
    user_name=USER.name,
    organisation=USER.organisation,
    name=f"Results of {SCHOOL}.xlsx",
    size=23456,
    issued=ISSUED,
    expires_at=ISSUED + FORM_LIFETIME,
    status=Status.SUCCESSFUL,
    school=SCHOOL,
    received=RECEIVED,
    version="3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY",
    sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    window=WINDOW.number,
    ruleset=SERVICE.ruleset,
    roster_version="20230605T080000Z-30-0f3a9c1d",
    counts={"pupils": PUPILS, "errors": 0, "warnings": 0},
)
_AWAITED = replace(
    _UPLOAD,
    upload_id=new_ulid(ISSUED, bytes(range(1, 11))),
    status=Status.AWAITING_UPLOAD,
    received=None,
    version=None,
    sha256=None,
    window=None,
    ruleset=None,
    roster_version=None,
    counts={},
)
_ROW, _AT = 2, len(SERVICE.columns)  # the last column of the template
_SCORE = SERVICE.scores[-1]
_FINDING = Finding(
    Code.SCALED_SCORE_RANGE,
    messages.scaled_score_range(_SCORE),
    _ROW,
    _SCORE.heading,
    cell_reference(_ROW, _AT),
)
_STANDS = Standing(
    WINDOW.number,
    mark=Mark(RECEIVED, _UPLOAD.upload_id, deleted=False),
    upload=_UPLOAD.upload_id,
    last=_UPLOAD.upload_id,
    facts=facts(_UPLOAD),
)
_PLACES = {Place(SERVICE.name, WINDOW.number, SCHOOL): _STANDS}

MAIL: answers.Mail = {"verdict": False, "reminder": True, "frozen": True, "report": True}
ME: answers.Me = {
    "sub": USER.sub,
    "name": USER.name,
    "role": USER.role,
    "organisation": USER.organisation,
    "organisations": [{"organisation": USER.organisation, "school": SCHOOL, "name": SCHOOL_NAME}],
    "may_upload": USER.may_upload(),
    "mail": MAIL,
}
OF_TRUST: answers.Me = {
    **ME,
    "name": "matadmin@abctrust.example",
    "role": Role.TRUST,
    "organisation": f"TRUST#{TRUST}",
    "organisations": [{"organisation": f"TRUST#{TRUST}", "name": TRUST_NAME}, *ME["organisations"]],
}
OPERATOR: answers.Me = {
    **ME,
    "name": "operator@early-results.example",
    "role": Role.OPERATOR,
    "organisation": "OPERATOR",
    "organisations": [],
    "may_upload": False,
    "mail": None,
}

_STATES = {window.number: WindowState() for window in CALENDAR.windows}
SERVICES: answers.Services = {
    "services": [describe_service(SERVICE, CALENDAR, _STATES, MOST_BYTES, NOW)],
    "now": to_text(NOW),
}

UPLOAD = describe(USER, _UPLOAD, CALENDAR, _PLACES)
AWAITED = describe(USER, _AWAITED, CALENDAR, {})
GOOD = describe_in_full(
    USER,
    replace(
        _UPLOAD,
        changes=Changes(
            (
                Change("A1", 4, SERVICE.scores[-1].key, Kind.ADDED),
                Change("A2", 9, SERVICE.scores[-1].key, Kind.CHANGED),
            )
        ).to_json(SERVICE),
    ),
    CALENDAR,
    _PLACES,
)
BAD = describe_in_full(
    USER,
    replace(
        _UPLOAD,
        status=Status.UPLOAD_ERROR,
        counts={**_UPLOAD.counts, "errors": 1},
        findings=(_FINDING.to_json(),),
    ),
    CALENDAR,
    {Place(SERVICE.name, WINDOW.number, SCHOOL): Standing(WINDOW.number)},
)

IN_SERVICE: answers.SchoolInService = {
    "school": SCHOOL,
    "name": SCHOOL_NAME,
    "roster": {"made": to_text(ROSTER_MADE), "pupils": PUPILS},
    "current": {
        "upload_id": _UPLOAD.upload_id,
        "name": _UPLOAD.name,
        "user": USER.name,
        "received": to_text(RECEIVED),
        "window": WINDOW.number,
    },
    "windows": [describe_standing(_STANDS, WINDOW)],
}
NOTHING_YET: answers.SchoolInService = {
    **IN_SERVICE,
    "roster": None,
    "current": None,
    "windows": [describe_standing(Standing(WINDOW.number), WINDOW)],
}

FORM: answers.Form = {
    "upload_id": _AWAITED.upload_id,
    "name": _AWAITED.name,
    "status": Status.AWAITING_UPLOAD,
    "post": {
        "url": "https://early-results-uploads.s3.eu-west-2.amazonaws.com/",
        "fields": {
            "key": _AWAITED.object_key,
            "Content-Type": XLSX,
            "policy": "eyJleHBpcmF0aW9uIjog...",
            "x-amz-signature": "...",
        },
    },
    "expires_at": to_text(_AWAITED.expires_at),
    "window": WINDOW.number,
}
REFUSED: answers.Refused = {
    "upload_id": _AWAITED.upload_id,
    "name": "everything.xlsx",
    "status": Status.UPLOAD_ERROR,
    "post": None,
    "expires_at": None,
    "findings": [cast("answers.Finding", verdicts.too_large(5 * MOST_BYTES, MOST_BYTES).to_json())],
}
NIL_RETURN = nil_return(NilReturn(SERVICE.name, SCHOOL)).decode()
ASKED = UploadRequest(service=SERVICE.name, files=[FileToUpload(name=_UPLOAD.name, size=_UPLOAD.size)]).model_dump()
ASKED_NIL = UploadRequest(
    service=SERVICE.name, files=[FileToUpload(name=f"Nil return {SCHOOL}.txt", size=len(NIL_RETURN))]
).model_dump()
_CODED = next(column for column in SERVICE.assessments if "EXS" in column.codes)
_EXPORT = f"UPN,Reading TA\r\nP123456780000,Expected\r\nP123456780099,{_CODED.codes[0]}\r\n".encode()
_PUPIL = Pupil(SCHOOL, "P123456780000", "A", "Pupil", "Female", None, SERVICE.year_groups[0].nc_year)
ASKED_MATCH = MatchRequest(
    file=base64.b64encode(_EXPORT).decode(), columns={"upn": 1, _CODED.key: 2}, repairs=[]
).model_dump()
_ROSTER = Roster(SCHOOL, "20230605T080000Z-30-0f3a9c1d", ROSTER_MADE, (_PUPIL,))
MATCH = describe_match(
    SERVICE,
    _ROSTER,
    read_export(_EXPORT),
    {"upn": 1, _CODED.key: 2},
    {},
    remembered=False,
)
_CHILD = named(_PUPIL)
OF_PUPILS: answers.UploadPupils = {
    "findings": [cast("answers.FindingOfPupil", Concerned(_FINDING, _CHILD, str(_SCORE.maximum + 1)).to_json())],
    "changes": None,
}
CHANGED_PUPILS: answers.UploadPupils = {
    "findings": [],
    "changes": [cast("answers.FromTo", FromTo(_CHILD, 9, _SCORE.heading, "", str(_SCORE.minimum)).to_json())],
}
_BAD_CELL = BadCell(_CHILD, _ROW, _SCORE.key, str(_SCORE.maximum + 1), _FINDING.message)
CORRECTIONS = describe_correctable(SERVICE, _ROSTER, Correctable((_BAD_CELL,), (), (), ()))
ASKED_CORRECTIONS = CorrectionsRequest(
    roster_version=_ROSTER.version,
    cells=[Correction(upn=_CHILD.upn, column=_SCORE.key, value=str(_SCORE.maximum))],
).model_dump()
LINK: answers.Link = {"url": "https://early-results.s3.eu-west-2.amazonaws.com/findings/...?X-Amz-Signature=..."}

_REPORT = {
    "service": SERVICE.name,
    "window": WINDOW.number,
    "upload_id": _UPLOAD.upload_id,
    "state": ReportState.READY,
}
_FROZEN = replace(_STANDS, sealed=True)
_PUBLISHED = WINDOW.closes + (WINDOW.reports - WINDOW.closes.date())
REPORT = describe_report(USER, _REPORT, _FROZEN, SCHOOL, CALENDAR, _UPLOAD.to_item(), _PUBLISHED)
REPORT_OF_DELETED = describe_report(
    USER,
    {**_REPORT, "state": ReportState.PROCESSING},
    replace(_FROZEN, upload=None, deleted=True),
    SCHOOL,
    CALENDAR,
    replace(_UPLOAD, status=Status.DELETED).to_item(),
    _PUBLISHED,
)

_TRUSTEE = replace(USER, role=Role.TRUST, organisation=f"TRUST#{TRUST}")
_MADE = {"state": ReportState.READY, "schools": {SCHOOL: _UPLOAD.upload_id}}
OVERVIEW = describe_overview(_TRUSTEE, SERVICE, WINDOW, _MADE, [_FROZEN], _PUBLISHED)
OVERVIEW_AGAIN = describe_overview(_TRUSTEE, SERVICE, WINDOW, {**_MADE, "schools": {}}, [_FROZEN], _PUBLISHED)
_MADE_SUMMARY = {"state": ReportState.READY, "changes": "", "schools": 17_000}
OPERATORS_SUMMARY = describe_summary(
    replace(USER, role=Role.OPERATOR, organisation="OPERATOR"), SERVICE, WINDOW, _MADE_SUMMARY, "", _PUBLISHED
)

_TWO = [
    PupilResults(
        Pupil(SCHOOL, f"A{SCHOOL}20{number:03d}", "", "", gender, date(SERVICE.year - 8, month, 1), ""),
        number + 2,
        {column.key: column.codes[number] for column in SERVICE.assessments},
        {column.key: column.minimum + number for column in SERVICE.scores},
    )
    for number, (gender, month) in enumerate((("F", 9), ("M", 5)))
]
_FIGURES = SchoolsFigures(SCHOOL, _FROZEN, *counted_groups(SERVICE, summarise(SERVICE, _TWO), small=True))
FIGURES = figures_json(SERVICE, WINDOW.number, Page([_FIGURES], None))
FIGURES_CSV = figures_csv(SERVICE, WINDOW.number, [_FIGURES])

ON_BOARD: answers.SchoolOnBoard = {
    "school": SCHOOL,
    "name": SCHOOL_NAME,
    "authority": authority_of(SCHOOL),
    "trust": TRUST,
    "standing": "submitted",
    "upload_id": _UPLOAD.upload_id,
    "received": to_text(RECEIVED),
    "carried_from": None,
    "carries_on": None,
}
_ALL: answers.Standings = {"submitted": 1, "only-errors": 0, "nothing": 0}
BOARD: answers.Board = {
    **describe_window(WINDOW, WindowState(), NOW),
    "service": SERVICE.name,
    "counts": _ALL,
    "authorities": [{"authority": authority_of(SCHOOL), **_ALL}],
    "trusts": [{"trust": TRUST, "name": TRUST_NAME, **_ALL}],
    "found": 1,
    "schools": [ON_BOARD],
    "cursor": None,
    "waiting": [
        {
            **named_upload(_AWAITED.upload_id),
            "commands": [],
            "school": SCHOOL,
            "status": Status.CHECKING,
            "held": None,
            "issued": to_text(ISSUED),
        }
    ],
    "waiting_in_all": 1,
    "manifest": {"key": None, "version": None, "sha256": None},
}
LATER_PAGE: answers.Board = {
    **BOARD,
    "counts": None,
    "authorities": None,
    "trusts": None,
    "found": None,
    "cursor": SCHOOL,
}
