"""The contract of the API: an OpenAPI 3.1 document, served at /api/openapi.json.

What it says of bodies and queries is taken from the models that check them (`requests.py`), and every problem in it is
the one that the code answers with (`problems.py`), so that these cannot disagree. What it says of answers is held
against real ones by tests/stack/test_openapi.py. Imported by the one route that serves it, and by tests.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from early_results import ids
from early_results.access import Role
from early_results.canonical import sha256
from early_results.checking.changes import Kind
from early_results.checking.messages import title
from early_results.checking.nil import FIRST_LINE
from early_results.counting import forms
from early_results.counting.freeze import State
from early_results.counting.uploads import NEXT_STEPS, SHOWN_FINDINGS, SHOWN_STATUSES, ReportState, Status
from early_results.findings import Code, Severity
from early_results.media import XLSX
from early_results.service import load_service, service_names

from . import problems
from .board import MOST_WAITING, STANDINGS
from .history import PAGE
from .requests import (
    BoardQuery,
    FindingsQuery,
    ReportQuery,
    ReportsQuery,
    TemplateQuery,
    UploadRequest,
    UploadsQuery,
)
from .services import LINK_SECONDS

Schema = dict[str, Any]
Problems = tuple[problems.Problem, ...]
NEEDED_BY = "x-needed-by"
NOT_GIVEN = {"const": "", "description": "The same as if it were not there."}
JSON = "application/json"
# A report that another file's has replaced is told of nobody.
REPORT_STATES = [state for state in ReportState if state is not ReportState.REPLACED]


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
                f"lines `{FIRST_LINE}`, `service: ks2-2026` and `school: 1231234`."
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


# ---------------------------------------------------------------- small parts of schemas


def _object(properties: Schema, *, optional: Iterable[str] = (), **more: Any) -> Schema:
    """An object with these properties and no others, all required but the optional ones."""
    required = [name for name in properties if name not in set(optional)]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False, **more}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _or_null(schema: Schema) -> Schema:
    if isinstance(schema.get("type"), str) and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def _list(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


def _text(description: str = "", **more: Any) -> Schema:
    return {"type": "string", **({"description": description} if description else {}), **more}


def _number(description: str = "", minimum: int = 0) -> Schema:
    return {"type": "integer", "minimum": minimum, **({"description": description} if description else {})}


def _one_of(values: Iterable[str], description: str = "") -> Schema:
    return _text(description, enum=[str(value) for value in values])


MOMENT = _text(format="date-time", pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")
DAY = _text(format="date")
SCHOOL = _text("A DfE number; its first three digits are the local authority.", pattern=f"^{ids.SCHOOL}$")
AUTHORITY = _text("A local authority.", pattern=f"^{ids.AUTHORITY}$")
SERVICE = _text("A service.", pattern=f"^{ids.SERVICE}$")
UPLOAD_ID = _text("A ULID.", pattern=f"^{ids.ULID}$")
WINDOW = _number("A window's number.", 1)
SHA256 = _text("SHA-256, hexadecimal.", pattern="^[0-9a-f]{64}$")
FLAG: Schema = {"type": "boolean"}


# ---------------------------------------------------------------- schemas of answers


def _schemas() -> Schema:
    """The schemas that others refer to by name, and those of what is taken in."""
    models: list[tuple[type[BaseModel], Any]] = [(UploadRequest, "validation")]
    _, taken_in = models_json_schema(models, ref_template="#/components/schemas/{model}")
    return {
        **taken_in["$defs"],
        "Problem": _object(
            {
                "type": _text("Stable, for programs.", format="uri", pattern=f"^{problems.TYPE}[a-z-]+$"),
                "title": _text(),
                "status": {"type": "integer", "minimum": 400, "maximum": 599},
                "detail": _text("For people: what to do next."),
                "errors": _list(_object({"place": _text(), "message": _text()}), minItems=1, maxItems=20),
            },
            optional=["errors"],
        ),
        "Gateway": _object({"message": _text()}, description="An answer of the gateway, not of the service."),
        "Link": _object({"url": _text(f"Good for {LINK_SECONDS} seconds.", format="uri")}),
        "Me": _object(
            {
                "sub": _text("The user's id."),
                "name": _text(),
                "role": _one_of(Role),
                "organisation": _text("Whom the user works for.", pattern=r"^(SCHOOL#\d{7}|TRUST#[\w.-]+|OPERATOR)$"),
                "organisations": _list(
                    _object(
                        {
                            "organisation": _text(pattern=r"^(SCHOOL#\d{7}|TRUST#[\w.-]+)$"),
                            "school": SCHOOL,
                            "name": _text("Empty if it is not known."),
                        },
                        optional=["school"],
                    ),
                    description="Those the user may act for, a trust first and then its schools.",
                ),
                "may_upload": FLAG,
            }
        ),
        "Window": _object(_window()),
        "Service": _service(),
        "SchoolInService": _object(
            {
                "school": SCHOOL,
                "name": _text("Empty if it is not known."),
                "roster": _or_null(_object({"made": MOMENT, "pupils": _number()}, description="How fresh it is.")),
                "current": _or_null(
                    _object(
                        {
                            "upload_id": UPLOAD_ID,
                            "name": _text(),
                            "user": _text(),
                            "received": MOMENT,
                            "window": _or_null(WINDOW),
                        },
                        description="The latest good file of all windows. Which one counts for a window: `windows`.",
                    )
                ),
                "windows": _list(
                    _object(
                        {
                            "window": WINDOW,
                            "upload_id": _or_null(UPLOAD_ID),
                            "received": _or_null(MOMENT),
                            "frozen": {**FLAG, "description": "Whether the window is frozen for the school."},
                            "carried_from": _or_null(
                                _number("The earlier window whose file counts in this one too.", 1)
                            ),
                            "statement": _text("What counts for the school in the window, now, as a sentence."),
                        }
                    ),
                    description="By window: the file that counts. One that is open is overwritten by an upload.",
                ),
            }
        ),
        "Form": _object(
            {
                "upload_id": UPLOAD_ID,
                "name": _text(),
                "status": {"const": Status.AWAITING_UPLOAD.value},
                "post": _object(
                    {
                        "url": _text(format="uri"),
                        "fields": {
                            "type": "object",
                            "description": "To be sent as they are, before the file. Their names are Amazon S3's.",
                            "additionalProperties": {"type": "string"},
                            "required": ["key", "Content-Type", "policy"],
                        },
                    }
                ),
                "expires_at": MOMENT,
                "window": _number(
                    "The window that is open now; the file counts for it if it arrives before its close."
                ),
            },
            description="A presigned form: post it to `url` before it expires.",
        ),
        "Refused": _object(
            {
                "upload_id": UPLOAD_ID,
                "name": _text(),
                "status": {"const": Status.UPLOAD_ERROR.value},
                "post": {"type": "null"},
                "expires_at": {"type": "null"},
                "findings": _list(_ref("Finding"), minItems=1),
            },
            description="A file too large to be taken; it stands in the history as an attempt.",
        ),
        "Finding": _object(
            {
                "code": _one_of(Code, "Stable; new ones may be added."),
                "message": _text("For people."),
                "row": _or_null(_number("The row that Excel shows.", 1)),
                "column": _or_null(_text("The heading of the column.")),
                "cell": _or_null(_text(pattern="^[A-Z]{1,3}[1-9][0-9]*$")),
            },
            description="One thing wrong in a file; row, column and cell are null if it is about the whole file.",
        ),
        "Receipt": _object(
            {
                "sha256": _or_null(SHA256),
                "received": MOMENT,
                "window": _or_null(WINDOW),
                "closes": _or_null(MOMENT),
                "counts": FLAG,
                "because": _text(),
                "statement": _text("The same as one sentence."),
            },
            description="What the uploader is told once the check has ended.",
        ),
        "Said": _object(
            {
                "window": WINDOW,
                "closes": MOMENT,
                "counts": FLAG,
                "because": _text(),
                "statement": _text("The same as one sentence."),
                "frozen": {**FLAG, "description": "Whether the window is frozen for the school."},
                "carried_from": _or_null(_number("The file's own window, where this one carries it on.", 1)),
            },
            description="Whether a file counts for a window, and why: derived from that window alone, as it is now.",
        ),
        "Upload": _object(_upload(), description="A line of the history."),
        "UploadInFull": _upload_in_full(),
        "Report": _report(),
        "SchoolOnBoard": _object(
            {
                "school": SCHOOL,
                "name": _text("Empty if it is not known."),
                "authority": AUTHORITY,
                "trust": _or_null(_text()),
                "standing": _one_of(STANDINGS),
                "upload_id": _or_null(UPLOAD_ID),
                "received": _or_null(MOMENT),
                "carried_from": _or_null(_number("The earlier window whose frozen file counts in this one too.", 1)),
            }
        ),
        "Board": _board(),
    }


def _window() -> Schema:
    return {
        "number": WINDOW,
        "opens": MOMENT,
        "closes": MOMENT,
        "closes_words": _text("London time."),
        "reports": {**DAY, "description": "From when reports are to be had."},
        "reports_words": _text(),
        "state": _one_of(
            State,
            "CLOSING until every file that came in time is settled. A window is not-held, and never frozen, if it had "
            "closed before the service had a first school.",
        ),
        "open": FLAG,
    }


def _service() -> Schema:
    heading = _text("The heading of a column.")
    return _object(
        {
            "service": SERVICE,
            "title": _text(),
            "short_title": _text(),
            "year": _number(),
            "year_group": _text(),
            "support": _object({"email": _text(format="email"), "telephone": _text(), "hours": _list(_text())}),
            "columns": _list(
                {
                    "oneOf": [
                        _object({"heading": heading, "codes": _list(_text(), minItems=1)}),
                        _object({"heading": heading, "minimum": _number(), "maximum": _number()}),
                        _object(
                            {
                                "heading": heading,
                                "codes": _list(_text(), minItems=1),
                                "minimum": _number(),
                                "maximum": _number(),
                            }
                        ),
                    ]
                },
                description="The columns to be filled in, and what each accepts.",
            ),
            "codes": _list(_object({"code": _text(), "meaning": _text()})),
            "max_upload_bytes": _number(),
            "open_window": _or_null(WINDOW),
            "seconds_to_close": _or_null(_number("Of the window that is open.")),
            "windows": _list(_ref("Window")),
        }
    )


def _upload() -> Schema:
    return {
        "upload_id": UPLOAD_ID,
        "name": _text("The file's name on the user's computer."),
        "service": SERVICE,
        "year": _number(),
        "organisation": _text("Whom the uploader worked for.", pattern=r"^(SCHOOL#\d{7}|TRUST#[\w.-]+)$"),
        "school": _or_null(SCHOOL),
        "user": _text(),
        "date": MOMENT,
        "status": _one_of(SHOWN_STATUSES),
        "next_step": _text("For people: what the status means for them."),
        "counts_for_school": {
            **FLAG,
            "description": "Whether it counts for a window: the school's report is, or will be, built from it.",
        },
        "can_delete": FLAG,
        "can_download": FLAG,
        "counts": {
            "anyOf": [
                _object({"pupils": _number(), "errors": _number(), "warnings": _number()}),
                {"type": "object", "maxProperties": 0, "description": "Before a verdict."},
            ]
        },
        "receipt": _or_null(_ref("Receipt")),
        "windows": _list(
            _ref("Said"), description="Its own window, and later ones that carry it on; none before a verdict."
        ),
        "reports": {
            "type": "object",
            "description": "By window: the state of the report that is built from this file.",
            "patternProperties": {"^[1-9][0-9]*$": _one_of(REPORT_STATES)},
            "additionalProperties": False,
        },
    }


def _upload_in_full() -> Schema:
    counts = {kind.value: _number() for kind in Kind}
    return _object(
        {
            **_upload(),
            "findings": _list(_ref("Finding"), maxItems=SHOWN_FINDINGS, description="The first ten, in row order."),
            "rules": {
                "type": "object",
                "description": "What the codes of these findings are called, and whether they block.",
                "propertyNames": {"enum": [code.value for code in Code]},
                "additionalProperties": _object({"title": _text(), "severity": _one_of(Severity)}),
            },
            "changes": _or_null(
                _object(
                    {
                        **counts,
                        "pupils": _number("How many have a result that differs."),
                        "columns": _list(_object({"column": _text(), **counts})),
                        "rows": _list(_number(minimum=1)),
                    },
                    description="Against the school's last good file.",
                )
            ),
            "ruleset": _or_null(_text()),
            "roster_version": _or_null(_text()),
            "replays": _number("How often the form was posted again; only the first file counts."),
            "overwritten_by": _or_null(
                {**UPLOAD_ID, "description": "The upload that took its place as the school's latest good file."}
            ),
        },
        description="One upload in full.",
    )


def _report() -> Schema:
    return _object(
        {
            "service": SERVICE,
            "window": WINDOW,
            "school": SCHOOL,
            "upload_id": UPLOAD_ID,
            "file": _or_null(
                _object(
                    {"name": _text(), "user": _text(), "received": _or_null(MOMENT), "window": _or_null(WINDOW)},
                    description="The frozen file; null if it was deleted since.",
                )
            ),
            "state": _one_of(REPORT_STATES),
            "available": {**FLAG, "description": "Whether it may be downloaded now."},
            "available_from": DAY,
            "available_from_words": _text(),
            "statement": _text("What counts for the school in the window, now, as a sentence."),
        }
    )


def _board() -> Schema:
    standings = {standing: _number() for standing in STANDINGS}
    first = "With the first page alone, whatever its filters: null under a cursor."
    return _object(
        {
            **_window(),
            "service": SERVICE,
            "counts": {**_or_null(_object(standings)), "description": f"Of all schools. {first}"},
            "authorities": _or_null(_list(_object({"authority": AUTHORITY, **standings}), description=first)),
            "trusts": _or_null(
                _list(_object({"trust": _or_null(_text("Null: schools in no trust.")), **standings}), description=first)
            ),
            "found": _or_null(_number("How many schools the filters let through. With the first page alone.")),
            "schools": _list(_ref("SchoolOnBoard"), maxItems=1000, description="In order of their DfE numbers."),
            "cursor": _or_null({**SCHOOL, "description": "For the next page; null on the last."}),
            "waiting": _list(
                _object(
                    {
                        "upload_id": UPLOAD_ID,
                        "school": _or_null(SCHOOL),
                        "status": _one_of(status for status in Status if status is not Status.DELETED),
                        "held": _or_null(_one_of(["parked", "straggler"])),
                        "issued": MOMENT,
                    }
                ),
                maxItems=MOST_WAITING,
                description="Files that are not settled, which a freeze waits for; the oldest first.",
            ),
            "waiting_in_all": _number(),
            "manifest": _object(
                {"key": _or_null(_text()), "version": _or_null(_text()), "sha256": _or_null(SHA256)},
                description="Of what was frozen; nulls before.",
            ),
        }
    )


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
NO_UPLOAD = problems.no_such_upload()


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


def _json(description: str, schema: Schema, **examples: Any) -> Schema:
    shown = {name: {"value": value} for name, value in examples.items()}
    return {
        "description": description,
        "headers": {
            "Cache-Control": {"required": True, "schema": {"const": "no-store"}},
            "X-Content-Type-Options": {"required": True, "schema": {"const": "nosniff"}},
        },
        "content": {JSON: {"schema": schema, "examples": shown}},
    }


def _paths() -> Schema:
    service = _parameter("service", {"type": "string", "enum": list(service_names())}, service_names()[0])
    window = _parameter("window", {"type": "string", "pattern": "^[1-9][0-9]{0,2}$"}, "1")
    school = _parameter("school", SCHOOL, EXAMPLE_SCHOOL)
    upload = _parameter("upload_id", UPLOAD_ID, EXAMPLE_UPLOAD["upload_id"])
    link = {"url": "https://early-results.s3.eu-west-2.amazonaws.com/findings/...?X-Amz-Signature=..."}
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
                _json("The user.", _ref("Me"), school=EXAMPLE_ME, trust=EXAMPLE_TRUST, operator=EXAMPLE_OPERATOR),
                (),
            )
        },
        "/services": {
            "get": _operation(
                "people",
                "services",
                "The services, their windows, which is open, and the seconds to its close.",
                _json(
                    "Every service.",
                    _object({"services": _list(_ref("Service")), "now": MOMENT}),
                    open={"services": [EXAMPLE_SERVICE], "now": "2023-06-29T11:00:00Z"},
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
                    _object({"schools": _list(_ref("SchoolInService"))}),
                    school={"schools": [EXAMPLE_STANDING]},
                    nothing={
                        "schools": [{**EXAMPLE_STANDING, "roster": None, "current": None, "windows": [EXAMPLE_NOTHING]}]
                    },
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
                        _object({"changes": _text(pattern="^[0-9a-f]{16}$")}),
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
                {
                    "description": "A workbook.",
                    "headers": {
                        "Content-Disposition": {
                            "required": True,
                            "schema": _text(pattern='^attachment; filename="[^"]+"$'),
                            "example": 'attachment; filename="2023Results-1231234.xlsx"',
                        }
                    },
                    "content": {XLSX: {"schema": {"type": "string", "format": "binary"}}},
                },
                (
                    _bad_query("school"),
                    NOT_YOURS,
                    NO_SERVICE,
                    NO_ADDRESS,
                ),
                parameters=[service, *_query(TemplateQuery)],
            )
        },
        "/uploads": {
            "get": _operation(
                "uploads",
                "uploads",
                "The history, newest first, page by page.",
                _json(
                    f"A page of at most {PAGE}.",
                    _object(
                        {
                            "uploads": _list(_ref("Upload"), maxItems=PAGE),
                            "cursor": _or_null({**UPLOAD_ID, "description": "For the next page; null on the last."}),
                        }
                    ),
                    history={"uploads": [EXAMPLE_UPLOAD, EXAMPLE_AWAITED], "cursor": None},
                ),
                (_bad_query("organisation"), NOT_YOURS, NO_SERVICE),
                parameters=_query(UploadsQuery),
            ),
            "post": _operation(
                "uploads",
                "upload",
                "A form for each file; nothing else is sent here.",
                _json(
                    "A form for each file, in order; a file that is too large has none.",
                    _list({"oneOf": [_ref("Form"), _ref("Refused")]}, minItems=1),
                    form=[EXAMPLE_FORM],
                    refused=[EXAMPLE_REFUSED],
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
                                "one file": {
                                    "value": {
                                        "service": service_names()[0],
                                        "files": [{"name": EXAMPLE_UPLOAD["name"], "size": 23456}],
                                    }
                                }
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
                _json("The upload.", _ref("UploadInFull"), good=EXAMPLE_GOOD, bad=EXAMPLE_BAD),
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
                _json("The link.", _ref("Link"), link=link),
                (NO_UPLOAD, problems.not_found("We have not received this file yet.")),
                parameters=[upload],
            )
        },
        "/uploads/{upload_id}/findings": {
            "get": _operation(
                "uploads",
                "findings",
                "A short-lived link to all findings: as JSON, as CSV, or marked in the user's workbook.",
                _json("The link.", _ref("Link"), link=link),
                (_bad_query("format"), NO_UPLOAD, problems.not_found("There is no annotated workbook for this file.")),
                parameters=[upload, *_query(FindingsQuery)],
            )
        },
        "/reports": {
            "get": _operation(
                "reports",
                "reports",
                "The reports of my schools, or of one school.",
                _json(
                    "The reports.",
                    _object({"reports": _list(_ref("Report"))}),
                    ready={"reports": [EXAMPLE_REPORT]},
                    deleted={"reports": [{**EXAMPLE_REPORT, "file": None, "available": False, "state": "PROCESSING"}]},
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
                _json("The link.", _ref("Link"), link=link),
                (
                    _bad_query("format"),
                    NOT_YOURS,
                    NO_SERVICE,
                    problems.not_found("The report is still being built. Please try again in a few minutes."),
                ),
                parameters=[service, window, school, *_query(ReportQuery)],
            )
        },
        "/windows/{service}/{window}": {
            "get": _operation(
                "operators",
                "board",
                "The deadline board: who has submitted, who has only errors, who has nothing.",
                _json("The window.", _ref("Board"), first=EXAMPLE_BOARD, later=EXAMPLE_LATER_PAGE),
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


# ---------------------------------------------------------------- examples: one school's season

EXAMPLE_SCHOOL = "1231234"
EXAMPLE_ME: Schema = {
    "sub": "97716142-c53d-4a93-a147-f1a272337dec",
    "name": "school1231234@abctrust.example",
    "role": Role.SCHOOL.value,
    "organisation": "SCHOOL#1231234",
    "organisations": [
        {"organisation": "SCHOOL#1231234", "school": EXAMPLE_SCHOOL, "name": "Holly Lane Primary School"}
    ],
    "may_upload": True,
}
EXAMPLE_TRUST: Schema = {
    **EXAMPLE_ME,
    "name": "matadmin@abctrust.example",
    "role": Role.TRUST.value,
    "organisation": "TRUST#ABC",
    "organisations": [{"organisation": "TRUST#ABC", "name": "ABC Trust"}, *EXAMPLE_ME["organisations"]],
}
EXAMPLE_OPERATOR: Schema = {
    **EXAMPLE_ME,
    "name": "operator@early-results.example",
    "role": Role.OPERATOR.value,
    "organisation": "OPERATOR",
    "organisations": [],
    "may_upload": False,
}
EXAMPLE_WINDOW: Schema = {
    "number": 1,
    "opens": "2023-06-05T08:00:00Z",
    "closes": "2023-06-30T11:00:00Z",
    "closes_words": "12 noon on Friday 30 June 2023",
    "reports": "2023-07-07",
    "reports_words": "Friday 7 July 2023",
    "state": State.OPEN.value,
    "open": True,
}
EXAMPLE_OF = load_service("ks1-2023")
EXAMPLE_SERVICE: Schema = {
    "service": "ks1-2023",
    "title": EXAMPLE_OF.title,
    "short_title": EXAMPLE_OF.short_title,
    "year": EXAMPLE_OF.year,
    "year_group": EXAMPLE_OF.year_group,
    "support": {
        "email": "support@fft.org.uk",
        "telephone": "01446 776 262 (option 2)",
        "hours": ["Monday to Thursday, 8am to 5pm"],
    },
    "columns": [
        {"heading": EXAMPLE_OF.assessments[-1].heading, "codes": list(EXAMPLE_OF.assessments[-1].codes)},
        {
            "heading": EXAMPLE_OF.scores[-1].heading,
            "minimum": EXAMPLE_OF.scores[-1].minimum,
            "maximum": EXAMPLE_OF.scores[-1].maximum,
        },
    ],
    "codes": [{"code": EXAMPLE_OF.codes[1].code, "meaning": EXAMPLE_OF.codes[1].meaning}],
    "max_upload_bytes": 10485760,
    "open_window": 1,
    "seconds_to_close": 86400,
    "windows": [EXAMPLE_WINDOW],
}
EXAMPLE_RECEIPT: Schema = {
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "received": "2023-06-29T10:58:41Z",
    "window": 1,
    "closes": "2023-06-30T11:00:00Z",
    "counts": True,
    "because": "it is the latest successful file received for the school",
    "statement": (
        "Counts for the window closing at 12 noon on Friday 30 June 2023: yes, because it is the latest successful "
        "file received for the school."
    ),
}
EXAMPLE_SAID: Schema = {n: v for n, v in EXAMPLE_RECEIPT.items() if n not in ("sha256", "received")}
EXAMPLE_NOT_COUNTED: Schema = {
    **EXAMPLE_SAID,
    "counts": False,
    "because": "the file contains errors",
    "statement": (
        "Counts for the window closing at 12 noon on Friday 30 June 2023: no, because the file contains errors."
    ),
}
EXAMPLE_UPLOAD: Schema = {
    "upload_id": "01H43Q0F8RZJ4T1D2ZK5N8Q6WX",
    "name": "Results of 1231234.xlsx",
    "service": "ks1-2023",
    "year": 2023,
    "organisation": "SCHOOL#1231234",
    "school": EXAMPLE_SCHOOL,
    "user": EXAMPLE_ME["name"],
    "date": "2023-06-29T10:58:39Z",
    "status": Status.SUCCESSFUL.value,
    "next_step": NEXT_STEPS[Status.SUCCESSFUL.value],
    "counts_for_school": True,
    "can_delete": True,
    "can_download": True,
    "counts": {"pupils": 30, "errors": 0, "warnings": 0},
    "receipt": EXAMPLE_RECEIPT,
    "windows": [{**EXAMPLE_SAID, "frozen": False, "carried_from": None}],
    "reports": {},
}
EXAMPLE_AWAITED: Schema = {
    **EXAMPLE_UPLOAD,
    "upload_id": "01H43PZ9C0V7M2N3P4Q5R6S7T8",
    "status": Status.AWAITING_UPLOAD.value,
    "next_step": NEXT_STEPS[Status.AWAITING_UPLOAD.value],
    "counts_for_school": False,
    "can_delete": False,
    "can_download": False,
    "counts": {},
    "receipt": None,
    "windows": [],
}
EXAMPLE_GOOD: Schema = {
    **EXAMPLE_UPLOAD,
    "findings": [],
    "rules": {},
    "changes": {
        "added": 1,
        "changed": 2,
        "removed": 0,
        "pupils": 2,
        "columns": [{"column": EXAMPLE_OF.scores[-1].heading, "added": 1, "changed": 2, "removed": 0}],
        "rows": [4, 9],
    },
    "ruleset": "ks1-2023.1",
    "roster_version": "20230605T080000Z-0f3a9c1d",
    "replays": 0,
    "overwritten_by": None,
}
EXAMPLE_FINDING: Schema = {
    "code": Code.SCALED_SCORE_RANGE.value,
    "message": "Range must be between 85 to 115 and be whole numbers. Allows empty field",
    "row": 2,
    "column": EXAMPLE_OF.scores[-1].heading,
    "cell": "N2",
}
EXAMPLE_BAD: Schema = {
    **EXAMPLE_GOOD,
    "status": Status.UPLOAD_ERROR.value,
    "next_step": NEXT_STEPS[Status.UPLOAD_ERROR.value],
    "counts_for_school": False,
    "counts": {"pupils": 30, "errors": 1, "warnings": 0},
    "receipt": {**EXAMPLE_RECEIPT, **EXAMPLE_NOT_COUNTED},
    "windows": [{**EXAMPLE_NOT_COUNTED, "frozen": False, "carried_from": None}],
    "findings": [EXAMPLE_FINDING],
    "rules": {
        Code.SCALED_SCORE_RANGE.value: {
            "title": title(Code.SCALED_SCORE_RANGE, load_service(EXAMPLE_SERVICE["service"])),
            "severity": Severity.ERROR.value,
        }
    },
    "changes": None,
}
EXAMPLE_STANDING: Schema = {
    "school": EXAMPLE_SCHOOL,
    "name": "Holly Lane Primary School",
    "roster": {"made": "2023-06-05T08:00:00Z", "pupils": 30},
    "current": {
        "upload_id": EXAMPLE_UPLOAD["upload_id"],
        "name": EXAMPLE_UPLOAD["name"],
        "user": EXAMPLE_UPLOAD["user"],
        "received": EXAMPLE_RECEIPT["received"],
        "window": 1,
    },
    "windows": [
        {
            "window": 1,
            "upload_id": EXAMPLE_UPLOAD["upload_id"],
            "received": EXAMPLE_RECEIPT["received"],
            "frozen": False,
            "carried_from": None,
            "statement": (
                "For the window closing at 12 noon on Friday 30 June 2023 the file received at 11.58.41am on Thursday "
                "29 June 2023 counts, unless a later one overwrites it."
            ),
        }
    ],
}
EXAMPLE_NOTHING: Schema = {
    "window": 1,
    "upload_id": None,
    "received": None,
    "frozen": False,
    "carried_from": None,
    "statement": ("For the window closing at 12 noon on Friday 30 June 2023 no successful file has been received yet."),
}
EXAMPLE_FORM: Schema = {
    "upload_id": EXAMPLE_UPLOAD["upload_id"],
    "name": EXAMPLE_UPLOAD["name"],
    "status": Status.AWAITING_UPLOAD.value,
    "post": {
        "url": "https://early-results-uploads.s3.eu-west-2.amazonaws.com/",
        "fields": {
            "key": f"uploads/ks1-2023/{EXAMPLE_UPLOAD['upload_id']}/file.xlsx",
            "Content-Type": XLSX,
            "policy": "eyJleHBpcmF0aW9uIjog...",
            "x-amz-signature": "...",
        },
    },
    "expires_at": "2023-06-29T11:08:39Z",
    "window": 1,
}
EXAMPLE_REFUSED: Schema = {
    "upload_id": EXAMPLE_AWAITED["upload_id"],
    "name": "everything.xlsx",
    "status": Status.UPLOAD_ERROR.value,
    "post": None,
    "expires_at": None,
    "findings": [
        {
            "code": Code.TOO_LARGE.value,
            "message": "This file is 50 MB. The largest file we can take is 10 MB.",
            "row": None,
            "column": None,
            "cell": None,
        }
    ],
}
EXAMPLE_REPORT: Schema = {
    "service": "ks1-2023",
    "window": 1,
    "school": EXAMPLE_SCHOOL,
    "upload_id": EXAMPLE_UPLOAD["upload_id"],
    "file": {
        "name": EXAMPLE_UPLOAD["name"],
        "user": EXAMPLE_UPLOAD["user"],
        "received": EXAMPLE_RECEIPT["received"],
        "window": 1,
    },
    "state": ReportState.READY.value,
    "available": True,
    "available_from": "2023-07-07",
    "available_from_words": "Friday 7 July 2023",
    "statement": (
        "For the window closing at 12 noon on Friday 30 June 2023 the file received at 11.58.41am on Thursday 29 June "
        "2023 counts: it is the school's frozen file."
    ),
}
EXAMPLE_ON_BOARD: Schema = {
    "school": EXAMPLE_SCHOOL,
    "name": "Holly Lane Primary School",
    "authority": "123",
    "trust": "ABC",
    "standing": "submitted",
    "upload_id": EXAMPLE_UPLOAD["upload_id"],
    "received": EXAMPLE_RECEIPT["received"],
    "carried_from": None,
}
EXAMPLE_BOARD: Schema = {
    **EXAMPLE_WINDOW,
    "service": "ks1-2023",
    "counts": {"submitted": 1, "only-errors": 0, "nothing": 0},
    "authorities": [{"authority": "123", "submitted": 1, "only-errors": 0, "nothing": 0}],
    "trusts": [{"trust": "ABC", "submitted": 1, "only-errors": 0, "nothing": 0}],
    "found": 1,
    "schools": [EXAMPLE_ON_BOARD],
    "cursor": None,
    "waiting": [
        {
            "upload_id": EXAMPLE_AWAITED["upload_id"],
            "school": EXAMPLE_SCHOOL,
            "status": Status.CHECKING.value,
            "held": None,
            "issued": "2023-06-29T10:58:39Z",
        }
    ],
    "waiting_in_all": 1,
    "manifest": {"key": None, "version": None, "sha256": None},
}
EXAMPLE_LATER_PAGE: Schema = {
    **EXAMPLE_BOARD,
    "counts": None,
    "authorities": None,
    "trusts": None,
    "found": None,
    "cursor": EXAMPLE_SCHOOL,
}
