"""The rosters and the membership of schools in trusts, as the table and the uploads bucket have them."""

from __future__ import annotations

from early_results import access, keys
from early_results.access import Role, User
from early_results.checking.roster import Roster, roster_from_json
from early_results.object_keys import roster_key

from .errors import NotThere
from .stores import Stores


def current_roster(stores: Stores, service: str, school: str) -> Roster | None:
    """The school's roster as it is now, or None if none has come yet."""
    item = stores.table.get(keys.roster(service, school))
    return roster_of_version(stores, service, school, item["version"]) if item else None


def roster_of_version(stores: Stores, service: str, school: str, version: str) -> Roster | None:
    """One version of a school's roster. None if there is no such version: a workbook may name any."""
    try:
        return roster_from_json(stores.uploads.get(roster_key(service, school, version)))
    except NotThere:
        return None


def user_of(stores: Stores, sub: str) -> User | None:
    """Who a `sub` is, with the schools they may act for now. Only the table decides that.

    None if the table has no such user, or if an operator disabled the user.
    """
    item = stores.table.get(keys.user(sub))
    if item is None or "disabled" in item:
        return None
    role = Role(item["role"])
    organisation = str(item["organisation"])
    schools: frozenset[str] = frozenset()
    if role is Role.SCHOOL:
        schools = frozenset({organisation.removeprefix("SCHOOL#")})
    elif role is Role.TRUST:
        rows = stores.table.query(organisation, prefix="SCHOOL#")
        schools = frozenset(row["sk"].removeprefix("SCHOOL#") for row in rows)
    return access.User(sub, str(item["name"]), role, organisation, schools)
