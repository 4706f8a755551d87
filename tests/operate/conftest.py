"""A season that the operator's tests play in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .season import Season, season


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Iterator[Season]:
    """A season that has just begun, with made-up credentials: moto answers in place of AWS."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    with season() as made:
        yield made
