"""Upload forms: how many an account and an organisation are given at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from adapters.objects import Bucket
from adapters.settings import Settings
from adapters.stores import Stores
from adapters.table import Table
from early_results import keys
from early_results.access import Role, User
from early_results.counting.calendar import Calendar
from early_results.counting.forms import MOST_OF_ORGANISATION, MOST_OF_USER
from early_results.service import Window, load_service
from early_results.writes import Put
from portal.limits import MOST_FILES
from portal.problems import Problem
from portal.requests import FileToUpload, UploadRequest
from portal.uploading import issue_forms
from tests.simulation.store import Gate, MemoryBucket, MemoryTable

SERVICE = load_service("ks1-2023")
NOON = datetime(2023, 6, 30, 11, 0, tzinfo=UTC)
CALENDAR = Calendar(SERVICE.name, 1, (Window(1, NOON - timedelta(days=20), NOON, NOON.date()),))


class Signing(Gate):
    """Signs by a clock that stands."""

    def signer(self) -> datetime:
        return NOON


@pytest.fixture
def stores() -> Stores:
    """Stores in memory, with an open window."""
    duration = timedelta(seconds=60)
    bucket = cast(Bucket, MemoryBucket("uploads", Signing(), versioned=True))
    settings = Settings("t", "u", "r", "e", duration, duration, duration, 10**7)
    made = Stores(cast(Table, MemoryTable()), bucket, bucket, bucket, settings)
    made.table.write(Put(keys.calendar(SERVICE.name), {"calendar": CALENDAR.to_json(), "version": 1}))
    return made


def user(sub: str, trust: str = "TRUST#1") -> User:
    return User(sub, f"{sub}@trust.example", Role.TRUST, trust, frozenset({"1231234"}))


def ask(stores: Stores, who: User, count: int, now: datetime) -> list[Any]:
    files = [FileToUpload(name="a.xlsx", size=1)] * count
    return issue_forms(stores, who, SERVICE, UploadRequest(service=SERVICE.name, files=files), now)


def given(stores: Stores, who: User, count: int, now: datetime) -> bool:
    """Whether so many forms are given."""
    try:
        return len(ask(stores, who, count, now)) == count
    except Problem as refused:
        problem = refused
    assert (problem.status, problem.kind) == (429, "too-many-uploads")
    assert 1 <= int(str(problem.headers["Retry-After"])) <= 660
    assert "Please try again in about" in problem.detail
    return False


def test_ten_thousand_forms_asked_for_by_one_account_are_not_given(stores: Stores) -> None:
    now = NOON - timedelta(minutes=9)
    wanted = [given(stores, user("one"), MOST_FILES, now + timedelta(seconds=n)) for n in range(10_000 // MOST_FILES)]
    assert sum(wanted) * MOST_FILES == MOST_OF_USER
    assert wanted[: sum(wanted)] == [True] * sum(wanted)
    assert given(stores, user("two", "TRUST#2"), MOST_FILES, now), "nobody else waits for it"


def test_an_organisation_has_a_limit_of_its_own(stores: Stores) -> None:
    now = NOON - timedelta(minutes=9)
    people = [user(f"user {number}") for number in range(8)]
    assert sum(given(stores, who, MOST_FILES, now) for who in people) * MOST_FILES == MOST_OF_ORGANISATION


@pytest.mark.parametrize("mark", ["\u202e", "\u2066", "\u200f", "\u061c"])
def test_a_name_loses_its_marks_of_direction(stores: Stores, mark: str) -> None:
    """Shown to others, a name with one reads as another: `gpj.exe` as `exe.jpg`."""
    files = [FileToUpload(name=f"results{mark}xslx.exe", size=1)]
    now = NOON - timedelta(minutes=9)
    [form] = issue_forms(stores, user("one"), SERVICE, UploadRequest(service=SERVICE.name, files=files), now)
    assert form["name"] == "resultsxslx.exe"


def test_a_request_that_is_refused_takes_nothing(stores: Stores) -> None:
    now = NOON - timedelta(minutes=9)
    assert given(stores, user("one"), MOST_FILES, now)
    assert given(stores, user("one"), MOST_FILES - 1, now)
    assert not given(stores, user("one"), 2, now)
    assert given(stores, user("one"), 1, now)


def test_whoever_waits_is_given_forms_again(stores: Stores) -> None:
    now = NOON - timedelta(minutes=30)
    assert given(stores, user("one"), MOST_FILES, now)
    assert given(stores, user("one"), MOST_FILES, now)
    with pytest.raises(Problem) as refused:
        ask(stores, user("one"), 1, now)
    after = now + timedelta(seconds=int(str(refused.value.headers["Retry-After"])))
    assert given(stores, user("one"), MOST_FILES, after)
