"""The API's contract: that it is an OpenAPI document, of all routes and no others, strict, with examples that hold."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, is_typeddict

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from early_results.counting.uploads import Held
from early_results.findings import Code
from early_results.media import XLSX
from early_results.service import service_names
from infra.local.client import Answer
from portal import answers, contract, examples, problems, requests
from tests.openapi import Contract, operations, slips_of, validator

FUNCTIONS = Path(contract.__file__).resolve().parents[1]
DOCUMENT: dict[str, Any] = json.loads(json.dumps(contract.document()))
EMPTY = {"204", "304"}


def _answers() -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    for (method, path), operation in operations(DOCUMENT).items():
        for status, answer in operation["responses"].items():
            yield method, path, status, answer


def _examples() -> Iterator[Any]:
    for method, path, status, answer in _answers():
        for kind, media in answer.get("content", {}).items():
            for name, example in media.get("examples", {}).items():
                yield pytest.param(media["schema"], example["value"], id=f"{method} {path} {status} {kind} {name}")
    for (method, path), operation in operations(DOCUMENT).items():
        for kind, media in operation.get("requestBody", {}).get("content", {}).items():
            for name, example in media["examples"].items():
                yield pytest.param(media["schema"], example["value"], id=f"{method} {path} {kind} {name}")
        for parameter in operation.get("parameters", []):
            given = [parameter["example"]] if "example" in parameter else parameter["schema"].get("examples", [])
            for number, example in enumerate(given):
                yield pytest.param(
                    parameter["schema"], example, id=f"{method} {path} parameter {parameter['name']} {number}"
                )


def test_it_is_an_openapi_document() -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_it_has_every_route_of_the_api_and_no_other() -> None:
    from portal.app import app

    routes = {(route.method, route.path) for route in [*app._static_routes, *app._dynamic_routes]}
    api = {(m, re.sub(r"<(\w+)>", r"{\1}", p.removeprefix("/api"))) for m, p in routes if p.startswith("/api/")}
    assert set(operations(DOCUMENT)) == api


def test_every_parameter_of_a_path_is_described() -> None:
    for (method, path), operation in operations(DOCUMENT).items():
        parameters = [*operation.get("parameters", []), *DOCUMENT["paths"][path].get("parameters", [])]
        named = {parameter["name"] for parameter in parameters if parameter["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", path)), (method, path)


@pytest.mark.parametrize(("schema", "value"), list(_examples()))
def test_every_example_holds(schema: dict[str, Any], value: Any) -> None:
    assert slips_of(validator(DOCUMENT, schema), value) == []


PROSE = {"description", "summary", "title", "examples", "example"}
LOCK = Path(__file__).resolve().parents[2] / "openapi.lock"


# What may be added at any time, and no program may be surprised by.
GROWING = {**dict.fromkeys(map(str, Code), "a finding"), **dict.fromkeys(service_names(), "a service")}


def _shape(part: Any, *, names: bool = False) -> Any:
    """A part of the document as a program sees it: without prose, and in one form where JSON Schema has several.

    `names` says that the part's keys are names of properties, which may be called `title` or `description`.
    """
    if isinstance(part, dict):
        if not names and isinstance(part.get("enum"), list):
            part = {**part, "enum": list(dict.fromkeys(GROWING.get(value, value) for value in part["enum"]))}
        kept = {key: _shape(own, names=key == "properties") for key, own in part.items() if names or key not in PROSE}
        if "oneOf" in kept:
            kept["anyOf"] = kept.pop("oneOf")
        if isinstance(kept.get("required"), list):
            kept["required"] = sorted(kept["required"])
        return kept
    if isinstance(part, list):
        return [_shape(own) for own in part]
    return part


def _shapes(document: dict[str, Any]) -> dict[str, str]:
    parts = {f"schema {name}": schema for name, schema in document["components"]["schemas"].items()}
    parts |= {f"{method} {path}": operation for (method, path), operation in operations(document).items()}
    return {
        name: hashlib.sha256(json.dumps(_shape(part), sort_keys=True).encode()).hexdigest()[:16]
        for name, part in sorted(parts.items())
    }


def test_what_clients_rely_on_changes_only_when_it_is_meant_to() -> None:
    locked = dict(line.rsplit(" ", 1) for line in LOCK.read_text(encoding="utf-8").splitlines())
    found = _shapes(DOCUMENT)
    changed = [
        f"{name} {found.get(name)}" for name in sorted(found.keys() | locked) if found.get(name) != locked.get(name)
    ]
    assert not changed, f"Programs see another contract. If that is meant, put into {LOCK.name}: {'; '.join(changed)}"


def test_every_type_of_an_answer_is_in_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    told: set[str] = set()
    write = contract._object

    def noted(kind: Any) -> contract.Schema:
        told.add(kind.__name__)
        return write(kind)

    monkeypatch.setattr(contract, "_object", noted)
    contract._schemas(), contract._paths()
    kinds = {kind.__name__ for kind in vars(answers).values() if is_typeddict(kind)}
    assert kinds - {"KindsOfChange"} == told  # which others are made of


def test_a_type_that_no_schema_is_known_for_is_refused() -> None:
    with pytest.raises(TypeError, match="datetime"):
        contract.schema_of(datetime)


def test_everything_an_upload_can_be_held_for_is_told() -> None:
    waiting = DOCUMENT["components"]["schemas"]["Board"]["properties"]["waiting"]["items"]
    [held] = [kind["enum"] for kind in waiting["properties"]["held"]["anyOf"] if "enum" in kind]
    assert set(held) == {one.value for one in Held}


def test_the_examples_are_of_the_service_file() -> None:
    """No vendor is told of a code that its column does not take."""
    accepted = {column.heading: list(column.codes) for column in examples.SERVICE.results if column.codes}
    [shown] = examples.SERVICES["services"]
    told = json.loads(json.dumps(shown["columns"]))
    assert {column["heading"]: column["codes"] for column in told if "codes" in column} == accepted
    finding = examples.BAD["findings"][0]
    assert finding["column"] in {column.heading for column in examples.SERVICE.results}
    assert len(accepted) > 1


def test_a_nil_return_is_in_the_contract() -> None:
    told = DOCUMENT["info"]["description"]
    assert all(f"`{line}`" in told for line in examples.NIL_RETURN.splitlines())
    asked = DOCUMENT["paths"]["/uploads"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    assert asked["a nil return"]["value"]["files"][0]["size"] == len(examples.NIL_RETURN)


def test_every_answer_has_a_schema_and_an_example() -> None:
    for method, path, status, answer in _answers():
        assert ("content" in answer) == (status not in EMPTY), (method, path, status)
        for kind, media in answer.get("content", {}).items():
            assert media["schema"], (method, path, status, kind)
            assert media.get("examples") or kind == XLSX, (method, path, status, kind)


def test_every_route_but_the_contract_s_own_may_refuse_a_token_and_fail() -> None:
    for (method, path), operation in operations(DOCUMENT).items():
        if path != "/openapi.json":
            assert {"401", "403", "500"} <= set(operation["responses"]), (method, path)
            assert "security" not in operation, (method, path)


def _objects(schema: Any, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, dict):
        if schema.get("type") == "object" and "maxProperties" not in schema:
            yield where, schema
        for name, inner in schema.items():
            if name not in ("examples", "example", "const", "enum", "default"):
                yield from _objects(inner, f"{where}/{name}")
    elif isinstance(schema, list):
        for number, inner in enumerate(schema):
            yield from _objects(inner, f"{where}/{number}")


def test_nothing_is_answered_that_is_not_described() -> None:
    """Every object names all it may hold; the contract's own answer, an OpenAPI document, is another's to describe."""
    paths = {path: item for path, item in DOCUMENT["paths"].items() if path != "/openapi.json"}
    found = list(_objects([DOCUMENT["components"]["schemas"], paths], ""))
    assert len(found) > 30
    assert [where for where, schema in found if "additionalProperties" not in schema] == []
    loose = {where.rsplit("/", 1)[-1] for where, schema in found if schema["additionalProperties"] is not False}
    # S3's own names; finding codes, which are named; keys of a service's columns
    assert loose == {"fields", "rules", "columns", "cells"}


def test_problems_are_those_of_the_code() -> None:
    """Every problem that the portal can make is in the contract, and the contract has no other."""
    made = set(re.findall(r'HTTPStatus\.\w+,\s*"([a-z-]+)"', Path(problems.__file__).read_text(encoding="utf-8")))
    told = {
        name
        for _, _, _, answer in _answers()
        for kind, media in answer.get("content", {}).items()
        if kind == problems.CONTENT_TYPE
        for name in media["examples"]
    }
    assert told == made - {"method-not-allowed"}  # which is told where there is no such operation
    assert len(made) > 10


FILE = {"name": "a.xlsx", "size": 1}
BODIES: list[Any] = [
    {"service": "ks1-2023", "files": [FILE]},
    {"service": "ks1-2023", "files": [FILE] * 500},
    {"service": "ks1-2023", "files": [{"name": "é" * 255, "size": 2**53}]},
    {"service": "ks1-2023", "files": [{"name": " 年 ", "size": 0}]},
    {"service": "ks1-2023", "files": [FILE] * 501},
    {"service": "ks1-2023", "files": []},
    {"service": "ks1-2023"},
    {"service": "", "files": [FILE]},
    {"service": 2023, "files": [FILE]},
    {"service": "ks1-2023", "files": [FILE], "school": "1231234"},
    {"service": "ks1-2023", "files": [{**FILE, "user": "x"}]},
    *(
        {"service": "ks1-2023", "files": [{"name": name, "size": 1}]}
        for name in ("", " ", "\t", "a\nb", "\x7f", "\u2003", "\u00a0", "\u3000x", "x" * 256, 7, None)
    ),
    *(
        {"service": "ks1-2023", "files": [{"name": "a", "size": size}]}
        for size in (-1, 1.5, 100.0, True, 1e300, "1", None, 2**53 + 1)
    ),
    [],
    "x",
    None,
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: json.dumps(body)[:60])
def test_the_code_takes_the_bodies_that_the_contract_allows(body: Any) -> None:
    schema = DOCUMENT["paths"]["/uploads"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    if slips_of(validator(DOCUMENT, schema), body):
        with pytest.raises(problems.Problem):
            requests.upload_request(json.dumps(body))
    else:
        requests.upload_request(json.dumps(body))


QUERIES = [
    (requests.UploadsQuery, "/uploads"),
    (requests.ReportsQuery, "/reports"),
    (requests.BoardQuery, "/windows/{service}/{window}"),
    (requests.FindingsQuery, "/uploads/{upload_id}/findings"),
    (requests.ReportQuery, "/reports/{service}/{window}/{school}"),
    (requests.TemplateQuery, "/services/{service}/template"),
]
VALUES = (
    *("", " ", "x", "1", "0", "01", "12", "123", "1000", "1001", "1231234", "１２３４５６７", "123123４", "1231234\n"),
    *("ks1-2023", "2023", "SUCCESSFUL", "DELETED", "successful", "json", "pdf", "xlsx", "csv", "exe", "x" * 61),
    *("SCHOOL#1231234", "SCHOOL#12", "TRUST#ABC", "TRUST#", "OPERATOR", "(none)", "none", "submitted", "nothing,x"),
    *("only-errors,nothing", "nothing,", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "81ARZ3NDEKTSV4RRFFQ69G5FAV", "9" * 5000),
)


@pytest.mark.parametrize(("model", "path"), QUERIES)
def test_the_code_takes_the_queries_that_the_contract_allows(model: type[Any], path: str) -> None:
    parameters = [p for p in DOCUMENT["paths"][path]["get"]["parameters"] if p["in"] == "query"]
    assert {p["name"] for p in parameters} == set(model.model_fields)
    required = {p["name"] for p in parameters if p["required"]}
    requests.query_of(model, dict.fromkeys(model.model_fields, ""))  # empty is not given
    assert required == {name for name, field in model.model_fields.items() if field.is_required()}
    for parameter in parameters:
        checks = validator(DOCUMENT, parameter["schema"])
        for value in VALUES:
            if slips_of(checks, value):
                with pytest.raises(problems.Problem) as refused:
                    requests.query_of(model, {parameter["name"]: value})
                assert refused.value.more["errors"][0]["place"] == parameter["name"]
            else:
                requests.query_of(model, {**dict.fromkeys(required, "1231234"), parameter["name"]: value})


def test_who_has_it_already_is_not_sent_it_again() -> None:
    first = contract.serve()
    assert json.loads(first.body or "") == DOCUMENT
    tag = str(first.headers["ETag"])
    assert contract.serve(tag).status_code == 304
    assert contract.serve('"another"').status_code == 200


def test_only_who_asks_for_it_waits_for_it() -> None:
    program = (
        "import sys, portal.app; print(sys.modules.keys() & {'portal.contract', 'portal.answers', 'portal.examples'})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=FUNCTIONS,
        env={"POWERTOOLS_METRICS_NAMESPACE": "x", "POWERTOOLS_SERVICE_NAME": "x", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "set()"


def _answer(status: int, body: Any, kind: str = "application/json", **headers: str) -> Answer:
    told = {"Content-Type": kind, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **headers}
    return Answer(status, told, b"" if body is None else json.dumps(body).encode())


ME = examples.ME


def _without(header: str) -> Answer:
    whole = _answer(200, ME)
    return Answer(whole.status, {name: text for name, text in whole.headers.items() if name != header}, whole.data)


PROBLEM = problems.no_such_upload().document()


@pytest.mark.parametrize(
    ("path", "answer", "slip"),
    [
        ("/me", _answer(200, ME), None),
        ("/me", _answer(200, {**ME, "password": "x"}), "password"),
        ("/me", _answer(200, {name: value for name, value in ME.items() if name != "role"}), "role"),
        ("/me", _answer(200, {**ME, "role": "king"}), "king"),
        ("/me", _answer(200, ME, "text/html"), "text/html"),
        ("/me", _answer(418, ME), "418"),
        ("/me", _without("Cache-Control"), "Cache-Control"),
        ("/me", _without("X-Content-Type-Options"), "X-Content-Type-Options"),
        ("/me", _answer(401, {"message": "Unauthorized"}), None),
        ("/me", _answer(404, PROBLEM, problems.CONTENT_TYPE), "404"),
        ("/uploads/x", _answer(404, PROBLEM, problems.CONTENT_TYPE), None),
        ("/uploads/x", _answer(404, {**PROBLEM, "status": 403}, problems.CONTENT_TYPE), "403"),
        ("/uploads/x", _answer(404, {**PROBLEM, "type": f"{problems.TYPE}not-a-kind"}, problems.CONTENT_TYPE), "kind"),
        ("/nowhere", _answer(404, PROBLEM, problems.CONTENT_TYPE), None),
        ("/nowhere", _answer(200, {}), "not in the contract"),
    ],
)
def test_an_answer_that_is_not_as_the_contract_says_is_noticed(path: str, answer: Answer, slip: str | None) -> None:
    slips = Contract(DOCUMENT).slips("GET", path, answer)
    assert [bool(slip and slip in one) for one in slips] == ([True] if slip else [])
