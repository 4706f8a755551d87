"""Holds what the API answers against its contract (`functions/portal/contract.py`)."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import jsonschema_rs

from infra.local.client import Answer
from portal import problems

Schema = dict[str, Any]
METHODS = ("get", "post", "put", "patch", "delete", "head", "options", "trace")


def validator(document: Schema, schema: Schema) -> Any:
    """What validates against a schema of the document, formats included."""
    return jsonschema_rs.Draft202012Validator(
        {**schema, "components": document["components"]}, validate_formats=True, ignore_unknown_formats=False
    )


def slips_of(checks: Any, value: Any) -> list[str]:
    """What is wrong in a value, one line each, without the value itself."""
    return [f"{'/'.join(map(str, error.instance_path)) or 'the whole'}: {error}" for error in checks.iter_errors(value)]


def operations(document: Schema) -> dict[tuple[str, str], Schema]:
    """Every operation of the document by method and path."""
    return {
        (method.upper(), path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


@dataclass
class Contract:
    """The document, and which of its answers have been seen: (method, path, status) of the document."""

    document: Schema
    seen: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    _validators: dict[tuple[str, str, int, str], Any] = field(default_factory=dict)

    def slips(self, method: str, path: str, answer: Answer) -> list[str]:
        """Where an answer differs from the document.

        An answer of a route that the document does not have differs too.
        """
        found = self._operation(method, path.split("?", maxsplit=1)[0])
        kind = answer.headers.get("Content-Type", "")
        if found is None:
            known = answer.status in (401, 404, 405) and (kind == problems.CONTENT_TYPE or answer.status == 401)
            return [] if known else [f"{method} {path} is not in the contract, and was answered with {answer.status}"]
        route, operation = found
        told = operation["responses"].get(str(answer.status))
        where = f"{method} {path}: {answer.status}"
        if told is None:
            return [f"{where} is not in the contract"]
        self.seen[method, route, answer.status] += 1
        slips = [
            f"{where} has no header {name}"
            for name, header in told.get("headers", {}).items()
            if header.get("required") and name not in answer.headers
        ]
        if "content" not in told:
            return slips + ([f"{where} has a body"] if answer.data else [])
        if kind not in told["content"]:
            return [*slips, f"{where} is of type {kind}"]
        if not kind.endswith("json"):
            return slips
        key = (method, route, answer.status, kind)
        if key not in self._validators:
            self._validators[key] = validator(self.document, told["content"][kind]["schema"])
        return slips + [f"{where}: {slip}" for slip in slips_of(self._validators[key], answer.json())]

    def _operation(self, method: str, path: str) -> tuple[str, Schema] | None:
        fits = [
            (route, operation)
            for (own, route), operation in operations(self.document).items()
            if own == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", route), path)
        ]
        return min(fits, key=lambda fit: fit[0].count("{"), default=None)
