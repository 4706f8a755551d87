"""Who may do what: decided from the user's item in the table and from trust membership as it is now.

A role never comes from a token's claims: a user could edit those.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .counting.uploads import Status, Upload


class Role(StrEnum):
    """What a user is."""

    SCHOOL = "school"
    TRUST = "trust"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class User:
    """Who is asking.

    `schools` are those the user may act for now: their own, or their trust's. Operators act for no school, and read
    everything. `organisation` is `SCHOOL#1231234`, `TRUST#<id>` or `OPERATOR`.
    """

    sub: str
    name: str
    role: Role
    organisation: str
    schools: frozenset[str]

    @property
    def trust(self) -> str | None:
        """The trust the user works for, or None."""
        return self.organisation.removeprefix("TRUST#") if self.role is Role.TRUST else None

    def may_read_school(self, school: str) -> bool:
        """Whether files and reports of a school may be shown to the user."""
        return self.role is Role.OPERATOR or school in self.schools

    def may_read_pupils(self, school: str) -> bool:
        """Whether the copy of a school's report that lists its pupils may be shown to the user.

        A permission of its own: whoever runs the collection reads reports, and has no need of this list.
        """
        return school in self.schools

    def may_upload(self) -> bool:
        """Whether the user may upload at all."""
        return self.role in (Role.SCHOOL, Role.TRUST)


def may_read(user: User, upload: Upload) -> bool:
    """Whether an upload exists for the user at all: a deleted one is never shown, to anybody.

    A file of which no school is known yet is seen by its uploader and by its uploader's trust.
    """
    if upload.status is Status.DELETED:
        return False
    if upload.school is not None:
        return user.may_read_school(upload.school)
    if user.role is Role.OPERATOR:
        return True
    return upload.organisation == user.organisation


def may_read_pupils(user: User, upload: Upload) -> bool:
    """Whether the user may be told whom an upload's findings are about, and what its cells hold.

    Those who act for its school may. Where no school is known yet, or it is not the uploader's, whoever works with the
    uploader may, since the file is theirs.
    """
    if not may_read(user, upload) or not user.may_upload():
        return False
    return upload.school is None or user.may_read_pupils(upload.school)


def may_delete(user: User, upload: Upload) -> bool:
    """Whether the user may delete an upload: only its uploader may, and only while they act for its school."""
    return may_read(user, upload) and upload.user == user.sub and user.may_upload()
