"""Every path of every function's writes, held against the rights of its role in the template.

The histories of the simulation run the functions' own handlers under mishaps, so the rare paths come too. What a
function asks of the table, the buckets and the queues there is noted, and its role must allow each of it: on the table
by action and leading key, in a bucket by action and key. The other way round, a write that a role allows and that no
history and no play below has made would be a right without a path, or a path that nothing here plays.

`make wiring` shows that no right is too many; MiniStack plays too few rare paths to show that none is missing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import pytest

from adapters.stores import Stores
from early_results.access import Role, User
from early_results.counting.uploads import Status
from early_results.writes import Check, Put, Remove, Update
from portal.downloads import findings_link
from tests.simulation.founding import stores_of
from tests.simulation.history import play
from tests.simulation.store import Gate, MemoryBucket, MemoryQueue, MemoryTable
from tests.template.reading import Template, denials, listed, load_template, policies, statements
from tests.uploads import upload_of
from workflow.check_upload import Checked, check_object

pytestmark = pytest.mark.long

SEEDS = range(902_000, 902_100)  # by the ninetieth, every write that any of 400 makes has been made
# Who acts in a history, by how the name of an actor begins; an operator uses rights of their own.
FUNCTIONS = {
    "validate ": "ValidateFunction",
    "rescue ": "RescueFunction",
    "supersede ": "SupersedeFunction",
    "freeze": "FreezeFunction",
    "build ": "BuildFunction",
    "give up ": "BuildFunction",
    "import": "RosterFunction",
    "form for ": "PortalFunction",
    "look at ": "PortalFunction",
    "deletion of ": "PortalFunction",
    "stranger at ": "PortalFunction",
}
WRITES = {
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "sqs:SendMessage",
}
OF_A_WRITE = {Put: "PutItem", Update: "UpdateItem", Remove: "DeleteItem", Check: "ConditionCheckItem"}
BUCKETS = {"uploads": "UploadsBucket", "results": "ResultsBucket", "records": "RecordsBucket"}
QUEUES = {"upload queue": "UploadQueue", "report queue": "ReportQueue"}
# The same code with the same rights: what one has done, the other may have to do.
SAME = dict.fromkeys(("ValidateFunction", "RescueFunction"), ("ValidateFunction", "RescueFunction"))
# Lambda itself sends what a stream gives up, to the queue that the role names.
NOT_OURS = {("SupersedeFunction", "StreamFailureQueue")}


class Asked(NamedTuple):
    """Something a function asked for: of the table the leading key tells what, of a bucket the object's key."""

    function: str
    action: str
    resource: str
    leading: str = ""


def function_of(gate: Any) -> str | None:
    """The function that acts at this moment; None for an operator, and for what happens outside every function."""
    actor = getattr(gate, "current", None)
    while actor is not None and actor.parent is not None:
        actor = actor.parent  # a thread of the function's
    name = actor.name if actor is not None else ""
    return next((function for start, function in FUNCTIONS.items() if name.startswith(start)), None)


@pytest.fixture(scope="module")
def asked() -> set[Asked]:
    """What the functions ask for, in the histories and in the plays of what a history leaves out."""
    found: set[Asked] = set()
    with pytest.MonkeyPatch.context() as patch:
        watch(patch, found)
        for seed in SEEDS:
            play(seed)
        play_the_rest()
    return found


def watch(patch: pytest.MonkeyPatch, found: set[Asked]) -> None:
    """Notes what is asked of the stores in memory, as the adapters of the same names would ask it of AWS."""

    def note(store: Any, action: str, resource: str, leading: str = "") -> None:
        function = function_of(store.gate)
        if function is not None:
            found.add(Asked(function, action, resource, leading.partition("#")[0]))

    def before(store: type[Any], name: str, tell: Callable[..., None]) -> None:
        real = getattr(store, name)

        def told(self: Any, *arguments: Any, **more: Any) -> Any:
            tell(self, *arguments, **more)
            return real(self, *arguments, **more)

        patch.setattr(store, name, told)

    def many(table: Any, wanted: Any) -> None:
        for key in wanted:
            note(table, "dynamodb:BatchGetItem", "Table", key.pk)

    def query(table: Any, pk: str, *, index: str | None = None, **_: Any) -> None:
        note(table, "dynamodb:Query", f"Table/index/{index}" if index else "Table", pk)

    def write(table: Any, writes: Any) -> None:
        for one in [writes] if isinstance(writes, Put | Update | Remove | Check) else writes:
            note(table, f"dynamodb:{OF_A_WRITE[type(one)]}", "Table", one.key.pk)

    def get_many(table: Any, wanted: Any) -> Any:
        keys = list(wanted)
        many(table, keys)
        return real_many(table, keys)

    real_many = MemoryTable.get_many
    patch.setattr(MemoryTable, "get_many", get_many)
    before(MemoryTable, "get", lambda table, key, **_: note(table, "dynamodb:GetItem", "Table", key.pk))
    before(MemoryTable, "query", query)
    before(MemoryTable, "write", write)
    before(MemoryTable, "delete", lambda table, key: note(table, "dynamodb:DeleteItem", "Table", key.pk))

    def on_object(action: str) -> Callable[..., None]:
        return lambda bucket, key, *_, **__: note(bucket, action, f"{BUCKETS[bucket.name]}/{key}")

    def on_bucket(action: str) -> Callable[..., None]:
        return lambda bucket, *_, **__: note(bucket, action, BUCKETS[bucket.name])

    def read(bucket: Any, key: str, version: str | None = None, *_: Any, **__: Any) -> None:
        note(bucket, "s3:GetObjectVersion" if version else "s3:GetObject", f"{BUCKETS[bucket.name]}/{key}")

    for name in ("put", "put_once", "form"):
        before(MemoryBucket, name, on_object("s3:PutObject"))
    for name in ("get", "metadata", "has"):
        before(MemoryBucket, name, read)
    for name in ("versions", "all_versions"):  # `oldest` and `remove_versions` ask by these
        before(MemoryBucket, name, on_bucket("s3:ListBucketVersions"))
    before(MemoryBucket, "list", on_bucket("s3:ListBucket"))
    before(MemoryBucket, "remove", on_object("s3:DeleteObject"))
    before(MemoryBucket, "_drop", on_object("s3:DeleteObjectVersion"))
    before(MemoryQueue, "send", lambda queue, _: note(queue, "sqs:SendMessage", QUEUES[queue.name]))


@dataclass(frozen=True, slots=True)
class Acting:
    """Who acts, as the scheduler has it."""

    name: str
    parent: None = None


class Calm(Gate):
    """One function acts, and nothing goes wrong."""

    def __init__(self, name: str) -> None:
        self.current = Acting(name)

    def now(self) -> datetime:
        return datetime(2023, 6, 30, 9, tzinfo=UTC)


class Linked(MemoryBucket):
    """A bucket that also signs links, which no history asks for."""

    def link(self, key: str, **_: Any) -> str:
        """Stands for a presigned link."""
        return key


SECRETARY = User("sub", "secretary@example.org", Role.SCHOOL, "SCHOOL#1231234", frozenset({"1231234"}))
OPERATOR = User("operator", "operator@example.org", Role.OPERATOR, "OPERATOR", frozenset())


def play_the_rest() -> None:
    """What no history plays: lists of findings, which the portal makes when they are first asked for; and the removal
    of a form's second file, which comes to a check after its upload was deleted."""
    for name in ("look at findings", "validate a replay"):
        gate = Calm(name)
        results = Linked("results", gate, versioned=False)
        table, uploads = MemoryTable(gate), MemoryBucket("uploads", gate, versioned=True)
        stores: Stores = stores_of(table, uploads, results, MemoryBucket("records", gate, versioned=True))
        moment = gate.now()
        status = Status.DELETED if name.startswith("validate") else Status.UPLOAD_ERROR
        upload = upload_of("01H43Q0F8RZJ4T1D2ZK5N8Q6WX", moment, status=status)
        table.write(Put(upload.key, upload.to_item()))
        if upload.status is Status.DELETED:
            version = uploads.store(upload.object_key, b"again", moment)
            assert check_object(stores, upload.object_key, version, moment) is Checked.DELETED
            assert uploads.objects == {}
        else:
            for form in ("json", "csv"):
                for user in (SECRETARY, OPERATOR):
                    assert findings_link(stores, user, upload, form, moment)["url"] in results.objects


# ---------------------------------------------------------------- what a role allows


def resource_of(told: Any) -> str:
    """A resource of a statement as it is noted above: `Table`, `Table/index/by_school`, `UploadsBucket/uploads/*`."""
    if "Fn::GetAtt" in told:
        return str(told["Fn::GetAtt"][0])
    return str(told["Fn::Sub"]).replace("${", "").replace(".Arn}", "")


def covers(statement: dict[str, Any], one: Asked) -> bool:
    """Whether a statement speaks of what was asked for."""
    keys = statement.get("Condition", {}).get("ForAnyValue:StringLike", {}).get("dynamodb:LeadingKeys", ["*"])
    return (
        any(fnmatchcase(one.action, action) for action in listed(statement["Action"]))
        and any(fnmatchcase(one.resource, resource_of(resource)) for resource in listed(statement["Resource"]))
        and any(fnmatchcase(f"{one.leading}#", key) for key in listed(keys))
    )


def refused(template: Template, asked: set[Asked]) -> list[Asked]:
    """What a function asks for and its role does not allow."""
    return sorted(
        one
        for one in asked
        if not any(covers(statement, one) for statement in statements(template, one.function))
        or any(covers(statement, one) for statement in denials(template, one.function))
    )


def never_used(template: Template, asked: set[Asked]) -> Iterator[tuple[str, str, str]]:
    """The writes that a role allows and nothing has made: function, action, resource."""
    for function in sorted(set(FUNCTIONS.values())):
        for statement in policies(template, function)["works"]["Statement"]:
            for action in listed(statement["Action"]):
                for resource in map(resource_of, listed(statement["Resource"])):
                    of_us = {write for write in WRITES if fnmatchcase(write, action)}
                    doers = SAME.get(function, (function,))
                    done = {one.resource for one in asked if one.function in doers and one.action in of_us}
                    made = any(fnmatchcase(thing, resource) for thing in done)
                    if of_us and not made and (function, resource) not in NOT_OURS:
                        yield function, action, resource


def test_a_role_allows_all_that_its_function_asks_for(asked: set[Asked]) -> None:
    assert {one.function for one in asked} == set(FUNCTIONS.values())
    assert refused(load_template(), asked) == []


def test_every_write_that_a_role_allows_has_been_made(asked: set[Asked]) -> None:
    assert list(never_used(load_template(), asked)) == []


def test_a_right_that_is_taken_out_is_missed(asked: set[Asked]) -> None:
    """Each write that a role allows, taken out of it in turn."""
    whole = load_template()
    tried = 0
    for function in sorted(set(FUNCTIONS.values())):
        for at, statement in enumerate(policies(whole, function)["works"]["Statement"]):
            for resource in listed(statement["Resource"]):
                writes = [
                    action for action in listed(statement["Action"]) if any(fnmatchcase(w, action) for w in WRITES)
                ]
                if not writes or (function, resource_of(resource)) in NOT_OURS:
                    continue
                template = json.loads(json.dumps(whole))
                left = policies(template, function)["works"]["Statement"][at]
                left["Resource"] = [other for other in listed(left["Resource"]) if other != resource]
                tried += 1
                both = {one._replace(function=function) for one in asked if one.function in SAME.get(function, ())}
                assert refused(template, asked | both), (function, statement["Sid"], resource)
    assert tried > 20
