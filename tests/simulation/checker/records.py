"""Every upload has a record that ends as its evidence says."""

from __future__ import annotations

from .evidence import Evidence
from .leftovers import check_nothing_left


def check_upload(view: Evidence, upload: str) -> None:
    wrong = view.wrong
    item = view.items[f"UPLOAD#{upload}", "UPLOAD"]
    status, held = item["status"], item.get("held")
    verdict = view.verdicts.get(upload)
    deleted = status == "DELETED"
    if deleted is not (upload in view.tombstones):
        wrong(2, f"{upload} is {status}, and its tombstone says otherwise")
    if deleted:
        check_nothing_left(view, upload)
    elif held is not None:
        if held != "straggler" or upload not in view.stragglers:
            wrong(3, f"{upload} is held as {held} without evidence")
        if upload in view.added:
            wrong(3, f"{upload} was let in, and is still held")
    elif verdict is not None:
        good = verdict["outcome"] == "accepted"
        if upload in view.stragglers and upload not in view.added:
            good = False
            if not view.was_decided(upload, "refuse"):
                wrong(3, f"{upload} is a straggler that nobody refused, and is {status}")
        final = ("SUCCESSFUL", "OVERWRITTEN") if good else ("UPLOAD_ERROR",)
        if status not in final:
            wrong(4, f"{upload} is {status}, its verdict {verdict['outcome']}")
        for name in ("version", "sha256", "received", "window"):
            if item.get(name) != verdict[name]:
                wrong(4, f"{upload}: the record's {name} is not the verdict's")
    elif upload in view.posts:
        wrong(4, f"{upload} has an object, is {status}, and has no verdict")
    elif upload not in view.posts and status not in ("AWAITING_UPLOAD", "UPLOAD_ERROR"):
        wrong(4, f"{upload} is {status} and never had an object")
    for name in ("offer_pending", "purge_pending"):
        if name in item:
            wrong(4, f"{upload} ends with {name}")
    if "unsettled" in item and held != "straggler":
        wrong(4, f"{upload} ends unsettled")
