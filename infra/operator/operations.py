"""What an operator writes by hand or by command: users and calendars."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.errors import AlreadyThere
from adapters.objects import Bucket
from adapters.table import Table
from early_results import keys
from early_results.access import Role
from early_results.counting.calendar import Calendar, calendar_from_json
from early_results.counting.freeze import canonical, sha256
from early_results.object_keys import user_key
from early_results.writes import ABSENT, Check, Put, Requirement, Write

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_cognito_idp.type_defs import AttributeTypeTypeDef


class UserThere(Exception):
    """There is such a user already; the message says so."""


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user to be created: role and organisation decide what they may do, and live in the table alone.

    Without a password the pool writes to them with one of its own.
    """

    email: str
    password: str | None
    role: Role
    organisation: str


def create_user(
    cognito: CognitoIdentityProviderClient, pool: str, table: Table, records: Bucket, user: NewUser, by: str
) -> str:
    """Creates a user in the pool, in evidence and in the table; gives their `sub`. UserThere if they are in all.

    The evidence says what they may do and who said so, and nothing about the person: the pool knows that.
    """
    sub = _in_pool(cognito, pool, user)
    if table.get(keys.user(sub)) is not None:
        raise UserThere(f"{user.email} is a user already")
    if user.password is not None:
        cognito.admin_set_user_password(UserPoolId=pool, Username=user.email, Password=user.password, Permanent=True)
    rights = {"role": user.role.value, "organisation": user.organisation}
    records.put(user_key(sub), canonical({**rights, "by": by}), "application/json")
    table.write(Put(keys.user(sub), {"name": user.email, **rights}, require={"pk": ABSENT}))
    return sub


def _in_pool(cognito: CognitoIdentityProviderClient, pool: str, user: NewUser) -> str:
    """The user's `sub` in the pool, where they are put if need be: an earlier try may have died after that."""
    attributes: list[AttributeTypeTypeDef] = [
        {"Name": "email", "Value": user.email},
        {"Name": "email_verified", "Value": "true"},
    ]
    try:
        if user.password is None:
            created = cognito.admin_create_user(UserPoolId=pool, Username=user.email, UserAttributes=attributes)
        else:
            created = cognito.admin_create_user(
                UserPoolId=pool, Username=user.email, UserAttributes=attributes, MessageAction="SUPPRESS"
            )
        found = created["User"]["Attributes"]
    except cognito.exceptions.UsernameExistsException:
        found = cognito.admin_get_user(UserPoolId=pool, Username=user.email)["UserAttributes"]
    return next(attribute["Value"] for attribute in found if attribute["Name"] == "sub")


def store_calendar(table: Table, records: Bucket, calendar: Calendar, by: str, reason: str) -> None:
    """Stores a new version of a calendar: the evidence first, then the table.

    Conflict if another version came between, or if a window whose close is changed has begun to close. The evidence is
    named after what it says: a change that did not come into force must not stand in the way of the next.
    """
    before = table.get(keys.calendar(calendar.service))
    kept = canonical({"calendar": calendar.to_json(), "by": by, "reason": reason})
    key = f"calendars/{calendar.service}/{calendar.version:06d}-{sha256(kept)[:12]}.json"
    with suppress(AlreadyThere):  # the same change, tried again
        records.put_once(key, kept, "application/json")
    if before and "record" in before:
        _mark_in_force(records, calendar.service, int(before["version"]), before["record"])
    item = {"calendar": calendar.to_json(), "version": calendar.version, "record": key}
    require: dict[str, Requirement] = {"version": before["version"]} if before else {"pk": ABSENT}
    writes: list[Write] = [Put(keys.calendar(calendar.service), item, require)]
    for window in calendar_from_json(before["calendar"]).windows if before else ():
        changed = calendar.window(window.number)
        if changed is None or changed.closes != window.closes:
            writes.append(Check(keys.state(calendar.service, window.number), {"state": ABSENT}))
    table.write(writes)
    _mark_in_force(records, calendar.service, calendar.version, key)


def _mark_in_force(records: Bucket, service: str, version: int, key: str) -> None:
    """Marks which of a version's records came into force: one whose command lost its race stays in the locked bucket.

    A command that dies between table and mark is made good by the next change of the calendar.
    """
    with suppress(AlreadyThere):
        mark = canonical({"record": key})
        records.put_once(f"calendars-in-force/{service}/{version:06d}.json", mark, "application/json")
