"""What an operator writes by hand or by command: users and calendars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.objects import Bucket
from adapters.table import Table
from early_results import keys
from early_results.access import Role
from early_results.calendar import Calendar
from early_results.freeze import canonical
from early_results.writes import ABSENT, Put, Requirement

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
    """Stores a new version of a calendar: the evidence first, then the table. Conflict if that version is there."""
    kept = {"calendar": calendar.to_json(), "by": by, "reason": reason}
    key = f"calendars/{calendar.service}/{calendar.version:06d}.json"
    records.put_once(key, canonical(kept), "application/json")
    item = {"calendar": calendar.to_json(), "version": calendar.version}
    before = table.get(keys.calendar(calendar.service))
    require: dict[str, Requirement] = {"version": before["version"]} if before else {"pk": ABSENT}
    table.write(Put(keys.calendar(calendar.service), item, require))
