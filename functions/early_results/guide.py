"""The upload guide's own sentences and whom it names for help: said here once, for the API, the page and the receipts.

The page gets them with its settings (`config.json`); the source is the customer's guide to the service.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Support(NamedTuple):
    """Whom users ask for help, and when somebody is there: a line for each of `hours`."""

    email: str
    telephone: str
    hours: tuple[str, ...]


# A deployment may name somebody else: the parameters SupportEmail, SupportTelephone and SupportHours of template.yaml.
SUPPORT: Final = Support(
    "support@fft.org.uk", "01446 776 262 (option 2)", ("Monday to Thursday: 9am to 4.30pm", "Friday: 9am to 4pm")
)

# What the history calls each status that people see.
STATUS_WORDS: Final = {
    "SUCCESSFUL": "Successful",
    "OVERWRITTEN": "Overwritten",
    "PROCESSING": "Processing",
    "UPLOAD_ERROR": "Upload error",
    "CHECKING": "Checking",
    "AWAITING_UPLOAD": "Waiting for the file",
}
_ERRORS = "This file contains errors and will not be used to generate a report"
_VIEW = "View the error(s) in the file upload details"
REPORT_FAILED: Final = "There is an error in the report creation process"
# What a user should know or do next, by the status that people see.
NEXT_STEPS: Final = {
    "AWAITING_UPLOAD": "We have not received this file yet. If your upload was interrupted, choose the file again.",
    "CHECKING": "We have received this file and are checking it. This usually takes a few seconds.",
    "SUCCESSFUL": "This data will be used to generate reports on the published date and new Y3 estimates generated "
    "in the autumn term",
    "OVERWRITTEN": "This file has been overwritten so reports will no longer be generated from its data",
    "PROCESSING": "Report generation is in progress for this file",
    "UPLOAD_ERROR": f"{_ERRORS}. {_VIEW}",
}
DELETING: Final = (
    "This will delete the uploaded file from the file history; any reports and new Y3 estimates will be removed / "
    "not generated"
)
# The history's key: a picture's name, what it stands for, and what that means.
LEGEND: Final = (
    ("download", "Download", "Download your submitted template - useful if corrections to results are required"),
    ("tick", STATUS_WORDS["SUCCESSFUL"], NEXT_STEPS["SUCCESSFUL"]),
    ("overwritten", STATUS_WORDS["OVERWRITTEN"], NEXT_STEPS["OVERWRITTEN"]),
    ("wait", STATUS_WORDS["PROCESSING"], NEXT_STEPS["PROCESSING"]),
    ("cross", STATUS_WORDS["UPLOAD_ERROR"], f"{_ERRORS}/ {REPORT_FAILED[0].lower()}{REPORT_FAILED[1:]}. {_VIEW}"),
    ("bin", "Delete upload", DELETING),
)
