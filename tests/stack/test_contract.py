"""The contract of the stores, held by MiniStack: what the simulation plays on in memory is what the stack does."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.conftest import Deployed
from tests.contract import cases

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("case", cases.TABLE)
def test_table(deployed: Deployed, case: str) -> None:
    cases.TABLE[case](deployed.stores.table, f"contract-{uuid4()}")


@pytest.mark.parametrize("case", cases.VERSIONED)
def test_versioned_bucket(deployed: Deployed, case: str) -> None:
    cases.VERSIONED[case](deployed.stores.uploads, f"contract/{uuid4()}")


@pytest.mark.parametrize("case", cases.PLAIN)
def test_plain_bucket(deployed: Deployed, case: str) -> None:
    cases.PLAIN[case](deployed.stores.results, f"contract/{uuid4()}")
