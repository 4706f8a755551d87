"""The contract of the API: an OpenAPI 3.1 document, served at /api/openapi.json.

What it says of bodies and queries is taken from the models that check them (`requests.py`). What it says of answers is
taken from their types (`answers.py`), and examples are made by the code that answers (`examples.py`). Every problem is
the one that the code answers with (`problems.py`). So these cannot disagree. What is left here cannot be derived: which
operation answers with what. Imported by the one route that serves it, and by tests.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from http import HTTPStatus
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from early_results import ids
from early_results.canonical import sha256
from early_results.counting import forms
from early_results.media import MEDIA_TYPES, XLSX
from early_results.service import service_names

from . import answers, examples, problems
from .limits import PAGE
from .requests import (
    BoardQuery,
    CorrectionsRequest,
    FiguresQuery,
    FindingsQuery,
    MailWishes,
    MatchRequest,
    OverviewQuery,
    OverviewsQuery,
    ReportQuery,
    ReportsQuery,
    TemplateQuery,
    UploadRequest,
    UploadsQuery,
)
from .services import no_pupil_list

Schema = dict[str, Any]
Problems = tuple[problems.Problem, ...]
NEEDED_BY = "x-needed-by"
NOT_GIVEN = {"const": "", "description": "The same as if it were not there."}
JSON = "application/json"


@cache
def document() -> Schema:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Early Results",
            "version": "1",
            "summary": "Schools' assessment workbooks in, verdicts and reports out.",
            "description": (
                "Every route but this document's takes an access token of the service's user pool as "
                "`Authorization: Bearer`. What a user may do comes from the service's own records, never from the "
                "token. Moments are UTC in whole seconds. Everything that goes wrong is a problem document (RFC 9457) "
                "whose `type` is meant for programs and whose `detail` is meant for people; the gateway in front of "
                'the service answers `{"message": ...}` itself where a request does not reach it.\n\n'
                "To upload: `POST /uploads` gives a form for each file; post the form's `fields` and then the file, as "
                "`file`, to its `url` as `multipart/form-data`; ask `GET /uploads/{upload_id}` until `status` is "
                "neither `AWAITING_UPLOAD` nor `CHECKING`. A form that is used twice makes no second upload: the first "
                "file that was received counts.\n\n"
                "A school without pupils of the year group uploads a nil return in a workbook's place: a text of the "
                f"lines {', '.join(f'`{line}`' for line in examples.NIL_RETURN.splitlines())}."
            ),
        },
        "servers": [{"url": ".", "description": "Where this document lies."}],
        "security": [{"access_token": []}],
        "tags": [
            {"name": "people", "description": "Who asks, and the services there are."},
            {"name": "uploads", "description": "Files in, verdicts out, the history."},
            {"name": "reports", "description": "What is built from the frozen files."},
            {"name": "operators", "description": "For operators alone."},
        ],
        "paths": _paths(),
        "components": {
            "securitySchemes": {
                "access_token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "An access token (`token_use` is `access`); an identity token is refused.",
                }
            },
            "schemas": _schemas(),
        },
    }


@cache
def _packed() -> tuple[str, str]:
    text = json.dumps(document(), ensure_ascii=False, separators=(",", ":"))
    return text, f'"{sha256(text.encode())[:16]}"'


def serve(if_none_match: str | None = None) -> Response[str]:
    """The document as it is sent; 304 if the asker has it already."""
    text, tag = _packed()
    headers: dict[str, str | list[str]] = {
        "Cache-Control": "no-cache",
        "ETag": tag,
        "X-Content-Type-Options": "nosniff",
    }
    if if_none_match is not None and tag in if_none_match:
        return Response(HTTPStatus.NOT_MODIFIED.value, JSON, "", headers)
    return Response(HTTPStatus.OK.value, JSON, text, headers)


# ---------------------------------------------------------------- schemas of what is answered and taken in

# The answers that others refer to by name; every other object is written out where it is.
NAMED = (
    answers.Problem,
    answers.Gateway,
    answers.Link,
    answers.Mail,
    answers.Me,
    answers.Window,
    answers.Service,
    answers.SchoolInService,
    answers.Form,
    answers.Refused,
    answers.Finding,
    answers.Receipt,
    answers.Said,
    answers.Upload,
    answers.UploadInFull,
    answers.Report,
    answers.Overview,
    answers.SchoolFigures,
    answers.SchoolOnBoard,
    answers.Board,
)


def _schemas() -> Schema:
    """The schemas of the named answers, and of what is taken in."""
    models: list[tuple[type[BaseModel], Any]] = [
        (UploadRequest, "validation"),
        (MatchRequest, "validation"),
        (CorrectionsRequest, "validation"),
        (MailWishes, "validation"),
    ]
    _, taken_in = models_json_schema(models, ref_template="#/components/schemas/{model}")
    return {**taken_in["$defs"], **{answer.__name__: _object(answer) for answer in NAMED}}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def schema_of(kind: Any) -> Schema:
    """The schema of a type of `answers.py`. TypeError for a type that answers have not been made of so far."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        schema = schema_of(parts[0])
        for said in parts[1:]:
            schema = {**schema, **said.keywords}
        return schema
    if kind in PLAIN:
        return {"type": PLAIN[kind]}
    if origin in (Union, UnionType):
        kinds = [schema_of(part) for part in parts if part is not NoneType]
        schema = kinds[0] if len(kinds) == 1 else {"oneOf": kinds}
        return _or_null(schema) if NoneType in parts else schema
    if origin is Literal:
        return {"const": str(parts[0])} if len(parts) == 1 else _one_of(parts)
    if origin is list:
        return {"type": "array", "items": schema_of(parts[0])}
    if origin is dict:
        return _map(*parts)
    if is_typeddict(kind):
        return _ref(kind.__name__) if kind in NAMED else _object(kind)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return _one_of(kind)
    raise TypeError(f"the contract cannot say what a {kind} is")


PLAIN: dict[Any, str] = {str: "string", int: "integer", bool: "boolean", NoneType: "null"}


def _one_of(values: Iterable[Any]) -> Schema:
    return {"type": "string", "enum": [str(value) for value in values]}


def _or_null(schema: Schema) -> Schema:
    if isinstance(schema.get("type"), str) and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def _map(names: Any, values: Any) -> Schema:
    """An object whose names are not known beforehand: any, one of a few, or those of a pattern."""
    named = {key: value for key, value in schema_of(names).items() if key != "type"}
    if "pattern" in named:
        own = {named["pattern"]: schema_of(values)}
        return {"type": "object", "patternProperties": own, "additionalProperties": False}
    return {
        "type": "object",
        **({"propertyNames": named} if named else {}),
        "additionalProperties": schema_of(values),
    }


def _object(answer: Any) -> Schema:
    """An object with the names of a TypedDict and no others, all required but those that are `NotRequired`."""
    properties: Schema = {}
    required: list[str] = []
    for name, kind in get_type_hints(answer, include_extras=True).items():
        optional = get_origin(kind) is NotRequired
        properties[name] = schema_of(get_args(kind)[0] if optional else kind)
        required += [] if optional else [name]
    described = {"description": " ".join(answer.__doc__.split())} if answer.__doc__ else {}
    if not properties:
        return {"type": "object", "maxProperties": 0, **described}
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
        **described,
    }


# ---------------------------------------------------------------- routes


def _parameter(name: str, schema: Schema, example: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": schema, "example": example}


def _query(model: type[BaseModel]) -> list[Schema]:
    """The query parameters that a model of requests.py checks. `x-needed-by` names the roles that must give it."""
    found = []
    checked = model.model_json_schema()
    for name, field in checked["properties"].items():
        given = {key: value for key, value in field.items() if key not in ("anyOf", "default", "title")}
        schema = {**next((kind for kind in field.get("anyOf", []) if kind["type"] != "null"), {}), **given}
        needed = {NEEDED_BY: schema.pop(NEEDED_BY)} if NEEDED_BY in schema else {}
        description = schema.pop("description")
        required = name in checked.get("required", [])
        if not required:
            schema = {"anyOf": [schema, NOT_GIVEN]}
        if field.get("default") is not None:
            schema["default"] = field["default"]
        found.append(
            {
                "name": name,
                "in": "query",
                "description": description,
                "required": required,
                **needed,
                "schema": schema,
            }
        )
    return found


def _told(found: Problems) -> Schema:
    """The answers that are problems, by status: their kinds, and each as it is told."""
    answers: Schema = {}
    for status in sorted({problem.status for problem in found}):
        same = {problem.kind: problem for problem in found if problem.status is status}
        answers[str(status.value)] = {
            "description": status.phrase,
            **({"headers": RETRY_AFTER} if status is HTTPStatus.TOO_MANY_REQUESTS else {}),
            "content": {
                problems.CONTENT_TYPE: {
                    "schema": {
                        "allOf": [
                            _ref("Problem"),
                            {
                                "properties": {
                                    "type": {"enum": [f"{problems.TYPE}{kind}" for kind in same]},
                                    "status": {"const": status.value},
                                }
                            },
                        ]
                    },
                    "examples": {kind: {"value": problem.document()} for kind, problem in same.items()},
                }
            },
        }
    return answers


RETRY_AFTER: Schema = {
    "Retry-After": {
        "description": "Seconds to wait. The gateway's own answer has none.",
        "schema": {"type": "integer", "minimum": 1},
    }
}
EVERYWHERE = (
    problems.unauthorised(),
    problems.unknown_user(),
    problems.codes_needed(),
    problems.too_many_requests(30),
    problems.our_fault(),
)
NO_SERVICE = problems.no_such_service(service_names())
NO_ADDRESS = problems.not_found("There is no such address in this service.")
NOT_YOURS = problems.forbidden("This school is not one that you act for.")
NO_OVERVIEWS = problems.forbidden("Reports of many schools are for those who act for a trust, and for operators.")
NO_UPLOAD = problems.no_such_upload()
MATCH_PROBLEMS = (
    problems.bad_request("The body is not of the right form: file.", [{"place": "file", "message": "Field required"}]),
    problems.forbidden("Only administrators of a school or of a trust upload files."),
    NO_SERVICE,
    NO_ADDRESS,
    problems.not_matched("There is no column headed UPN, by which the pupils could be found."),
)


NOT_FOR_CORRECTING = problems.forbidden("Only those who act for a school correct its files.")
NO_LIST = no_pupil_list(examples.SERVICE)
NO_ERRORS = "This file has no errors that could be corrected."
CELLS_REQUIRED = {"place": "cells", "message": "Field required"}


def _bad_query(name: str) -> problems.Problem:
    return problems.bad_request(
        f"The query is not of the right form: {name}.",
        [{"place": name, "message": f"String should match pattern '^{ids.SCHOOL}$'"}],
    )


def _operation(
    tag: str, name: str, summary: str, good: Schema, found: Problems, *, status: HTTPStatus = HTTPStatus.OK, **more: Any
) -> Schema:
    """An operation: what it answers if all is well, and every problem it may tell."""
    answers = {str(status.value): good, **_told((*EVERYWHERE, *found))}
    for own, words in ((401, "Unauthorized"), (429, "Too Many Requests"), (503, "Service Unavailable")):
        answer = answers.setdefault(str(own), {"description": HTTPStatus(own).phrase, "content": {}})
        answer["content"][JSON] = {"schema": _ref("Gateway"), "examples": {"gateway": {"value": {"message": words}}}}
    return {"tags": [tag], "operationId": name, "summary": summary, **more, "responses": dict(sorted(answers.items()))}


def _unless_had(operation: Schema) -> Schema:
    """The operation, which says 304 to whoever has its answer already."""
    had = {"description": "The asker has it already (`If-None-Match`)."}
    return {**operation, "responses": dict(sorted({**operation["responses"], "304": had}.items()))}


def _json(description: str, answer: Any, **examples: Any) -> Schema:
    shown = {name: {"value": value} for name, value in examples.items()}
    return {
        "description": description,
        "headers": {
            "Cache-Control": {"required": True, "schema": {"const": "no-store"}},
            "X-Content-Type-Options": {"required": True, "schema": {"const": "nosniff"}},
        },
        "content": {JSON: {"schema": schema_of(answer), "examples": shown}},
    }


def _a_workbook(name: str) -> Schema:
    """The answer with a workbook of that name."""
    return {
        "description": "A workbook.",
        "headers": {
            "Content-Disposition": {
                "required": True,
                "schema": {"type": "string", "pattern": '^attachment; filename="[^"]+"$'},
                "example": f'attachment; filename="{name}"',
            }
        },
        "content": {XLSX: {"schema": {"type": "string", "format": "binary"}}},
    }


def _match_body() -> Schema:
    return {
        "required": True,
        "content": {
            JSON: {"schema": _ref(MatchRequest.__name__), "examples": {"export": {"value": examples.ASKED_MATCH}}}
        },
    }


def _or_csv(answer: Schema) -> Schema:
    """An answer that is CSV where that is asked for; the cursor of its next page is in a header then."""
    cursor = {"description": "With CSV: the cursor of the next page; empty on the last.", "schema": {"type": "string"}}
    csv = {MEDIA_TYPES["csv"]: {"schema": {"type": "string"}, "examples": {"school": {"value": examples.FIGURES_CSV}}}}
    return {
        **answer,
        "headers": {**answer["headers"], "X-Next-Cursor": cursor},
        "content": {**answer["content"], **csv},
    }


def _paths() -> Schema:
    service = _parameter("service", {"type": "string", "enum": list(service_names())}, examples.SERVICE.name)
    window = _parameter("window", {"type": "string", "pattern": "^[1-9][0-9]{0,2}$"}, "1")
    school = _parameter("school", schema_of(answers.School), examples.SCHOOL)
    upload = _parameter("upload_id", schema_of(answers.UploadId), examples.UPLOAD["upload_id"])
    return {
        "/openapi.json": {
            "get": {
                "tags": ["people"],
                "operationId": "contract",
                "summary": "This document. Takes no token.",
                "security": [],
                "responses": {
                    "200": {
                        "description": "This document.",
                        "content": {
                            JSON: {
                                "schema": {"type": "object", "required": ["openapi", "paths"]},
                                "examples": {"beginning": {"value": {"openapi": "3.1.0", "paths": {}}}},
                            }
                        },
                    },
                    "304": {"description": "The asker has it already (`If-None-Match`)."},
                },
            }
        },
        "/me": {
            "get": _operation(
                "people",
                "me",
                "Who I am, my role, and the organisations I act for.",
                _json("The user.", answers.Me, school=examples.ME, trust=examples.OF_TRUST, operator=examples.OPERATOR),
                (),
            )
        },
        "/me/mail": {
            "put": _operation(
                "people",
                "mail",
                "Turns e-mails to me off and on. That somebody overwrote my file I am always told.",
                _json("As it is now.", answers.Mail, some=examples.MAIL),
                (
                    problems.bad_request(
                        "The body is not of the right form: report.", [{"place": "report", "message": "Field required"}]
                    ),
                    problems.forbidden("Operators are told of alarms, and of nothing else by e-mail."),
                    problems.not_found("This service tells nobody anything by e-mail."),
                ),
                requestBody={
                    "required": True,
                    "content": {
                        JSON: {"schema": _ref(MailWishes.__name__), "examples": {"some": {"value": examples.MAIL}}}
                    },
                },
            )
        },
        "/services": {
            "get": _operation(
                "people",
                "services",
                "The services, their windows, which is open, and the seconds to its close.",
                _json(
                    "Every service.",
                    answers.Services,
                    open=examples.SERVICES,
                ),
                (),
            )
        },
        "/services/{service}/schools": {
            "get": _operation(
                "people",
                "schools",
                "The schools I act for: how fresh their rosters are, and which file counts.",
                _json(
                    "The schools; none for operators.",
                    answers.Schools,
                    school={"schools": [examples.IN_SERVICE]},
                    nothing={"schools": [examples.NOTHING_YET]},
                ),
                (NO_SERVICE, NO_ADDRESS),
                parameters=[service],
            )
        },
        "/services/{service}/changes": {
            "get": _unless_had(
                _operation(
                    "people",
                    "changes",
                    "Whether anything may have changed that the other answers tell: what a page asks while it is open.",
                    _json(
                        "A name for the state of my schools' files and reports, and of the calendar; also as `ETag`.",
                        answers.Changes,
                        name={"changes": "9f86d081884c7d65"},
                    ),
                    (NO_SERVICE, NO_ADDRESS),
                    parameters=[service],
                )
            )
        },
        "/services/{service}/template": {
            "get": _operation(
                "uploads",
                "template",
                "The prefilled workbook of a school, made from its roster as it is now.",
                _a_workbook("2023Results-1231234.xlsx"),
                (
                    _bad_query("school"),
                    NOT_YOURS,
                    NO_SERVICE,
                    NO_ADDRESS,
                ),
                parameters=[service, *_query(TemplateQuery)],
            )
        },
        "/services/{service}/match": {
            "post": _operation(
                "uploads",
                "match",
                "How a CSV file or an export of the school's own system would be read. The file is not kept.",
                _json(
                    "The columns that fit, and the first rows as they would be read.",
                    answers.Match,
                    export=examples.MATCH,
                ),
                MATCH_PROBLEMS,
                parameters=[service],
                requestBody=_match_body(),
            )
        },
        "/services/{service}/match/workbook": {
            "post": _operation(
                "uploads",
                "matched",
                "The template workbook with the results of such a file, to be uploaded like any other.",
                _a_workbook("2023Results-1231234-matched.xlsx"),
                MATCH_PROBLEMS,
                parameters=[service],
                requestBody=_match_body(),
            )
        },
        "/uploads": {
            "get": _operation(
                "uploads",
                "uploads",
                "The history, newest first, page by page.",
                _json(
                    f"A page of at most {PAGE}.",
                    answers.Uploads,
                    history={"uploads": [examples.UPLOAD, examples.AWAITED], "cursor": None},
                ),
                (_bad_query("organisation"), NOT_YOURS, NO_SERVICE),
                parameters=_query(UploadsQuery),
            ),
            "post": _operation(
                "uploads",
                "upload",
                "A form for each file, a workbook or a nil return; nothing else is sent here.",
                _json(
                    "A form for each file, in order; a file that is too large has none.",
                    answers.Forms,
                    form=[examples.FORM],
                    refused=[examples.REFUSED],
                ),
                (
                    problems.bad_request("The body must be ...", [{"place": "files.0.name", "message": "..."}]),
                    problems.forbidden("Only administrators of a school or of a trust upload files."),
                    NO_SERVICE,
                    problems.window_closed("The last window closed at 12 noon on Friday 30 June 2023."),
                    problems.too_many_forms(forms.MOST_OF_USER, 240),
                ),
                status=HTTPStatus.CREATED,
                requestBody={
                    "required": True,
                    "content": {
                        JSON: {
                            "schema": _ref(UploadRequest.__name__),
                            "examples": {
                                "one file": {"value": examples.ASKED},
                                "a nil return": {"value": examples.ASKED_NIL},
                            },
                        }
                    },
                },
            ),
        },
        "/uploads/{upload_id}": {
            "parameters": [upload],
            "get": _operation(
                "uploads",
                "oneUpload",
                "One upload in full: status, receipt, findings, what changed since the last good file.",
                _json("The upload.", answers.UploadInFull, good=examples.GOOD, bad=examples.BAD),
                (NO_UPLOAD, NO_ADDRESS),
            ),
            "delete": _operation(
                "uploads",
                "deleteUpload",
                "Deletes an upload, for its uploader: its file, results and reports go; nothing older comes back.",
                {"description": "It is deleted."},
                (
                    problems.forbidden("Only the person who uploaded a file can delete it."),
                    NO_UPLOAD,
                    NO_ADDRESS,
                    problems.still_checking(),
                ),
                status=HTTPStatus.NO_CONTENT,
            ),
        },
        "/uploads/{upload_id}/file": {
            "get": _operation(
                "uploads",
                "file",
                "A short-lived link to the file as it was uploaded.",
                _json("The link.", answers.Link, link=examples.LINK),
                (NO_UPLOAD, problems.not_found("We have not received this file yet.")),
                parameters=[upload],
            )
        },
        "/uploads/{upload_id}/findings": {
            "get": _operation(
                "uploads",
                "findings",
                "A short-lived link to all findings: as JSON, as CSV, or marked in the user's workbook.",
                _json("The link.", answers.Link, link=examples.LINK),
                (_bad_query("format"), NO_UPLOAD, problems.not_found("There is no annotated workbook for this file.")),
                parameters=[upload, *_query(FindingsQuery)],
            )
        },
        "/uploads/{upload_id}/pupils": {
            "get": _operation(
                "uploads",
                "pupils",
                "Whom the findings shown and the changes are about, and what the cells hold: for who acts for the "
                "school. The lists of findings as JSON and CSV have the same for them.",
                _json("The pupils.", answers.UploadPupils, bad=examples.OF_PUPILS, good=examples.CHANGED_PUPILS),
                (problems.forbidden("Only those who act for the school see its pupils."), NO_UPLOAD, NO_ADDRESS),
                parameters=[upload],
            )
        },
        "/uploads/{upload_id}/corrections": {
            "parameters": [upload],
            "get": _operation(
                "uploads",
                "corrections",
                "Which results of a file with errors can be corrected without Excel, and what each takes.",
                _json("The cells with errors.", answers.Corrections, bad=examples.CORRECTIONS),
                (NOT_FOR_CORRECTING, NO_UPLOAD, NO_ADDRESS, NO_LIST, problems.not_corrected(NO_ERRORS)),
            ),
            "post": _operation(
                "uploads",
                "corrected",
                "The template workbook with the file's results and the corrections, to be uploaded like any other.",
                _a_workbook("2023Results-1231234-corrected.xlsx"),
                (
                    problems.bad_request("The body is not of the right form: cells.", [CELLS_REQUIRED]),
                    NOT_FOR_CORRECTING,
                    NO_UPLOAD,
                    NO_ADDRESS,
                    NO_LIST,
                    problems.window_closed("The last window closed at 12 noon on Friday 30 June 2023."),
                    problems.roster_changed(examples.SERVICE.year_group),
                    problems.not_corrected("2 cells are not corrected yet."),
                ),
                requestBody={
                    "required": True,
                    "content": {
                        JSON: {
                            "schema": _ref(CorrectionsRequest.__name__),
                            "examples": {"one cell": {"value": examples.ASKED_CORRECTIONS}},
                        }
                    },
                },
            ),
        },
        "/reports": {
            "get": _operation(
                "reports",
                "reports",
                "The reports of my schools, or of one school.",
                _json(
                    "The reports.",
                    answers.Reports,
                    ready={"reports": [examples.REPORT]},
                    deleted={"reports": [examples.REPORT_OF_DELETED]},
                ),
                (_bad_query("school"), NOT_YOURS, NO_SERVICE),
                parameters=_query(ReportsQuery),
            )
        },
        "/reports/{service}/{window}/{school}": {
            "get": _operation(
                "reports",
                "report",
                "A short-lived link to a school's report.",
                _json("The link.", answers.Link, link=examples.LINK),
                (
                    _bad_query("format"),
                    NOT_YOURS,
                    NO_SERVICE,
                    problems.not_found("The report is still being built. Please try again in a few minutes."),
                ),
                parameters=[service, window, school, *_query(ReportQuery)],
            )
        },
        "/overviews": {
            "get": _operation(
                "reports",
                "overviews",
                "My report of many schools, window by window: a trust's of its schools, or the operators' summary.",
                _json(
                    "The reports.",
                    answers.Overviews,
                    ready={"overviews": [examples.OVERVIEW]},
                    again={"overviews": [examples.OVERVIEW_AGAIN]},
                    operators={"overviews": [examples.OPERATORS_SUMMARY]},
                ),
                (_bad_query("window"), NO_OVERVIEWS, NO_SERVICE),
                parameters=_query(OverviewsQuery),
            )
        },
        "/overviews/{service}/{window}": {
            "get": _operation(
                "reports",
                "overview",
                "A short-lived link to my report of many schools.",
                _json("The link.", answers.Link, link=examples.LINK),
                (
                    _bad_query("format"),
                    NO_OVERVIEWS,
                    NO_SERVICE,
                    problems.not_found("The report is still being built. Please try again in a few minutes."),
                ),
                parameters=[service, window, *_query(OverviewQuery)],
            )
        },
        "/figures/{service}/{window}": {
            "get": _operation(
                "reports",
                "figures",
                "My schools' own figures of a frozen window as numbers of pupils, page by page: JSON or one long CSV.",
                _or_csv(
                    _json(
                        "A page of figures.",
                        answers.Figures,
                        school=examples.FIGURES,
                        nothing={**examples.FIGURES, "schools": []},
                    )
                ),
                (
                    _bad_query("school"),
                    NOT_YOURS,
                    NO_SERVICE,
                    problems.not_found("This window is not frozen yet, so there are no figures."),
                ),
                parameters=[service, window, *_query(FiguresQuery)],
            )
        },
        "/windows/{service}/{window}": {
            "get": _operation(
                "operators",
                "board",
                "The deadline board: who has submitted, who has only errors, who has nothing.",
                _json("The window.", answers.Board, first=examples.BOARD, later=examples.LATER_PAGE),
                (
                    _bad_query("cursor"),
                    problems.forbidden("Only operators see the whole of a window."),
                    NO_SERVICE,
                    problems.not_found("The windows of ks1-2023 are: 1, 2."),
                ),
                parameters=[service, window, *_query(BoardQuery)],
            )
        },
    }
