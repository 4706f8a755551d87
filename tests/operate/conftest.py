"""A season that the operator's tests play in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from .season import CLOSES, Season, season


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Iterator[Season]:
    """A season that has just begun, with made-up credentials: moto answers in place of AWS."""
    _credentials(monkeypatch)
    with season() as made:
        yield made


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> Iterator[Season]:
    """A season on a stack that was set up an hour after window 1 had closed."""
    _credentials(monkeypatch)
    with season(CLOSES + timedelta(hours=1)) as made:
        yield made


def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
