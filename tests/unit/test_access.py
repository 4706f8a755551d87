"""Who may do what: every role against every kind of upload."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from early_results.access import Role, User, may_delete, may_read, may_read_pupils
from early_results.counting.uploads import Status, Upload

NOW = datetime(2023, 6, 30, 10, tzinfo=UTC)
HEAD = User("head", "head@example.org", Role.SCHOOL, "SCHOOL#1231234", frozenset({"1231234"}))
OTHER = User("other", "other@example.org", Role.SCHOOL, "SCHOOL#8012003", frozenset({"8012003"}))
TRUST = User("trust", "trust@example.org", Role.TRUST, "TRUST#ABC", frozenset({"1231234", "1232001"}))
OPERATOR = User("operator", "operator@example.org", Role.OPERATOR, "OPERATOR", frozenset())
UPLOAD = Upload(
    "01H45Z99ZEYBT0WGY93QERE8AQ",
    "ks1-2023",
    "head",
    "head@example.org",
    "SCHOOL#1231234",
    "results.xlsx",
    1,
    NOW,
    NOW,
    Status.SUCCESSFUL,
    school="1231234",
)
UNKNOWN = replace(UPLOAD, school=None, user="trust", organisation="TRUST#ABC", status=Status.CHECKING)


def test_what_a_role_is() -> None:
    assert [user.trust for user in (HEAD, OTHER, TRUST, OPERATOR)] == [None, None, "ABC", None]
    assert [user.may_upload() for user in (HEAD, OTHER, TRUST, OPERATOR)] == [True, True, True, False]
    assert [user.may_read_school("1231234") for user in (HEAD, OTHER, TRUST, OPERATOR)] == [True, False, True, True]
    assert [user.may_read_pupils("1231234") for user in (HEAD, OTHER, TRUST, OPERATOR)] == [True, False, True, False]


@pytest.mark.parametrize(
    ("user", "reads", "deletes"),
    [(HEAD, True, True), (OTHER, False, False), (TRUST, True, False), (OPERATOR, True, False)],
    ids=lambda given: given.sub if isinstance(given, User) else "",
)
def test_a_file_of_a_school(user: User, reads: bool, deletes: bool) -> None:
    assert may_read(user, UPLOAD) is reads
    assert may_delete(user, UPLOAD) is deletes
    assert may_read_pupils(user, UPLOAD) is (reads and user is not OPERATOR)
    assert may_read(user, replace(UPLOAD, status=Status.DELETED)) is False
    assert may_delete(user, replace(UPLOAD, status=Status.DELETED)) is False


@pytest.mark.parametrize(
    ("user", "reads", "deletes"),
    [(HEAD, False, False), (OTHER, False, False), (TRUST, True, True), (OPERATOR, True, False)],
    ids=lambda given: given.sub if isinstance(given, User) else "",
)
def test_a_file_of_which_no_school_is_known_yet(user: User, reads: bool, deletes: bool) -> None:
    assert may_read(user, UNKNOWN) is reads
    assert may_delete(user, UNKNOWN) is deletes
    assert may_read_pupils(user, UNKNOWN) is (reads and user is not OPERATOR)


def test_whoever_uploaded_a_file_of_a_school_that_is_no_longer_theirs_neither_sees_nor_deletes_it() -> None:
    left = replace(TRUST, schools=frozenset({"1232001"}))
    theirs = replace(UPLOAD, user="trust", organisation="TRUST#ABC")
    assert may_delete(TRUST, theirs)
    assert not may_read(left, theirs)
    assert not may_delete(left, theirs)


def test_an_operator_deletes_nothing_not_even_what_is_under_their_name() -> None:
    assert not may_delete(OPERATOR, replace(UPLOAD, user="operator"))
