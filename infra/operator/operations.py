"""What an operator's commands write: users and calendars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.errors import Conflict, OutsideError
from adapters.lookups import calendar_in_force
from adapters.objects import Bucket, written_once
from adapters.table import Table
from early_results import keys
from early_results.access import Role
from early_results.canonical import canonical, sha256
from early_results.counting import freeze
from early_results.counting.calendar import Calendar, CalendarRefused
from early_results.object_keys import user_key
from early_results.times import from_text, moment_words, to_text
from early_results.writes import ABSENT, AtMost, Check, Put

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_cognito_idp.type_defs import AttributeTypeTypeDef


class UserThere(Exception):
    """There is such a user already. The message says so."""


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
    """Creates a user in the pool, in evidence and in the table. Gives their `sub`. UserThere if they are in all three.

    The evidence says what the user may do and who decided it. Who the user is, only the pool knows.
    """
    sub = _in_pool(cognito, pool, user)
    if table.get(keys.user(sub)) is not None:
        raise UserThere(f"{user.email} is a user already")
    if user.password is not None:
        cognito.admin_set_user_password(UserPoolId=pool, Username=user.email, Password=user.password, Permanent=True)
    rights = {"role": user.role.value, "organisation": user.organisation}
    records.put(user_key(sub), canonical({**rights, "by": by}), "application/json")
    try:
        table.write(Put(keys.user(sub), {"name": user.email, **rights}, require={"pk": ABSENT}))
    except Conflict:
        # Another operator added the user at this moment. The evidence must say what the table says.
        item = table.get(keys.user(sub))
        if item is None:
            raise
        theirs = {"role": item["role"], "organisation": item["organisation"]}
        records.put(user_key(sub), canonical({**theirs, "by": by}), "application/json")
        raise UserThere(f"{user.email} is a user already") from None
    return sub


def _in_pool(cognito: CognitoIdentityProviderClient, pool: str, user: NewUser) -> str:
    """The user's `sub` in the pool. Adds them to it unless an earlier try, which died afterwards, has done so."""
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
    """Stores the next version of a calendar: the evidence first, then the table, on condition that nothing is closing.

    It is compared with the calendar in force, which may be the service file's own. Conflict if a window that it changes
    has begun to close, or if the calendar in force is not the version before. CalendarRefused if a file was judged of a
    time that would now belong to another window: this command may have hung since it looked at its clock. The evidence
    is named after its contents, so that a change which did not come into force is not in the way of the next.
    """
    before = calendar_in_force(table, calendar.service)
    if before.version != calendar.version - 1:
        raise Conflict("another version of the calendar has come into force meanwhile")
    unjudged = _unjudged(table, before, calendar)
    mark_calendar(table, records, calendar.service)
    kept = canonical({"calendar": calendar.to_json(), "by": by, "reason": reason})
    key = f"calendars/{calendar.service}/{calendar.version:06d}-{sha256(kept)[:12]}.json"
    written_once(records, key, kept)  # an earlier try of the same change may have written it
    item = {"calendar": calendar.to_json(), "version": calendar.version, "record": key}
    still_open = [Check(keys.state(calendar.service, n), {"state": ABSENT}) for n in _changed(before, calendar)]
    table.write([Put(keys.calendar(calendar.service), item, freeze.in_force(before.version)), *still_open, *unjudged])
    _mark_in_force(records, calendar.service, calendar.version, key)


def _unjudged(table: Table, before: Calendar, after: Calendar) -> list[Check]:
    """The condition that no file was judged of a time whose window changes; CalendarRefused if one was already.

    Before there was a school there was nobody to send a file.
    """
    schools = table.get(keys.first_school())
    first = before.first_difference(after, from_text(schools["since"]) if schools else None)
    if first is None:
        return []
    relied = table.get(keys.relied(before.service)) or {}
    if relied.get("until", "") > to_text(first):
        raise CalendarRefused(
            f"files received from {moment_words(first)} on have been judged by the calendar in force: it can be changed"
            " for later times alone"
        )
    return [Check(keys.relied(before.service), {"until": AtMost(to_text(first))})]


def _changed(before: Calendar, after: Calendar) -> list[int]:
    """The numbers of the windows that differ between two calendars."""
    return sorted({window.number for window in set(before.windows) ^ set(after.windows)})


def mark_calendar(table: Table, records: Bucket, service: str) -> None:
    """Marks in evidence that the table's calendar is in force. A command that died may not have done so."""
    item = table.get(keys.calendar(service))
    if item and "record" in item:
        _mark_in_force(records, service, int(item["version"]), item["record"])


def _mark_in_force(records: Bucket, service: str, version: int, key: str) -> None:
    """Marks which record of a version came into force. The bucket is locked, so records of lost races stay there too.

    OutsideError if evidence says already that another record of this version did.
    """
    mark = canonical({"record": key})
    if written_once(records, f"calendars-in-force/{service}/{version:06d}.json", mark) != mark:
        raise OutsideError(f"evidence names another record of version {version} of {service}'s calendar than the table")


def decide_calendar(records: Bucket, service: str, record: str, by: str) -> None:
    """Says in evidence, because an operator knows it, which record was in force when the table was lost; `0` for none.

    `record` is its name, such as `000002-0123456789ab`. It is marked, and no later record can come into force any more.
    KeyError if there is no such record.
    """
    names = [listed.key.removeprefix(f"calendars/{service}/") for listed in records.list(f"calendars/{service}/")]
    chosen = f"{record}.json"
    if chosen in names:
        _mark_in_force(records, service, int(record.partition("-")[0]), f"calendars/{service}/{chosen}")
    elif record != "0":
        raise KeyError(record)
    for later in (name for name in names if name.partition("-")[0] > record.partition("-")[0].zfill(6)):
        note = canonical({"record": f"calendars/{service}/{later}", "by": by})
        written_once(records, f"calendars-refused/{service}/{later}", note)
