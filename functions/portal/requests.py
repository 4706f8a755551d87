"""What the API takes in, checked at its edge."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from .problems import Problem, bad_request

MOST_FILES = 500
LONGEST_NAME = 255


def _printable(name: str) -> str:
    if not name.strip() or any(ord(letter) < 32 or ord(letter) == 127 for letter in name):
        raise ValueError("a file name has no control characters and is not blank")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ValueError("a file name is text that can be written in UTF-8") from None
    return name


class FileToUpload(BaseModel):
    """One file of an upload: its name on the user's computer and its size in bytes."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME), AfterValidator(_printable)]
    size: Annotated[int, Field(ge=0, le=2**53)]


class UploadRequest(BaseModel):
    """The body of POST /uploads: one file or many, of one service."""

    model_config = ConfigDict(extra="forbid", strict=True)

    service: Annotated[str, Field(min_length=1, max_length=40)]
    files: Annotated[list[FileToUpload], Field(min_length=1, max_length=MOST_FILES)]


def upload_request(body: str | None) -> UploadRequest:
    """The body as a request. Problem (400) that names every place that is wrong, without quoting what was there."""
    try:
        return UploadRequest.model_validate_json(body or "")
    except ValidationError as error:
        places = [
            {"place": ".".join(str(part) for part in found["loc"]) or "body", "message": found["msg"]}
            for found in error.errors(include_input=False, include_url=False, include_context=False)
        ]
        raise _bad(places[:20]) from None


def _bad(places: list[dict[str, str]]) -> Problem:
    return bad_request(
        'The body must be {"service": "ks1-2023", "files": [{"name": "a.xlsx", "size": 23456}]}, with 1 to '
        f"{MOST_FILES} files.",
        places,
    )
