"""Downloads of one upload: the file as it was sent, and its findings as JSON, CSV or the user's workbook annotated."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from adapters.errors import NotThere
from adapters.lookups import calendar_now
from adapters.settings import deployed_service
from adapters.stores import Stores
from early_results.access import User, may_read_pupils
from early_results.canonical import canonical
from early_results.checking import messages
from early_results.checking.listing import concerned_csv, findings_csv
from early_results.counting.uploads import Status, Upload
from early_results.findings import Finding, finding_from_json
from early_results.media import MEDIA_TYPES, XLSX
from early_results.object_keys import findings_key
from workflow.check_upload import judge_again

from . import problems
from .limits import LINK_SECONDS
from .pupils import concerned_in

if TYPE_CHECKING:
    from . import answers  # 6 ms of a cold start; only the contract reads what is in it


def file_link(stores: Stores, upload: Upload) -> answers.Link:
    """A short-lived link to the file as it was uploaded, under its own name."""
    if upload.version is None:
        raise problems.not_found("We have not received this file yet.")
    url = stores.uploads.link(
        upload.object_key,
        filename=upload.name,
        content_type=XLSX,
        seconds=LINK_SECONDS,
        version=upload.version,
    )
    return {"url": url}


def findings_link(stores: Stores, user: User, upload: Upload, form: str, now: datetime) -> answers.Link:
    """A short-lived link to all the findings of an upload. Who may see its pupils gets the lists that name them."""
    named = form != "xlsx" and may_read_pupils(user, upload)
    key = findings_key(upload.service, upload.upload_id, f"pupils.{form}" if named else form)
    if named:
        stores.results.put(key, _list_of_pupils(stores, upload, form), MEDIA_TYPES[form])
    elif form != "json":
        stores.results.put(key, _list(stores, upload, form, now), MEDIA_TYPES[form])
    elif not stores.results.has(key):
        stores.results.put(key, _json(upload), MEDIA_TYPES[form])
    if (stores.table.get(upload.key) or {}).get("status") == Status.DELETED.value:
        stores.results.remove(key)  # the file was deleted while the list was made, and the list must not outlive it
        raise problems.no_such_upload()
    stem = upload.name.rsplit(".", 1)[0]
    url = stores.results.link(
        key, filename=f"{stem}-findings.{form}", content_type=MEDIA_TYPES[form], seconds=LINK_SECONDS
    )
    return {"url": url}


def all_findings(stores: Stores, upload: Upload) -> tuple[Finding, ...]:
    """Every finding of an upload: from the results bucket, or from the record if no check wrote them to the bucket."""
    try:
        data = json.loads(stores.results.get(findings_key(upload.service, upload.upload_id, "json")))
    except NotThere:
        data = upload.findings
    return tuple(finding_from_json(entry) for entry in data)


def _json(upload: Upload) -> bytes:
    return canonical(list(upload.findings))


def _list_of_pupils(stores: Stores, upload: Upload, form: str) -> bytes:
    found = concerned_in(stores, upload, all_findings(stores, upload))
    return concerned_csv(found) if form == "csv" else canonical([one.to_json() for one in found])


def _list(stores: Stores, upload: Upload, form: str, now: datetime) -> bytes:
    if form == "csv":
        return findings_csv(all_findings(stores, upload))
    again = judge_again(stores, upload)
    if again is None:
        raise problems.not_found(
            "There is no annotated workbook for this file, because it could not be read. The list of findings says why."
        )
    submission, verdict, roster, _ = again
    service = deployed_service(upload.service)
    deadlines = [messages.deadline(window) for window in calendar_now(stores, service).windows]
    # imported only here: it loads openpyxl, which the other requests do not need
    from adapters.annotated import annotated_workbook

    return annotated_workbook(service, submission, verdict, roster, now, deadlines=deadlines)
