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
from early_results.calendar import Calendar, calendar_from_json
from early_results.freeze import canonical, sha256
from early_results.writes import ABSENT, Check, Put, Requirement, Write

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user to be created: role and organisation decide what they may do, and live in the table alone."""

    email: str
    password: str
    role: Role
    organisation: str


def create_user(cognito: CognitoIdentityProviderClient, pool: str, table: Table, user: NewUser) -> str:
    """Creates a user in the pool and in the table; gives their `sub`."""
    created = cognito.admin_create_user(
        UserPoolId=pool,
        Username=user.email,
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": "email", "Value": user.email}, {"Name": "email_verified", "Value": "true"}],
    )
    cognito.admin_set_user_password(UserPoolId=pool, Username=user.email, Password=user.password, Permanent=True)
    sub = next(a["Value"] for a in created["User"]["Attributes"] if a["Name"] == "sub")
    item = {"name": user.email, "role": user.role.value, "organisation": user.organisation}
    table.write(Put(keys.user(sub), item))
    return sub


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
    item = {"calendar": calendar.to_json(), "version": calendar.version}
    require: dict[str, Requirement] = {"version": before["version"]} if before else {"pk": ABSENT}
    writes: list[Write] = [Put(keys.calendar(calendar.service), item, require)]
    for window in calendar_from_json(before["calendar"]).windows if before else ():
        changed = calendar.window(window.number)
        if changed is None or changed.closes != window.closes:
            writes.append(Check(keys.state(calendar.service, window.number), {"state": ABSENT}))
    table.write(writes)
