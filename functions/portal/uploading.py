"""Issuing upload forms, and deleting uploads."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from secrets import token_bytes
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

from adapters.errors import Conflict
from adapters.lookups import calendar_now
from adapters.stores import Stores
from early_results import access, keys
from early_results.access import User
from early_results.counting import forms, verdicts
from early_results.counting.calendar import Calendar
from early_results.counting.registers import Outcome
from early_results.counting.uploads import Status, Upload, upload_from_item
from early_results.ids import new_ulid
from early_results.media import XLSX
from early_results.service import Service
from early_results.times import moment_words, to_text
from early_results.writes import ABSENT, Put, Write
from workflow.delete_upload import join_deletion, purge

from . import problems
from .limits import NAME_BYTES
from .requests import FileToUpload, UploadRequest

if TYPE_CHECKING:
    from . import answers  # 6 ms of a cold start; only the contract reads what is in it

RACES = 10  # how often a request may lose a race to others of the same organisation before it gives up


def issue_forms(
    stores: Stores, user: User, service: Service, request: UploadRequest, now: datetime
) -> list[answers.Form | answers.Refused]:
    """One record and one presigned form for each file.

    Nothing is written if no window is open or the user may not upload.
    """
    if not user.may_upload():
        raise problems.forbidden("Only administrators of a school or of a trust upload files.")
    calendar = calendar_now(stores, service)
    window, expires_at = calendar.window_of(now), calendar.form_expiry(now)
    if window is None or expires_at is None:
        raise problems.window_closed(closed_words(calendar, now))
    _take_forms(stores, user, len(request.files), now)
    # Ids of one request are in the order of its files: if two arrive in the same second, the later one in the list
    # counts.
    entropy = sorted(token_bytes(10) for _ in request.files)
    return [
        _issue(stores, user, service, file, now, expires_at, window.number, noise)
        for file, noise in zip(request.files, entropy, strict=True)
    ]


def _take_forms(stores: Stores, user: User, asked: int, now: datetime) -> None:
    """Counts forms in the ledgers of the user and of their organisation. Problem (429) if too many would be open.

    Problem (429) also for a request that loses all its races, since very many must be coming at the same moment.
    """
    most = {user.sub: forms.MOST_OF_USER, user.organisation: forms.MOST_OF_ORGANISATION}
    for _ in range(RACES):
        kept = stores.table.get_many(keys.forms(who) for who in most)
        writes: list[Write] = []
        for who, limit in most.items():
            taken = forms.take(who, limit, kept.get(keys.forms(who)), asked, now)
            if isinstance(taken, forms.TooMany):
                raise problems.too_many_forms(taken.most, taken.seconds)
            writes.append(taken)
        try:
            stores.table.write(writes)
        except Conflict:
            continue
        return
    raise problems.too_many_forms(forms.MOST_OF_USER, 1)


def closed_words(calendar: Calendar, now: datetime) -> str:
    """When the last window closed and when the next one opens, in words for people."""
    closed = calendar.last_closed(now)
    opens = calendar.next_to_open(now)
    words = [f"The last window closed at {moment_words(closed.closes)}."] if closed else []
    words.append(
        f"The next window opens at {moment_words(opens.opens)}." if opens else "There is no later window this year."
    )
    return " ".join(words)


def name_for_metadata(name: str) -> str:
    """A file name as an object's metadata carries it, cut to `NAME_BYTES`. The upload's record has it in full.

    S3 takes 2 KB of metadata in all, and one character may need twelve bytes.
    """
    while len(quote(name)) > NAME_BYTES:
        name = name[:-1]
    return name


def _issue(
    stores: Stores,
    user: User,
    service: Service,
    file: FileToUpload,
    now: datetime,
    expires_at: datetime,
    window: int,
    entropy: bytes,
) -> answers.Form | answers.Refused:
    limit = stores.settings.max_upload_bytes
    upload = Upload(
        upload_id=new_ulid(now, entropy),
        service=service.name,
        user=user.sub,
        user_name=user.name,
        organisation=user.organisation,
        name=file.name,
        size=file.size,
        issued=now,
        expires_at=expires_at,
        status=Status.AWAITING_UPLOAD,
        school=next(iter(user.schools)) if user.role is access.Role.SCHOOL else None,
        trust=user.trust,
        unsettled=True,
    )
    if file.size > limit:
        refused = verdicts.too_large(file.size, limit)
        upload = replace(
            upload,
            status=Status.UPLOAD_ERROR,
            unsettled=False,
            findings=(refused.to_json(),),
            counts={"pupils": 0, "errors": 1, "warnings": 0},
            ruleset=service.ruleset,
        )
        stores.table.write(Put(upload.key, upload.to_item(), {"pk": ABSENT}))
        return {
            "upload_id": upload.upload_id,
            "name": upload.name,
            "status": Status.UPLOAD_ERROR,
            "post": None,
            "expires_at": None,
            "findings": [cast("answers.Finding", refused.to_json())],
        }
    stores.table.write(Put(upload.key, upload.to_item(), {"pk": ABSENT}))
    form = stores.uploads.form(
        upload.object_key,
        content_type=XLSX,
        metadata={
            "name": name_for_metadata(file.name),
            "user": user.sub,
            "organisation": user.organisation,
            "service": service.name,
        },
        max_bytes=limit,
        seconds=max(1, int((expires_at - now).total_seconds())),
    )
    return {
        "upload_id": upload.upload_id,
        "name": upload.name,
        "status": Status.AWAITING_UPLOAD,
        "post": cast("answers.Post", form),
        "expires_at": to_text(expires_at),
        "window": window,
    }


def delete(stores: Stores, user: User, service: Service, upload: Upload, now: datetime) -> None:
    """Deletes an upload for its uploader: at once from the history and the registers, and then its objects."""
    if not access.may_delete(user, upload):
        raise problems.forbidden("Only the person who uploaded a file can delete it.")
    outcome, before = join_deletion(stores, upload.upload_id)
    if outcome is Outcome.NOT_YET:
        raise problems.still_checking()
    if before is None:
        raise problems.no_such_upload()
    item = stores.table.get(upload.key)
    if item and "purge_pending" in item:
        purge(stores, calendar_now(stores, service), upload_from_item(item), now)
