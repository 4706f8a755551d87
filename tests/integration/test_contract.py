"""The contract of the stores, held in memory and by moto; tests/stack holds MiniStack to it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import boto3
import pytest
from moto import mock_aws

from adapters.objects import Bucket
from adapters.table import Table
from tests.contract import cases
from tests.contract.tables import make_table
from tests.integration.conftest import KEPT_SESSION
from tests.simulation.store import Gate, MemoryBucket, MemoryTable

REGION = "eu-west-2"


class Ticking(Gate):
    """A gate that lets all through, with S3's clock at one second: what order is left must be that of writing."""

    def now(self) -> datetime:
        return datetime(2023, 6, 30, 10, 59, 59, tzinfo=UTC)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws(config=KEPT_SESSION):
        client: Any = boto3.client
        dynamodb, s3 = client("dynamodb", region_name=REGION), client("s3", region_name=REGION)
        table = make_table(dynamodb, "table")
        for bucket in ("versioned", "plain"):
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
        yield {"table": table, "s3": s3}


@pytest.fixture(params=["memory", "memory by twos", "moto"])
def table(request: pytest.FixtureRequest) -> Table:
    if request.param == "moto":
        return cast(Table, request.getfixturevalue("aws")["table"])
    memory = MemoryTable(Ticking())
    memory.page = 2 if "twos" in request.param else 100
    return cast(Table, memory)


def bucket_of(request: pytest.FixtureRequest, *, versioned: bool) -> Bucket:
    name = "versioned" if versioned else "plain"
    if request.param == "moto":
        return Bucket(request.getfixturevalue("aws")["s3"], name)
    memory = MemoryBucket(name, Ticking(), versioned=versioned)
    memory.page = 2 if "twos" in request.param else 1000
    return cast(Bucket, memory)


@pytest.fixture(params=["memory", "memory by twos", "moto"])
def versioned(request: pytest.FixtureRequest) -> Bucket:
    return bucket_of(request, versioned=True)


@pytest.fixture(params=["memory", "memory by twos", "moto"])
def plain(request: pytest.FixtureRequest) -> Bucket:
    return bucket_of(request, versioned=False)


@pytest.mark.parametrize("case", cases.TABLE)
def test_table(table: Table, case: str) -> None:
    cases.TABLE[case](table, "case")


@pytest.mark.parametrize("case", cases.VERSIONED)
def test_versioned_bucket(versioned: Bucket, case: str) -> None:
    cases.VERSIONED[case](versioned, "case")


@pytest.mark.parametrize("case", cases.PLAIN)
def test_plain_bucket(plain: Bucket, case: str) -> None:
    cases.PLAIN[case](plain, "case")
