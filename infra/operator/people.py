"""The commands for users: add many at once, list, invite again, disable, enable, remove.

What a user may do is kept in the records bucket under their `sub`, in a new version at every change. Who they are, only
the user pool knows. A disabled user is shut out at once, even with a token that was given before: the API looks in the
table at every request.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from adapters.errors import NotThere
from adapters.people import CODES
from early_results import keys
from early_results.access import Role
from early_results.canonical import canonical
from early_results.object_keys import user_key
from early_results.times import to_text
from early_results.writes import PRESENT, Update

from .operating import CannotOperate, OperatorSession, add_user, known_organisation

HEADINGS = ["email", "role", "organisation"]


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the pool. `state` is what the pool says: FORCE_CHANGE_PASSWORD until the first sign-in."""

    email: str
    sub: str
    state: str
    enabled: bool
    codes: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a list of users."""

    email: str
    role: Role
    organisation: str


def parse_users(source: bytes, known: Callable[[Role, str], str | None]) -> list[Line]:
    """The users of a CSV file with the headings email, role, organisation.

    `known` says what is wrong with a role and an organisation, None if nothing is. CannotOperate names every line that
    is wrong.
    """
    try:
        rows = list(csv.reader(io.StringIO(source.decode("utf-8-sig"))))
    except (UnicodeDecodeError, csv.Error):
        raise CannotOperate("the file is not a CSV file in UTF-8") from None
    if not rows or [cell.strip().casefold() for cell in rows[0]] != HEADINGS:
        raise CannotOperate(f"the first line must be {','.join(HEADINGS)}")
    lines: list[Line] = []
    wrong: list[str] = []
    seen: dict[str, int] = {}
    for number, row in enumerate(rows[1:], start=2):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        slip = _slip(cells, known)
        if not slip and seen.setdefault(cells[0].casefold(), number) != number:
            slip = f"the same address as line {seen[cells[0].casefold()]}"
        if slip:
            wrong.append(f"  line {number}: {slip}")
        else:
            address, role, organisation = cells
            lines.append(Line(address, Role(role.casefold()), organisation))
    if wrong:
        raise CannotOperate("nobody was added:\n" + "\n".join(wrong))
    return lines


def _slip(cells: list[str], known: Callable[[Role, str], str | None]) -> str | None:
    if len(cells) != len(HEADINGS):
        return f"{len(cells)} cells instead of {len(HEADINGS)}"
    address, role, organisation = cells
    if "@" not in address[1:-1] or any(letter.isspace() for letter in address):
        return "no e-mail address"
    if role.casefold() not in set(Role):
        return f"the role must be one of {', '.join(Role)}"
    return known(Role(role.casefold()), organisation)


def import_users(session: OperatorSession, source: bytes) -> str:
    """Adds every user of a CSV file who is not there yet. Safe to repeat, also after it died half way."""
    lines = parse_users(source, lambda role, organisation: known_organisation(session, role, organisation))
    said: list[str] = []
    added = 0
    for line in lines:
        try:
            said.append(add_user(session, line.email, line.role, line.organisation))
            added += 1
        except CannotOperate as refused:
            said.append(str(refused))
    return "\n".join([*said, f"{added} added, {len(lines) - added} not."])


def list_users(session: OperatorSession) -> str:
    """Everybody in the pool and what they may do: one line each, sorted by organisation and address."""
    lines = []
    for person in _everybody(session):
        item = session.stores.table.get(keys.user(person.sub))
        may = f"{item['role']} for {item['organisation']}" if item else "no access: removed, or added half way"
        words = [may]
        if not person.enabled:
            words.append("disabled")
        elif person.state == "FORCE_CHANGE_PASSWORD":
            words.append("invited, not signed in yet")
        words.append("signs in with codes" if person.codes else "password alone")
        lines.append((str(item["organisation"]) if item else "", f"{person.email}  {', '.join(words)}"))
    return "\n".join([*(line for _, line in sorted(lines)), f"{len(lines)} users"])


def resend(session: OperatorSession, email: str) -> str:
    """Sends another invitation, with a new temporary password, to somebody who has not signed in yet."""
    person = _person(session, email)
    if person.state != "FORCE_CHANGE_PASSWORD":
        raise CannotOperate(f"{email} has signed in already: “Forgotten your password?” on the page helps them")
    _pool(session.cognito.admin_create_user, UserPoolId=session.user_pool, Username=email, MessageAction="RESEND")
    return f"{email} gets another temporary password by email."


def disable(session: OperatorSession, email: str, reason: str) -> str:
    """Shuts a user out, from their next request on, until `enable`. Safe to repeat."""
    person = _person(session, email)
    _keep(session, person.sub, "disabled", reason)
    session.stores.table.write(Update(keys.user(person.sub), set={"disabled": "yes"}, require={"pk": PRESENT}))
    _pool(session.cognito.admin_disable_user, UserPoolId=session.user_pool, Username=email)
    _pool(session.cognito.admin_user_global_sign_out, UserPoolId=session.user_pool, Username=email)
    return f"{email} is shut out. Let them in again with `early-results user enable`."


def enable(session: OperatorSession, email: str, reason: str) -> str:
    """Lets a user in again who was disabled."""
    person = _person(session, email)
    _keep(session, person.sub, None, reason)
    session.stores.table.write(Update(keys.user(person.sub), remove=("disabled",), require={"pk": PRESENT}))
    _pool(session.cognito.admin_enable_user, UserPoolId=session.user_pool, Username=email)
    return f"{email} may sign in again."


def remove(session: OperatorSession, email: str, reason: str) -> str:
    """Removes a user for good from the table and the pool. Their uploads stay, and still name them as the uploader.

    The evidence keeps what they were allowed, and that they were removed, so that a rebuilt table does not let them in.
    """
    person = _person(session, email)
    _keep(session, person.sub, "removed", reason)
    session.stores.table.delete(keys.user(person.sub))
    _pool(session.cognito.admin_delete_user, UserPoolId=session.user_pool, Username=email)
    return f"{email} is removed."


def _keep(session: OperatorSession, sub: str, state: str | None, reason: str) -> None:
    """Keeps a user's rights with their new state, before it comes into force."""
    records = session.stores.records
    try:
        before: dict[str, Any] = json.loads(records.get(user_key(sub)))
    except NotThere:
        raise CannotOperate("this user was never added by a command, so nothing is known of their rights") from None
    if before.get("state") == "removed":
        if state == "removed":
            return  # an earlier run of the command died half way
        raise CannotOperate("this user is removed; add them again")
    kept = {"role": before["role"], "organisation": before["organisation"]}
    told = {"by": session.who, "reason": reason, "at": to_text(session.now())}
    records.put(user_key(sub), canonical({**kept, **told, **({"state": state} if state else {})}), "application/json")


def _person(session: OperatorSession, email: str) -> Person:
    found = _pool(session.cognito.admin_get_user, UserPoolId=session.user_pool, Username=email)
    return _told(found["UserAttributes"], found)


def _everybody(session: OperatorSession) -> Iterator[Person]:
    for page in session.cognito.get_paginator("list_users").paginate(UserPoolId=session.user_pool):
        for user in page["Users"]:
            # A listing does not say who signs in with codes.
            found = _pool(session.cognito.admin_get_user, UserPoolId=session.user_pool, Username=user["Username"])
            yield _told(user["Attributes"], found)


def _told(attributes: list[dict[str, str]], found: dict[str, Any]) -> Person:
    told = {attribute["Name"]: attribute["Value"] for attribute in attributes}
    codes = CODES in found.get("UserMFASettingList", [])
    return Person(told.get("email", ""), told["sub"], found["UserStatus"], found["Enabled"], codes)


def _pool(act: Callable[..., Any], **arguments: Any) -> Any:
    try:
        return act(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] == "UserNotFoundException":
            raise CannotOperate("the pool knows no such user") from None
        raise CannotOperate(f"the pool refused: {error.response['Error']['Message']}") from error
