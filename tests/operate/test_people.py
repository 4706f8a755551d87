"""Users by command: many at once, who there is, invitations, shutting out, removing; and that a rebuild knows it."""

from __future__ import annotations

import json

import pytest

from adapters.rosters import user_of
from early_results import keys
from early_results.access import Role
from early_results.object_keys import user_key
from infra.operator import operating, people, rebuilding
from infra.operator.operating import CannotOperate

from .season import SCHOOLS, TRUST, Season

HEAD = "Head@School.example"
SCHOOL = f"SCHOOL#{SCHOOLS[0]}"


def sub_of(season: Season, email: str) -> str:
    pool = season.operated.cognito.admin_get_user(UserPoolId=season.operated.user_pool, Username=email)
    return next(str(a["Value"]) for a in pool["UserAttributes"] if a["Name"] == "sub")


def added(season: Season, email: str = HEAD) -> str:
    operating.add_user(season.operated, email, Role.SCHOOL, SCHOOL)
    return sub_of(season, email)


LIST = f"""email,role,organisation
head@one.example,school,{SCHOOL}
"office@trust.example",Trust,TRUST#{TRUST}

watch@operators.example,operator,OPERATOR
"""


def test_many_users_are_added_at_once_and_again_only_who_is_missing(played: Season) -> None:
    said = people.import_users(played.operated, LIST.encode())
    assert said.endswith("3 added, 0 not.")
    user = user_of(played.stores, sub_of(played, "office@trust.example"))
    assert user is not None
    assert (user.role, user.organisation) == (Role.TRUST, f"TRUST#{TRUST}")
    more = LIST + f"deputy@one.example,school,{SCHOOL}\n"
    assert people.import_users(played.operated, more.encode()).endswith("1 added, 3 not.")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("no address,school,SCHOOL#1231234", "line 3: no e-mail address"),
        (f"a@b.example,head,{SCHOOL}", "line 3: the role must be one of school, trust, operator"),
        ("a@b.example,school,SCHOOL#9999999", "line 3: SCHOOL#9999999 is not known"),
        ("a@b.example,school", "line 3: 2 cells instead of 3"),
        (f"HEAD@one.example,school,{SCHOOL}", "line 3: the same address as line 2"),
    ],
)
def test_a_list_with_a_slip_adds_nobody_and_says_where_it_is(played: Season, line: str, says: str) -> None:
    before = played.items()
    source = f"email,role,organisation\nhead@one.example,school,{SCHOOL}\n{line}\n"
    with pytest.raises(CannotOperate, match="nobody was added") as refused:
        people.import_users(played.operated, source.encode())
    assert says in str(refused.value)
    assert played.items() == before


@pytest.mark.parametrize("source", [b"", b"email,role\n", b"\xff\xfe", b"name,role,organisation\n"])
def test_what_is_no_list_is_refused(played: Season, source: bytes) -> None:
    with pytest.raises(CannotOperate):
        people.import_users(played.operated, source)


def test_everybody_is_listed_with_what_they_may_do(played: Season) -> None:
    added(played)
    people.disable(played.operated, HEAD, "left")
    listed = people.list_users(played.operated).splitlines()
    [line] = [one for one in listed if one.casefold().startswith(HEAD.casefold())]
    assert f"school for {SCHOOL}" in line
    assert "disabled" in line
    assert "password alone" in line
    assert listed[-1] == f"{len(listed) - 1} users"


def test_who_is_shut_out_is_so_at_once_and_may_be_let_in_again(played: Season) -> None:
    sub = added(played)
    people.disable(played.operated, HEAD, "left the school")
    assert user_of(played.stores, sub) is None
    pool = played.operated.cognito.admin_get_user(UserPoolId=played.operated.user_pool, Username=HEAD)
    assert pool["Enabled"] is False
    kept = json.loads(played.stores.records.get(user_key(sub)))
    assert (kept["state"], kept["reason"], kept["by"]) == ("disabled", "left the school", played.operated.who)
    people.disable(played.operated, HEAD, "left the school")  # repeated
    people.enable(played.operated, HEAD, "is back")
    assert user_of(played.stores, sub) is not None


def test_who_is_removed_is_gone_and_may_be_added_anew(played: Season) -> None:
    sub = added(played)
    people.remove(played.operated, HEAD, "asked for it")
    assert user_of(played.stores, sub) is None
    with pytest.raises(CannotOperate, match="no such user"):
        people.remove(played.operated, HEAD, "asked for it")
    assert added(played) != sub


def test_a_removal_that_died_half_way_is_finished_by_a_repeat(played: Season, monkeypatch: pytest.MonkeyPatch) -> None:
    sub = added(played)
    with monkeypatch.context() as dying:
        dying.setattr(people, "_pool", lambda act, **arguments: act(**arguments) if "get" in act.__name__ else 1 / 0)
        with pytest.raises(ZeroDivisionError):
            people.remove(played.operated, HEAD, "asked for it")
    people.remove(played.operated, HEAD, "asked for it")
    assert user_of(played.stores, sub) is None


def test_a_removed_user_stays_removed_after_a_rebuild_and_one_who_is_shut_out_too(played: Season) -> None:
    removed, out, kept = (added(played, f"{name}@school.example") for name in ("removed", "out", "kept"))
    people.remove(played.operated, "removed@school.example", "left")
    people.disable(played.operated, "out@school.example", "leaves tomorrow")
    played.lose_the_table()
    rebuilding.rebuild(played.operated, played.now)
    assert played.stores.table.get(keys.user(removed)) is None
    assert user_of(played.stores, out) is None
    assert user_of(played.stores, kept) is not None
    people.enable(played.operated, "out@school.example", "stays after all")
    assert user_of(played.stores, out) is not None


def test_the_file_of_a_removed_user_is_checked_all_the_same_after_a_rebuild(played: Season) -> None:
    """It was sent while they were there: it is theirs, and no stray object."""
    organisation = f"SCHOOL#{SCHOOLS[1]}"
    upload_id = played.sent(organisation, played.file(SCHOOLS[1]))
    users = played.operated.cognito.list_users(UserPoolId=played.operated.user_pool)["Users"]
    told = [{a["Name"]: a["Value"] for a in user["Attributes"]} for user in users]
    [address] = [one["email"] for one in told if one["sub"] == played.subs[organisation]]
    people.remove(played.operated, address, "left")
    played.lose_the_table()
    rebuilding.rebuild(played.operated, played.now)
    assert played.record(upload_id).user == played.subs[organisation]


def test_another_invitation_is_for_those_who_have_not_signed_in(played: Season) -> None:
    pool = {"UserPoolId": played.operated.user_pool, "Username": "new@school.example"}
    attributes = [{"Name": "email", "Value": "new@school.example"}]
    played.operated.cognito.admin_create_user(**pool, UserAttributes=attributes, MessageAction="SUPPRESS")
    assert "another temporary password" in people.resend(played.operated, "new@school.example")
    played.operated.cognito.admin_set_user_password(**pool, Password="Er1-abcdefghijk", Permanent=True)
    with pytest.raises(CannotOperate, match="signed in already"):
        people.resend(played.operated, "new@school.example")
    with pytest.raises(CannotOperate, match="no such user"):
        people.resend(played.operated, "nobody@school.example")
