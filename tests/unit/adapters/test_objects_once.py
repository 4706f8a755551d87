"""Writing an object once: S3's 412 and 409 say different things."""

from __future__ import annotations

import time
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from adapters.errors import AlreadyThere, NotThere, OutsideError, WriteUnderWay
from adapters.objects import Bucket, written_once


class Client:
    """S3 as far as writing once goes: it answers what it is told to, and writes where it is told nothing."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.puts = 0
        self.kept: bytes | None = None

    def put_object(self, **arguments: Any) -> dict[str, Any]:
        self.puts += 1
        assert arguments["IfNoneMatch"] == "*"
        if self.answers:
            raise ClientError({"Error": {"Code": self.answers.pop(0)}}, "PutObject")
        self.kept = arguments["Body"]
        return {"VersionId": "v1"}

    def get_object(self, **_: Any) -> dict[str, Any]:
        raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")


@pytest.fixture(autouse=True)
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, without waiting."""
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    return waits


@pytest.mark.parametrize("code", ["ConditionalRequestConflict", "OperationAborted", "409"])
def test_another_write_under_way_is_waited_for_and_tried_again(code: str, waited: list[float]) -> None:
    client = Client(code, code)
    assert Bucket(cast(Any, client), "records").put_once("k", b"1", "text/plain") == "v1"
    assert (client.puts, client.kept, waited) == (3, b"1", [0.05, 0.1])


def test_a_write_that_is_under_way_for_ever_is_never_taken_for_written() -> None:
    client = Client(*["ConditionalRequestConflict"] * 9)
    with pytest.raises(WriteUnderWay):
        Bucket(cast(Any, client), "records").put_once("k", b"1", "text/plain")
    assert client.puts == 5
    assert not issubclass(WriteUnderWay, AlreadyThere)
    assert issubclass(WriteUnderWay, OutsideError)


@pytest.mark.parametrize("code", ["PreconditionFailed", "412"])
def test_what_is_there_already_is_not_tried_again(code: str) -> None:
    client = Client(code)
    with pytest.raises(AlreadyThere):
        Bucket(cast(Any, client), "records").put_once("k", b"1", "text/plain")
    assert client.puts == 1


def test_what_is_said_to_be_there_and_is_not_is_no_success() -> None:
    with pytest.raises(WriteUnderWay) as raised:
        written_once(Bucket(cast(Any, Client("PreconditionFailed")), "records"), "k", b"1")
    assert isinstance(raised.value.__cause__, NotThere)
