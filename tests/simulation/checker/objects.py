"""Every object has a record, and every record its object."""

from __future__ import annotations

from .evidence import Evidence


def check_objects(view: Evidence) -> None:
    strays = {row["sk"] for row in view.case.table if row["pk"] == "UNATTRIBUTED"}
    for key, versions in view.case.uploads.items():
        if not key.startswith("uploads/"):
            continue
        upload = key.split("/")[2]
        if (f"UPLOAD#{upload}", "UPLOAD") in view.items:
            continue
        for version in versions:
            if f"{key}#{version.version}" not in strays:
                view.wrong(4, f"nothing is known of the object {key}")
    for upload in view.posts:
        if (f"UPLOAD#{upload}", "UPLOAD") not in view.items:
            view.wrong(4, f"{upload} was posted and has no record")
        elif (
            upload not in view.tombstones and f"uploads/{view.case.service}/{upload}/file.xlsx" not in view.case.uploads
        ):
            view.wrong(4, f"the file of {upload} is gone")
