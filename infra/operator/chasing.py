"""The chase list for a mail merge: a line for each person who can still do something about a school's missing file.

A school whose earlier file is carried forward is not chased. Email addresses are personal data: the list is written to
a file that the operator names, and to no log.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from adapters.lookups import calendar_now
from adapters.rosters import user_of
from early_results.access import Role, User
from early_results.checking.listing import formula_safe
from early_results.service import Service
from early_results.times import moment_words
from portal.board import deadline_board
from portal.requests import BoardQuery

from .operating import OperatorSession

if TYPE_CHECKING:
    from portal import answers

_OPERATOR = User("", "", Role.OPERATOR, "OPERATOR", frozenset())
_WORDS = {"only-errors": "Only errors", "nothing": "Nothing yet"}
HEAD = ("School DFE", "Name", "Trust", "Standing", "Window", "Closes", "Email", "Works for")


def chased(session: OperatorSession, service: Service, window: int, now: datetime) -> list[answers.SchoolOnBoard]:
    """The schools that have nothing or only errors in a window, in order of their numbers."""
    found: list[answers.SchoolOnBoard] = []
    cursor: str | None = None
    while True:
        query = BoardQuery(standing="only-errors,nothing", cursor=cursor)
        page = deadline_board(session.stores, _OPERATOR, service, str(window), query, now)
        found += [school for school in page["schools"] if school["carries_on"] is None]
        cursor = page["cursor"]
        if cursor is None:
            return found


def chase_csv(session: OperatorSession, service: Service, window: int, now: datetime) -> tuple[bytes, int, int]:
    """The list as CSV that Excel opens, how many schools are on it, and for how many of them there is nobody.

    A school with several people has a line for each, one with nobody a line without an address.
    """
    people: dict[str, list[str]] = {}
    for user in _users(session):
        people.setdefault(user.organisation, []).append(user.name)
    closes = next(one.closes for one in calendar_now(session.stores, service).windows if one.number == window)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEAD)
    schools = chased(session, service, window, now)
    nobody = 0
    for school in schools:
        contacts = [(email, "the school") for email in sorted(people.get(f"SCHOOL#{school['school']}", ()))]
        contacts += [(email, "the trust") for email in sorted(people.get(f"TRUST#{school['trust']}", ()))]
        nobody += not contacts
        told = [school["school"], school["name"], school["trust"] or "", _WORDS[school["standing"]], str(window)]
        for contact in contacts or [("", "")]:
            writer.writerow([formula_safe(cell) for cell in (*told, moment_words(closes), *contact)])
    return out.getvalue().encode("utf-8-sig"), len(schools), nobody


def _users(session: OperatorSession) -> Iterator[User]:
    """Everybody who may sign in and is not shut out, with whom they work for."""
    pages = session.cognito.get_paginator("list_users").paginate(UserPoolId=session.user_pool)
    for page in pages:
        for one in page["Users"]:
            sub = next((each["Value"] for each in one["Attributes"] if each["Name"] == "sub"), None)
            user = user_of(session.stores, sub) if sub and one.get("Enabled", True) else None
            if user is not None and user.may_upload():
                yield user
