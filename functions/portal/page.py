"""The page: static files beside this module, with the headers that keep foreign script out."""

from __future__ import annotations

import gzip
import hashlib
import json
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from urllib.parse import urlsplit

from aws_lambda_powertools.event_handler import Response

from adapters.clients import s3
from adapters.settings import read_settings, setting

from . import problems

TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "json": "application/json",
}
CONFIG = "config.json"


@cache
def _assets() -> dict[str, bytes]:
    """Every file of the page, and the settings that a browser needs to sign in: none of them is a secret."""
    found = {}
    for file in (files(__package__) / "assets").iterdir():
        if file.is_file() and file.name.rsplit(".", 1)[-1] in TYPES:
            found[file.name] = file.read_bytes()
    config = {
        "cognito": setting("COGNITO_ENDPOINT"),
        "client_id": setting("USER_POOL_CLIENT_ID"),
        "user_pool": setting("USER_POOL_ID"),
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


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def serve(name: str) -> Response[bytes]:
    """One file of the page. Problem (404) for any other name."""
    data = _assets().get(name)
    if data is None:
        raise problems.not_found("There is no such file on this page.")
    kind = name.rsplit(".", 1)[-1]
    headers = {
        "Cache-Control": "no-cache",
        "ETag": f'"{hashlib.sha256(data).hexdigest()[:16]}"',
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Strict-Transport-Security": "max-age=63072000",
        "Content-Security-Policy": _policy(),
        "Content-Encoding": "gzip",
        "Vary": "Accept-Encoding",
    }
    return Response(HTTPStatus.OK.value, TYPES[kind], gzip.compress(data, 9, mtime=0), headers)
