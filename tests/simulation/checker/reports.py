"""Every school whose file counts has its report, and nobody else has one."""

from __future__ import annotations

from .evidence import Evidence
from .figures import check_report


def check_reports(view: Evidence, number: int, counting: dict[str, str | None]) -> None:
    for row in view.uploads():
        noted = row.get(f"report_{number}", "REPLACED")
        if noted != "REPLACED" and row["status"] != "DELETED" and counting.get(row["school"]) != row["upload_id"]:
            view.wrong(4, f"{row['upload_id']} says {noted} of window {number}, where it does not count")
    for school, upload in counting.items():
        item = view.items.get((f"SCHOOL#{school}", f"REPORT#{view.case.service}#{number}"))
        if upload is None:
            if item is not None:
                view.wrong(4, f"{school} has a report of window {number} without a frozen file")
            continue
        if f"{number}#{school}" in view.case.dead_reports:
            # Given up after its last try, or built after all; that it failed is said, and of this file.
            state = (item or {}).get("state")
            if item is None or item["upload_id"] != upload or state not in ("READY", "FAILED"):
                view.wrong(4, f"the report of {school} in window {number} was given up, and its record says {state}")
            if state == "READY":
                check_report(view, number, school, upload)
            continue
        check_report(view, number, school, upload)
        objects = [
            f"reports/{view.case.service}/{number}/{school}/{upload}.{form}" for form in ("pdf", "staff.pdf", "xlsx")
        ]
        built = item is not None and item["state"] == "READY" and item["upload_id"] == upload
        if not built or not all(name in view.case.results for name in objects):
            view.wrong(4, f"the report of {school} in window {number} was never built")
