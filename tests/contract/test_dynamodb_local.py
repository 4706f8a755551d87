"""The contract of the table, held by DynamoDB Local, AWS's own implementation: `make contract` fetches it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from adapters.table import Table
from infra.local.stack import KEEPER, LOCAL, REGION, environment, free_port, wait_for
from tests.contract import cases
from tests.contract.tables import make_table

FOLDER = LOCAL / "dynamodb-local"
pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(not (FOLDER / "version").exists(), reason="DynamoDB Local is fetched by `make contract`"),
]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Table]:
    """A table on a DynamoDB Local of our own, which keeps it in memory and ends with the tests."""
    port, scratch = free_port(), tmp_path_factory.mktemp("dynamodb-local")
    program = ["java", f"-Djava.library.path={FOLDER / 'DynamoDBLocal_lib'}", "-jar", str(FOLDER / "DynamoDBLocal.jar")]
    command = [sys.executable, "-I", str(KEEPER), str(scratch), *program, "-inMemory", "-port", str(port)]
    client: Any = boto3.client(
        "dynamodb",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name=REGION,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2),
    )

    def up() -> bool:
        try:
            client.list_tables()
        except (BotoCoreError, ClientError):
            return False
        return True

    with (
        Path(scratch, "log").open("wb") as log,
        subprocess.Popen(
            command,
            cwd=FOLDER,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        ),
    ):
        wait_for("DynamoDB Local to answer", up, 60)
        yield make_table(client, "table")


@pytest.mark.parametrize("case", cases.TABLE)
def test_table(table: Table, case: str) -> None:
    cases.TABLE[case](table, f"contract-{uuid4()}")
