"""Adopting an object that has no record: somebody posted a form of ours, and the table that knew of it was lost.

Every object in the uploads bucket has a record and reaches a final status. The form signed who sent the file and for
which service. What that user may do, the table says as it is now.
"""

from __future__ import annotations

from datetime import timedelta

from adapters.errors import Conflict, NotThere
from adapters.lookups import calendar_now
from adapters.objects import Version
from adapters.stores import Stores
from early_results import keys
from early_results.counting.calendar import FORM_LIFETIME
from early_results.counting.uploads import Status, Upload, upload_from_item
from early_results.ids import first_ulid_of, ulid_time
from early_results.object_keys import parse_upload_key
from early_results.service import load_service, service_names
from early_results.writes import ABSENT, Key, Put

# A form is issued before S3 receives its file. A day is far more than our clock and S3's can differ.
CLOCKS = timedelta(days=1)


def adopt(stores: Stores, oldest: Version) -> Upload | None:
    """Makes the record of an object that had none, from what its form signed. `oldest` is the object's oldest version.

    None if no form of ours explains the object: we do not know its key, its service or its user.
    """
    found = parse_upload_key(oldest.key)
    if (
        found is None
        or found.service not in service_names()
        or found.upload_id > first_ulid_of(oldest.received + CLOCKS)
    ):
        return None
    service, upload_id = found
    try:
        signed = stores.uploads.metadata(oldest.key, oldest.version)
    except NotThere:
        return None
    user = stores.table.get(keys.user(signed["user"])) if signed.get("user") else None
    if user is None or signed.get("service") != service:
        return None
    organisation, issued = str(user["organisation"]), ulid_time(upload_id)
    upload = Upload(
        upload_id=upload_id,
        service=service,
        user=signed["user"],
        user_name=str(user["name"]),
        organisation=organisation,
        name=signed.get("name", ""),
        size=oldest.size,
        issued=issued,
        expires_at=calendar_now(stores, load_service(service)).form_expiry(issued) or issued + FORM_LIFETIME,
        status=Status.AWAITING_UPLOAD,
        school=_named(organisation, "SCHOOL#"),
        trust=_named(organisation, "TRUST#"),
        unsettled=True,
    )
    try:
        stores.table.write(Put(upload.key, upload.to_item(), require={"pk": ABSENT}))
    except Conflict:
        item = stores.table.get(upload.key)  # another sweep, or a rebuild, made the record first
        if item is None:
            raise
        return upload_from_item(item)
    return upload


def forget_unattributed(stores: Stores, service: str) -> None:
    """Removes the notes of unattributed objects whose upload has a record by now."""
    noted: dict[Key, list[Key]] = {}
    for row in stores.table.query(keys.UNATTRIBUTED):
        found = parse_upload_key(row["sk"].rpartition("#")[0])
        if found and found.service == service:
            noted.setdefault(keys.upload(found.upload_id), []).append(Key(row["pk"], row["sk"]))
    for upload in stores.table.get_many(noted):
        for note in noted[upload]:
            stores.table.delete(note)


def _named(organisation: str, kind: str) -> str | None:
    return organisation.removeprefix(kind) if organisation.startswith(kind) else None
