"""The operator's commands on a running stack. Each is recorded in the records bucket, with its reason."""

from __future__ import annotations

import getpass
import json
import os
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from adapters.errors import Conflict
from adapters.lookups import calendar_now, unsettled_ids, window_states
from adapters.objects import Bucket, written_once
from adapters.queue import Queue
from adapters.settings import Settings
from adapters.stores import Stores
from adapters.table import Table
from early_results import keys
from early_results.access import Role
from early_results.canonical import canonical
from early_results.counting import registers, verdicts
from early_results.counting.calendar import Calendar, CalendarRefused
from early_results.counting.freeze import State, WindowState, amendment, report_pins
from early_results.counting.registers import Amended, Outcome, register_from_item
from early_results.counting.uploads import LATE, Held, Status, Upload, held_partition, upload_from_item
from early_results.object_keys import admission_key
from early_results.service import load_service
from early_results.times import moment_words, to_text
from early_results.writes import ABSENT, Check, Write
from infra.local.stack import LOCAL
from workflow.check_upload import close_upload
from workflow.join_registers import settle_note

from .operations import NewUser, UserThere, create_user, mark_calendar, store_calendar
from .tracing import CloudWatchLogs, Logs

# The template's parameters and the functions' settings that say whom users ask for help.
SUPPORT_SETTINGS = {
    "SupportEmail": "SUPPORT_EMAIL",
    "SupportTelephone": "SUPPORT_TELEPHONE",
    "SupportHours": "SUPPORT_HOURS",
}


class CannotOperate(Exception):
    """The command cannot be carried out on this stack. The message says why."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class OperatorSession:
    """A stack that an operator works on: its stores, queues and logs, who the operator is, and the clock."""

    stores: Stores
    upload_queue: Queue
    report_queue: Queue
    who: str
    cognito: Any
    user_pool: str
    local: bool
    now: Callable[[], datetime] = _now
    logs: Logs | None = None


def open_stack(stack: str | None, who: str | None = None) -> OperatorSession:
    """The stack of that name in the AWS account of the environment. For None: the one that `make run` started."""
    try:
        made: Any = boto3.client
        if stack is None:
            told = json.loads((LOCAL / "stack.json").read_text())
            local = {
                "endpoint_url": told["endpoint"],
                "region_name": told["region"],
                "aws_access_key_id": told["access_key"],
                "aws_secret_access_key": told["secret_key"],
            }
            name = told["stack"]
        else:
            local, name = {}, stack
        described = made("cloudformation", **local).describe_stacks(StackName=name)["Stacks"][0]
    except FileNotFoundError:
        raise CannotOperate("no local stack is running; name one on AWS with --stack") from None
    except (BotoCoreError, ClientError) as error:
        raise CannotOperate(f"the stack cannot be reached: {error}") from error
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    # What a command tells users names whom they ask for help as the functions' own messages do.
    given = {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in described.get("Parameters", ())}
    os.environ.update({setting: given.get(parameter, "") for parameter, setting in SUPPORT_SETTINGS.items()})
    return OperatorSession(
        stores_of(outputs, made("dynamodb", **local), made("s3", **local)),
        Queue(made("sqs", **local), outputs["UploadQueueUrl"]),
        Queue(made("sqs", **local), outputs["ReportQueueUrl"]),
        who or getpass.getuser(),
        made("cognito-idp", **local),
        outputs["UserPoolId"],
        stack is None,
        logs=CloudWatchLogs(made("logs", **local), _log_groups(made("cloudformation", **local), name)),
    )


def _log_groups(cloudformation: Any, stack: str) -> dict[str, str]:
    """The log group of each of a stack's functions, by the function's name: `ValidateLogs` is validate's."""
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    return {
        resource["LogicalResourceId"].removesuffix("Logs").lower(): resource["PhysicalResourceId"]
        for page in pages
        for resource in page["StackResourceSummaries"]
        if resource["ResourceType"] == "AWS::Logs::LogGroup"
    }


def stores_of(outputs: dict[str, str], dynamodb: Any, s3: Any) -> Stores:
    """The table and the buckets that a stack's outputs name."""
    names = (outputs["UploadsBucketName"], outputs["ResultsBucketName"], outputs["RecordsBucketName"])
    settings = Settings(
        outputs["TableName"],
        *names,
        timedelta(seconds=float(outputs["GraceSeconds"])),
        timedelta(seconds=float(outputs["SweepAgeSeconds"])),
        timedelta(seconds=float(outputs["StalledSeconds"])),
        int(outputs["MaxUploadBytes"]),
    )
    uploads, results, records = (Bucket(s3, name) for name in names)
    return Stores(Table(dynamodb, outputs["TableName"]), uploads, results, records, settings)


def retry(session: OperatorSession, upload_id: str, reason: str) -> str:
    """Takes a parked upload back to the queue. CannotOperate if it is not parked."""
    upload = _held(session, upload_id, Held.PARKED)
    _record(session, upload, "retry", reason)
    _write(session, verdicts.retry_parked(upload))
    message = {"s3": {"object": {"key": upload.object_key, "versionId": upload.version}}}
    session.upload_queue.send([{"Records": [message]}])
    return f"{upload_id} is queued to be checked again."


def settle(session: OperatorSession, upload_id: str, reason: str) -> str:
    """Closes a parked upload as an upload error, so that its window no longer waits. CannotOperate if not parked."""
    upload = _held(session, upload_id, Held.PARKED)
    _record(session, upload, "settle", reason)
    if not close_upload(session.stores, upload_id):
        raise CannotOperate(f"{upload_id} had its verdict before its check failed, so it cannot be closed: use retry")
    return f"{upload_id} is closed as an upload error; no window waits for it any more."


def refuse(session: OperatorSession, upload_id: str, reason: str) -> str:
    """Closes a straggler or a parked upload as an upload error, with the reason. CannotOperate if it is neither."""
    if (_upload(session, upload_id)).held == Held.PARKED:
        return settle(session, upload_id, reason)
    upload = _held(session, upload_id, Held.STRAGGLER)
    if upload.received is None:
        raise CannotOperate(f"{upload_id} has no received time")
    _record(session, upload, "refuse", reason)
    calendar = calendar_now(session.stores, load_service(upload.service))
    settle_note(session.stores, upload)  # the evidence of the refusal is written first
    finding = verdicts.refused_late(calendar, upload.received, reason)
    _write(session, verdicts.refuse_straggler(upload, finding))
    return f"{upload_id} is closed as an upload error; its uploader is told why."


def admit(session: OperatorSession, upload_id: str, reason: str) -> str:
    """Lets a straggler in: writes an amendment beside the manifest, joins the service's register, has its report built.

    Safe to repeat, also after it died half way. Once the upload is marked, nobody can delete or refuse it, and the
    amendments are in evidence before the upload counts. CannotOperate if it is no straggler, or while a window is being
    frozen.
    """
    stores, upload = session.stores, _upload(session, upload_id)
    if upload.school is None or upload.window is None:
        raise CannotOperate(f"{upload_id} belongs to no school and window")
    calendar = calendar_now(stores, load_service(upload.service))
    let_in = upload.status in (Status.SUCCESSFUL, Status.OVERWRITTEN) and _admitted(session, upload)
    if not let_in and upload.held != Held.ADMITTING:
        upload = _held(session, upload_id, Held.STRAGGLER)
    _not_while_freezing(window_states(stores, calendar), upload)
    if not let_in:
        _record(session, upload, "admit", reason)
        if upload.held == Held.STRAGGLER:
            settle_note(stores, upload)
            _write(session, registers.begin_admission(upload))
        _join(session, calendar, upload_id, reason)
    rebuilt = [window.number for window in _amended(stores, calendar, upload) if _send_report(session, upload, window)]
    counts = (
        f"reports of window {' and '.join(map(str, rebuilt))} are built again" if rebuilt else "a later file counts"
    )
    return f"{upload_id} is let in beside the manifest; {counts}."


def _not_while_freezing(states: dict[int, WindowState], upload: Upload) -> None:
    number = upload.window or 0
    for other, state in states.items():
        done = state.state is State.FROZEN and state.reports_queued
        if (other == number and not done) or (other > number and state.sealing and not done):
            raise CannotOperate(f"window {other} is being frozen; try again once it is done")


def _amended(stores: Stores, calendar: Calendar, upload: Upload) -> list[Amended]:
    """The upload's window; and if it counts there, the later frozen windows in which the school has no file of its own.

    If it does not count in its own window, a later file stood there, perhaps deleted since. Then no older file is
    carried on.
    """
    school = str(upload.school)
    found: list[Amended] = []
    for window in calendar.windows:
        if window.number < (upload.window or 0):
            continue
        key = keys.window_register(upload.service, window.number, school)
        row = stores.table.get(key)
        register = register_from_item(key, row)
        own = register.mark is not None or not register.sealed
        if window.number != upload.window and (own or not found[0].admits(upload)):
            break
        added = stores.table.get(keys.added(upload.service, window.number, school))
        pinned = pinned_for_report(stores, calendar, window.number, school)
        found.append(Amended(window.number, register, row, added, pinned))
    return found


def _join(session: OperatorSession, calendar: Calendar, upload_id: str, reason: str) -> None:
    """Amends and joins, on condition that no freeze begins meanwhile, since that freeze might miss what was let in."""
    stores = session.stores
    while True:
        upload = _upload(session, upload_id)
        key = keys.current_register(upload.service, str(upload.school))
        current = register_from_item(key, stores.table.get(key))
        states = window_states(stores, calendar)
        _not_while_freezing(states, upload)
        windows = _amended(stores, calendar, upload)
        join = registers.admit(upload, current, windows)
        if join.outcome is not Outcome.JOINED:
            return  # another operator let it in at the same time
        for window in windows:
            _keep_amendment(session, upload, window.number, reason)
        unfrozen = [number for number, state in states.items() if state.state is not State.FROZEN]
        checks = [
            Check(keys.state(upload.service, number), {"sealing": ABSENT})
            for number in unfrozen
            if number > (upload.window or 0)
        ]
        try:
            stores.table.write([*join.writes, *checks])
        except Conflict:
            continue
        return


def _keep_amendment(session: OperatorSession, upload: Upload, number: int, reason: str) -> None:
    school = str(upload.school)
    record = amendment(upload.service, number, school, upload.upload_id, "added", session.now(), session.who, reason)
    key = admission_key(upload.service, number, upload.upload_id)
    # an earlier run of this command may have died half way
    written_once(session.stores.records, key, canonical(record))


def _send_report(session: OperatorSession, upload: Upload, window: Amended) -> bool:
    """Queues a school's report of a window if the upload counts for it. A report that is built twice is the same."""
    if registers.counting(window.register, window.row, window.added).upload != upload.upload_id:
        return False
    message = {"service": upload.service, "window": window.number, "school": str(upload.school)}
    session.report_queue.send([message])
    return True


def pinned_for_report(stores: Stores, calendar: Calendar, number: int, school: str) -> dict[str, str]:
    """What a report says besides figures: as pinned when the window was frozen, or as it is now if nothing was."""
    before = stores.table.get(keys.report(calendar.service, number, school)) or {}
    now = report_pins(stores.table.get(keys.school(school)), calendar.window(number))
    return {name: str(before.get(name, value)) for name, value in now.items()}


def _admitted(session: OperatorSession, upload: Upload) -> bool:
    """Whether an operator has begun to let an upload in, now or at any time."""
    prefix = f"operations/{upload.service}/{upload.upload_id}/"
    return any(listed.key.endswith("-admit.json") for listed in session.stores.records.list(prefix))


def show_calendar(session: OperatorSession, service_name: str, now: datetime) -> str:
    """The windows of a service in London time, with their states and until when they may be extended."""
    calendar = calendar_now(session.stores, load_service(service_name))
    states = window_states(session.stores, calendar)
    lines = [f"{service_name}, calendar version {calendar.version}"]
    for window in calendar.windows:
        state = states[window.number].state.value
        if window.opens <= now < window.closes:
            state += ", open for uploads"
        lines.append(
            f"  window {window.number}  {moment_words(window.opens)} to {moment_words(window.closes)}"
            f"  reports {window.reports.isoformat()}  {state}"
        )
    return "\n".join(lines)


def extend(
    session: OperatorSession, service_name: str, number: int, closes: datetime, reason: str, now: datetime
) -> str:
    """Lets a window close later. CannotOperate from a minute before its close on, and once it is being frozen."""
    stores = session.stores
    mark_calendar(stores.table, stores.records, service_name)
    calendar = calendar_now(stores, load_service(service_name))
    state = window_states(stores, calendar).get(number)
    if state and state.state is not State.OPEN:
        raise CannotOperate(f"window {number} is {state.state.value}: a window that has closed stays closed")
    try:
        extended = calendar.extend(number, closes, now)
        store_calendar(stores.table, stores.records, extended, session.who, reason)
    except CalendarRefused as refused:
        raise CannotOperate(str(refused)) from None
    except Conflict:
        raise CannotOperate("somebody has changed the calendar or the window meanwhile; look again") from None
    return f"Window {number} of {service_name} now closes at {moment_words(closes)}."


def show_windows(session: OperatorSession, service_name: str, now: datetime) -> str:
    """What an operator must know: the windows, what a freeze waits for, and what waits for the operator."""
    stores = session.stores
    service = load_service(service_name)
    mark_calendar(stores.table, stores.records, service_name)
    lines = [show_calendar(session, service_name, now)]
    waiting = [
        upload for upload in _listed(stores, unsettled_ids(stores, service.name)) if upload.received or upload.held
    ]
    parked = [upload for upload in waiting if upload.held == Held.PARKED]
    held = [str(row["order"]) for row in stores.table.query(held_partition(service.name), index="unsettled")]
    late = [upload for upload in _listed(stores, held) if upload.held in LATE]
    strays = list(stores.table.query(keys.UNATTRIBUTED))
    lines += _told("waiting to be checked or offered", [u for u in waiting if u.held is None], now)
    lines += _told("parked: `early-results retry` or `early-results settle`", parked, now)
    lines += _told("stragglers: `early-results settle --admit` or `--refuse`", late, now)
    lines.append(f"unattributed objects: {len(strays)}")
    lines += [f"  {row['sk']}  received {row['received']}" for row in strays]
    return "\n".join(lines)


def _told(words: str, uploads: list[Upload], now: datetime) -> list[str]:
    lines = [f"{words}: {len(uploads)}"]
    for upload in uploads:
        received = to_text(upload.received) if upload.received else "not received"
        begun = "  begun and not done: repeat `settle --admit`" if upload.held == Held.ADMITTING else ""
        waits = int((now - (upload.received or upload.issued)).total_seconds())
        lines.append(f"  {upload.upload_id}  school {upload.school or 'not known'}  {received}  {waits} s ago{begun}")
    return lines


def _listed(stores: Stores, upload_ids: Iterable[str]) -> list[Upload]:
    wanted = [keys.upload(upload_id) for upload_id in upload_ids]
    found = stores.table.get_many(wanted)
    return [upload_from_item(found[key]) for key in wanted if key in found and "unsettled" in found[key]]


def known_organisation(session: OperatorSession, role: Role, organisation: str) -> str | None:
    """What is wrong with an organisation for users of a role, or nothing."""
    kind, _, name = organisation.partition("#")
    if (role, kind) not in ((Role.SCHOOL, "SCHOOL"), (Role.TRUST, "TRUST"), (Role.OPERATOR, "OPERATOR")):
        return "the organisation of a school user is SCHOOL#1231234, of a trust's TRUST#<id>; OPERATOR"
    known = {Role.SCHOOL: keys.school(name), Role.TRUST: keys.trust(name)}.get(role)
    if known and session.stores.table.get(known) is None:
        return f"{organisation} is not known; is it in the last extract of schools and trusts?"
    return None


def add_user(session: OperatorSession, email: str, role: Role, organisation: str) -> str:
    """Adds a user to the pool, which writes to them, to evidence and to the table.

    CannotOperate if that is not allowed.
    """
    table = session.stores.table
    unknown = known_organisation(session, role, organisation)
    if unknown:
        raise CannotOperate(unknown)
    password = f"Er1-{secrets.token_urlsafe(12)}" if session.local else None
    try:
        new = NewUser(email, password, role, organisation)
        sub = create_user(session.cognito, session.user_pool, table, session.stores.records, new, session.who)
    except UserThere as there:
        raise CannotOperate(str(there)) from None
    except ClientError as error:
        raise CannotOperate(f"the pool refused: {error.response['Error']['Message']}") from error
    told = f"The password is {password}" if password else "They get a temporary password by email"
    return f"{email} is {role.value} for {organisation} ({sub}). {told}."


def _upload(session: OperatorSession, upload_id: str) -> Upload:
    if session.stores.table.get(keys.rebuild()) is not None:
        raise CannotOperate("the table is being rebuilt; try again once that is done")
    item = session.stores.table.get(keys.upload(upload_id))
    if item is None:
        raise CannotOperate(f"there is no upload {upload_id}")
    return upload_from_item(item)


def _held(session: OperatorSession, upload_id: str, held: Held) -> Upload:
    upload = _upload(session, upload_id)
    if upload.held != held or upload.status is Status.DELETED:
        words = "parked" if held is Held.PARKED else "a straggler"
        is_now = "being let in: repeat `settle --admit`" if upload.held == Held.ADMITTING else upload.status.value
        raise CannotOperate(f"{upload_id} is not {words}; it is {is_now}")
    return upload


def _record(session: OperatorSession, upload: Upload, did: str, reason: str) -> None:
    """Records what an operator decides. It is written first, so that nothing is done without a record."""
    moment = session.now()
    record = {
        "upload": upload.upload_id,
        "service": upload.service,
        "did": did,
        "reason": reason,
        "by": session.who,
        "at": to_text(moment),
    }
    key = f"operations/{upload.service}/{upload.upload_id}/{moment:%Y%m%dT%H%M%S%fZ}-{did}.json"
    # the record may be there already, if an answer was lost
    written_once(session.stores.records, key, canonical(record))


def _write(session: OperatorSession, writes: Write | list[Write]) -> None:
    try:
        session.stores.table.write(writes)
    except Conflict:
        raise CannotOperate("somebody has changed the upload meanwhile; look again") from None
