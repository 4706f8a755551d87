"""The page: static files beside this module, with the headers that keep foreign script out."""

from __future__ import annotations

import gzip
import json
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from aws_lambda_powertools.event_handler import Response

from adapters.clients import s3
from adapters.settings import read_settings, read_support, setting
from early_results import guide
from early_results.canonical import sha256
from early_results.checking import nil
from early_results.media import XLSX

from . import limits, problems

TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "json": "application/json",
}
CONFIG = "config.json"
PAGE = "index.html"
NOWHERE = "nowhere.html"


@cache
def _assets() -> dict[str, bytes]:
    """Every file of the page, the settings that a browser needs to sign in, and whom to ask for help if that fails.

    None of the settings is a secret.
    """
    found = {}
    for file in (files(__package__) / "assets").iterdir():
        if file.is_file() and file.name.rsplit(".", 1)[-1] in TYPES:
            found[file.name] = file.read_bytes()
    config: dict[str, Any] = {
        "cognito": setting("COGNITO_ENDPOINT"),
        "client_id": setting("USER_POOL_CLIENT_ID"),
        "user_pool": setting("USER_POOL_ID"),
        "support": read_support()._asdict(),
        "statuses": guide.STATUS_WORDS,
        "deleting": guide.DELETING,
        "report_failed": guide.REPORT_FAILED,
        "legend": guide.LEGEND,
        "workbook": XLSX,
        "limits": {
            "files_at_once": limits.MOST_FILES,
            "name_letters": limits.LONGEST_NAME,
            "name_bytes": limits.NAME_BYTES,
            "schools_at_once": limits.MOST_SCHOOLS,
            "export_bytes": limits.MOST_EXPORT,
            "nil_bytes": nil.LONGEST,
        },
    }
    found[CONFIG] = json.dumps(config).encode()
    return found


@cache
def _policy() -> str:
    """The Content-Security-Policy: our own files, and the two addresses that the page talks to."""
    bucket = s3().generate_presigned_post(read_settings().uploads_bucket, "page")["url"]
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'none'; "
        "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'; "
        f"connect-src 'self' {_origin(setting('COGNITO_ENDPOINT'))} {_origin(bucket)}"
    )


def _of_a_document() -> dict[str, str]:
    """The headers that matter only on a document, and are not sent with each of its files."""
    return {
        "Referrer-Policy": "no-referrer",
        "Strict-Transport-Security": "max-age=63072000",
        "Content-Security-Policy": _policy(),
    }


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


@cache
def version() -> str:
    """A name for the present version of the page. Browsers keep its files as long as the name stays the same."""
    return sha256(b"".join(name.encode() + b"\0" + data + b"\0" for name, data in sorted(_assets().items())))[:16]


@cache
def _packed(name: str) -> tuple[bytes | str, dict[str, str]]:
    """A file of the page as it is sent, with the headers that are its own. KeyError if there is none."""
    data = _assets()[name]
    if name == PAGE:
        data = data.replace(b'"page/', f'"page/{version()}/'.encode())
    tag = {"ETag": f'"{sha256(data)[:16]}"'}
    if name == CONFIG:
        return data.decode(), tag  # too small to be worth compressing, and the event handler takes JSON as text
    return gzip.compress(data, 9, mtime=0), {**tag, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}


def no_such_page(path: str) -> Response[bytes | str]:
    """What a browser is shown at an address that there is not: 404, with the way to the page that there is.

    `path` begins with a slash and says how deep the address is, since the page need not lie at its host's root.
    """
    up = "../" * (path.count("/") - 1) or "./"
    html = _assets()[NOWHERE].decode().replace('href="./"', f'href="{up}"').replace('"page/', f'"{up}page/{version()}/')
    headers: dict[str, str | list[str]] = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        **_of_a_document(),
    }
    return Response(HTTPStatus.NOT_FOUND.value, TYPES["html"], html, headers)


def serve(name: str, asked_version: str = "", if_none_match: str | None = None) -> Response[bytes | str]:
    """One file of the page; 304 if the browser has it already. Problem (404) for any other name.

    Under the present version's address a file never changes, so browsers may keep it. A page of an older version,
    loaded just before a deployment, gets the present files, and browsers may not keep them.
    """
    if name not in _assets():
        raise problems.not_found("There is no such file on this page.")
    body, own = _packed(name)
    headers: dict[str, str | list[str]] = {
        "Cache-Control": "public, max-age=31536000, immutable" if asked_version == version() else "no-cache",
        "X-Content-Type-Options": "nosniff",
        **(_of_a_document() if name == PAGE else {}),
        **own,
    }
    kind = TYPES[name.rsplit(".", 1)[-1]]
    if if_none_match is not None and own["ETag"] in if_none_match:
        headers.pop("Content-Encoding", None)
        return Response(HTTPStatus.NOT_MODIFIED.value, kind, "", headers)
    return Response(HTTPStatus.OK.value, kind, body, headers)
